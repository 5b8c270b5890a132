"""The API for one's own tokens."""

import json
from typing import TYPE_CHECKING, Any

from pyramid_pypi import audit
from pyramid_pypi.auth.granting import Wish, grant_to, scope_of, token_facts
from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.auth.tokens import issue
from pyramid_pypi.errors import BadRequest, Forbidden, NotFound, TooLarge, Unauthorized
from pyramid_pypi.model import Identity
from pyramid_pypi.web.answers import Answer, answer_json
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.foreign import refuse_foreign_page

if TYPE_CHECKING:
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.catalog.tokens import Token

__all__ = ["create", "list_", "make", "readable", "revoke"]

_LARGEST = 64 * 1024
_LISTS = ("permissions", "repositories", "projects", "networks")


def list_(context: Operation, request: "Request") -> Answer:
    """List one's own tokens, the newest first, with those that have ended; never a secret."""
    identity = _user(context.index, request)
    return answer_json({"tokens": [token_facts(one) for one in context.index.tokens.list(identity.name)]})


def create(context: Operation, request: "Request") -> Answer:
    """Make a token and tell its secret, once."""
    refuse_foreign_page(request.environ, context.index.settings.base_url)
    identity = _user(context.index, request)
    wish, description = _read(request)
    made, secret = make(context.index, identity, wish, description)
    return answer_json({**token_facts(made), "token": secret}, "201 Created")


def revoke(context: Operation, request: "Request") -> Answer:
    """End one's own token; a token may end itself."""
    refuse_foreign_page(request.environ, context.index.settings.base_url)
    identity, token = identity_of(request), request.matchdict["token"]
    if identity.token != token:
        identity = _user(context.index, request)
    if not context.index.tokens.revoke(token, user=identity.name):
        raise NotFound(f"You have no valid token {token!r}")
    audit.record("token revoked", identity, token_id=token)
    return answer_json({"id": token, "state": "revoked"})


def make(index: "PackageIndex", identity: Identity, wish: Wish, description: str) -> "tuple[Token, str]":
    """Make a token of `identity` and return it with its secret.

    Raises BadRequest, Forbidden, NotFound, Unauthorized, Unavailable.
    """
    _require_tokens(index)
    known = index.login.find(identity.name) == identity
    grant = grant_to(identity, scope_of(wish, readable(index, identity)), description, known=known)
    made, secret = issue(index.tokens, grant, by=identity.name)
    audit.record("token created", identity, token_id=made.id, user=made.user)
    return made, secret


def readable(index: "PackageIndex", identity: Identity) -> list[str]:
    """Return the names of the repositories where somebody may read something."""
    served = index.repositories.items()
    return [name for name, one in served if one.permits_somewhere(identity, "read")]


def _user(index: "PackageIndex", request: "Request") -> Identity:
    identity = identity_of(request)
    if identity.is_anonymous:
        raise Unauthorized("Log in to look after your tokens")
    if identity.scope is not None:
        raise Forbidden("A token cannot look after tokens; come with a password")
    _require_tokens(index)
    return identity


def _require_tokens(index: "PackageIndex") -> None:
    if not index.settings.takes_tokens:
        raise NotFound("This index takes no tokens; whoever runs it lists tokens in pypi.authenticators")


def _read(request: "Request") -> tuple[Wish, str]:
    length = request.environ.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > _LARGEST:
        raise TooLarge(f"The request has up to {_LARGEST} bytes")
    try:
        content: Any = json.loads(request.environ["wsgi.input"].read(int(length)) or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request is not JSON") from error
    if not isinstance(content, dict):
        raise BadRequest("The request is not a JSON object")
    unknown = sorted(set(content) - {"description", "expires", *_LISTS})
    if unknown:
        raise BadRequest(f"{unknown[0]!r} is not known; send description, expires, {', '.join(_LISTS)}")
    description, expires = content.get("description", ""), content.get("expires") or ""
    lists = {key: content.get(key) or [] for key in _LISTS}
    wrong = [key for key, words in lists.items() if not _is_words(words)]
    if wrong or not isinstance(description, str) or not isinstance(expires, str):
        raise BadRequest(
            f"{wrong[0]!r} is a list of words" if wrong else "description and expires are texts, as in 90d"
        )
    return Wish(expires=expires, **{key: tuple(words) for key, words in lists.items()}), description


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and word.split() == [word] for word in value)
