"""Writing the catalog into one file while the index serves."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select, tuple_

from pyramid_pypi.catalog import Catalog, tables
from pyramid_pypi.upkeep._archive import KEPT, Manifest, TableSummary, encoded, entry_of
from pyramid_pypi.upkeep._files import replacing
from pyramid_pypi.version import __version__

__all__ = ["back_up", "count_rows", "snapshot"]

_BATCH = 1000
_BEGIN = {"postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
# Digests of tokens are in it, and what plugins keep.
_MODE = 0o600


@contextmanager
def snapshot(catalog: Catalog) -> Iterator[Connection]:
    """Read within this as if nobody wrote any more. Raises CatalogUnavailable."""
    with catalog.reading() as connection:
        connection.exec_driver_sql(_BEGIN.get(connection.dialect.name, "BEGIN"))
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")


def count_rows(catalog: Catalog) -> int:
    """Return how many rows a backup would have now."""
    with catalog.reading() as connection:
        counts = [connection.execute(select(func.count()).select_from(table)).scalar() for table in KEPT]
    return sum(count or 0 for count in counts)


def back_up(catalog: Catalog, path: Path, *, tell: Callable[[int], None] = lambda _: None) -> Manifest:
    """Write all that the catalog knows into `path`, in the state of one moment; replace an older file.

    `tell` is called with how many rows were just written. Raises UpkeepError, and then there is no
    file, or the older one; CatalogUnavailable.
    """
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    found: dict[str, TableSummary] = {}
    with snapshot(catalog) as connection, replacing(path, mode=_MODE) as stream:
        serial = connection.execute(select(func.max(tables.journal.c.serial))).scalar() or 0
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for table in KEPT:
                found[table.name] = _write(archive, connection, table, tell)
            manifest = Manifest(made_at, __version__, tables.REVISION, serial, found)
            manifest.write(archive)
    return manifest


def _write(
    archive: zipfile.ZipFile, connection: Connection, table: Table, tell: Callable[[int], None]
) -> TableSummary:
    digest, count = hashlib.sha256(), 0
    with archive.open(entry_of(table.name), "w", force_zip64=True) as entry:
        for line in encoded(table, _rows(connection, table)):
            digest.update(line)
            entry.write(line)
            count += 1
            if count % _BATCH == 0:
                tell(_BATCH)
    tell(count % _BATCH)
    return TableSummary(tuple(table.columns.keys()), count, digest.hexdigest())


def _rows(connection: Connection, table: Table) -> Iterator[Any]:
    """Yield the rows by primary key, without holding all of them in memory on any engine."""
    key = list(table.primary_key.columns)
    places = [list(table.columns).index(column) for column in key]
    page = select(table).order_by(*key).limit(_BATCH)
    rows = connection.execute(page).fetchall()
    while rows:
        yield from rows
        last = tuple(rows[-1][place] for place in places)
        rows = connection.execute(page.where(tuple_(*key) > tuple_(*last))).fetchall()
