"""One authenticator among those that a login asks."""

import logging
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.base import Authenticator
from pyramid_pypi.auth.flights import Slots
from pyramid_pypi.auth.tokens import TokenAuthenticator
from pyramid_pypi.errors import BackendUnavailable, InvalidCredentials
from pyramid_pypi.model import Credentials, Identity

__all__ = ["Member", "describe"]

# The hash of a random password that nobody kept, at the cost of new hashes.
_NOBODY: Final = "$2y$12$4FBLWvyJaraVIwR85BcGquEQQo4saDu9Mw5rtjaeNNbm4A/KvqYq6"
_log = logging.getLogger(__name__)


class Member:
    """An authenticator, its name in the settings, and its own slots.

    Slots are not shared: a directory that hangs must not keep local users out.
    """

    def __init__(self, name: str, authenticator: Authenticator, workers: int) -> None:
        self.name = name
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
                raise self._broken(f"raised {describe(error)}") from error
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
                raise self._broken(f"raised {describe(error)}") from error
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
                _log.error("authenticator %r: close raised %s", self.name, describe(error))

    def check_of(self, username: str) -> Callable[[], bool]:
        """Return a function that tells whether what is stored for the name is still as it is now."""
        read = self._fingerprint
        if not callable(read):
            return lambda: True
        try:
            before = read(username)
        except Exception as error:  # noqa: BLE001 - a plugin's error only costs the cache
            _log.error("authenticator %r: fingerprint raised %s", self.name, describe(error))
            return lambda: False
        return lambda: read(username) == before

    def state_of(self, username: str) -> str | None:
        """Return what is stored for the name, None where the authenticator does not tell."""
        # What ends tokens is no reason to end anything else.
        if not callable(self._fingerprint) or isinstance(self._authenticator, TokenAuthenticator):
            return None
        try:
            state: str | None = self._fingerprint(username)
        except Exception as error:  # noqa: BLE001 - as above
            _log.error("authenticator %r: fingerprint raised %s", self.name, describe(error))
            return None
        return state

    def spend(self, credentials: Credentials) -> None:
        """Take the time of a wrong password."""
        with self._slots.hold():
            if not callable(self._decoy):
                passwords.verify(_NOBODY, credentials.password)
                return
            with suppress(Exception):
                self._decoy(credentials)

    def _broken(self, what: str) -> BackendUnavailable:
        _log.error("authenticator %r %s", self.name, what)
        return BackendUnavailable(f"The authenticator {self.name!r} does not work; try again later")


def describe(error: Exception) -> str:
    """Return the type and the place of an error, without its message, which may quote a password."""
    places = traceback.extract_tb(error.__traceback__)[-3:]
    return " ".join([type(error).__name__, *(f"{place.filename}:{place.lineno}" for place in places)])
