"""Rows of the catalog that nobody needs any more."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sqlalchemy import Column, ColumnElement, Table, and_, delete, func, or_, select

from pyramid_pypi.catalog import Catalog, tables
from pyramid_pypi.catalog.sessions import Sessions
from pyramid_pypi.catalog.tables import to_microseconds

__all__ = ["OldRows", "sweep_rows"]

_TOKENS_KEPT = timedelta(days=90)
_Chosen: TypeAlias = tuple[str, Table, ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class OldRows:
    """How many rows of which sort; `bytes` only where they can be large."""

    sort: str
    rows: int
    bytes: int = 0


def sweep_rows(catalog: Catalog, sessions: Sessions.Options, *, dry_run: bool) -> list[OldRows]:
    """Remove what has ended, and metadata of no file; return what it was. Raises CatalogUnavailable.

    Tokens that were revoked or have expired stay in the list for 90 days.
    """
    found = []
    with catalog.reading() if dry_run else catalog.writing() as connection:
        for sort, table, chosen in _chosen(datetime.now(UTC), sessions):
            size = func.sum(func.length(table.c.body)) if table is tables.core_metadata else func.sum(0)
            rows, total = connection.execute(
                select(func.count(), size).select_from(table).where(chosen)
            ).one()
            if rows and not dry_run:
                connection.execute(delete(table).where(chosen))
            found.append(OldRows(sort, rows, int(total or 0)))
    return found


def _chosen(now: datetime, sessions: Sessions.Options) -> list[_Chosen]:
    idle, born = (now - timedelta(seconds=span) for span in (sessions.idle, sessions.lifetime))
    s, t, n, m, f = tables.sessions, tables.tokens, tables.notes, tables.core_metadata, tables.files
    ended = or_(_before(s.c.used_at, idle), _before(s.c.created_at, born))
    gone = or_(_before(t.c.revoked_at, now - _TOKENS_KEPT), _before(t.c.expires_at, now - _TOKENS_KEPT))
    # Asked so, a database makes a table of the digests; asked row by row, it reads all files for each.
    used = select(f.c.metadata_sha256).where(f.c.metadata_sha256.is_not(None))
    return [
        ("sessions that have ended", s, ended),
        ("tokens that ended long ago", t, gone),
        ("notes of plugins that have expired", n, _before(n.c.expires_at, now)),
        ("metadata of no file", m, m.c.sha256.not_in(used)),
    ]


def _before(column: Column[int], moment: datetime) -> ColumnElement[bool]:
    return and_(column.is_not(None), column <= to_microseconds(moment))
