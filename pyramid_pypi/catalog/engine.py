"""Connections to the catalog's database, tuned once, and its schema brought up to date."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import ConnectionPoolEntry

from pyramid_pypi.catalog.tables import REVISION
from pyramid_pypi.errors import CatalogUnavailable
from pyramid_pypi.sqlite import write_ahead

__all__ = ["database_path", "prepare", "reading_engine", "upgrade", "writing_engine"]

_BUSY_MS = 30_000
_CACHE_KIB = 512


def database_path(url: str) -> Path:
    """Return the file of an SQLite URL."""
    return Path(make_url(url).database or ":memory:")


def reading_engine(url: str) -> Engine:
    """Return an engine whose statements each see one snapshot and hold no transaction."""
    engine = create_engine(
        url, isolation_level="AUTOCOMMIT", pool_size=16, max_overflow=64, pool_reset_on_return=None
    )
    event.listen(engine, "connect", _tune)
    return engine


def writing_engine(url: str) -> Engine:
    """Return an engine whose transactions take the write lock when they begin.

    A deferred transaction that reads first and writes later fails at once with "database is
    locked" when another one wrote in between, whatever the busy timeout says.
    """
    engine = create_engine(url, pool_size=4, max_overflow=64)
    event.listen(engine, "connect", _tune)
    event.listen(engine, "connect", _leave_transactions_to_us)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def prepare(engine: Engine, url: str) -> None:
    """Create or migrate the schema when it is not the newest. Raises CatalogUnavailable."""
    path = database_path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _revision(engine) != REVISION:
            upgrade(url)
    except (OSError, DatabaseError) as error:
        cause = getattr(error, "orig", None) or error
        message = f"The catalog {path} cannot be opened: {cause}; check that its folder can be written"
        raise CatalogUnavailable(message) from error


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations up to `revision`. Importing Alembic is slow, so it happens here only."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = writing_engine(url)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


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
