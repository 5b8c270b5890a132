"""The authenticator `ldap`."""

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from pyramid_pypi.auth.basic import MAX_NAME, MAX_PASSWORD, has_controls
from pyramid_pypi.errors import BackendUnavailable, InvalidCredentials
from pyramid_pypi.model import Credentials, Identity
from pyramid_pypi_ldap import options as declared
from pyramid_pypi_ldap.client import Connection, Entry
from pyramid_pypi_ldap.directory import Directory
from pyramid_pypi_ldap.errors import Ambiguous, DirectoryError, Outage, Refused
from pyramid_pypi_ldap.servers import Servers

__all__ = ["LdapAuthenticator"]

_INVALID = "Invalid or non-existent authentication information."
_DOWN = "The directory cannot be asked just now; try again later"
_log = logging.getLogger(__name__)

Find = Callable[[str], Identity | None]


class LdapAuthenticator:
    """Checks passwords with a bind at a directory, as the entry that has the name.

    Keeps nothing but connections of the service account: what was verified is remembered by the
    core. Offers `decoy`, and `find` where entries can be read without their password; otherwise
    `find` is None.
    """

    Options = declared.Options

    def __init__(self, options: declared.Options) -> None:
        self._options = options
        self._directory = Directory(options)
        self._servers = Servers(options)
        self.find: Find | None = self._find if options.can_search else None
        if not options.verify:
            _log.warning("certificates of %s are not checked", " ".join(options.servers))
        if not options.starttls and any(url.startswith("ldap://") for url in options.servers):
            _log.warning("passwords go to %s in the clear", " ".join(options.servers))

    def authenticate(self, credentials: Credentials) -> Identity | None:
        """See the contract."""
        name, password = credentials.username, credentials.password
        if not _is_text(password, MAX_PASSWORD):
            raise InvalidCredentials(_INVALID)
        if not _is_text(name, MAX_NAME):
            return None
        try:
            if not self._options.can_search:
                return self._servers.visit(lambda one: self._bind_directly(one, name, password))
            return self._search_and_bind(name, password)
        except Refused as error:
            _log.info("refused: %s", error)
            raise InvalidCredentials(_INVALID) from None
        except Ambiguous as error:
            _log.error("refused: %s; names have to be unique below user_base", error)
            raise InvalidCredentials(_INVALID) from None
        except Outage as error:
            raise BackendUnavailable(_DOWN) from error

    def decoy(self, credentials: Credentials) -> None:
        """See the contract: binds as an entry that does not exist, with a password of nobody's."""
        del credentials
        nobody = f"nobody-{secrets.token_hex(8)}"
        options = self._options
        dn = self._directory.dn_of(nobody) if options.user_dn else f"cn={nobody},{options.user_base}"
        with suppress(DirectoryError):
            self._servers.visit(lambda one: one.bind(dn, secrets.token_hex(16)))

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        self._servers.close()

    def _find(self, username: str) -> Identity | None:
        """Return who has this name, without a password; None for an unknown name.

        Raises BackendUnavailable when the directory cannot tell.
        """
        if not _is_text(username, MAX_NAME):
            return None
        try:
            return self._servers.ask(lambda one: self._identity_of(one, username))
        except DirectoryError as error:
            raise BackendUnavailable(_DOWN) from error

    def _search_and_bind(self, name: str, password: str) -> Identity | None:
        entry = self._servers.ask(lambda one: self._entry(one, name, login=True))
        if entry is None:
            return None
        self._servers.visit(lambda one: one.bind(entry.dn, password))
        # Groups come after the password, so that wrong ones cost the directory no search for them.
        identity = self._servers.ask(lambda one: self._identity(one, entry, name))
        if identity is None:
            raise Refused(f"{entry.dn} is in none of access_groups")
        return identity

    def _bind_directly(self, connection: Connection, name: str, password: str) -> Identity:
        """Log in as the DN of the template, and read the entry as its owner."""
        dn = self._directory.dn_of(name)
        connection.bind(dn, password)
        entries = self._directory.read(connection, dn)
        identity = self._identity(connection, entries[0], name) if entries else None
        if identity is None:
            raise Refused(f"{dn} cannot read itself, or does not match user_filter or access_groups")
        return identity

    def _identity_of(self, connection: Connection, username: str) -> Identity | None:
        entry = self._entry(connection, username, login=False)
        return None if entry is None else self._identity(connection, entry, username)

    def _entry(self, connection: Connection, username: str, *, login: bool) -> Entry | None:
        """Return the one entry of a name. Raises Ambiguous where there are several."""
        entries = self._directory.entries(connection, username, login=login)
        if len(entries) > 1:
            raise Ambiguous(f"{len(entries)} entries have the name {username!r}")
        return entries[0] if entries else None

    def _identity(self, connection: Connection, entry: Entry, username: str) -> Identity | None:
        """Return who an entry is, None for somebody who is not let in."""
        name = self._directory.name(entry, username)
        groups = self._directory.groups(connection, entry, name)
        return self._directory.identity(name, groups) if self._directory.may_enter(groups) else None


def _is_text(text: str, most: int) -> bool:
    """Tell whether a text is not empty, has no control characters and at most `most` bytes."""
    try:
        return 0 < len(text.encode()) <= most and not has_controls(text)
    except UnicodeEncodeError:
        return False
