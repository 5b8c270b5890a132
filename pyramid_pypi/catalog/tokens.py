"""Tokens in the catalog, by the digests of their secrets."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.catalog import Catalog
from pyramid_pypi.catalog.tables import from_microseconds, to_microseconds
from pyramid_pypi.model import PERMISSIONS, Scope

__all__ = ["Token", "Tokens"]

_t = tables.tokens
_LOOK_AGAIN = 0.5


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token, but for its secret; times are in UTC.

    `id` is public. `groups` are None where the groups of the `user` count, who then has to be known
    to an authenticator; with groups of its own it belongs to a program. `used_at` is late by at
    most an hour.
    """

    id: str
    user: str
    description: str
    scope: Scope
    created_at: datetime
    created_by: str
    groups: tuple[str, ...] | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Tell whether it is neither revoked nor expired."""
        expires_at = self.scope.expires_at
        return self.revoked_at is None and (expires_at is None or now < expires_at)


class Tokens:
    """Keeps tokens. Every method may raise CatalogUnavailable."""

    def __init__(self, catalog: Catalog, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._clock = clock
        self._seen: tuple[bytes, float] = (b"", 0.0)
        self._last_revoked = 0

    def add(self, token: Token, sha256: str) -> None:
        """Keep a new token under the digest of its secret, in hexadecimal."""
        scope = token.scope
        row = {
            "id": token.id,
            "sha256": sha256,
            "user": token.user,
            "description": token.description,
            "permissions": " ".join(name for name in PERMISSIONS if name in scope.permissions),
            "repositories": " ".join(sorted(scope.repositories)),
            "projects": " ".join(scope.projects),
            "networks": " ".join(map(str, scope.networks)),
            "groups": None if token.groups is None else " ".join(token.groups),
            "created_at": to_microseconds(token.created_at),
            "created_by": token.created_by,
            "expires_at": None if scope.expires_at is None else to_microseconds(scope.expires_at),
        }
        with self._catalog.writing() as connection:
            connection.execute(insert(_t).values(row))

    def find(self, sha256: str) -> Token | None:
        """Return the token whose secret has this digest, valid or not."""
        with self._catalog.reading() as connection:
            row = connection.execute(select(_t).where(_t.c.sha256 == sha256)).fetchone()
        return None if row is None else _token(row)

    def list(self, user: str | None = None) -> list[Token]:
        """Return the tokens of a user, or all, the newest first."""
        wanted = select(_t).order_by(_t.c.created_at.desc(), _t.c.id)
        if user is not None:
            wanted = wanted.where(_t.c.user == user)
        with self._catalog.reading() as connection:
            return [_token(row) for row in connection.execute(wanted)]

    def revoke(self, identifier: str, *, user: str | None = None) -> bool:
        """End a token for ever; tell whether there was a valid one, of this user if one is named."""
        chosen = (_t.c.id == identifier) & (_t.c.revoked_at.is_(None))
        if user is not None:
            chosen &= _t.c.user == user
        with self._catalog.writing() as connection:
            # Two in one microsecond must not look like one.
            last = connection.execute(select(func.max(_t.c.revoked_at))).scalar() or 0
            at = max(to_microseconds(datetime.now(UTC)), last + 1)
            return connection.execute(update(_t).where(chosen).values(revoked_at=at)).rowcount > 0

    def note_use(self, identifier: str, at: datetime) -> None:
        """Write when a token was used."""
        with self._catalog.writing() as connection:
            connection.execute(update(_t).where(_t.c.id == identifier).values(used_at=to_microseconds(at)))

    def generation(self) -> int:
        """Return a number that changes when a token is revoked, half a second later at most.

        It takes a microsecond while the catalog does not change.
        """
        stamp, until = self._seen
        found, now = self._catalog.stamp.read(), self._clock()
        if found != stamp or now >= until:
            with self._catalog.reading() as connection:
                self._last_revoked = connection.execute(select(func.max(_t.c.revoked_at))).scalar() or 0
            self._seen = (found, now + _LOOK_AGAIN)
        return self._last_revoked


def _token(row: Row[Any]) -> Token:
    def moment(value: int | None) -> datetime | None:
        return None if value is None else from_microseconds(value)

    permissions = row.permissions.split()
    return Token(
        id=row.id,
        user=row.user,
        description=row.description,
        scope=Scope(
            permissions=frozenset(name for name in PERMISSIONS if name in permissions),
            repositories=frozenset(row.repositories.split()),
            projects=tuple(row.projects.split()),
            networks=tuple(map(ip_network, row.networks.split())),
            expires_at=moment(row.expires_at),
        ),
        created_at=from_microseconds(row.created_at),
        created_by=row.created_by,
        groups=None if row.groups is None else tuple(row.groups.split()),
        used_at=moment(row.used_at),
        revoked_at=moment(row.revoked_at),
    )
