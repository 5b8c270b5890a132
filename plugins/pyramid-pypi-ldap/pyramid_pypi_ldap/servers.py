"""Several servers with the same content: failover, and connections of the service account kept open."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from pyramid_pypi_ldap.client import Connection
from pyramid_pypi_ldap.errors import DirectoryError, Outage, Refused
from pyramid_pypi_ldap.options import Options

__all__ = ["Server", "Servers"]

# A server that has failed is not asked for the first time, and only after the others for the second:
# one that hangs would cost each login its timeouts.
_REST: Final = 5.0
_LAST: Final = 60.0
# Firewalls forget connections that say nothing, often without a word to either end.
_IDLE: Final = 60.0

T = TypeVar("T")
Clock = Callable[[], float]
_log = logging.getLogger(__name__)


class Server:
    """One server and the connections to it on which the service account is logged in."""

    def __init__(self, url: str, options: Options, *, clock: Clock = time.monotonic) -> None:
        self.url = url
        self.failed_at = float("-inf")
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection]] = []

    def connect(self) -> Connection:
        """Return a connection on which nobody is logged in. Raises Outage."""
        return Connection(self.url, self._options.transport)

    def log_in(self, connection: Connection) -> None:
        """Log the service account in, if there is one. Raises Outage."""
        password = self._options.bind_password
        if password is None or not self._options.bind_dn:
            return
        try:
            connection.bind(self._options.bind_dn, password.reveal())
        except Refused as error:
            hint = "check bind_dn and bind_password, and that the account is not locked"
            raise Outage(f"the service account cannot log in: {error}", hint=hint) from error

    def ask(self, work: Callable[[Connection], T]) -> T:
        """Do work on a connection of the service account. Raises what the work raises, and Outage."""
        idle = self._take()
        if idle is not None:
            try:
                return self._run(idle, work)
            except Outage as error:
                if not error.closed:
                    raise
                # A server may end idle connections, and all of them when it starts again.
                self.close()
        fresh = self.connect()
        try:
            self.log_in(fresh)
        except BaseException:
            fresh.close()
            raise
        return self._run(fresh, work)

    def visit(self, work: Callable[[Connection], T]) -> T:
        """Do work on a connection of its own, which is closed afterwards."""
        connection = self.connect()
        try:
            return work(connection)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()

    def _run(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        """Do work and keep the connection if that went well."""
        try:
            result = work(connection)
        except BaseException:
            connection.close()
            raise
        with self._lock:
            kept = len(self._idle) < self._options.connections
            if kept:
                self._idle.append((self._clock(), connection))
        if not kept:
            connection.close()
        return result

    def _take(self) -> Connection | None:
        """Return the connection that was used last; those that were idle for too long are closed."""
        with self._lock:
            since = self._clock() - _IDLE
            old = [connection for at, connection in self._idle if at < since]
            self._idle = [pair for pair in self._idle if pair[0] >= since]
            found = self._idle.pop()[1] if self._idle else None
        for connection in old:
            connection.close()
        return found


class Servers:
    """Asks the first server that works."""

    def __init__(self, options: Options, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self.all = tuple(Server(url, options, clock=clock) for url in options.servers)

    def ask(self, work: Callable[[Connection], T]) -> T:
        """Do work as the service account. Raises Outage when no server works, and what work raises."""
        return self._first(lambda server: server.ask(work))

    def visit(self, work: Callable[[Connection], T]) -> T:
        """Do work on a connection on which nobody is logged in yet. Raises as `ask` does."""
        return self._first(lambda server: server.visit(work))

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        for server in self.all:
            server.close()

    def _first(self, attempt: Callable[[Server], T]) -> T:
        last = Outage("no server works, and all were asked a moment ago")
        for server in self._candidates():
            try:
                result = attempt(server)
            except Outage as error:
                server.failed_at = self._clock()
                server.close()
                _log.warning("%s: %s%s", server.url, error.reason, f"; {error.hint}" if error.hint else "")
                last = error
                continue
            except DirectoryError:
                server.failed_at = float("-inf")
                raise
            server.failed_at = float("-inf")
            return result
        raise last

    def _candidates(self) -> list[Server]:
        """Return the servers to ask: in their order, those that failed lately last or not at all."""
        now = self._clock()
        rested = [server for server in self.all if now - server.failed_at >= _REST]
        return sorted(rested, key=lambda server: now - server.failed_at < _LAST)
