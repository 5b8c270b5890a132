"""The keys below `pypi.webhooks`."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pyramid_pypi.options import Seconds, Secret
from pyramid_pypi.settings import casts, values
from pyramid_pypi.settings.instances import read_options
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi_webhooks.events import Event, EventName
from pyramid_pypi_webhooks.signing import signing_key

__all__ = ["Shape", "Webhook", "WebhookSettings", "read"]

ROOT = "pypi.webhooks"

Shape = Literal["json", "slack", "teams"]

_NONE: tuple[str, ...] = ()
_USUAL: tuple[EventName, ...] = (
    "file-added",
    "file-removed",
    "file-yanked",
    "file-unyanked",
    "status-changed",
)


def _help(text: str) -> dict[str, str]:
    return {"help": text}


class Webhook:
    """Somebody who wants to be told: where, what about, and how.

    Nothing shows its URL, because those of Slack and Teams are secrets.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """The keys below `pypi.webhooks.NAME`."""

        url: Secret = field(metadata=_help("where to POST to"))
        secret: Secret | None = field(default=None, metadata=_help("signs what is sent"))
        events: tuple[EventName, ...] = field(default=_USUAL, metadata=_help("what is told"))
        repositories: tuple[str, ...] = field(default=(), metadata=_help("of these alone"))
        projects: tuple[str, ...] = field(default=(), metadata=_help("patterns of their names"))
        shape: Shape = field(default="json", metadata=_help("what is sent"))
        timeout: Seconds = field(default=10, metadata=_help("how long an answer may take"))
        attempts: int = field(default=10, metadata=_help("how often it is tried"))
        first_retry: Seconds = field(default=5, metadata=_help("how long until the second attempt"))
        longest_retry: Seconds = field(default=6 * 3600, metadata=_help("between two attempts"))
        ca: Path | None = field(default=None, metadata=_help("a PEM file of authorities"))

        def __post_init__(self) -> None:
            _check_url(self.url.reveal())
            if self.secret is not None:
                signing_key(self.secret)
            elif self.shape == "json":
                raise ValueError("needs a secret, with which the receiver knows that it is us")
            for pattern in self.projects:
                values.pattern(pattern)
            for name in ("timeout", "attempts", "first_retry", "longest_retry"):
                if getattr(self, name) < 1:
                    raise ValueError(f"{name} is at least 1")

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.options = options

    @property
    def url(self) -> SplitResult:
        """The parts of the URL."""
        return urlsplit(self.options.url.reveal())

    def wants(self, event: Event) -> bool:
        """Tell whether the event is sent; what is about no project is sent whatever the projects are."""
        one = self.options
        if event.name not in one.events:
            return False
        repository, project = (str(event.data.get(key, "")) for key in ("repository", "project"))
        if repository and one.repositories and repository not in one.repositories:
            return False
        return not (project and one.projects) or any(fnmatchcase(project, each) for each in one.projects)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """What the ini says."""

    webhooks: tuple[Webhook, ...] = ()


def read(reader: Reader) -> WebhookSettings:
    """Return what the keys say; what is wrong is told to the reader."""
    listed = reader.take(ROOT, values.names, _NONE)
    reader.orphans(ROOT, listed, reason=f"is not listed in {ROOT}")
    known = reader.take("pypi.repositories", casts.words, _NONE)
    found = []
    for name in listed:
        options = read_options(reader, f"{ROOT}.{name}", Webhook)
        if not isinstance(options, Webhook.Options):
            continue
        for one in options.repositories:
            if one not in known:
                reader.problem(
                    f"{ROOT}.{name}.repositories", f"there is no repository {one!r}", allowed=known
                )
        found.append(Webhook(name, options))
    return WebhookSettings(tuple(found))


def _check_url(text: str) -> None:
    """Raise ValueError, without showing the URL, for one that nothing can be sent to."""
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("url is not an http or https URL")
    if parts.username is not None or parts.fragment:
        raise ValueError("url has a user or a fragment in it; receivers know us by the secret")
