"""Reading a backup back into a catalog, on whichever engine."""

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from pyramid_pypi.catalog import Catalog, tables
from pyramid_pypi.upkeep._archive import KEPT, Manifest, decoded, entry_of, read_manifest
from pyramid_pypi.upkeep.errors import UpkeepError

__all__ = ["Backup", "is_empty", "open_backup"]

_BATCH = 1000
_CHUNK = 1 << 20
# Serials of removed rows must not come back, so the number never becomes smaller.
_SEQUENCE = text("""
    SELECT setval(own, greatest(:last, coalesce(pg_sequence_last_value(own), 0)))
    FROM (SELECT pg_get_serial_sequence(:table, :column)::regclass AS own) AS sequences
""")
_NAMED = {table.name: table for table in KEPT}
# The start of an index writes these by itself.
_NOTHING = {tables.scans, tables.sessions}


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is whole and that this version can read."""

    path: Path
    manifest: Manifest
    archive: zipfile.ZipFile

    def restore(self, catalog: Catalog, *, tell: Callable[[int], None] = lambda _: None) -> None:
        """Put all of it into the place of what the catalog has; all or nothing.

        `tell` is called with how many rows were just written. Raises UpkeepError,
        CatalogUnavailable.
        """
        with catalog.writing() as connection:
            if connection.dialect.name == "postgresql":
                # Emptying a large table takes as long as it takes.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
            for table in reversed(tables.metadata.sorted_tables):
                connection.execute(delete(table))
            for name in [table.name for table in KEPT if table.name in self.manifest.tables]:
                self._fill(connection, _NAMED[name], tell)
                _count_on(connection, _NAMED[name])

    def _fill(self, connection: Connection, table: Table, tell: Callable[[int], None]) -> None:
        columns = self.manifest.tables[table.name].columns
        batch: list[dict[str, Any]] = []
        with self.archive.open(entry_of(table.name)) as lines:
            for line in lines:
                try:
                    batch.append(decoded(table, columns, line))
                except (ValueError, TypeError) as error:
                    raise UpkeepError(f"{self.path} has a row of {table.name} that cannot be read") from error
                if len(batch) == _BATCH:
                    _insert(connection, table, batch, tell)
                    batch = []
        _insert(connection, table, batch, tell)


@contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """Open a backup after every byte of it was checked. Raises UpkeepError."""
    with ExitStack() as opened:
        with _told(path):
            archive = opened.enter_context(zipfile.ZipFile(path))
            manifest = read_manifest(path, archive)
            _check_revision(path, manifest)
            for name, summary in manifest.tables.items():
                if _digest(archive, entry_of(name)) != summary.sha256:
                    raise UpkeepError(f"{path} is damaged: the table {name} is not as it was written")
        yield Backup(path, manifest, archive)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn what damaged archives lead to into UpkeepError."""
    try:
        yield
    except OSError as error:
        raise UpkeepError(f"{path} cannot be read: {error.strerror or error}") from error
    # A password or a method of compression, which no backup has, is what the last two are about.
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, NotImplementedError) as error:
        raise UpkeepError(f"{path} is not a backup, or only a part of one: {error}") from error


def is_empty(catalog: Catalog) -> bool:
    """Tell whether there is nothing in the catalog that a restored backup would take the place of."""
    with catalog.reading() as connection:
        return not any(
            connection.execute(select(table).limit(1)).fetchone() for table in KEPT if table not in _NOTHING
        )


def _check_revision(path: Path, manifest: Manifest) -> None:
    """Refuse what has tables or columns of a newer version, or lacks some that must be told."""
    known = all(
        name in _NAMED and set(summary.columns) <= set(_NAMED[name].columns.keys())
        for name, summary in manifest.tables.items()
    )
    if manifest.revision > tables.REVISION or not known:
        raise UpkeepError(
            f"{path} has tables of revision {manifest.revision}, this version has {tables.REVISION}; restore "
            f"it with pyramid_pypi {manifest.made_by} or a later version"
        )
    for name, summary in manifest.tables.items():
        for column in _NAMED[name].columns:
            if column.name in summary.columns or column.nullable or column.server_default is not None:
                continue
            raise UpkeepError(
                f"{path} says nothing of {name}.{column.name}; restore it with pyramid_pypi "
                f"{manifest.made_by}, and then start this version, which brings the tables up to date"
            )


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _insert(
    connection: Connection, table: Table, rows: list[dict[str, Any]], tell: Callable[[int], None]
) -> None:
    if rows:
        connection.execute(insert(table), rows)
        tell(len(rows))


def _count_on(connection: Connection, table: Table) -> None:
    """Let new rows take numbers after those that were written; SQLite does so by itself."""
    counted = table.autoincrement_column
    if connection.dialect.name != "postgresql" or counted is None:
        return
    last = connection.execute(select(func.max(counted))).scalar()
    if last is not None:
        connection.execute(_SEQUENCE, {"table": table.name, "column": counted.name, "last": last})
