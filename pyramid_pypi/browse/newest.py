"""What has been published last."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Select, func, literal, select

from pyramid_pypi.browse.places import hosted_names
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog.tables import files, from_microseconds, projects
from pyramid_pypi.errors import PypiError
from pyramid_pypi.model import ProjectPage

__all__ = ["News", "new_projects", "new_releases", "releases_of"]

# How many rows are looked at first, and where most are hidden from somebody, how many then.
_BATCHES = (500, 20_000)
_PROJECT = (projects.c.repository, projects.c.name, projects.c.display)
_OF_PROJECT = files.c.project_id == projects.c.id


@dataclass(frozen=True, slots=True)
class News:
    """A project and when its first file was published (UTC), or a release and when its newest one was.

    `project` is normalised, `display` as its authors write it; a project has no `version`.
    """

    repository: str
    project: str
    display: str
    version: str
    at: datetime


def new_projects(viewer: Viewer, *, limit: int) -> list[News]:
    """Return the projects that the viewer may read, of the repository's own, the newest first.

    Those without files that are shown are left out. Raises CatalogUnavailable.
    """
    at = func.min(files.c.uploaded_at).label("at")
    chosen = select(*_PROJECT, literal("").label("version"), at).join(files, _OF_PROJECT)
    chosen = chosen.group_by(projects.c.id).order_by(at.desc(), projects.c.name)
    return list(islice(_shown(viewer, chosen), limit))


def new_releases(viewer: Viewer, *, limit: int) -> list[News]:
    """Return the releases like that, by their newest file. Raises CatalogUnavailable."""
    at = files.c.uploaded_at.label("at")
    chosen = select(*_PROJECT, files.c.version, at).join(files, _OF_PROJECT)
    chosen = chosen.order_by(at.desc(), files.c.id.desc())
    return list(islice(_each_once(_shown(viewer, chosen)), limit))


def releases_of(page: ProjectPage, *, limit: int) -> list[News]:
    """Return the releases of a project whose time is known, by their newest file."""
    known = [file for file in page.files if file.uploaded_at is not None]
    known.sort(key=lambda file: file.time, reverse=True)
    news = (News(page.repository, page.name, page.display, file.version, file.time) for file in known)
    return list(islice(_each_once(news), limit))


def _each_once(found: Iterable[News]) -> Iterator[News]:
    seen: set[tuple[str, str]] = set()
    for news in found:
        if (news.project, news.version) not in seen:
            seen.add((news.project, news.version))
            yield news


def _shown(viewer: Viewer, chosen: Select[Any]) -> Iterator[News]:
    """Yield what has files on the page of its project, which rules and a status may hide."""
    pages: dict[str, ProjectPage | None] = {}
    for news in _published(viewer, chosen):
        name = news.project
        if name not in pages:
            pages[name] = _page(viewer, name)
        page = pages[name]
        # In a group another repository may answer for the name.
        if page is None or news.repository not in page.repository.split(", "):
            continue
        if news.version in page.versions or (not news.version and page.files):
            yield news


def _page(viewer: Viewer, name: str) -> ProjectPage | None:
    if not viewer.served.permits(viewer.identity, "read", name):
        return None
    try:
        page = viewer.served.repository.project(name)
    except PypiError:
        return None
    return page if isinstance(page, ProjectPage) else None


def _published(viewer: Viewer, chosen: Select[Any]) -> Iterator[News]:
    """Yield what is chosen of the hosted repositories, and has not been followed by very much else."""
    chosen = chosen.where(files.c.repository.in_(hosted_names(viewer.served)))
    offset = 0
    for size in _BATCHES:
        with viewer.index.catalog.reading() as connection:
            rows = connection.execute(chosen.offset(offset).limit(size)).fetchall()
        for row in rows:
            yield News(row.repository, row.name, row.display, row.version, from_microseconds(row.at))
        if len(rows) < size:
            return
        offset += size
