"""Cookies of browsers: which session, and which forms are ours.

A browser gets its cookie from the pages that have forms, and no other client ever does. It is the
secret of a session once somebody has logged in; before, it only tells forms from forged ones.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pyramid_pypi.catalog.sessions import LoggedIn
from pyramid_pypi.model import Identity
from pyramid_pypi.web.context import index_of
from pyramid_pypi.web.cookies import cookie_header, read_cookie
from pyramid_pypi.web.observe import IDENTITY

if TYPE_CHECKING:
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex

__all__ = [
    "accept_form",
    "clear_cookie",
    "cookie_of",
    "end_session",
    "form_token",
    "is_secure",
    "new_cookie",
    "session_identity",
    "start_session",
]

_NAME: Final = "pypi_session"
_CHECKED: Final = "pyramid_pypi.form_checked"
_WRITES: Final = {"POST", "PUT", "PATCH", "DELETE"}


def session_identity(index: "PackageIndex", environ: Mapping[str, Any]) -> Identity | None:
    """Return who is logged in with the browser that sent a request, None for nobody.

    Browsers send cookies whatever page makes them, so a request that changes something only counts
    when it is one of our forms. Raises CatalogUnavailable, BackendUnavailable.
    """
    if environ["REQUEST_METHOD"] in _WRITES and not environ.get(_CHECKED):
        return None
    secret = cookie_of(index, environ)
    found = index.browsers.who(secret) if secret else None
    return None if found is None else found[0]


def cookie_of(index: "PackageIndex", environ: Mapping[str, Any]) -> str:
    """Return the value of our cookie, empty where there is none."""
    return read_cookie(environ, _NAME, secure=is_secure(index, environ))


def is_secure(index: "PackageIndex", environ: Mapping[str, Any]) -> bool:
    """Tell whether the browser speaks TLS to us or to the web server in front."""
    base = index.settings.base_url
    return environ.get("wsgi.url_scheme") == "https" if base is None else base.startswith("https:")


def form_token(cookie: str) -> str:
    """Return what our forms contain for a browser with this cookie; other sites cannot know it."""
    return hmac.new(cookie.encode("utf-8", "surrogatepass"), b"form", hashlib.sha256).hexdigest()


def accept_form(request: "Request", token: str) -> bool:
    """Tell whether a form is ours, by the token in it; the session counts from then on."""
    cookie = cookie_of(index_of(request), request.environ)
    if not cookie or not hmac.compare_digest(form_token(cookie).encode(), token.encode()):
        return False
    request.environ[_CHECKED] = True
    # Whoever asked before has not been told of the session.
    request.environ.pop(IDENTITY, None)
    return True


def new_cookie(request: "Request", value: str = "") -> tuple[str, list[tuple[str, str]]]:
    """Return the value of a cookie, a random one unless given, and the header that sets it."""
    value = value or secrets.token_urlsafe(32)
    return value, _header(request, value)


def clear_cookie(request: "Request") -> list[tuple[str, str]]:
    """Return the header that lets the browser forget its cookie."""
    return _header(request, "", 0)


def start_session(request: "Request", login: LoggedIn) -> list[tuple[str, str]]:
    """Log the browser in as somebody whose identity has been checked; return headers to send.

    What the browser had before ends. Raises CatalogUnavailable.
    """
    index = index_of(request)
    return rotate(request, index.browsers.begin(login))


def rotate(request: "Request", secret: str) -> list[tuple[str, str]]:
    """Give the browser a new session in the place of the one that it may have."""
    index = index_of(request)
    before = cookie_of(index, request.environ)
    if before:
        index.browsers.sessions.end(before)
    return new_cookie(request, secret)[1]


def end_session(request: "Request") -> list[tuple[str, str]]:
    """Log the browser out; return headers to send. Raises CatalogUnavailable."""
    index = index_of(request)
    index.browsers.log_out(cookie_of(index, request.environ))
    return clear_cookie(request)


def _header(request: "Request", value: str, max_age: int | None = None) -> list[tuple[str, str]]:
    secure = is_secure(index_of(request), request.environ)
    return cookie_header(_NAME, value, secure=secure, max_age=max_age)
