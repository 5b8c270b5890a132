"""What `pypi.repo.<name>.storage = github` takes."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pyramid_pypi.options import Seconds, Secret

__all__ = ["GITHUB", "Options"]

GITHUB = "https://api.github.com"
"""Where the API of github.com is."""

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True, slots=True)
class Options:
    """Which repository, who asks, and how patiently."""

    owner: str = field(metadata=_help("the user or the organization that has the repository"))
    repo: str = field(metadata=_help("the repository, with at least one commit; see `github init`"))
    token: Secret | None = field(
        default=None, metadata=_help("a token with `Contents: read and write`; env:NAME or file:/path")
    )
    app_id: str = field(default="", metadata=_help("instead of a token, a GitHub App: its ID or client ID"))
    app_key: Secret | None = field(default=None, metadata=_help("the App's private key, PEM; file:/path"))
    installation: int = field(default=0, metadata=_help("the number of the App's installation"))
    base_url: str = field(
        default=GITHUB, metadata=_help("the API; of an Enterprise Server, `https://HOST/api/v3`")
    )
    serve: Literal["stream", "redirect"] = field(
        default="stream",
        metadata=_help("send the bytes ourselves, or send clients to the signed URL that GitHub gives"),
    )
    connect_timeout: Seconds = field(default=5, metadata=_help("for the connection and its TLS"))
    timeout: Seconds = field(default=60, metadata=_help("for each part of an answer, and for each one sent"))
    max_wait: Seconds = field(
        default=20, metadata=_help("how long one request waits for rate limits and failures to pass")
    )
    staging: Path | None = field(
        default=None,
        metadata=_help("the folder for uploads under way; else the system's for temporary files"),
    )

    def __post_init__(self) -> None:
        problems = [*_names(self), *_credentials(self), *_times(self)]
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def name(self) -> str:
        """The repository as GitHub's pages name it."""
        return f"{self.owner}/{self.repo}"


def _names(options: Options) -> Iterator[str]:
    for name in (options.owner, options.repo):
        if not _NAME.fullmatch(name) or name in {".", ".."}:
            yield f"{name!r} is not the name of an owner or a repository"
    try:
        parts = urlsplit(options.base_url)
        usable = bool(parts.hostname) and parts.port != 0 and not parts.query and parts.username is None
    except ValueError:
        usable = False
    if not usable or not (parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))):
        yield "base_url is not https:// and the address of an API, such as https://HOST/api/v3"


def _is_here(host: str | None) -> bool:
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _credentials(options: Options) -> Iterator[str]:
    token = bool(options.token and options.token.reveal())
    app = (bool(options.app_id), bool(options.app_key and options.app_key.reveal()), options.installation > 0)
    if any(app) and not all(app):
        yield "app_id, app_key and installation belong together"
    if token == any(app):
        yield "set token, or app_id, app_key and installation, and not both"


def _times(options: Options) -> Iterator[str]:
    if options.connect_timeout < 1 or options.timeout < 1 or options.max_wait < 0:
        yield "connect_timeout and timeout are at least one second, and max_wait is not negative"
