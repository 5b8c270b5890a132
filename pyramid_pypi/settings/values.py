"""The casts of single keys: URLs, hosts, the realm and names."""

import re
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from pyramid_pypi.settings.casts import Refused, words

__all__ = [
    "CATALOGS",
    "RESERVED_NAMES",
    "base_url",
    "catalog",
    "hosts",
    "names",
    "pattern",
    "patterns",
    "realm",
]

RESERVED_NAMES = frozenset(
    {
        *("simple", "packages", "legacy", "integrity", "rss", "stats", "repository"),
        *("namespaces", "namespace", "project", "search", "login", "logout", "account", "static"),
        *("rpc2", "-", "_"),
    }
)
"""First path segments with a meaning of their own, so no instance can have such a name."""

_NAME = re.compile(r"[a-z][a-z0-9-]*")
_PATTERN = re.compile(r"[a-z0-9*?-]+")
_HOST = re.compile(r"(\*\.)?[a-z0-9._-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")


CATALOGS = ("sqlite:///path", "postgresql://user:password@host/database")
"""What the URL of a catalog looks like."""


def catalog(value: str) -> str:
    """Return the URL of an SQLite file or of a PostgreSQL database.

    Raises Refused, without showing the URL.
    """
    try:
        url = make_url(value.strip())
    except (ArgumentError, ValueError):
        # The cause shows the URL, which may have a password in it.
        raise Refused("this is not a database URL", allowed=CATALOGS) from None
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return _on_server(url)
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise Refused(
            f"the catalog can be an SQLite file or in PostgreSQL, not {url.drivername!r}", allowed=CATALOGS
        )
    if url.host or not url.database or url.database == ":memory:":
        raise Refused(
            "the URL names no file; three slashes go before a relative path and four before an absolute one",
            allowed=("sqlite:///var/catalog.db", "sqlite:////srv/pypi/catalog.db"),
        )
    return value.strip()


def _on_server(url: URL) -> str:
    if "password" in url.query:
        # Only there does everything that shows the URL know that it is a password.
        raise Refused("the password stands before the @", allowed=CATALOGS[1:])
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def below(data: Path, url: str) -> str:
    """Return `url`, that of a file below `data` where its path is relative."""
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite":
        return url
    return parts.set(database=str(data / str(parts.database))).render_as_string(hide_password=False)


def base_url(value: str) -> str | None:
    """Return an HTTP URL without a slash at its end, None for the empty text. Raises Refused."""
    url = value.strip()
    if not url:
        return None
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("this is not an http or https URL", allowed=("https://pypi.example.org",))
    if parts.username is not None or parts.query or parts.fragment:
        raise Refused(
            "the URL has more than scheme, host, port and path", allowed=("https://pypi.example.org",)
        )
    if url.endswith("/"):
        raise Refused("the URL ends with a slash", nearest=url.rstrip("/"))
    return url


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL whose port is a number, else None."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return None if re.search(r"\s", url) else parts


def hosts(value: str) -> tuple[str, ...]:
    """Return host names in lower case, each with or without a port. Raises Refused."""
    found = words(value.lower())
    for host in found:
        if not _HOST.fullmatch(host):
            guess = urlsplit(host).netloc if "://" in host and _split(host) else None
            raise Refused(
                f"{host!r} is not a host name",
                allowed=("pypi.example.org", "pypi.example.org:8080"),
                nearest=guess,
            )
    return found


def realm(value: str) -> str:
    """Return a realm that fits into a quoted string of a header (RFC 9110 §5.6.4). Raises Refused."""
    name = value.strip()
    if not name:
        raise Refused("a realm is needed, this is empty")
    for character in name:
        if ord(character) > 0xFF or not character.isprintable() or character in '"\\':
            raise Refused(
                f"{character!r} is not allowed, only printable Latin-1 without quotes and backslashes"
            )
    return name


def names(value: str) -> tuple[str, ...]:
    """Return names of instances, each once. Raises Refused."""
    found = words(value)
    for name in found:
        if not _NAME.fullmatch(name):
            guess = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            raise Refused(
                f"{name!r} is not a name: small letters, digits and dashes, a letter first",
                nearest=guess if _NAME.fullmatch(guess) and guess not in RESERVED_NAMES else None,
            )
        if name in RESERVED_NAMES:
            raise Refused(f"{name!r} is a reserved part of URLs; choose another name")
        if found.count(name) > 1:
            raise Refused(f"{name!r} is listed more than once")
    return found


def patterns(value: str) -> tuple[str, ...]:
    """Return patterns of normalised project names. Raises Refused."""
    return tuple(pattern(word) for word in words(value))


def pattern(value: str) -> str:
    """Return a pattern of normalised project names (PEP 503). Raises Refused."""
    if not _PATTERN.fullmatch(value):
        guess = re.sub(r"[-_.]+", "-", value.lower())
        raise Refused(
            f"{value!r} is not a pattern of normalised names: small letters, digits, dashes, * and ?",
            nearest=guess if _PATTERN.fullmatch(guess) else None,
        )
    return value
