"""From an `Authorization` header to an identity."""

import logging
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final

from pyramid_pypi import audit
from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.auth.basic import TOKEN_PREFIX, parse_authorization
from pyramid_pypi.auth.flights import Flights, Slots
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
# The hash of a random password that nobody kept, at the cost of new hashes.
_NOBODY: Final = "$2y$12$4FBLWvyJaraVIwR85BcGquEQQo4saDu9Mw5rtjaeNNbm4A/KvqYq6"
_log = logging.getLogger(__name__)

FailureListener = Callable[[str, str, str], None]


def _ignore(username: str, address: str, reason: str) -> None:
    """Listen to failed logins and do nothing."""


class _Member:
    """An authenticator, its name in the settings, and its own slots.

    Slots are not shared: a directory that hangs must not keep local users out.
    """

    def __init__(self, name: str, authenticator: Authenticator, workers: int) -> None:
        self._name = name
        self._authenticator = authenticator
        self._slots = Slots(workers)
        self._fingerprint = getattr(authenticator, "fingerprint", None)
        self._find = getattr(authenticator, "find", None)
        self._decoy = getattr(authenticator, "decoy", None)
        self.has_decoy = callable(self._decoy)

    def ask(self, credentials: Credentials) -> Identity | None:
        """Ask the authenticator; whatever is not an answer becomes BackendUnavailable."""
        with self._slots.hold():
            try:
                answer: object = self._authenticator.authenticate(credentials)
            except (InvalidCredentials, BackendUnavailable):
                raise
            except Exception as error:
                raise self._broken(f"raised {_describe(error)}") from error
        if answer is None or (isinstance(answer, Identity) and not answer.is_anonymous):
            return answer
        raise self._broken(f"answered with {type(answer).__name__} and not with a user's Identity or None")

    def find(self, username: str) -> Identity | None:
        """Return who has the name, None also where the authenticator cannot look without a password."""
        if not callable(self._find):
            return None
        with self._slots.hold():
            try:
                answer: object = self._find(username)
            except BackendUnavailable:
                raise
            except Exception as error:
                raise self._broken(f"raised {_describe(error)}") from error
        if answer is None or isinstance(answer, Identity):
            return answer
        raise self._broken(f"found {type(answer).__name__} and not an Identity or None")

    def close(self) -> None:
        """Close the authenticator if it can be closed; what it raises is logged."""
        close = getattr(self._authenticator, "close", None)
        if callable(close):
            try:
                close()
            except Exception as error:  # noqa: BLE001 - a plugin's error must not keep others open
                _log.error("authenticator %r: close raised %s", self._name, _describe(error))

    def check_of(self, username: str) -> Callable[[], bool]:
        """Return a function that tells whether what is stored for the name is still as it is now."""
        read = self._fingerprint
        if not callable(read):
            return lambda: True
        try:
            before = read(username)
        except Exception as error:  # noqa: BLE001 - a plugin's error only costs the cache
            _log.error("authenticator %r: fingerprint raised %s", self._name, _describe(error))
            return lambda: False
        return lambda: read(username) == before

    def spend(self, credentials: Credentials) -> None:
        """Take the time of a wrong password."""
        with self._slots.hold():
            if not callable(self._decoy):
                passwords.verify(_NOBODY, credentials.password)
                return
            with suppress(Exception):
                self._decoy(credentials)

    def _broken(self, what: str) -> BackendUnavailable:
        _log.error("authenticator %r %s", self._name, what)
        return BackendUnavailable(f"The authenticator {self._name!r} does not work; try again later")


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
        self._members = tuple(_Member(name, each, workers) for name, each in authenticators)
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
            _log.error("the listener to failed logins raised %s", _describe(error))


def _describe(error: Exception) -> str:
    """Return the type and the place of an error, without its message, which may quote a password."""
    places = traceback.extract_tb(error.__traceback__)[-3:]
    return " ".join([type(error).__name__, *(f"{place.filename}:{place.lineno}" for place in places)])
