"""What the API tells somebody about oneself: permissions, tokens and sessions."""

from typing import TYPE_CHECKING

from pyramid_pypi import audit
from pyramid_pypi.api.answers import (
    Ended,
    Me,
    NewToken,
    OwnRole,
    Page,
    RepositoryPermissions,
    SessionFacts,
    TokenFacts,
)
from pyramid_pypi.api.asked import Asked
from pyramid_pypi.auth.granting import Wish, token_facts
from pyramid_pypi.browse.places import permissions_of
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.errors import Forbidden, NotFound, Unauthorized
from pyramid_pypi.model import AUTHENTICATED, Identity
from pyramid_pypi.web.tokens import make, require_tokens

if TYPE_CHECKING:
    from pyramid_pypi.api.bodies import TokenWish

__all__ = [
    "end_session",
    "list_own_roles",
    "list_sessions",
    "list_tokens",
    "make_token",
    "revoke_token",
    "show_me",
]


def show_me(asked: Asked) -> Me:
    """Tell who one is and what one may do where."""
    identity = asked.identity
    viewers = [Viewer(asked.index, served, identity) for served in asked.index.repositories.values()]
    found = (RepositoryPermissions(viewer.served.name, permissions_of(viewer)) for viewer in viewers)
    return Me(
        name=identity.name,
        anonymous=identity.is_anonymous,
        groups=identity.groups,
        token=identity.token,
        permissions=tuple(one for one in found if one.permissions),
    )


def list_own_roles(asked: Asked) -> Page[OwnRole]:
    """List the projects that one looks after."""
    identity = asked.identity
    if identity.is_anonymous:
        raise Unauthorized("Log in to see what you look after")
    return Page(
        tuple(
            OwnRole(name, project, role)
            for name, served in asked.index.repositories.items()
            if served.roles is not None
            for project, role in served.roles.held_by(identity).items()
            if served.permits(identity, "read", project)
        )
    )


def list_tokens(asked: Asked) -> Page[TokenFacts]:
    """List one's own tokens, the newest first, with those that have ended; never a secret."""
    identity = _user(asked, "tokens")
    return Page(tuple(TokenFacts(**token_facts(one)) for one in asked.index.tokens.list(identity.name)))


def make_token(asked: Asked, body: "TokenWish") -> NewToken:
    """Make a token and tell its secret, once."""
    identity = _user(asked, "tokens")
    wish = Wish(body.permissions, body.repositories, body.projects, body.networks, body.expires or "")
    made, secret = make(asked.index, identity, wish, body.description)
    return NewToken(**token_facts(made), token=secret)


def revoke_token(asked: Asked) -> Ended:
    """End one's own token; a token may end itself."""
    identity, token = asked.identity, asked.path["token"]
    if identity.token != token:
        identity = _user(asked, "tokens")
    if not asked.index.tokens.revoke(token, user=identity.name):
        raise NotFound(f"You have no valid token {token[:80]!r}")
    audit.record("token revoked", identity, token_id=token)
    return Ended(token, "revoked")


def list_sessions(asked: Asked) -> Page[SessionFacts]:
    """List where one is logged in with a browser, the newest first."""
    identity = _user(asked, "sessions")
    return Page(
        tuple(
            SessionFacts(one.id, one.login.source, one.login.address, one.created_at, one.used_at)
            for one in asked.index.browsers.sessions.list(identity.name)
        )
    )


def end_session(asked: Asked) -> Ended:
    """End one of one's own sessions, wherever that browser is."""
    identity, session = _user(asked, "sessions"), asked.path["session"]
    if not asked.index.browsers.sessions.revoke(session, user=identity.name):
        raise NotFound("There is no such session; it may have ended")
    audit.record("logged out", identity)
    return Ended(session, "ended")


def _user(asked: Asked, things: str) -> Identity:
    identity = asked.identity
    if identity.scope is not None:
        raise Forbidden(f"A token cannot look after {things}; come with a password")
    if AUTHENTICATED not in identity.principals:
        # The name of a repository may be that of a user too.
        raise Forbidden(f"The secret of a repository is nobody's, so it has no {things}")
    if things == "tokens":
        require_tokens(asked.index)
    return identity
