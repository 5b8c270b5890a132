"""Secrets of repositories: the user name is the repository's, the password is one of its secrets."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pyramid_pypi.auth import passwords
from pyramid_pypi.auth.tokens import is_secret
from pyramid_pypi.errors import InvalidCredentials
from pyramid_pypi.model import EVERYONE, Credentials, Identity
from pyramid_pypi.options import Secret

__all__ = [
    "LoneSecretAuthenticator",
    "RepositorySecrets",
    "SecretAuthenticator",
    "is_hash",
    "secret_principal",
]

_HASHES: Final = ("$2", "$5$", "$6$", "$apr1$", "{SHA}")


def is_hash(text: str) -> bool:
    """Tell whether a secret is meant as a hash, as in an htpasswd file, and not as itself."""
    return text.startswith(_HASHES)


def secret_principal(repository: str, use: Literal["read", "write"]) -> str:
    """Return the principal of whoever came with a secret of `repository`."""
    return f"secret:{repository}:{use}"


@dataclass(frozen=True, slots=True)
class RepositorySecrets:
    """The secrets of one repository, in the clear or hashed; None where it has none.

    With `write` one may read and upload, with `read` only read.
    """

    read: Secret | None = None
    write: Secret | None = None

    def __bool__(self) -> bool:
        return self.read is not None or self.write is not None


class _Stored:
    """A secret to compare with, and who one is with it."""

    def __init__(self, secret: Secret, identity: Identity, key: bytes) -> None:
        text = secret.reveal()
        self.identity = identity
        self._key = key
        self._hash = text if is_hash(text) else ""
        self._digest = self._digest_of(text)

    def matches(self, password: str) -> bool:
        """Compare in constant time."""
        if self._hash:
            return passwords.verify(self._hash, password)
        return hmac.compare_digest(self._digest, self._digest_of(password))

    def _digest_of(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=self._key).digest()


class SecretAuthenticator:
    """Knows repositories by name, in capital letters as well, and their secrets.

    Whoever comes with a secret is not a user: the identity has the principals of the secret and is
    not `authenticated`, so that it opens nothing but what is granted to the secret.
    `secrets` has at least one secret for each repository that it names.

    A token is nobody's secret, and is left to those who know tokens, whatever name it comes with.
    """

    def __init__(self, secrets: Mapping[str, RepositorySecrets]) -> None:
        key = os.urandom(32)
        self._stored = {
            name: tuple(_Stored(secret, identity, key) for secret, identity in _identities(name, each))
            for name, each in secrets.items()
        }
        self._fingerprints = {name: _fingerprint(name, each) for name, each in secrets.items()}

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """See the contract."""
        stored = self._stored.get(_repository(credentials.username))
        if stored is None:
            return None
        for one in stored:
            if one.matches(credentials.password):
                return one.identity
        if is_secret(credentials.password):
            return None
        raise InvalidCredentials("Invalid or non-existent authentication information.")

    def fingerprint(self, username: str) -> str | None:
        """Return a text about the secrets of the repository, which are those of the start."""
        return self._fingerprints.get(_repository(username))


class LoneSecretAuthenticator(SecretAuthenticator):
    """The same where nobody else knows passwords, so that this one takes the time for unknown names."""

    def decoy(self, credentials: Credentials) -> None:
        """Compare with the secrets of some repository, and forget it."""
        for one in next(iter(self._stored.values())):
            one.matches(credentials.password)


def _repository(username: str) -> str:
    """Return the name of the repository that may be meant; only ASCII letters have two forms."""
    return username.lower() if username.isascii() else ""


def _fingerprint(name: str, secrets: RepositorySecrets) -> str:
    texts = ["" if one is None else one.reveal() for one in (secrets.read, secrets.write)]
    return f"{name} " + hashlib.blake2b("\n".join(texts).encode()).hexdigest()


def _identities(name: str, secrets: RepositorySecrets) -> list[tuple[Secret, Identity]]:
    reader, writer = secret_principal(name, "read"), secret_principal(name, "write")
    found = []
    if secrets.write is not None:
        found.append((secrets.write, Identity(name, frozenset({EVERYONE, reader, writer}))))
    if secrets.read is not None:
        found.append((secrets.read, Identity(name, frozenset({EVERYONE, reader}))))
    return found
