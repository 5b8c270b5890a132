"""The stamp of a catalog in PostgreSQL: its newest serial and its newest revocation."""

import threading
import time
from collections.abc import Callable
from typing import Any

from psycopg import Connection, Error, OperationalError, pq

from pyramid_pypi.errors import CatalogUnavailable

__all__ = ["Probe"]

_GRACE = 0.002
"""Seconds for which an answer counts, and which every writer waits; on all nodes the same."""

_NAME = b"stamp"
# Both are read from the end of an index.
_QUERY = b"SELECT (SELECT max(serial) FROM journal), (SELECT max(revoked_at) FROM tokens)"


class Probe:
    """See `Stamp`. The database is asked, which no notification could replace: it may be late.

    An answer counts for a moment, so that a thousand requests a second do not ask as often. A writer
    waits for that moment after its commit and before it tells anybody: when it does, all answers
    from before the commit have ceased to count, on every node.
    """

    def __init__(
        self, connect: Callable[[], Connection[Any]], unavailable: Callable[[Exception], CatalogUnavailable]
    ) -> None:
        """Ask on connections from `connect`, which has to make new ones and raises the driver's errors."""
        self._connect = connect
        self._unavailable = unavailable
        self._connection: Connection[Any] | None = None
        self._turn = threading.Lock()
        # The answer, or why there is none, and when the question was put, by the monotonic clock.
        self._seen: tuple[bytes | Error, float] = (b"", float("-inf"))

    def read(self) -> bytes:
        """Return an answer that counts; one round trip if there is none."""
        arrived = time.monotonic()
        answer, asked_at = self._seen
        if arrived - asked_at < _GRACE and isinstance(answer, bytes):
            return answer
        with self._turn:
            answer, asked_at = self._seen
            # However slow it was: a question that was put while this waited saw all that it has to.
            # And who waits for a database that is away need not find that out again.
            if asked_at < arrived and not self._counts():
                asked_at = time.monotonic()
                answer = self._ask()
                self._seen = (answer, asked_at)
        if isinstance(answer, Error):
            raise self._unavailable(answer) from answer
        return answer

    def _counts(self) -> bool:
        answer, asked_at = self._seen
        return isinstance(answer, bytes) and time.monotonic() - asked_at < _GRACE

    def renew(self) -> None:
        """Wait until no answer counts that does not know of the commit."""
        time.sleep(_GRACE)

    def close(self) -> None:
        """Close the connection."""
        with self._turn:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self) -> bytes | Error:
        if self._connection is not None:
            try:
                return _answer(self._connection)
            except Error:
                # The server may have been restarted since.
                self._hang_up()
        try:
            self._connection = fresh = self._connect()
            _check(fresh.pgconn.prepare(_NAME, _QUERY), pq.ExecStatus.COMMAND_OK)
            return _answer(fresh)
        except Error as error:
            return error


# libpq is called directly: the driver's cursors take four times as long.
def _answer(connection: Connection[Any]) -> bytes:
    result = connection.pgconn.exec_prepared(_NAME, [])
    _check(result, pq.ExecStatus.TUPLES_OK)
    serial, revoked = result.get_value(0, 0), result.get_value(0, 1)
    return b"%b %b" % (serial or b"", revoked or b"")


def _check(result: Any, wanted: pq.ExecStatus) -> None:
    if result.status != wanted:
        raise OperationalError(result.error_message.decode("utf-8", "replace"))
