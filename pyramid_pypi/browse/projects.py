"""Projects, their releases and their files, for whoever may read them."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from pyramid_pypi.browse.documents import Document, document_of
from pyramid_pypi.browse.facts import FileFacts, ProjectFacts, ProjectItem, ReleaseFacts, ReleaseItem
from pyramid_pypi.browse.places import hosted_names, permissions_of, publishing
from pyramid_pypi.browse.releases import (
    by_version,
    find_version,
    is_prerelease,
    is_yanked,
    newest,
    page_of,
)
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog.listing import known_projects, projects_after
from pyramid_pypi.distribution import guess_filename, normalise
from pyramid_pypi.errors import FileHidden, FileMissing, ProjectNotFound, UpstreamUnavailable
from pyramid_pypi.model import File, ProjectName, ProjectPage
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.repositories.proxy import Proxy
from pyramid_pypi.repositories.ruled import unruled

__all__ = ["file", "file_of", "find_file", "project", "projects", "release"]

_MOST = 1_000


def project(viewer: Viewer, name: str) -> ProjectFacts:
    """Return a project and its newest release. Raises ProjectNotFound, Unavailable."""
    viewer.require(name)
    page = page_of(viewer.served, name)
    releases = by_version(page.files)
    latest = document = None
    if releases:
        version = newest(releases)
        latest, document = _release(viewer, page, version, releases[version])
    target = publishing(viewer)
    is_managed = target is not None and target.name in page.repository.split(", ")
    return ProjectFacts(
        repository=viewer.served.name,
        origin=page.repository,
        name=page.name,
        display=_display(page, document),
        status=page.status,
        status_reason=page.status_reason,
        serial=page.serial,
        upstream=_upstream(viewer, page),
        releases=tuple(_item(version, releases[version]) for version in reversed([*releases])),
        latest=latest,
        permissions=permissions_of(viewer, name, origin=page.repository),
        may_manage=is_managed and target is not None and target.may_manage(viewer.identity, name),
        hidden=len({one.file.filename for one in page.rulings if one.decision.hide}),
        stale_for=page.stale_for,
    )


def release(viewer: Viewer, name: str, version: str) -> ReleaseFacts:
    """Return a release, whose version may be spelt in any way. Raises ProjectNotFound, Unavailable."""
    viewer.require(name)
    page = page_of(viewer.served, name)
    releases = by_version(page.files)
    found = find_version(version, releases, page)
    return _release(viewer, page, found, releases[found])[0]


def file(viewer: Viewer, filename: str) -> FileFacts:
    """Return a file. Raises FileMissing, FileHidden, Unavailable."""
    return _file(viewer, *find_file(viewer, filename))


def file_of(viewer: Viewer, name: str, filename: str) -> FileFacts:
    """Return a file of the project `name`. Raises ProjectNotFound, FileMissing, FileHidden, Unavailable."""
    viewer.require(name)
    try:
        found = file(viewer, filename)
    except FileMissing:
        # Where there is no project, nobody is told another thing than where it is hidden.
        page_of(viewer.served, name)
        raise
    if found.project != name:
        raise FileMissing(f"The project {name!r} has no file {filename!r}")
    return found


def find_file(viewer: Viewer, filename: str) -> tuple[File, str]:
    """Return a file that may be read, and which repository has it.

    Raises FileMissing, FileHidden, Unavailable.
    """
    served = viewer.served
    parsed = guess_filename(filename)
    if parsed is None or not served.permits(viewer.identity, "read", parsed.project):
        raise FileMissing(f"{served.name!r} has no file {filename!r}")
    page = None
    with suppress(ProjectNotFound, UpstreamUnavailable):
        page = page_of(served, parsed.project)
    if page is not None and page.status == "quarantined":
        raise FileHidden(f"The project {parsed.project!r} is quarantined and offers no files")
    listed = next((one for one in page.files if one.filename == filename), None) if page else None
    # One that is hidden has a reason, and one that has left its page, or whose page cannot be had, may
    # still be kept.
    found = listed or served.repository.file(filename)
    return found, found.repository or (page.repository if page else served.name)


def projects(viewer: Viewer, *, after: str = "", limit: int = 100) -> list[ProjectItem]:
    """Return the first `limit` own projects that the viewer may read, of those behind `after`.

    Raises CatalogUnavailable.
    """
    repositories = hosted_names(viewer.served)
    limit = max(1, min(limit, _MOST))
    found: list[ProjectItem] = []
    while repositories and len(found) < limit:
        # Where nearly all are hidden, few questions to the catalog are better than many.
        size = limit if viewer.served.shows_all_to(viewer.identity) else _MOST
        batch = projects_after(viewer.index.catalog, repositories, after, size)
        found += [_listed(one) for one in viewer.served.visible(viewer.identity, batch)]
        if len(batch) < size:
            break
        after = batch[-1].name
    return found[:limit]


def _listed(found: ProjectName) -> ProjectItem:
    return ProjectItem(found.name, found.display, found.serial)


def _item(version: str, files: Sequence[File]) -> ReleaseItem:
    return ReleaseItem(version, len(files), _first(files), _yanked(files), is_prerelease(version))


def _first(files: Sequence[File]) -> datetime | None:
    """Return when the first of the files was uploaded."""
    return min((one.uploaded_at for one in files if one.uploaded_at is not None), default=None)


def _yanked(files: Sequence[File]) -> str | None:
    """Return why all of the files are yanked."""
    if not is_yanked(files):
        return None
    return next((one.yanked for one in files if one.yanked), "")


def _release(
    viewer: Viewer, page: ProjectPage, version: str, files: Sequence[File]
) -> tuple[ReleaseFacts, Document]:
    document, _complete = document_of(viewer.served.repository, files)
    metadata = document.facts
    own = _own(viewer, {one.project for one in metadata.requires if one.project})
    requires = tuple(replace(one, is_here=one.project in own) for one in metadata.requires)
    found = ReleaseFacts(
        repository=viewer.served.name,
        project=page.name,
        version=version,
        uploaded_at=_first(files),
        yanked=_yanked(files),
        is_prerelease=is_prerelease(version),
        files=tuple(_file(viewer, one, one.repository or page.repository) for one in files),
        metadata=replace(metadata, requires=requires),
    )
    return found, document


def _own(viewer: Viewer, names: Collection[str]) -> set[str]:
    """Return those of the names that are own projects and that the viewer may read."""
    known = known_projects(viewer.index.catalog, hosted_names(viewer.served), names) if names else set()
    return {name for name in known if viewer.served.permits(viewer.identity, "read", name)}


def _file(viewer: Viewer, found: File, repository: str) -> FileFacts:
    tags = tuple(found.filename.removesuffix(".whl").split("-")[-3:])
    return FileFacts(
        repository=repository,
        project=found.project,
        version=found.version,
        filename=found.filename,
        packagetype=found.packagetype,
        size=found.size,
        sha256=found.hashes.sha256,
        uploaded_at=found.uploaded_at,
        uploaded_by=found.uploaded_by if viewer.sees_people else "",
        requires_python=found.requires_python or "",
        yanked=found.yanked,
        url=f"packages/{quote(found.path)}",
        tags=tags if found.packagetype == "bdist_wheel" else (),
        signed=found.signed,
        has_metadata=found.serves_metadata,
        blake2b_256=found.hashes.blake2b_256,
        md5=found.hashes.md5,
    )


def _display(page: ProjectPage, document: Document | None) -> str:
    """Return the display name of a hosted project, and of a proxied one that of its authors."""
    if page.display != page.name or document is None or normalise(document.name) != page.name:
        return page.display
    return document.name


def _upstream(viewer: Viewer, page: ProjectPage) -> str:
    """Return the page of the project at the upstream that it comes from, empty for an own one."""
    source = viewer.served.source
    parts = [unruled(one.repository) for one in source.members] if isinstance(source, Group) else [source]
    origins = page.repository.split(", ")
    proxies = (part for part in parts if isinstance(part, Proxy) and part.name in origins)
    return next((part.parts.upstream.page_url(page.name) for part in proxies), "")
