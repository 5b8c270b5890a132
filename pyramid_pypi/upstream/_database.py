"""An SQLite database that may be lost: it does not wait for the disk, and a new layout empties it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.sqlite import write_ahead

__all__ = ["Database"]


class Database:
    """The file `path` with `tables`, statements that are separated by semicolons.

    A file whose number is not `layout` is emptied first. Every thread has a connection of its own.
    Every method may raise StorageUnavailable.
    """

    def __init__(self, path: Path, layout: int, tables: str) -> None:
        self._path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._idle = threading.Condition()
        # SQLite would wait for another writer in steps that grow to a tenth of a second.
        self._writing = threading.Lock()
        self._busy = 0
        self._closed = False
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
        self._prepare(layout, tables)

    def close(self) -> None:
        """Close all connections as soon as no thread uses one; later calls are refused."""
        with self._idle:
            self._closed = True
            # SQLite does not survive the loss of a connection in the middle of a statement.
            self._idle.wait_for(lambda: not self._busy)
            connections, self._all = self._all, []
        for connection in connections:
            connection.close()

    def run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement that changes nothing."""
        with self._using() as connection:
            return connection.execute(statement, values).fetchall()

    def one(self, statement: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        """Return the first row."""
        rows = self.run(statement, values)
        return rows[0] if rows else None

    def write(self, statement: str, values: tuple[object, ...] = ()) -> None:
        """Do a statement that is a transaction by itself."""
        with self._writing, self._using() as connection:
            # Some statements end only when their result is read.
            connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do all of it or nothing, while nobody else writes."""
        with self._writing, self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite has ended the transaction itself where the disk is full.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _prepare(self, layout: int, tables: str) -> None:
        with self.transaction() as connection:
            if connection.execute("PRAGMA user_version").fetchone() == (layout,):
                return
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in found:
                connection.execute(f"DROP TABLE {table}")
            for statement in tables.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {layout}")

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._idle:
            if self._closed:
                raise StorageUnavailable("The cache is closed, because the server stops")
            self._busy += 1
        try:
            with self._errors():
                yield self._connection()
        finally:
            with self._idle:
                self._busy -= 1
                if self._closed and not self._busy:
                    self._idle.notify_all()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
            write_ahead(found)
            # A power cut may take the last minutes of a cache.
            found.execute("PRAGMA synchronous = NORMAL")
            self._local.connection = found
            with self._idle:
                self._all.append(found)
        return found

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            message = f"The cache {self._path.parent.name!r} cannot be used: {error}"
            raise StorageUnavailable(message) from error
