"""Which projects several repositories have, for those who look around."""

from collections.abc import Collection, Sequence
from itertools import islice

from sqlalchemy import func, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.catalog import Catalog
from pyramid_pypi.model import ProjectName

__all__ = ["count_projects", "known_projects", "projects_after"]

_t = tables.projects
# Databases take only so many values in one statement.
_BATCH = 500


def count_projects(catalog: Catalog, repositories: Collection[str]) -> int:
    """Return how many projects these repositories have together. Raises CatalogUnavailable."""
    counted = func.count() if len(repositories) == 1 else func.count(_t.c.name.distinct())
    chosen = select(counted).select_from(_t).where(_t.c.repository.in_(sorted(repositories)))
    with catalog.reading() as connection:
        return int(connection.execute(chosen).scalar_one())


def known_projects(catalog: Catalog, repositories: Collection[str], names: Collection[str]) -> set[str]:
    """Return those of the normalised `names` that one of the repositories has. Raises CatalogUnavailable."""
    found: set[str] = set()
    if not repositories:
        return found
    of_these = _t.c.repository.in_(sorted(repositories))
    waiting = iter(sorted(names))
    with catalog.reading() as connection:
        while batch := list(islice(waiting, _BATCH)):
            found.update(
                connection.execute(select(_t.c.name).where(of_these, _t.c.name.in_(batch))).scalars()
            )
    return found


def projects_after(
    catalog: Catalog, repositories: Sequence[str], after: str, limit: int
) -> list[ProjectName]:
    """Return the first `limit` projects of these repositories whose names come after `after`.

    Of several with one name it is that of the earlier repository. Raises CatalogUnavailable.
    """
    # PostgreSQL takes no NUL, and no name has one.
    after = after.partition("\0")[0]
    chosen = (
        select(_t.c.repository, _t.c.name, _t.c.display, _t.c.serial)
        .where(_t.c.repository.in_(sorted(repositories)), _t.c.name > after)
        .order_by(_t.c.name)
        # So that a name which several have is cut in two behind the last one only.
        .limit((limit + 1) * len(repositories))
    )
    with catalog.reading() as connection:
        rows = connection.execute(chosen).fetchall()
    ranks = {repository: rank for rank, repository in enumerate(repositories)}
    found: dict[str, tuple[int, ProjectName]] = {}
    for repository, name, display, serial in rows:
        rank = ranks[repository]
        if name not in found or rank < found[name][0]:
            found[name] = (rank, ProjectName(name, display, serial))
    return [project for _, project in found.values()][:limit]
