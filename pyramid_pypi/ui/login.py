"""Pages to log in and out."""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import InvalidCredentials, PypiError, TooManyAttempts, Unauthorized, Unavailable
from pyramid_pypi.model import AUTHENTICATED, Identity
from pyramid_pypi.ui.forms import read_form
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer, retry_headers, see_other
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.places import local_path, up
from pyramid_pypi.web.sessions import end_session, rotate

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["log_in", "log_out", "show_login"]


def show_login(context: Operation, request: "Request") -> Answer:
    """Ask who it is, or lead on somebody who is known."""
    query = parse_qs(request.environ.get("QUERY_STRING", ""))
    wanted = local_path(query.get("next", [""])[0])
    identity = identity_of(request)
    if not identity.is_anonymous:
        return see_other(f"{up(request)}{wanted or _home(identity)}")
    return _page(context, request, wanted=wanted)


def log_in(context: Operation, request: "Request") -> Answer:
    """Check a name and a password, and begin a session."""
    form = read_form(request)
    wanted, username = local_path(form.one("next")), form.one("username")
    address = request.environ.get("REMOTE_ADDR", "")
    try:
        secret = context.index.browsers.log_in(username, form.one("password"), address)
    except (InvalidCredentials, TooManyAttempts, Unauthorized, Unavailable) as error:
        return _page(context, request, wanted=wanted, username=username, error=error)
    found = context.index.browsers.who(secret)
    home = "" if found is None else _home(found[0])
    return see_other(f"{up(request)}{wanted or home}", rotate(request, secret))


def log_out(context: Operation, request: "Request") -> Answer:  # noqa: ARG001
    """End the session."""
    read_form(request)
    return see_other(up(request), end_session(request))


def _home(identity: Identity) -> str:
    """Return the page of somebody; whoever came with the secret of a repository has no account."""
    return "account" if AUTHENTICATED in identity.principals else ""


def _page(
    context: Operation, request: "Request", *, wanted: str, username: str = "", error: PypiError | None = None
) -> Answer:
    index = context.index
    status = "200 OK" if error is None else f"{error.status} {error.title}"
    if isinstance(error, Unauthorized):
        # With 401 the browser would ask for a password in a window of its own.
        status = "403 Forbidden"
    return CORE.show(
        request,
        "login.html",
        status=status,
        headers=[] if error is None else retry_headers(error),
        next=wanted,
        username=username,
        problem="" if error is None else error.message,
        takes_passwords=index.settings.knows_passwords,
        links=index.plugins.links("login"),
    )
