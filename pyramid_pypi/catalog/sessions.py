"""Sessions of browsers in the catalog, by the digests of their secrets."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.catalog import Catalog
from pyramid_pypi.catalog.tables import from_microseconds, to_microseconds

__all__ = ["LoggedIn", "Session", "Sessions", "seal"]

_t = tables.sessions
_PUBLIC = 12
_USE_NOTED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who has logged in, and by what.

    `principals` are None where an authenticator knows the `user`, whose present ones count.
    `source` names what has told who it is, and `state` is a text about what that depended on, such
    as the stored password; the session ends when that changes. The text itself is not kept.
    """

    user: str
    source: str
    principals: frozenset[str] | None = None
    state: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in; times are in UTC and `used_at` is late by a minute at most.

    `id` is public; of the login's `state` there is a digest.
    """

    id: str
    login: LoggedIn
    created_at: datetime
    used_at: datetime


def _now() -> datetime:
    return datetime.now(UTC)


class Sessions:
    """Keeps sessions. Every method may raise CatalogUnavailable."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """Seconds without a request, and seconds since the login, after which a session has ended."""

        idle: int = 12 * 3600
        lifetime: int = 7 * 24 * 3600

    def __init__(
        self, catalog: Catalog, options: Options | None = None, *, clock: Callable[[], datetime] = _now
    ) -> None:
        self._catalog = catalog
        self._options = options or self.Options()
        self._clock = clock

    def begin(self, login: LoggedIn) -> str:
        """Keep a new session and return its secret, which is for the browser alone."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        row = {
            "sha256": _digest(secret),
            "user": login.user,
            "principals": None if login.principals is None else "\n".join(sorted(login.principals)),
            "source": login.source,
            "state": seal(secret, login.state),
            "address": login.address,
            "created_at": to_microseconds(now),
            "used_at": to_microseconds(now),
        }
        idle, born = self._oldest(now)
        with self._catalog.writing() as connection:
            connection.execute(delete(_t).where(or_(_t.c.used_at <= idle, _t.c.created_at <= born)))
            connection.execute(insert(_t).values(row))
        return secret

    def find(self, secret: str) -> Session | None:
        """Return the session of a secret unless it has ended, and note that it is used."""
        digest, now = _digest(secret), self._clock()
        idle, born = self._oldest(now)
        chosen = select(_t).where(_t.c.sha256 == digest, _t.c.used_at > idle, _t.c.created_at > born)
        with self._catalog.reading() as connection:
            row = connection.execute(chosen).fetchone()
        if row is None:
            return None
        session = _session(row)
        if now - session.used_at > _USE_NOTED:
            with self._catalog.writing() as connection:
                used = update(_t).where(_t.c.sha256 == digest).values(used_at=to_microseconds(now))
                connection.execute(used)
        return session

    def list(self, user: str) -> list[Session]:
        """Return the sessions of a user, the newest first."""
        idle, born = self._oldest(self._clock())
        chosen = select(_t).where(_t.c.user == user, _t.c.used_at > idle, _t.c.created_at > born)
        with self._catalog.reading() as connection:
            rows = connection.execute(chosen.order_by(_t.c.created_at.desc()))
            return [_session(row) for row in rows]

    def end(self, secret: str) -> None:
        """End the session of a secret, if there is one."""
        with self._catalog.writing() as connection:
            connection.execute(delete(_t).where(_t.c.sha256 == _digest(secret)))

    def revoke(self, identifier: str, *, user: str) -> bool:
        """End the session of that number if it is this user's; tell whether there was one."""
        if len(identifier) != _PUBLIC:
            return False
        chosen = delete(_t).where(_t.c.user == user, _t.c.sha256.startswith(identifier, autoescape=True))
        with self._catalog.writing() as connection:
            return connection.execute(chosen).rowcount > 0

    def _oldest(self, now: datetime) -> tuple[int, int]:
        """Return since when a session must have been used, and since when it may have begun."""
        options = self._options
        idle, born = now - timedelta(seconds=options.idle), now - timedelta(seconds=options.lifetime)
        return to_microseconds(idle), to_microseconds(born)


def seal(secret: str, state: str) -> str:
    """Return what is kept of a state; nobody without the secret can guess what it was."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), state.encode(), hashlib.sha256).hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _session(row: Row[Any]) -> Session:
    principals = None if row.principals is None else frozenset(row.principals.split("\n"))
    return Session(
        id=row.sha256[:_PUBLIC],
        login=LoggedIn(row.user, row.source, principals, row.state, row.address),
        created_at=from_microseconds(row.created_at),
        used_at=from_microseconds(row.used_at),
    )
