"""Finding projects by what their newest releases say."""

import re
from collections.abc import Collection, Iterable
from typing import cast

from pyramid_pypi.browse.facts import HitFacts, SearchFacts
from pyramid_pypi.browse.indexing import fold
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog import summaries as rows
from pyramid_pypi.catalog.summaries import Field, Found, Term
from pyramid_pypi.catalog.tables import from_microseconds
from pyramid_pypi.errors import BadRequest
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.repositories.ruled import unruled
from pyramid_pypi.served import Served

__all__ = ["dependents", "origins", "recent", "search", "summaries"]

_LONGEST = 400
_MOST_TERMS = 12
_MOST_PENDING = 100_000
_TERM = re.compile(
    r'(?:(name|summary|keyword|author|classifier|requires):)?(?:"([^"]*)"|(\S+))', re.IGNORECASE
)
_SEPARATORS = re.compile(r"[-_.\s]+")


def search(viewer: Viewer, query: str, *, limit: int = 20, offset: int = 0) -> SearchFacts:
    """Return the projects of the repository's own, that the viewer may read, which have all words.

    Quotes make one of several words; a word may begin with `name:`, `summary:`, `keyword:`,
    `author:`, `classifier:` or `requires:` to be looked for there, and the last one takes a whole
    name. Case makes no difference. Without a word everything is found. The projects whose names
    are most like the query come first. Raises BadRequest, CatalogUnavailable.
    """
    terms = _terms(query)
    is_pending = viewer.index.indexing.refresh() > 0
    named = [term.name for term in terms if not term.field] or [
        term.name for term in terms if term.field == "name"
    ]
    with viewer.index.catalog.reading() as connection:
        repositories = origins(viewer.served)
        found = rows.find(connection, repositories, terms, "-".join(named)) if repositories else []
        waiting = rows.stale(connection, 0, _MOST_PENDING) if is_pending else []
    pending = len(_readable(viewer, {name for repository, name in waiting if repository in repositories}))
    names = _readable(viewer, found)
    shown = _hits(viewer, names[max(offset, 0) :][: max(limit, 0)])
    return SearchFacts(tuple(shown.values()), len(names), pending)


def recent(viewer: Viewer, *, limit: int = 20) -> list[HitFacts]:
    """Return the projects with the newest files, the newest first. Raises CatalogUnavailable."""
    viewer.index.indexing.refresh()
    shows_all = viewer.served.shows_all_to(viewer.identity)
    with viewer.index.catalog.reading() as connection:
        repositories = origins(viewer.served)
        found = rows.newest(connection, repositories, limit if shows_all else None) if repositories else []
    return list(_hits(viewer, _readable(viewer, found)[:limit]).values())


def dependents(viewer: Viewer, name: str, *, limit: int = 50) -> list[str]:
    """Return the repository's own projects, by name, whose newest release requires `name`.

    Those that the viewer may not read are not among them. Raises CatalogUnavailable.
    """
    viewer.index.indexing.refresh()
    with viewer.index.catalog.reading() as connection:
        repositories = origins(viewer.served)
        found = rows.requiring(connection, repositories, name) if repositories else []
    return _readable(viewer, found)[:limit]


def summaries(viewer: Viewer, names: Collection[str]) -> dict[str, HitFacts]:
    """Return what a list shows of projects, by name, without those that there is nothing to tell of.

    Raises CatalogUnavailable.
    """
    viewer.index.indexing.refresh()
    return _hits(viewer, _readable(viewer, names))


def origins(served: Served) -> tuple[str, ...]:
    """Return the hosted repositories whose projects a repository offers, the first one's first."""
    source = served.source
    parts = [member.repository for member in source.members] if isinstance(source, Group) else [source]
    return tuple(part.name for part in parts if isinstance(unruled(part), Hosted))


def _terms(query: str) -> list[Term]:
    if len(query) > _LONGEST:
        raise BadRequest(f"A search has at most {_LONGEST} characters; this one has {len(query)}")
    terms = [_term(match) for match in _TERM.finditer(fold(query))]
    terms = [term for term in terms if term.text]
    if len(terms) > _MOST_TERMS:
        raise BadRequest(f"A search has at most {_MOST_TERMS} words; this one has {len(terms)}")
    return terms


def _term(match: re.Match[str]) -> Term:
    field, phrase, word = match.groups()
    text = (word.strip('"') if phrase is None else phrase).strip()
    return Term(text, _SEPARATORS.sub("-", text), cast("Field", field or ""))


def _readable(viewer: Viewer, names: Iterable[str]) -> list[str]:
    if viewer.served.shows_all_to(viewer.identity):
        return list(names)
    return [name for name in names if viewer.served.permits(viewer.identity, "read", name)]


def _hits(viewer: Viewer, names: Collection[str]) -> dict[str, HitFacts]:
    repositories = origins(viewer.served)
    if not (repositories and names):
        return {}
    with viewer.index.catalog.reading() as connection:
        found = rows.get(connection, repositories, names)
    return {name: _hit(viewer, found[name]) for name in names if name in found}


def _hit(viewer: Viewer, found: Found) -> HitFacts:
    at = None if found.uploaded_at is None else from_microseconds(found.uploaded_at)
    return HitFacts(viewer.served.name, found.name, found.display, found.version, found.summary, at)
