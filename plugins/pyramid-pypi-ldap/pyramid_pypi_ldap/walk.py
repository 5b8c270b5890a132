"""A login in single steps, at one server."""

from collections.abc import Iterator
from dataclasses import dataclass

from pyramid_pypi_ldap.client import Connection, Entry
from pyramid_pypi_ldap.directory import Directory
from pyramid_pypi_ldap.errors import DirectoryError, Outage, Refused
from pyramid_pypi_ldap.options import Options
from pyramid_pypi_ldap.servers import Server

__all__ = ["Step", "walk"]


@dataclass(frozen=True, slots=True)
class Step:
    """What was tried, what came of it and, where it failed, what to do."""

    what: str
    outcome: str
    worked: bool = True
    hint: str = ""


def walk(url: str, options: Options, username: str, password: str) -> Iterator[Step]:
    """Yield the steps of a login at the server `url`, up to the first one that fails."""
    journey = _Journey(Server(url, options), options, username)
    try:
        yield from journey.steps(password)
    except DirectoryError as error:
        hint = error.hint if isinstance(error, Outage) else journey.hint
        yield Step(journey.now, str(error), worked=False, hint=hint)
    finally:
        journey.close()


class _Journey:
    """The connections of a walk, the step that it is at, and what to do where that is refused."""

    def __init__(self, server: Server, options: Options, username: str) -> None:
        self.now = self.hint = ""
        self._server = server
        self._options = options
        self._username = username
        self._directory = Directory(options)
        self._open: list[Connection] = []

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def steps(self, password: str) -> Iterator[Step]:
        safe = self._options.transport.secures(self._server.url)
        self._at("connect with TLS" if safe else "connect")
        connection = self._connection()
        yield Step(self.now, self._safety() if safe else "passwords are sent in the clear; use TLS")
        if self._options.can_search:
            yield self._log_in(connection)
            entry, step = self._search(connection)
            yield step
            yield self._bind(self._connection(), entry.dn, password)
        else:
            dn = self._directory.dn_of(self._username)
            yield self._bind(connection, dn, password)
            entry, step = self._search(connection)
            yield step
        yield from self._rights(connection, entry)

    def _connection(self) -> Connection:
        self._open.append(self._server.connect())
        return self._open[-1]

    def _at(self, what: str, hint: str = "") -> None:
        self.now, self.hint = what, hint

    def _safety(self) -> str:
        return "the certificate is right" if self._options.verify else "the certificate was not checked"

    def _log_in(self, connection: Connection) -> Step:
        self._at("service account")
        self._server.log_in(connection)
        return Step(self.now, self._options.bind_dn or "none, so searches are anonymous")

    def _search(self, connection: Connection) -> tuple[Entry, Step]:
        hint = "make names unique below user_base, or narrow user_base or user_filter"
        self._at("search" if self._options.user_base else "read", hint)
        entries = self._directory.entries(connection, self._username, login=True)
        if not entries:
            advice = "check the name, user_base, user_filter, login_attributes, and what may be read"
            raise Outage(f"no entry for {self._username}", hint=advice)
        if len(entries) > 1:
            found = " and ".join(entry.dn for entry in entries)
            raise Outage(f"{len(entries)} entries: {found}", hint=hint)
        return entries[0], Step(self.now, f"1 entry, {entries[0].dn}")

    def _bind(self, connection: Connection, dn: str, password: str) -> Step:
        self._at("password", "the password is wrong, or the account is locked or expired")
        connection.bind(dn, password)
        return Step(self.now, f"right for {dn}")

    def _rights(self, connection: Connection, entry: Entry) -> Iterator[Step]:
        self._at("name")
        name = self._directory.name(entry, self._username)
        yield Step(self.now, f"user:{self._directory.identity(name, ()).name}")
        self._at("groups")
        groups = self._directory.groups(connection, entry, name)
        yield Step(self.now, " ".join(f"group:{group}" for group in groups) or "none")
        self._at("access", "add the user to one of access_groups, or change groups, group_base or group_map")
        if not self._directory.may_enter(groups):
            raise Refused(f"not in one of {' '.join(self._options.access_groups)}")
        yield Step(self.now, "let in")
