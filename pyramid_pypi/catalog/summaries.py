"""What is searched: a row for each project, made from its newest release and made again when it changes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
)

from pyramid_pypi.catalog.tables import dependencies, journal, projects, summaries

__all__ = ["Field", "Found", "Progress", "Summary", "Term"]

Field: TypeAlias = Literal["", "name", "summary", "keyword", "author", "classifier", "requires"]

_BATCH = 500
_s = summaries
_FIELDS = {
    "summary": _s.c.summary_key,
    "keyword": _s.c.keywords,
    "author": _s.c.author,
    "classifier": _s.c.classifiers,
}


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a project whose `serial` this is, with the names of what it requires.

    `version` is empty for one that offers no files. `uploaded_at` is in microseconds since 1970.
    What follows it is folded.
    """

    repository: str
    name: str
    serial: int
    display: str
    version: str = ""
    summary: str = ""
    uploaded_at: int | None = None
    summary_key: str = ""
    keywords: str = ""
    author: str = ""
    classifiers: str = ""
    text: str = ""
    requires: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """A folded text that a project must have somewhere, or in one field.

    `name` is the text as a part of a normalised name (PEP 503).
    """

    text: str
    name: str
    field: Field = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A project that was found, with what is shown of it; `uploaded_at` as in `Summary`."""

    name: str
    display: str
    version: str
    summary: str
    uploaded_at: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """The newest serial of all, and whether there is any summary."""

    last: int
    begun: bool


def progress(connection: Connection) -> Progress:
    """Return what changes when there may be something to do."""
    row = connection.execute(select(func.max(journal.c.serial), exists(select(_s.c.name)))).one()
    return Progress(row[0] or 0, bool(row[1]))


def stale(connection: Connection, since: int, limit: int) -> list[tuple[str, str]]:
    """Return repository and name of projects without a summary as they are now, the newest change first.

    Those that have not changed after the serial `since` are not looked at.
    """
    chosen = _stale(since, projects.c.repository, projects.c.name)
    chosen = chosen.order_by(projects.c.serial.desc()).limit(limit)
    return [(repository, name) for repository, name in connection.execute(chosen)]


def count_stale(connection: Connection, since: int) -> int:
    """Return how many there are of these."""
    count: int = connection.execute(_stale(since, func.count())).scalar_one()
    return count


def _stale(since: int, *columns: ColumnElement[Any]) -> Select[Any]:
    same = and_(_s.c.repository == projects.c.repository, _s.c.name == projects.c.name)
    behind = or_(_s.c.serial.is_(None), _s.c.serial < projects.c.serial)
    chosen = select(*columns).select_from(projects.outerjoin(_s, same))
    return chosen.where(projects.c.serial > since, behind)


def write(connection: Connection, made: Sequence[Summary]) -> None:
    """Keep some summaries, but for those of which somebody else has written a later one."""
    d = dependencies
    key = tuple_(_s.c.repository, _s.c.name)
    chosen = select(_s.c.repository, _s.c.name, _s.c.serial).where(key.in_(_keys(made)))
    known = {(repository, name): serial for repository, name, serial in connection.execute(chosen)}
    new = [one for one in made if one.serial >= known.get((one.repository, one.name), 0)]
    if not new:
        return
    connection.execute(delete(_s).where(key.in_(_keys(new))))
    connection.execute(delete(d).where(tuple_(d.c.repository, d.c.project).in_(_keys(new))))
    names = [column.name for column in _s.columns]
    connection.execute(insert(_s), [{name: getattr(one, name) for name in names} for one in new])
    required = [
        {"repository": one.repository, "project": one.name, "name": name}
        for one in new
        for name in one.requires
    ]
    if required:
        connection.execute(insert(d), required)


def _keys(made: Sequence[Summary]) -> list[tuple[str, str]]:
    return [(one.repository, one.name) for one in made]


def find(
    connection: Connection, repositories: Sequence[str], terms: Sequence[Term], wanted: str
) -> list[str]:
    """Return the names of the projects that have all terms, those first that are most like `wanted`.

    Of a name that several repositories have, the first one's counts.
    """
    chosen = _visible(repositories, _s.c.name)
    for term in terms:
        chosen = chosen.where(_has(term, repositories))
    chosen = chosen.order_by(_rank(terms, wanted), _s.c.name)
    return [name for (name,) in connection.execute(chosen)]


def newest(connection: Connection, repositories: Sequence[str], limit: int | None) -> list[str]:
    """Return the names of projects, those with the newest files first."""
    chosen = _visible(repositories, _s.c.name).order_by(_s.c.uploaded_at.desc(), _s.c.name).limit(limit)
    return [name for (name,) in connection.execute(chosen)]


def requiring(connection: Connection, repositories: Sequence[str], name: str) -> list[str]:
    """Return the names of the projects whose newest release requires `name`, in their order."""
    d = dependencies
    # In two steps, because SQLite would go through all projects for one.
    chosen = select(d.c.repository, d.c.project).where(d.c.repository.in_(repositories), d.c.name == name)
    pairs = {(repository, project) for repository, project in connection.execute(chosen)}
    visible = _visible(repositories, _s.c.repository, _s.c.name)
    names = {project for _, project in pairs}
    return sorted(row.name for row in _in_batches(connection, visible, names) if tuple(row) in pairs)


def get(connection: Connection, repositories: Sequence[str], names: Collection[str]) -> dict[str, Found]:
    """Return what is known of projects by name, without those of which nothing is to be seen."""
    columns = (_s.c.name, _s.c.display, _s.c.version, _s.c.summary, _s.c.uploaded_at)
    found = (Found(*row) for row in _in_batches(connection, _visible(repositories, *columns), names))
    return {one.name: one for one in found}


def _in_batches(connection: Connection, chosen: Select[Any], names: Collection[str]) -> Iterator[Any]:
    asked = list(names)
    for start in range(0, len(asked), _BATCH):
        yield from connection.execute(chosen.where(_s.c.name.in_(asked[start : start + _BATCH])))


def _visible(repositories: Sequence[str], *columns: ColumnElement[Any]) -> Select[Any]:
    """Choose projects with files; one that an earlier repository knows is that one's, with files or not."""
    of_each = []
    for place, repository in enumerate(repositories):
        own = _s.c.repository == repository
        if place:
            earlier = projects.c.repository.in_(repositories[:place])
            own = and_(own, ~exists().where(earlier, projects.c.name == _s.c.name))
        of_each.append(own)
    return select(*columns).where(or_(*of_each), _s.c.version != "")


