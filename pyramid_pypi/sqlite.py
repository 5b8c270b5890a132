"""What SQLite needs whoever uses it."""

import sqlite3
import time

__all__ = ["write_ahead"]

_TRIES = 500
_TRY_AGAIN = 0.02


def write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a database to write-ahead logging. Raises sqlite3.OperationalError."""
    # For this SQLite does not wait, so that processes which start together would fail.
    for tries_left in reversed(range(_TRIES)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not tries_left or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_TRY_AGAIN)
        else:
            return
