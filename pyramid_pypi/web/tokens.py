"""Making one's own tokens, by the API and by a form."""

from typing import TYPE_CHECKING

from pyramid_pypi import audit
from pyramid_pypi.auth.granting import Wish, grant_to, scope_of
from pyramid_pypi.auth.tokens import issue
from pyramid_pypi.errors import NotFound
from pyramid_pypi.model import Identity

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.catalog.tokens import Token

__all__ = ["make", "readable", "require_tokens"]


def make(index: "PackageIndex", identity: Identity, wish: Wish, description: str) -> "tuple[Token, str]":
    """Make a token of `identity` and return it with its secret.

    Raises BadRequest, Forbidden, NotFound, Unauthorized, Unavailable.
    """
    require_tokens(index)
    known = index.login.find(identity.name) == identity
    grant = grant_to(identity, scope_of(wish, readable(index, identity)), description, known=known)
    made, secret = issue(index.tokens, grant, by=identity.name)
    audit.record("token created", identity, token_id=made.id, user=made.user)
    return made, secret


def readable(index: "PackageIndex", identity: Identity) -> list[str]:
    """Return the names of the repositories where somebody may read something."""
    served = index.repositories.items()
    return [name for name, one in served if one.permits_somewhere(identity, "read")]


def require_tokens(index: "PackageIndex") -> None:
    """Raise NotFound where nothing takes tokens."""
    if not index.settings.takes_tokens:
        raise NotFound("This index takes no tokens; whoever runs it lists tokens in pypi.authenticators")
