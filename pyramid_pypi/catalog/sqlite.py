"""The catalog in an SQLite file, for any number of processes of one host."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from pyramid_pypi.catalog.database import cause_of, migrate
from pyramid_pypi.catalog.stamp import FileStamp
from pyramid_pypi.errors import CatalogUnavailable
from pyramid_pypi.sqlite import write_ahead

__all__ = ["SQLite"]

_BUSY_MS = 30_000
_CACHE_KIB = 512


class SQLite:
    """See `Database`."""

    def __init__(self, url: str) -> None:
        path = Path(make_url(url).database or ":memory:")
        self.read = _reading_engine(url)
        self.write = _writing_engine(url)
        # SQLite's own waiting is by sleeping, which costs threads of one process far more.
        self.turn = threading.Lock()
        try:
            self._prepare(path)
            self.stamp = _stamp_beside(path)
        except BaseException:
            self._close_engines()
            raise

    def unavailable(self, error: Exception) -> CatalogUnavailable:
        """Tell what SQLite has said."""
        return CatalogUnavailable(f"The catalog does not answer: {cause_of(error)}; try again later")

    def close(self) -> None:
        """Close all connections and the stamp."""
        self._close_engines()
        self.stamp.close()

    def _close_engines(self) -> None:
        self.read.dispose()
        self.write.dispose()

    def _prepare(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            migrate(self.read, self.write)
        except (OSError, DatabaseError) as error:
            raise CatalogUnavailable(
                f"The catalog {path} cannot be opened: {cause_of(error)}; "
                "check that its folder can be written"
            ) from error


def _stamp_beside(path: Path) -> FileStamp:
    try:
        return FileStamp(path.with_name(f"{path.name}-stamp"))
    except OSError as error:
        raise CatalogUnavailable(f"The folder {path.parent} cannot be written: {error.strerror}") from error


def _reading_engine(url: str) -> Engine:
    """Return an engine whose statements each see one snapshot and hold no transaction."""
    engine = create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=16, max_overflow=64, pool_reset_on_return=None
    )
    event.listen(engine, "connect", _tune)
    return engine


def _writing_engine(url: str) -> Engine:
    """Return an engine whose transactions take the write lock when they begin.

    A deferred transaction that reads first and writes later fails at once with "database is
    locked" when another one wrote in between, whatever the busy timeout says.
    """
    engine = create_engine(url, pool_size=4, max_overflow=64)
    event.listen(engine, "connect", _tune)
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _tune(connection: sqlite3.Connection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    write_ahead(connection)
    # NORMAL would be ten times quicker and may lose acknowledged uploads in a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # Each thread has a connection; the kernel caches the file for all of them.
    cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    cursor.close()


def _leave_transactions_to_us(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
