"""Tokens: made, recognised and checked.

The secret of each begins with `ppypi_` and ends with a checksum, so that scanners find those that
have leaked, and nothing that only looks like one.
"""

import hashlib
import logging
import secrets
import string
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from pyramid_pypi.auth.basic import TOKEN_PREFIX
from pyramid_pypi.catalog.tokens import Token, Tokens
from pyramid_pypi.errors import BackendUnavailable, BadRequest, InvalidCredentials, PypiError
from pyramid_pypi.identities import PUBLISHER
from pyramid_pypi.model import Credentials, Identity, Scope

__all__ = ["Grant", "TokenAuthenticator", "is_secret", "issue"]

log = logging.getLogger(__name__)

_LETTERS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM: Final = 32
_CHECKSUM: Final = 6
_USE_NOTED: Final = timedelta(minutes=10)
_PUBLISHERS: Final = f"{PUBLISHER}:"
_INVALID: Final = "Invalid or non-existent authentication information."


@dataclass(frozen=True, slots=True)
class Grant:
    """What a new token is for; see `Token`.

    With `publishes` the token itself is the right to what its scope says, and the name of the
    `user` begins with `publisher:`, as no other name does.
    """

    user: str
    scope: Scope
    description: str = ""
    groups: tuple[str, ...] | None = None
    publishes: bool = False


class TokenAuthenticator:
    """Accepts tokens as passwords, with whatever name; or as Bearer, which has none.

    The rights of a token are its owner's, within its scope. It is the index that gives it what it
    looks into, by `attach`.
    """

    def __init__(self) -> None:
        self._tokens: Tokens | None = None
        self._find: Callable[[str], Identity | None] = lambda _name: None

    def attach(self, tokens: Tokens, find: Callable[[str], Identity | None]) -> None:
        """Look into `tokens`; `find` tells who has a name, None for nobody."""
        self._tokens = tokens
        self._find = find

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """See the contract."""
        secret = credentials.password
        if self._tokens is None or not secret.startswith(TOKEN_PREFIX):
            return None
        token = self._tokens.find(digest_of(secret)) if is_secret(secret) else None
        now = datetime.now(UTC)
        if token is None or not token.is_valid(now):
            raise InvalidCredentials(_INVALID)
        identity = self._owner(token)
        if token.used_at is None or now - token.used_at > _USE_NOTED:
            self._note_use(token, now)
        return replace(identity, scope=token.scope, token=token.id)

    def fingerprint(self, username: str) -> str | None:
        """Return a text that changes when a token is revoked, whoever has it."""
        del username
        return None if self._tokens is None else str(self._tokens.generation())

    def _owner(self, token: Token) -> Identity:
        if token.groups is not None:
            robot = Identity.user(token.user, token.groups)
            if token.user.startswith(_PUBLISHERS):
                return replace(robot, principals=robot.principals | {PUBLISHER})
            return robot
        try:
            found = self._find(token.user)
        except PypiError as error:
            raise BackendUnavailable(f"Nobody can tell whether {token.user!r} still exists") from error
        if found is None:
            log.warning(
                "The token %s is refused, as no authenticator knows its user %r", token.id, token.user
            )
            raise InvalidCredentials(_INVALID)
        return found

    def _note_use(self, token: Token, now: datetime) -> None:
        try:
            if self._tokens is not None:
                self._tokens.note_use(token.id, now)
        except PypiError as error:
            log.warning("The use of the token %s is not noted: %s", token.id, error.message)


def issue(tokens: Tokens, grant: Grant, *, by: str) -> tuple[Token, str]:
    """Make a token and return it with its secret, which nobody can find out later.

    Raises BadRequest for a name that begins as those of publishers do.
    """
    if grant.user.startswith(_PUBLISHERS) != grant.publishes:
        raise BadRequest(f"{grant.user!r} is not a name that has tokens; {_PUBLISHERS} is for publishers")
    random = "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))
    secret = f"{TOKEN_PREFIX}{random}{_checksum(random)}"
    token = Token(
        id=secrets.token_hex(6),
        user=grant.user,
        description=grant.description,
        scope=grant.scope,
        created_at=datetime.now(UTC),
        created_by=by,
        groups=grant.groups,
    )
    tokens.add(token, digest_of(secret))
    return token, secret


def is_secret(text: str) -> bool:
    """Tell whether a text has the form of a token's secret, which can be told without asking."""
    random, checksum = text[len(TOKEN_PREFIX) : -_CHECKSUM], text[-_CHECKSUM:]
    letters = text.isascii() and text.startswith(TOKEN_PREFIX) and len(random) == _RANDOM and random.isalnum()
    return letters and checksum == _checksum(random)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(random: str) -> str:
    """Return the CRC-32 of the random part, in base 62."""
    number, found = zlib.crc32(f"{TOKEN_PREFIX}{random}".encode()), ""
    for _ in range(_CHECKSUM):
        number, rest = divmod(number, len(_LETTERS))
        found = _LETTERS[rest] + found
    return found
