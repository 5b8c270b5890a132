"""What has happened in the repositories, for whoever may read them."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from pyramid_pypi.browse.facts import ActivityFacts
from pyramid_pypi.browse.places import hosted_names
from pyramid_pypi.browse.viewer import sees_people
from pyramid_pypi.catalog.journal import changes_before
from pyramid_pypi.errors import RepositoryNotFound
from pyramid_pypi.model import Change, Identity

if TYPE_CHECKING:
    from pyramid_pypi.app import PackageIndex

__all__ = ["activity"]

_MOST = 500
_BATCH = 500
# Rows that are looked at for one answer, most of them perhaps hidden.
_FAR = 20_000

_MayRead = Callable[[str, str], bool]


def activity(  # noqa: PLR0913 - the four filters are keywords
    index: "PackageIndex",
    identity: Identity,
    *,
    repository: str = "",
    project: str = "",
    before: int = 0,
    limit: int = 50,
) -> list[ActivityFacts]:
    """Return what has happened before the serial `before`, 0 for until now, the newest first.

    It is about all repositories, or one, or the members of a group, and there about one project if
    that is named. What somebody may not read is left out; who has to be shown little in the midst of
    much else is not shown what lies further back than the last 20,000 changes. Raises
    RepositoryNotFound, CatalogUnavailable.
    """
    names, may_read = _scope(index, identity, repository)
    limit = max(1, min(limit, _MOST))
    shows_people = sees_people(index, identity)
    found: list[ActivityFacts] = []
    seen = 0
    while len(found) < limit and seen < _FAR:
        size = limit if not seen else _BATCH
        batch = changes_before(index.catalog, max(0, before), names, project=project, limit=size)
        found += [
            _facts(change, shows_people=shows_people)
            for change in batch
            if may_read(change.repository, change.project)
        ]
        if len(batch) < size:
            break
        before, seen = batch[-1].serial, seen + len(batch)
    return found[:limit]


def _scope(index: "PackageIndex", identity: Identity, repository: str) -> tuple[tuple[str, ...], _MayRead]:
    """Return the hosted repositories that are asked, and what tells who may read what there."""
    if repository:
        asked = index.served(repository)
        if not asked.permits_somewhere(identity, "read"):
            raise RepositoryNotFound(f"There is no repository {repository!r}")

        def may_read(_name: str, project: str) -> bool:
            return asked.permits(identity, "read", project)

        return hosted_names(asked), lru_cache(maxsize=None)(may_read)

    def may_read_there(name: str, project: str) -> bool:
        return index.served(name).permits(identity, "read", project)

    hosted = index.hosted_names
    names = tuple(name for name in hosted if index.served(name).permits_somewhere(identity, "read"))
    return names, lru_cache(maxsize=None)(may_read_there)


def _facts(change: Change, *, shows_people: bool) -> ActivityFacts:
    return ActivityFacts(
        serial=change.serial,
        at=change.at,
        repository=change.repository,
        project=change.project,
        version=change.version or "",
        filename=change.filename or "",
        action=change.action,
        by=change.by if shows_people else "",
    )
