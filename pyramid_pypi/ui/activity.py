"""Pages of what has happened."""

from typing import TYPE_CHECKING, Any

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.browse.activity import activity
from pyramid_pypi.browse.projects import project
from pyramid_pypi.errors import Forbidden, RepositoryNotFound, Unauthorized
from pyramid_pypi.ui.browsing import at_normal_name, count_of, query_of, show, viewer_of
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import Operation, RepositoryContext

if TYPE_CHECKING:
    from pyramid.request import Request

    from pyramid_pypi.app import PackageIndex
    from pyramid_pypi.model import Identity

__all__ = ["show_all", "show_project"]

_LIMIT = 50


def show_all(context: Operation, request: "Request") -> Answer:
    """Show what has happened in all repositories, or one that is chosen."""
    index, identity = context.index, identity_of(request)
    if not context.permits(identity, "read"):
        if identity.is_anonymous:
            raise Unauthorized("Log in to see what has happened")
        raise Forbidden(f"{identity.label} isn't allowed to see what has happened")
    chosen = query_of(request).get("repository", "")
    names = [one for one, served in index.repositories.items() if served.permits_somewhere(identity, "read")]
    if chosen and chosen not in names:
        raise RepositoryNotFound(f"There is no repository {chosen!r}")
    values = _changes(request, index, identity, repository=chosen)
    return CORE.show_facts(request, "activity.html", project="", chosen=chosen, names=names, **values)


def show_project(context: RepositoryContext, request: "Request") -> Answer:
    """Show what has happened to a project."""
    if (elsewhere := at_normal_name(context, request)) is not None:
        return elsewhere
    viewer = viewer_of(context, request)
    name = viewer.served.name
    values = _changes(request, viewer.index, viewer.identity, repository=name, project=context.project)
    if not values["changes"]:
        # What is deleted has been here; of what never was there is no page.
        project(viewer, context.project)
    return show(request, "activity.html", viewer, project=context.project, chosen="", names=(), **values)


def _changes(
    request: "Request", index: "PackageIndex", identity: "Identity", *, repository: str, project: str = ""
) -> dict[str, Any]:
    before = count_of(query_of(request), "before")
    found = activity(index, identity, repository=repository, project=project, before=before, limit=_LIMIT + 1)
    more = len(found) > _LIMIT
    return {
        "changes": found[:_LIMIT],
        "is_first": not before,
        "after": found[_LIMIT - 1].serial if more else 0,
    }
