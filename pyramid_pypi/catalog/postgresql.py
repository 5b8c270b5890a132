"""The catalog in PostgreSQL, for processes of any number of hosts."""

import logging
import select
from contextlib import nullcontext
from typing import Any

from psycopg import Connection as Driven
from psycopg import Error, OperationalError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from pyramid_pypi.catalog.database import cause_of, migrate, shown_url
from pyramid_pypi.catalog.probe import Probe
from pyramid_pypi.errors import CatalogUnavailable

__all__ = ["PostgreSQL"]

log = logging.getLogger(__name__)

_READERS = 8
_WRITERS = 8

_STATEMENT = 30
"""Seconds."""

_DEFAULTS = {
    "application_name": "pyramid_pypi",
    # Seconds, and then milliseconds: how long a server may be silent whose host has gone.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
"""Parameters of libpq where the URL has others not."""

# Any number will do that nobody else takes in the same database.
_LOCK = 7_305_437_881_022_114_901

# READ COMMITTED, so that what is read after the lock has been waited for is what is there then.
_BEGIN = f"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock({_LOCK})"

# The server itself finds out that a host has gone or that a process hangs, which may have the lock.
# What is acknowledged has to be on a disk, whatever is the custom of the database.
_TUNE = """
SET statement_timeout = '{statement}s';
SET idle_in_transaction_session_timeout = '5min';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3;
SET client_encoding = 'UTF8';
SELECT set_config('synchronous_commit', 'on', false)
WHERE current_setting('synchronous_commit') = 'off'
"""


class PostgreSQL:
    """See `Database`. A process has at most 17 connections, and usually few."""

    def __init__(self, url: str) -> None:
        target = make_url(url).set(drivername="postgresql+psycopg")
        self.read = _engine(target, _READERS, isolation_level="AUTOCOMMIT")
        self.write = _writing_engine(target, _WRITERS)
        # The lock of the server has a queue of its own, in which the threads of all hosts are.
        self.turn = nullcontext()
        self.stamp = Probe(lambda: _detached(self.read), self.unavailable)
        try:
            self._prepare(target)
        except BaseException:
            self.close()
            raise

    def unavailable(self, error: Exception) -> CatalogUnavailable:
        """Tell clients no more than that; the reason names hosts and users."""
        log.warning("The catalog does not answer: %s", cause_of(error))
        return CatalogUnavailable("The catalog does not answer; try again later")

    def close(self) -> None:
        """Close all connections."""
        self.stamp.close()
        self.read.dispose()
        self.write.dispose()

    def _prepare(self, target: URL) -> None:
        shown = shown_url(target.set(drivername="postgresql"))
        # Others may be migrating a large catalog just now, for which this waits.
        patient = _writing_engine(target, 1, statement=0)
        try:
            with self.read.connect() as connection:
                encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
            if encoding != "UTF8":
                raise CatalogUnavailable(
                    f"The catalog {shown} has the encoding {encoding}; "
                    "create the database with ENCODING 'UTF8'"
                )
            migrate(self.read, patient)
        except (DBAPIError, PoolTimeout) as error:
            raise CatalogUnavailable(
                f"The catalog {shown} cannot be opened: {cause_of(error)}; "
                "check pypi.catalog, and that this user may create tables in the database"
            ) from error
        finally:
            patient.dispose()


def _engine(target: URL, size: int, *, statement: int = _STATEMENT, **options: Any) -> Engine:
    engine = create_engine(
        target,
        connect_args={name: value for name, value in _DEFAULTS.items() if name not in target.query},
        pool_size=size,
        max_overflow=0,
        pool_timeout=_STATEMENT,
        pool_use_lifo=True,
        use_native_hstore=False,
        pool_reset_on_return=None,
        **options,
    )

    def tune(connection: Driven[Any], _record: ConnectionPoolEntry) -> None:
        # Transactions are begun by `_begin`, which saves a round trip.
        connection.autocommit = True
        connection.execute(_TUNE.format(statement=statement).encode())

    event.listen(engine, "connect", tune)
    event.listen(engine, "checkout", _refuse_dead)
    return engine


def _writing_engine(target: URL, size: int, **options: Any) -> Engine:
    """Return an engine whose transactions wait for those of all others when they begin."""
    engine = _engine(target, size, **options)
    event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: Connection) -> None:
    driven: Any = connection.connection.driver_connection
    try:
        driven.execute(_BEGIN)
    except Error:
        # Nothing has begun for SQLAlchemy, which would give the connection to others as it is.
        connection.invalidate()
        raise


def _refuse_dead(connection: Driven[Any], _record: ConnectionPoolEntry, _proxy: object) -> None:
    """Have a connection replaced whose server has hung up, and with it all that are as old.

    A server says nothing to a connection that waits, so whatever there is to read is its end.
    """
    if not connection.closed:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        if not poll.poll(0):
            return
    raise InvalidatePoolError


def _detached(engine: Engine) -> Driven[Any]:
    """Return a new connection that belongs to no pool. Raises errors of the driver."""
    try:
        proxy = engine.raw_connection()
    except SQLAlchemyError as error:
        raise OperationalError(cause_of(error)) from error
    connection: Any = proxy.driver_connection
    proxy.detach()
    found: Driven[Any] = connection
    return found
