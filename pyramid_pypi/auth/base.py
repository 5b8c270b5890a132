"""The contract of authenticators."""

from typing import Protocol, runtime_checkable

from pyramid_pypi.model import Credentials, Identity

__all__ = ["Authenticator"]


@runtime_checkable
class Authenticator(Protocol):
    """Something that can tell whether a name and a password belong together.

    The core has already refused empty passwords, control characters and over-long values, it
    caches what was verified and it limits attempts, so an implementation only checks.
    It is called from several threads.

    Five methods are optional and used where they exist:

    `fingerprint(username: str) -> str | None` names the state that a verified password depends on,
    such as the stored hash and the groups, and is None for an unknown name. When it changes, what
    was verified before is checked again. It is called on every request with a password, so it
    answers from memory in microseconds. Without it a changed password is noticed when the cache
    expires.

    `find(username: str) -> Identity | None` returns who has a name, and the groups, without a
    password; None for nobody, and it raises BackendUnavailable when it cannot tell. Without it the
    users have no tokens.

    `use_catalog(catalog: pyramid_pypi.catalog.Catalog) -> None` is called once, before anything is
    asked, for one that keeps something there, as `pyramid_pypi.catalog.notes.Notes`.

    `close() -> None` lets connections go when the index is closed.

    `decoy(credentials: Credentials) -> None` takes the time that a wrong password would take. It is
    called for a name that no authenticator knows, so that answers do not tell which names exist.
    """

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """Return who it is, or None when this authenticator does not know the name.

        None asks the next authenticator. Raises InvalidCredentials when the name is known and
        the password is wrong: nobody else is asked. Raises BackendUnavailable when it cannot
        tell now: the client gets 503.
        """
        ...
