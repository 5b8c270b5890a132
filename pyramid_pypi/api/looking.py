"""What the API shows of repositories, projects, releases and files."""

from pyramid_pypi.api.answers import Page, SearchPage
from pyramid_pypi.api.asked import MOST_ITEMS, Asked, require_name
from pyramid_pypi.api.cursors import cursor_of, number_after, text_after
from pyramid_pypi.browse import activity as journal
from pyramid_pypi.browse import contents, permissions, projects, repositories, search, status
from pyramid_pypi.browse import downloads as counted
from pyramid_pypi.browse.facts import (
    ActivityFacts,
    ContentsFacts,
    DownloadFacts,
    FileFacts,
    PartFacts,
    PermissionFacts,
    ProjectFacts,
    ProjectItem,
    ReleaseFacts,
    RepositoryFacts,
)
from pyramid_pypi.browse.releases import page_of
from pyramid_pypi.errors import NotFound

__all__ = [
    "find",
    "list_activity",
    "list_contents",
    "list_dependents",
    "list_permissions",
    "list_projects",
    "list_repositories",
    "show_downloads",
    "show_file",
    "show_project",
    "show_release",
    "show_repository",
    "show_status",
]


def list_repositories(asked: Asked) -> Page[RepositoryFacts]:
    """List the repositories where one may read something."""
    asked.require_reader()
    return Page(tuple(repositories.repositories(asked.index, asked.identity)))


def show_repository(asked: Asked) -> RepositoryFacts:
    """Show a repository."""
    return repositories.repository(asked.viewer())


def list_projects(asked: Asked) -> Page[ProjectItem]:
    """List the repository's own projects by name."""
    limit = asked.limit(100)
    found = projects.projects(asked.viewer(), after=text_after(asked.cursor), limit=limit + 1)
    return asked.paged(found, limit, lambda item: item.name)


def show_project(asked: Asked) -> ProjectFacts:
    """Show a project, its releases and the newest one of them."""
    return projects.project(asked.viewer(), asked.project)


def show_release(asked: Asked) -> ReleaseFacts:
    """Show a release and its files."""
    return projects.release(asked.viewer(), asked.project, asked.path["version"])


def show_file(asked: Asked) -> FileFacts:
    """Show a file."""
    return projects.file_of(asked.viewer(), asked.project, asked.path["filename"])


def list_contents(asked: Asked) -> ContentsFacts:
    """List what is inside of a wheel or an sdist."""
    viewer = asked.viewer()
    found = projects.file_of(viewer, asked.project, asked.path["filename"])
    return contents.contents(viewer, found.filename)


def list_permissions(asked: Asked) -> Page[PermissionFacts]:
    """Tell who may do what with a project."""
    viewer = asked.viewer()
    # A project that somebody hides is answered for like one that is not there.
    page_of(viewer.served, asked.project)
    return Page(tuple(permissions.permissions(viewer, asked.project)))


def show_downloads(asked: Asked) -> DownloadFacts:
    """Tell how often a project was downloaded. Raises NotFound where nobody counts."""
    found = counted.downloads(asked.viewer(), asked.project, days=asked.days(90))
    if found is None:
        raise NotFound("This index does not count downloads")
    return found


def list_dependents(asked: Asked) -> Page[str]:
    """List the projects whose newest releases require a project."""
    # What others say that they need may be anywhere, or hidden.
    viewer = asked.viewer_of(asked.path["repository"])
    return Page(tuple(search.dependents(viewer, asked.project, limit=asked.limit(100))))


def find(asked: Asked) -> SearchPage:
    """Search the projects of a repository."""
    limit, offset = asked.limit(20), number_after(asked.cursor)
    viewer = asked.viewer_of(asked.options.get("repository", ""))
    found = search.search(viewer, asked.options.get("q", ""), limit=limit, offset=offset)
    seen = offset + len(found.hits)
    more = cursor_of(seen) if found.hits and seen < found.total else None
    return SearchPage(found.hits, more, found.total, found.pending)


def list_activity(asked: Asked) -> Page[ActivityFacts]:
    """List what has happened, the newest first."""
    asked.require_reader()
    limit, before = asked.limit(50), number_after(asked.cursor)
    about = {"repository": asked.options.get("repository", "")}
    if project := asked.options.get("project", ""):
        about["project"] = require_name(project)
    # No more than that is told at once, so the last part may turn out to be empty.
    found = journal.activity(
        asked.index, asked.identity, **about, before=before, limit=min(limit + 1, MOST_ITEMS)
    )
    return asked.paged(found, limit, lambda item: item.serial)


def show_status(asked: Asked) -> Page[PartFacts]:
    """Tell whether the parts of the index work, to those who manage a repository."""
    asked.require_manager()
    return Page(tuple(status.parts(asked.index)))
