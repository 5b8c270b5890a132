"""Cookies that are secrets: for this host alone, and out of the reach of scripts."""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["cookie_header", "read_cookie"]

_LONGEST: Final = 128


def read_cookie(environ: Mapping[str, Any], name: str, *, secure: bool) -> str:
    """Return the value of a cookie, empty where there is none; `secure` tells that it came by TLS."""
    wanted = _full(name, secure=secure)
    for part in environ.get("HTTP_COOKIE", "").split(";"):
        found, _, value = part.strip().partition("=")
        if found == wanted and len(value) <= _LONGEST:
            return str(value)
    return ""


def cookie_header(
    name: str, value: str, *, secure: bool, max_age: int | None = None
) -> list[tuple[str, str]]:
    """Return the header that sets a cookie, for so many seconds or until the browser is closed."""
    told = f"{_full(name, secure=secure)}={value}; Path=/; HttpOnly; SameSite=Lax"
    told += "" if max_age is None else f"; Max-Age={max_age}"
    return [("Set-Cookie", f"{told}; Secure" if secure else told)]


def _full(name: str, *, secure: bool) -> str:
    # RFC 6265bis §4.1.3.2: nobody on another host, or without TLS, can set a cookie of that name.
    return f"__Host-{name}" if secure else name