def _has(term: Term, repositories: Sequence[str]) -> ColumnElement[bool]:
    if term.field == "requires":
        return _requires(term.name, repositories)
    if term.field == "name":
        return _contains(_s.c.name, term.name)
    if term.field:
        return _contains(_FIELDS[term.field], term.text)
    anywhere = _contains(_s.c.text, term.text)
    return anywhere if term.name == term.text else or_(anywhere, _contains(_s.c.name, term.name))


def _requires(name: str, repositories: Sequence[str]) -> ColumnElement[bool]:
    d = dependencies
    who = select(d.c.repository, d.c.project).where(d.c.repository.in_(repositories), d.c.name == name)
    return tuple_(_s.c.repository, _s.c.name).in_(who)


def _contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    return column.contains(text, autoescape=True)


def _rank(terms: Sequence[Term], wanted: str) -> ColumnElement[int]:
    """Return what sorts: the name itself, its beginning, a part of it, the summary, and the rest."""
    free = [term for term in terms if not term.field]
    if not wanted:
        return literal(0)
    ranks = [
        (_s.c.name == wanted, 0),
        (_s.c.name.startswith(wanted, autoescape=True), 1),
        (_contains(_s.c.name, wanted), 2),
    ]
    if free:
        ranks.append((and_(*(_contains(_s.c.name, term.name) for term in free)), 2))
        ranks.append((and_(*(_contains(_s.c.summary_key, term.text) for term in free)), 3))
    return case(*ranks, else_=4)
