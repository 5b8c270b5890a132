"""The one file that a backup is: a zip of JSON Lines, one for each table, and a manifest.

A row is a list of values in the order of the columns that the manifest names; bytes are Base64.
So a backup of one database engine can be restored into another one.
"""

import base64
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import LargeBinary, Table

from pyramid_pypi.catalog import tables
from pyramid_pypi.upkeep.errors import UpkeepError

__all__ = ["KEPT", "Manifest", "TableSummary", "decoded", "encoded", "entry_of", "read_manifest"]

_FORMAT = "pyramid_pypi backup"
_VERSION = 1
_MANIFEST = "manifest.json"

_LEFT_OUT = (tables.sessions, tables.summaries, tables.dependencies)

KEPT = tuple(table for table in tables.metadata.sorted_tables if table not in _LEFT_OUT)
"""The tables of a backup, those first that others refer to.

Sessions of browsers are not worth it, and what is searched is made again.
"""


@dataclass(frozen=True, slots=True)
class TableSummary:
    """The columns of a table in the order of the values, how many rows, the SHA-256 of the lines."""

    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is: when it was made (UTC, ISO 8601) and by which version of this program.

    `revision` is that of the tables, `last_serial` the newest change in it.
    """

    made_at: str
    made_by: str
    revision: str
    last_serial: int
    tables: Mapping[str, TableSummary]

    def to_bytes(self) -> bytes:
        """Return what `read_manifest` reads."""
        return json.dumps({"format": _FORMAT, "version": _VERSION, **asdict(self)}, indent=1).encode()

    def write(self, archive: zipfile.ZipFile) -> None:
        """Add the manifest, as the last entry."""
        archive.writestr(_MANIFEST, self.to_bytes())

    @property
    def rows(self) -> int:
        """How many rows there are in all."""
        return sum(table.rows for table in self.tables.values())


def read_manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    """Return the manifest of a backup. Raises UpkeepError."""
    try:
        content = json.loads(archive.read(_MANIFEST))
        if content["format"] != _FORMAT:
            raise UpkeepError(f"{path} is not a backup of a catalog")
        if content["version"] != _VERSION:
            raise UpkeepError(f"{path} is of a newer kind than this version of pyramid_pypi can read")
        found = {name: _summary(told) for name, told in content["tables"].items()}
        return Manifest(
            str(content["made_at"]),
            str(content["made_by"]),
            str(content["revision"]),
            int(content["last_serial"]),
            found,
        )
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise UpkeepError(f"{path} is not a backup of a catalog: its manifest cannot be read") from error


def _summary(told: Mapping[str, Any]) -> TableSummary:
    return TableSummary(tuple(map(str, told["columns"])), int(told["rows"]), str(told["sha256"]))


def entry_of(table: str) -> str:
    """Return the name of the entry with the rows of a table."""
    return f"{table}.jsonl"


def encoded(table: Table, rows: Iterator[Any]) -> Iterator[bytes]:
    """Yield a line for each row of a table."""
    binary = [isinstance(column.type, LargeBinary) for column in table.columns]
    for row in rows:
        values = [
            base64.b64encode(value).decode() if is_bytes and value is not None else value
            for value, is_bytes in zip(row, binary, strict=True)
        ]
        yield json.dumps(values, separators=(",", ":")).encode() + b"\n"


def decoded(table: Table, columns: tuple[str, ...], line: bytes) -> dict[str, Any]:
    """Return the row of a line by column. Raises ValueError."""
    row: dict[str, Any] = dict(zip(columns, json.loads(line), strict=True))
    for name, value in row.items():
        if isinstance(table.c[name].type, LargeBinary) and value is not None:
            row[name] = base64.b64decode(value)
    return row
