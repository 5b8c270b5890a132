"""How often files were downloaded, by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, insert, select, update

from pyramid_pypi.catalog.prepared import Prepared
from pyramid_pypi.catalog.tables import downloads

__all__ = ["Downloaded"]

_t = downloads


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file of a repository that was downloaded on a day, in days since 1970 (UTC)."""

    repository: str
    project: str
    filename: str
    day: int


_ADD = Prepared(
    update(_t)
    .where(
        _t.c.repository == bindparam("of_repository"),
        _t.c.project == bindparam("of_project"),
        _t.c.filename == bindparam("of_filename"),
        _t.c.day == bindparam("of_day"),
    )
    .values(count=_t.c.count + bindparam("more"))
)
_BEGIN = Prepared(insert(_t).values({column.name: bindparam(column.name) for column in _t.columns}))


def add(connection: Connection, counts: Mapping[Downloaded, int]) -> None:
    """Add to the counts, in a transaction in which nobody else writes."""
    for one, more in counts.items():
        key = {"repository": one.repository, "project": one.project, "filename": one.filename, "day": one.day}
        of_key = {f"of_{name}": value for name, value in key.items()}
        if not _ADD.run(connection, {**of_key, "more": more}).rowcount:
            _BEGIN.run(connection, {**key, "count": more})


def by_day(
    connection: Connection, repositories: Sequence[str], project: str, *, since: int
) -> dict[int, int]:
    """Return how many files of a project were downloaded on each day from `since` on, where any were."""
    chosen = (
        select(_t.c.day, func.sum(_t.c.count))
        .where(_t.c.repository.in_(repositories), _t.c.project == project, _t.c.day >= since)
        .group_by(_t.c.day)
    )
    return {day: int(count) for day, count in connection.execute(chosen)}


def by_file(connection: Connection, repositories: Sequence[str], project: str) -> list[tuple[str, int]]:
    """Return how often each file of a project was downloaded at any time, the most frequent first."""
    total = func.sum(_t.c.count)
    chosen = (
        select(_t.c.filename, total)
        .where(_t.c.repository.in_(repositories), _t.c.project == project)
        .group_by(_t.c.filename)
        .order_by(total.desc(), _t.c.filename)
    )
    return [(filename, int(count)) for filename, count in connection.execute(chosen)]
