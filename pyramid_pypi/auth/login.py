"""From an `Authorization` header to an identity."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pyramid_pypi import audit
from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.auth.basic import TOKEN_PREFIX, parse_authorization
from pyramid_pypi.auth.flights import Flights
from pyramid_pypi.auth.member import Member, describe
from pyramid_pypi.auth.throttle import Throttle
from pyramid_pypi.auth.verified import VerifiedCredentials
from pyramid_pypi.errors import (
    BackendUnavailable,
    Forbidden,
    InvalidCredentials,
    PypiError,
    TooManyAttempts,
)
from pyramid_pypi.model import ANONYMOUS, Credentials, Identity, Scope

__all__ = ["Login"]

# One text for unknown names and wrong passwords, so that answers do not tell which names exist.
_INVALID: Final = "Invalid or non-existent authentication information."
_log = logging.getLogger(__name__)

FailureListener = Callable[[str, str, str], None]


def _ignore(username: str, address: str, reason: str) -> None:
    """Listen to failed logins and do nothing."""


class Login:
    """Tells who sent a request, and keeps guessing slow and floods of logins cheap.

    `authenticators` are asked in order, each with its name in the settings. `on_failure` hears of
    every refused login: the name as it was shown, the address and a reason; repeats of the same
    wrong credentials within seconds are not told again. `workers` is how many checks each
    authenticator does at a time.
    """

    def __init__(
        self,
        authenticators: Sequence[tuple[str, Authenticator]],
        *,
        verified: VerifiedCredentials,
        throttle: Throttle,
        on_failure: FailureListener = _ignore,
        workers: int = 2,
    ) -> None:
        self._members = tuple(Member(name, each, workers) for name, each in authenticators)
        self._verified = verified
        self._throttle = throttle
        self._on_failure = on_failure
        self._flights: Flights[Identity] = Flights()

    def identify(self, header: str | None, address: str, *, write: bool = False) -> Identity:
        """Return who sent the raw header `header` from `address`; nobody, if there is no header.

        `write` is for requests that change something: they accept a check of the last minutes only.
        Raises BadRequest, Unauthorized or InvalidCredentials for a header that is not right,
        TooManyAttempts when no further check is allowed now, and BackendUnavailable when nobody
        accepts and an authenticator could not tell.
        """
        if header is None:
            return ANONYMOUS
        identity = self._verified.lookup(header, write=write) or self._check(header, address, write=write)
        scope = identity.scope
        if scope is not None:
            self._admit(scope, address)
        return identity

    def find(self, username: str) -> Identity | None:
        """Return who has a name, without a password; None when no authenticator can tell of one.

        Raises BackendUnavailable when nobody knows the name and one cannot tell now.
        """
        outage: BackendUnavailable | None = None
        for member in self._members:
            try:
                identity = member.find(username)
            except BackendUnavailable as error:
                outage = outage or error
                continue
            if identity is not None:
                return identity
        if outage is not None:
            raise outage
        return None

    def state_of(self, username: str) -> str:
        """Return a text that changes when a password or a group of the name does, if that can be told.

        It is not for others to see.
        """
        told = ((member.name, member.state_of(username)) for member in self._members)
        return "\n".join(f"{name} {state}" for name, state in told if state is not None)

    def close(self) -> None:
        """Close the authenticators that can be closed."""
        for member in self._members:
            member.close()

    def _admit(self, scope: Scope, address: str) -> None:
        """Refuse a token that has expired since it was checked, or that is meant for other places."""
        if scope.expires_at is not None and datetime.now(UTC) >= scope.expires_at:
            raise InvalidCredentials("This token has expired; make a new one")
        if not scope.admits(address):
            raise Forbidden(f"This token is not meant to be used from the address {address}")

    def _check(self, header: str, address: str, *, write: bool) -> Identity:
        """Do what comes before and around asking the authenticators."""
        credentials = self._read(header, address)
        if self._verified.is_wrong(header):
            raise InvalidCredentials(_INVALID)
        # Who was right an hour ago is not guessing, even if others at this address are.
        if self._verified.lookup(header, write=False) is None:
            try:
                self._throttle.allow(credentials.username, address)
            except TooManyAttempts:
                self._tell(credentials, "too many attempts")
                raise
        work = partial(self._ask, header, credentials, write=write)
        return self._flights.run(self._verified.key(header), work)

    def _read(self, header: str, address: str) -> Credentials:
        try:
            parsed = parse_authorization(header)
        except PypiError:
            self._tell(Credentials("", "", address), "unreadable header")
            raise
        username, password = parsed or ("", "")
        return Credentials(username, password, address)

    def _ask(self, header: str, credentials: Credentials, *, write: bool) -> Identity:
        """Ask the authenticators in order; runs in one thread at a time for one header."""
        # The thread before this one may have finished between our look and our turn.
        known = self._verified.lookup(header, write=write)
        if known is not None:
            return known
        if self._verified.is_wrong(header):
            raise InvalidCredentials(_INVALID)
        outage: BackendUnavailable | None = None
        for member in self._members:
            # Taken before the check: a password that changes meanwhile must not stay verified.
            still_valid = member.check_of(credentials.username)
            try:
                identity = member.ask(credentials)
            except InvalidCredentials:
                raise self._refused(header, credentials, "wrong password", outage) from None
            except BackendUnavailable as error:
                outage = outage or error
                continue
            if identity is not None:
                if identity.scope is not None:
                    still_valid = self._with_owner(still_valid, identity.name)
                    audit.record("token used", identity)
                self._verified.remember(header, identity, still_valid=still_valid)
                self._throttle.success(credentials.username, credentials.address)
                return identity
        if outage is not None:
            raise outage
        self._spend(credentials)
        raise self._refused(header, credentials, "unknown name", None)

    def _with_owner(self, token_holds: Callable[[], bool], owner: str) -> Callable[[], bool]:
        """Return a check that a token holds, and that nothing has changed about its owner either."""
        checks = [token_holds, *(member.check_of(owner) for member in self._members)]
        return lambda: all(check() for check in checks)

    def _spend(self, credentials: Credentials) -> None:
        """Let an unknown name take as long as a known one with a wrong password."""
        able = [member for member in self._members if member.has_decoy]
        for member in (able or list(self._members))[:1]:
            member.spend(credentials)

    def _refused(
        self, header: str, credentials: Credentials, reason: str, outage: BackendUnavailable | None
    ) -> PypiError:
        """Count a failure and return it, or the outage that keeps us from being sure of it."""
        self._throttle.failure(credentials.username, credentials.address)
        self._tell(credentials, reason)
        if outage is not None:
            return outage
        self._verified.refuse(header)
        return InvalidCredentials(_INVALID)

    def _tell(self, credentials: Credentials, reason: str) -> None:
        """Tell the listener; its errors are its own."""
        # Some take the token for the name, and whoever reads the log must not get it.
        username = "a token" if TOKEN_PREFIX in credentials.username else credentials.username
        audit.record("login failed", username, reason=reason)
        try:
            self._on_failure(username, credentials.address, reason)
        except Exception as error:  # noqa: BLE001 - whoever listens must not decide over logins
            _log.error("the listener to failed logins raised %s", describe(error))
