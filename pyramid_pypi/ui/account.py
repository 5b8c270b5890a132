"""The page of an account: tokens and sessions."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyramid_pypi import audit
from pyramid_pypi.auth.granting import MEANT, Wish
from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import BadRequest, Forbidden, NotFound, PypiError, Unauthorized
from pyramid_pypi.model import AUTHENTICATED, PERMISSIONS, Identity
from pyramid_pypi.ui.forms import Form, read_form
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer, see_other
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.places import up
from pyramid_pypi.web.sessions import cookie_of
from pyramid_pypi.web.tokens import make, readable

if TYPE_CHECKING:
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.catalog.tokens import Token

__all__ = ["end_session_of", "make_token", "require_user", "revoke_token", "show_account"]

_ENDINGS = (("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "a year"), ("never", "never"))


def show_account(context: Operation, request: "Request") -> Answer:
    """Show who one is, the tokens that one has, and where one is logged in."""
    return _page(context.index, request, require_user(request), Form({}))


def make_token(context: Operation, request: "Request") -> Answer:
    """Make a token and show it, once."""
    index = context.index
    form = read_form(request)
    identity = require_user(request)
    wish = Wish(
        permissions=tuple(form.all("permission")),
        repositories=tuple(form.all("repository")),
        projects=tuple(form.one("projects").split()),
        networks=tuple(form.one("networks").split()),
        expires="" if form.one("expires") == "never" else form.one("expires"),
    )
    if not wish.permissions:
        return _page(index, request, identity, form, BadRequest("Choose what the token may do"))
    try:
        _made, secret = make(index, identity, wish, form.one("description"))
    except BadRequest as error:
        return _page(index, request, identity, form, error)
    return CORE.show(request, "token.html", status="201 Created", secret=secret)


def revoke_token(context: Operation, request: "Request") -> Answer:
    """End one's own token."""
    read_form(request)
    identity, token = require_user(request), request.matchdict["token"]
    if not context.index.tokens.revoke(token, user=identity.name):
        raise NotFound(f"You have no valid token {token!r}")
    audit.record("token revoked", identity, token_id=token)
    return see_other(f"{up(request)}account#tokens")


def end_session_of(context: Operation, request: "Request") -> Answer:
    """End one of one's own sessions, wherever that browser is."""
    read_form(request)
    identity, session = require_user(request), request.matchdict["session"]
    if not context.index.browsers.sessions.revoke(session, user=identity.name):
        raise NotFound("There is no such session; it may have ended")
    audit.record("logged out", identity)
    return see_other(f"{up(request)}account#sessions")


def require_user(request: "Request") -> Identity:
    """Return who asks. Raises Unauthorized, and Forbidden for who is nobody in person."""
    identity = identity_of(request)
    if identity.is_anonymous:
        raise Unauthorized("Log in to see your account")
    if identity.scope is not None:
        raise Forbidden("A token cannot look after an account; come with a password")
    if AUTHENTICATED not in identity.principals:
        # The name of a repository may be that of a user too.
        raise Forbidden("The secret of a repository is nobody's, so it has no account")
    return identity


def _page(
    index: "PackageIndex",
    request: "Request",
    identity: Identity,
    wished: Form,
    error: PypiError | None = None,
) -> Answer:
    takes_tokens = index.settings.takes_tokens
    found = index.browsers.who(cookie_of(index, request.environ))
    return CORE.show(
        request,
        "account.html",
        status="200 OK" if error is None else f"{error.status} {error.title}",
        groups=identity.groups,
        links=index.plugins.links("account"),
        has_roles=any(served.roles for served in index.repositories.values()),
        takes_tokens=takes_tokens,
        tokens=_valid(index, identity) if takes_tokens else [],
        permissions_of=lambda token: [name for name in PERMISSIONS if name in token.scope.permissions],
        wished=wished,
        problem="" if error is None else error.message,
        all_permissions=PERMISSIONS,
        chosen=wished.all("permission") or MEANT,
        repositories=readable(index, identity),
        endings=_ENDINGS,
        sessions=index.browsers.sessions.list(identity.name),
        this_session="" if found is None else found[1].id,
    )


def _valid(index: "PackageIndex", identity: Identity) -> "list[Token]":
    now = datetime.now(UTC)
    return [token for token in index.tokens.list(identity.name) if token.is_valid(now)]
