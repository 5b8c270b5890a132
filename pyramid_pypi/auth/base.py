"""The contract of authenticators."""

from typing import Protocol, runtime_checkable

from pyramid_pypi.model import Credentials, Identity

__all__ = ["Authenticator"]


@runtime_checkable
class Authenticator(Protocol):
    """Something that can tell whether a name and a password belong together.

    The core has already refused empty passwords, control characters and over-long values, it
    caches what was verified and it limits attempts, so an implementation only checks.
    """

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """Return who it is, or None when this authenticator does not know the name.

        None asks the next authenticator. Raises InvalidCredentials when the name is known and
        the password is wrong: nobody else is asked. Raises BackendUnavailable when it cannot
        tell now: the client gets 503.
        """
        ...
