"""What an upstream is shown to know us: Basic, a bearer token, or an entry of a netrc file."""

import base64
import netrc
import stat
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pyramid_pypi.upstream.allowed import Target

__all__ = ["Authorization", "NoEntry", "basic", "bearer", "from_netrc", "split_userinfo"]


class NoEntry(ValueError):
    """A netrc file says nothing about a host."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The `Authorization` header of one origin; the empty `value` shows nothing to anybody."""

    origin: tuple[str, str, int]
    value: str = field(default="", repr=False)

    def headers(self, target: Target) -> dict[str, str]:
        """Return the header for requests to the origin itself, and none for any other."""
        return {"Authorization": self.value} if self.value and target.origin == self.origin else {}


def basic(user: str, password: str) -> str:
    """Return the header value for a user (RFC 7617). Raises ValueError, which shows no password."""
    if ":" in user:
        raise ValueError("the user has a colon in it, which Basic authentication cannot express")
    if not (user + password).isprintable():
        raise ValueError("the user or the password has control characters in it")
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def bearer(token: str) -> str:
    """Return the header value for a token (RFC 6750). Raises ValueError, which does not show it."""
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("the token has white space or other characters in it that no token has")
    return f"Bearer {token}"


def from_netrc(path: Path, host: str) -> tuple[str, str]:
    """Return user and password for a host, or those for `default`. Raises NoEntry, ValueError."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o007:
            raise ValueError(f"everyone may use the file {path} (mode {mode:04o}); run chmod o= on it")
        found = netrc.netrc(path).authenticators(host)
    except OSError as error:
        raise ValueError(f"the file {path} cannot be read: {error.strerror or error}") from error
    except netrc.NetrcParseError as error:
        # The cause may show a password.
        raise ValueError(f"the file {path} is not a netrc file, see its line {error.lineno}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the file {path} is not UTF-8 text") from None
    if found is None:
        raise NoEntry(f"the file {path} has no entry for {host} and no default")
    login, _, password = found
    return login or "", password or ""


def split_userinfo(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a URL without `user:password@`, and those two where there were any.

    Raises ValueError, without showing the URL.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("this is not a URL") from None
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    return urlunsplit(parts._replace(netloc=host)), (unquote(user), unquote(password))
