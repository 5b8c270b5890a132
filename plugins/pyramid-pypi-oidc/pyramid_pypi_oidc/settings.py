"""The keys below `pypi.oidc`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyramid_pypi.settings import Instance, casts, values
from pyramid_pypi.settings.casts import Refused
from pyramid_pypi.settings.instances import Kinds, read_instance
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi_oidc.issuers import ISSUERS
from pyramid_pypi_oidc.providers import Provider
from pyramid_pypi_oidc.publishers import PUBLISHERS, Rule

__all__ = ["OidcSettings", "Publisher", "read", "read_publisher"]

ROOT = "pypi.oidc"

_NONE: tuple[str, ...] = ()
_USUAL: tuple[str, ...] = ("github", "gitlab")
_AUDIENCE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")
_LONGEST = 6 * 3600
_SHORTEST = 60


@dataclass(frozen=True, slots=True)
class Publisher:
    """Somebody who may publish without a secret; `made_by` is empty for one of the ini."""

    name: str
    kind: str
    issuer: str
    rule: Rule = field(compare=False)
    options: Mapping[str, str] = field(default_factory=dict)
    made_by: str = ""

    @property
    def to(self) -> str:
        """The repository that is published to."""
        return str(self.rule.options.to)

    @property
    def projects(self) -> tuple[str, ...]:
        """Patterns of the projects that may be published."""
        return tuple(self.rule.options.projects)

    @property
    def user(self) -> str:
        """The name of who publishes, as files and the audit log have it."""
        return f"publisher:{self.name}"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """What the ini says; `token_lifetime` and `remember` are in seconds."""

    audience: str
    token_lifetime: int
    issuers: tuple[Instance, ...]
    publishers: tuple[Publisher, ...]
    providers: tuple[Provider, ...]
    remember: int


def read(reader: Reader) -> OidcSettings:
    """Return what the keys say; what is wrong is told to the reader."""
    issuers = _issuers(reader)
    kinds = {one.name: one.kind for one in issuers}
    listed = reader.take(f"{ROOT}.publishers", values.names, _NONE)
    reader.orphans(f"{ROOT}.publisher", listed, reason="is not listed in pypi.oidc.publishers")

    def is_hosted(name: str) -> bool:
        return reader.take(f"pypi.repo.{name}", casts.text, "") == "hosted"

    publishers = [read_publisher(reader, name, issuers=kinds, is_hosted=is_hosted) for name in listed]
    return OidcSettings(
        audience=reader.take(f"{ROOT}.audience", _audience, "pypi"),
        token_lifetime=reader.take(f"{ROOT}.token_lifetime", _lifetime, 900),
        issuers=issuers,
        publishers=tuple(one for one in publishers if one is not None),
        providers=_providers(reader),
        remember=reader.take(f"{ROOT}.remember", casts.seconds, 30 * 86400),
    )


def read_publisher(
    reader: Reader, name: str, *, issuers: Mapping[str, str], is_hosted: Callable[[str], bool]
) -> Publisher | None:
    """Return the publisher of a name, None where something is wrong, which the reader is told.

    `issuers` are kinds by name.
    """
    key = f"{ROOT}.publisher.{name}"
    instance = read_instance(reader, key, name, Kinds("publisher", PUBLISHERS))
    if instance.options is None:
        return None
    rule: Rule = instance.build()
    issuer = rule.options.issuer or instance.kind
    able = tuple(one for one, kind in issuers.items() if kind == instance.kind)
    if issuer not in able:
        reader.problem(f"{key}.issuer", f"{issuer!r} is no issuer of the kind {instance.kind}", allowed=able)
        return None
    if not is_hosted(rule.options.to):
        reader.problem(f"{key}.to", f"{rule.options.to!r} is not a hosted repository")
        return None
    return Publisher(name, instance.kind, issuer, rule)


def _issuers(reader: Reader) -> tuple[Instance, ...]:
    listed = reader.take(f"{ROOT}.issuers", values.names, _USUAL)
    reader.orphans(f"{ROOT}.issuer", listed, reason="is not listed in pypi.oidc.issuers")
    kinds = Kinds("issuer", ISSUERS)
    found = [read_instance(reader, f"{ROOT}.issuer.{name}", name, kinds, default=name) for name in listed]
    urls: dict[str, str] = {}
    for one in found:
        url = getattr(one.options, "url", None)
        if url is not None and urls.setdefault(url, one.name) != one.name:
            reader.problem(f"{ROOT}.issuer.{one.name}", f"has the url of {urls[url]!r}; name it once")
    return tuple(one for one in found if one.options is not None)


def _providers(reader: Reader) -> tuple[Provider, ...]:
    listed = reader.take(f"{ROOT}.providers", values.names, _NONE)
    reader.orphans(f"{ROOT}.provider", listed, reason="is not listed in pypi.oidc.providers")
    found = [Provider.read(reader, f"{ROOT}.provider.{name}", name) for name in listed]
    return tuple(one for one in found if one is not None)


def _audience(value: str) -> str:
    if not _AUDIENCE.fullmatch(value.strip()):
        raise Refused(
            f"{value!r} is not a short word of letters, digits and _, as GitLab makes the name of a "
            "variable of it",
            allowed=("pypi", "acme_pypi"),
        )
    return value.strip()


def _lifetime(value: str) -> int:
    found = casts.seconds(value)
    if not _SHORTEST <= found <= _LONGEST:
        raise Refused(f"{value!r} is not between a minute and six hours", allowed=("15m", "1h", "6h"))
    return found
