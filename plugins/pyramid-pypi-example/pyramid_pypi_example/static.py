"""An authenticator that knows one user, whose password is in the settings."""

import hmac
from dataclasses import dataclass, field

from pyramid_pypi.errors import InvalidCredentials
from pyramid_pypi.model import Credentials, Identity
from pyramid_pypi.options import Secret

__all__ = ["StaticAuthenticator"]


class StaticAuthenticator:
    """Accepts one name and password: for a robot account, or to try things out."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `pypi.auth.<name> = static` takes."""

        username: str = field(metadata={"help": "the name of the user"})
        password: Secret = field(metadata={"help": "the password; better env:NAME or file:/path"})
        groups: tuple[str, ...] = field(default=(), metadata={"help": "groups that the user is in"})

    def __init__(self, options: Options) -> None:
        self._identity = Identity.user(options.username, options.groups)
        self._password = options.password

    def authenticate(self, credentials: Credentials) -> Identity | None:
        if credentials.username != self._identity.name:
            return None
        if not self._matches(credentials):
            raise InvalidCredentials("The password is wrong")
        return self._identity

    def decoy(self, credentials: Credentials) -> None:
        self._matches(credentials)

    def _matches(self, credentials: Credentials) -> bool:
        # Comparing texts with == would tell by its time how many characters are right.
        return hmac.compare_digest(self._password.reveal().encode(), credentials.password.encode())
