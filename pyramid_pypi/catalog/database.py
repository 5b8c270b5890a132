"""What the catalog needs of a database, and which one a URL means."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pyramid_pypi.catalog.stamp import Stamp
from pyramid_pypi.catalog.tables import REVISION, metadata
from pyramid_pypi.errors import CatalogUnavailable

__all__ = ["Database", "Errors", "cause_of", "migrate", "open_database", "shown_url"]

# As Alembic makes it.
_VERSION_TABLE = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""


class Database(Protocol):
    """Two ways to connect to one database, whose schema is the newest."""

    @property
    def read(self) -> Engine:
        """Connections without transactions: each statement sees what was committed before it."""

    @property
    def write(self) -> Engine:
        """Connections whose transactions begin by waiting for the only other writer to be done.

        So what a transaction reads stays true until its end, and serials appear in their order: who
        has seen one never sees a smaller one appear later.
        """

    @property
    def turn(self) -> AbstractContextManager[Any]:
        """What threads of this process queue at before they write."""

    @property
    def stamp(self) -> Stamp:
        """What changes with each commit."""

    def unavailable(self, error: Exception) -> CatalogUnavailable:
        """Return what to tell clients when a statement has failed."""

    def close(self) -> None:
        """Close all connections."""


class Errors:
    """The errors of an engine's driver, as they come from it and as SQLAlchemy passes them on."""

    def __init__(self, engine: Engine) -> None:
        driver: Any = engine.dialect.import_dbapi()
        self.integrity: type[Exception] = driver.IntegrityError
        self._data: type[Exception] = driver.DataError
        # The third one tells that the pool has given up to find a living connection.
        self.all = (DBAPIError, PoolTimeout, InvalidRequestError, driver.Error)

    def is_about_data(self, error: Exception) -> bool:
        """Tell whether the values are to blame: some texts and numbers no database takes."""
        return isinstance(getattr(error, "orig", None) or error, self._data)


def open_database(url: str) -> Database:
    """Return the database at `url`, created or migrated. Raises CatalogUnavailable."""
    if make_url(url).get_backend_name() == "sqlite":
        from pyramid_pypi.catalog.sqlite import SQLite  # noqa: PLC0415

        return SQLite(url)
    try:
        # Not everybody has the driver, and importing it takes time and memory.
        from pyramid_pypi.catalog.postgresql import PostgreSQL  # noqa: PLC0415
    except ImportError as error:
        raise CatalogUnavailable(
            f"A catalog in PostgreSQL needs psycopg ({error}): pip install 'pyramid_pypi[postgresql]'"
        ) from error
    return PostgreSQL(url)


def migrate(reading: Engine, writing: Engine) -> None:
    """Make the tables, or bring those of an older version up to date.

    Of several processes that start together one does it while the others wait. Raises what the
    engines raise, and CatalogUnavailable for a schema that is newer than this program.
    """
    if _revision(reading) == REVISION:
        return
    with writing.begin() as connection:
        if inspect(connection).has_table("alembic_version"):
            _upgrade(connection)
        else:
            metadata.create_all(connection, checkfirst=False)
            connection.exec_driver_sql(_VERSION_TABLE)
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": REVISION})


def _upgrade(connection: Connection) -> None:
    # Importing Alembic is slow, so it happens only where there is something to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise CatalogUnavailable(
            f"The schema of the catalog cannot be brought up to date: {error}; "
            "a newer version of this program has been at work there"
        ) from error


def shown_url(url: URL) -> str:
    """Return where a database is as people may see it."""
    # libpq takes that of a key as a parameter.
    return url.update_query_dict({name: "***" for name in url.query if "password" in name}).render_as_string()


def cause_of(error: Exception) -> str:
    """Return in one line what the driver has said."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
