"""What has happened, the newest first; `Catalog.changes_since` reads it in the other direction."""

from collections.abc import Sequence

from sqlalchemy import func, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.catalog import Catalog
from pyramid_pypi.catalog.tables import from_microseconds
from pyramid_pypi.model import Change

__all__ = ["changes_before"]

_t = tables.journal
_LAST = 2**63 - 1


def changes_before(
    catalog: Catalog, serial: int, repositories: Sequence[str], *, project: str = "", limit: int
) -> list[Change]:
    """Return the last changes of these repositories before `serial`, or of one project there.

    0 is after all of them. Raises CatalogUnavailable.
    """
    if not repositories or "\0" in project:
        return []
    if project:
        filters = [_t.c.repository.in_(repositories), _t.c.project == project]
    else:
        # A function hides the column from engines that would rather sort all rows of a repository
        # than read back from the newest one.
        filters = [func.coalesce(_t.c.repository, "").in_(repositories)]
    last = min(serial or _LAST, _LAST)
    chosen = select(_t).where(_t.c.serial < last, *filters).order_by(_t.c.serial.desc()).limit(limit)
    with catalog.reading() as connection:
        rows = connection.execute(chosen).fetchall()
    return [
        Change(serial, repository, project, action, from_microseconds(at), by, version, filename)
        for serial, repository, project, version, filename, action, at, by in rows
    ]
