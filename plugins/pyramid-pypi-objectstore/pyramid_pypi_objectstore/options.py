"""What all kinds of storage of this plugin take."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pyramid_pypi.options import Seconds, Secret, Size

__all__ = ["BucketOptions", "about", "endpoint_problem", "revealed"]

_LEAST_PART = 5 << 20
_LONGEST_SIGNATURE = 7 * 24 * 3600


def about(text: str) -> dict[str, str]:
    """Return the metadata of an option."""
    return {"help": text}


def revealed(**secrets: Secret | str | None) -> dict[str, str]:
    """Return the texts that are given, by name; what is empty is left to the library."""
    texts = {name: one.reveal() if isinstance(one, Secret) else one for name, one in secrets.items()}
    return {name: text for name, text in texts.items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOptions:
    """Where things are in the bucket, how they are sent, and how long anything may take."""

    prefix: str = field(default="", metadata=about("what all keys begin with, such as `python/`"))
    serve: Literal["stream", "redirect"] = field(
        default="stream", metadata=about("send files ourselves, or send clients to a signed URL")
    )
    redirect_expires: Seconds = field(default=Seconds(300), metadata=about("how long such a URL is good for"))
    exclusive: Literal["conditional", "catalog"] = field(
        default="conditional",
        metadata=about("who sees to it that a name is taken once: the service, or a lease in the catalog"),
    )
    staging: Path | None = field(
        default=None, metadata=about("a folder for uploads that are under way; else the system's for such")
    )
    part_size: Size = field(
        default=Size(8 << 20), metadata=about("larger files are sent in parts of this size, a few at a time")
    )
    connect_timeout: Seconds = field(default=Seconds(3), metadata=about("for a connection and its TLS"))
    timeout: Seconds = field(default=Seconds(30), metadata=about("for each part that is sent or fetched"))
    retry_timeout: Seconds = field(
        default=Seconds(5), metadata=about("after this time nothing is tried again")
    )
    ca: Path | None = field(
        default=None, metadata=about("a PEM file of an authority to trust as well as the system's")
    )

    def __post_init__(self) -> None:
        problems = list(self.problems())
        if problems:
            raise ValueError("; ".join(problems))

    def problems(self) -> Iterator[str]:
        """Yield what is wrong, in sentences that begin with the name of an option."""
        parts = self.prefix.strip("/").split("/") if self.prefix.strip("/") else []
        if any(part in {"", ".", ".."} for part in parts):
            yield f"prefix: {self.prefix!r} has an empty part or one of dots"
        if self.part_size < _LEAST_PART:
            yield "part_size is at least 5 MiB"
        if not 1 <= self.redirect_expires <= _LONGEST_SIGNATURE:
            yield "redirect_expires is between one second and seven days"
        if min(self.connect_timeout, self.timeout, self.retry_timeout) < 1:
            yield "connect_timeout, timeout and retry_timeout are at least one second"
        if self.ca is not None and not self.ca.is_file():
            yield f"ca: {self.ca} is not a file"

    @property
    def folder(self) -> str:
        """The prefix as it stands before a key: empty, or with a slash at its end."""
        prefix = self.prefix.strip("/")
        return f"{prefix}/" if prefix else ""


def endpoint_problem(endpoint: str) -> str | None:
    """Return what is wrong with the address of a service, None if nothing is."""
    if not endpoint or endpoint.startswith(("https://", "http://")):
        return None
    return f"endpoint: {endpoint!r} is not https://HOST or http://HOST"
