"""Pages of a project, of its releases and of its files."""

from typing import TYPE_CHECKING

from pyramid_pypi.browse import downloads, permissions, projects, readme, search
from pyramid_pypi.browse.contents import contents
from pyramid_pypi.browse.facts import FileFacts, ProjectFacts
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.errors import BadRequest, NotFound, Unavailable
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.ui.browsing import at_normal_name, count_of, moved, query_of, show, tools_url, viewer_of
from pyramid_pypi.ui.manage import may_change
from pyramid_pypi.ui.spark import sparkline
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import RepositoryContext

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["show_file", "show_permissions", "show_project", "show_release"]

_MOST_VERSIONS = 50
_MOST_FILES = 20
_FILES_OF_RELEASE = 50
_MOST_ENTRIES = 300


def show_project(context: RepositoryContext, request: "Request") -> Answer:
    """Show a project and its newest release."""
    if (elsewhere := at_normal_name(context, request)) is not None:
        return elsewhere
    viewer = viewer_of(context, request)
    found = projects.project(viewer, context.project)
    every = query_of(request).get("versions") == "all"
    counted = downloads.downloads(viewer, context.project)
    return show(
        request,
        "project.html",
        viewer,
        project=found,
        url=tools_url(request),
        releases=found.releases if every else found.releases[:_MOST_VERSIONS],
        most_files=_MOST_FILES,
        stale=_ago(found.stale_for),
        readme=readme.render(found.latest.metadata) if found.latest else "",
        dependents=search.dependents(viewer, context.project),
        downloads=counted,
        spark=sparkline(counted) if counted else "",
        may_manage=_may_change(viewer, found),
    )


def _may_change(viewer: Viewer, found: ProjectFacts) -> bool:
    """Tell whether the page to manage the project has a form for the viewer."""
    home = viewer.index.repositories.get(found.origin)
    if home is None or home.publisher is None:
        return False
    return may_change(RepositoryContext(viewer.index, home, found.name), viewer.identity)


def show_release(context: RepositoryContext, request: "Request") -> Answer:
    """Show one release and its files."""
    if (elsewhere := at_normal_name(context, request)) is not None:
        return elsewhere
    viewer = viewer_of(context, request)
    asked = request.matchdict["version"]
    found = projects.release(viewer, context.project, asked)
    if found.version != asked:
        return moved(request, f"../{found.version}/")
    offset = count_of(query_of(request), "offset")
    end = offset + _FILES_OF_RELEASE
    return show(
        request,
        "release.html",
        viewer,
        release=found,
        url=tools_url(request),
        files=found.files[offset:end],
        before=f"?offset={max(offset - _FILES_OF_RELEASE, 0)}" if offset else "",
        after=f"?offset={end}" if end < len(found.files) else "",
        readme=readme.render(found.metadata),
    )


def show_file(context: RepositoryContext, request: "Request") -> Answer:
    """Show one file: what is known of it, and what is inside."""
    if (elsewhere := at_normal_name(context, request)) is not None:
        return elsewhere
    viewer = viewer_of(context, request)
    filename = request.matchdict["filename"]
    found = projects.file_of(viewer, context.project, filename)
    if found.version != request.matchdict["version"]:
        return moved(request, f"../{found.version}/{filename}")
    inside, problem = None, ""
    if is_wanted := query_of(request).get("inside") == "yes" or _is_at_hand(viewer, found):
        try:
            inside = contents(viewer, filename)
        except (NotFound, BadRequest, Unavailable) as error:
            problem = error.message
    return show(
        request,
        "file.html",
        viewer,
        file=found,
        url=tools_url(request),
        inside=inside,
        most_entries=_MOST_ENTRIES,
        is_wanted=is_wanted,
        problem=problem,
    )


def _is_at_hand(viewer: Viewer, file: FileFacts) -> bool:
    """Tell whether nothing has to be fetched from elsewhere to look into a file."""
    served = viewer.index.repositories.get(file.repository)
    source = None if served is None else served.source
    return isinstance(source, Hosted) and isinstance(source.storage, FilesystemStorage)


def show_permissions(context: RepositoryContext, request: "Request") -> Answer:
    """Show who may do what with a project."""
    if (elsewhere := at_normal_name(context, request)) is not None:
        return elsewhere
    viewer = viewer_of(context, request)
    found = projects.project(viewer, context.project)
    return show(
        request,
        "permissions.html",
        viewer,
        project=found,
        roles_at=_roles_at(viewer, found.origin),
        permissions=permissions.permissions(viewer, context.project),
    )


def _roles_at(viewer: Viewer, origin: str) -> str:
    """Return the repository that has a page about who looks after a project, for those who are known."""
    served = viewer.index.repositories.get(origin)
    has_page = served is not None and served.roles is not None and not viewer.identity.is_anonymous
    return origin if has_page else ""


def _ago(seconds: int) -> str:
    """Return a span of time in words."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "a moment"
