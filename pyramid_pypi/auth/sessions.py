"""From the secret in a browser's cookie to an identity, and back."""

import hmac
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyramid_pypi import audit
from pyramid_pypi.auth.login import Login
from pyramid_pypi.catalog.sessions import LoggedIn, Session, Sessions, seal
from pyramid_pypi.errors import Unauthorized
from pyramid_pypi.model import Identity

__all__ = ["PASSWORD", "Browsers"]

PASSWORD: Final = "password"  # noqa: S105 - the name of a source
_FOUND_TTL: Final = 60.0
_MOST_FOUND: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Found:
    """Who has a name, as an authenticator told, and until when that counts."""

    identity: Identity | None
    state: str
    until: float


class Browsers:
    """Logs browsers in and tells who they are. Every method may raise CatalogUnavailable."""

    def __init__(
        self, sessions: Sessions, login: Login, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.sessions = sessions
        self._login = login
        self._clock = clock
        self._lock = threading.Lock()
        self._found: dict[str, _Found] = {}

    def log_in(self, username: str, password: str, address: str) -> str:
        """Return the secret of a new session for whoever has this password.

        Raises Unauthorized, InvalidCredentials, TooManyAttempts and BackendUnavailable, as a
        request with these credentials would, and Unauthorized for a token.
        """
        if ":" in username:
            # RFC 7617: no name in Basic has a colon, so nobody has such a name.
            raise Unauthorized("There is no user with a colon in the name")
        state = self._login.state_of(username)
        header = "Basic " + b64encode(f"{username}:{password}".encode("utf-8", "replace")).decode()
        identity = self._login.identify(header, address)
        if identity.scope is not None:
            raise Unauthorized("A token is for programs; log in with a password")
        known = self._login.find(username) == identity
        principals = None if known else identity.principals
        return self.begin(LoggedIn(identity.name, PASSWORD, principals, state, address))

    def begin(self, login: LoggedIn) -> str:
        """Return the secret of a new session for somebody whom others have checked."""
        secret = self.sessions.begin(login)
        audit.record("logged in", login.user, source=login.source)
        return secret

    def who(self, secret: str) -> tuple[Identity, Session] | None:
        """Return who is logged in, None when the session has ended or the user is gone.

        Raises BackendUnavailable when nobody can tell now whether there still is such a user.
        """
        session = self.sessions.find(secret)
        if session is None:
            return None
        login = session.login
        state = self._login.state_of(login.user) if login.source == PASSWORD else ""
        if not hmac.compare_digest(login.state, seal(secret, state)):
            self.sessions.end(secret)
            return None
        if login.principals is not None:
            return Identity(login.user, login.principals), session
        identity = self._find(login.user, state)
        return None if identity is None else (identity, session)

    def log_out(self, secret: str) -> None:
        """End a session."""
        session = self.sessions.find(secret)
        if session is not None:
            self.sessions.end(secret)
            audit.record("logged out", session.login.user)

    def _find(self, username: str, state: str) -> Identity | None:
        """Ask once a minute who has a name, as long as nothing changes about it."""
        known, now = self._found.get(username), self._clock()
        if known is None or known.state != state or now >= known.until:
            known = _Found(self._login.find(username), state, now + _FOUND_TTL)
            with self._lock:
                if len(self._found) >= _MOST_FOUND:
                    self._found.clear()
                self._found[username] = known
        return known.identity
