"""What the pages about a repository have in common: where they are, and who looks."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.errors import BadRequest
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer, answer_text
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.observe import note
from pyramid_pypi.web.places import address_of, base_of

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = [
    "add_slash",
    "at_normal_name",
    "count_of",
    "moved",
    "query_of",
    "show",
    "tools_url",
    "viewer_of",
]

_MOST_FIELDS = 50
_MOST_DIGITS = 15


def viewer_of(context: RepositoryContext, request: "Request") -> Viewer:
    """Return who looks, and at what. Raises ProjectNotFound."""
    note(request, context.served.name, context.project)
    viewer = Viewer(context.index, context.served, identity_of(request))
    if context.project:
        viewer.require(context.project)
    return viewer


def show(request: "Request", template: str, viewer: Viewer, **values: Any) -> Answer:
    """Return a page about the repository of `viewer`, which nobody but its reader may keep."""
    served = viewer.served
    # A project that is not our own may be the upstream's.
    values |= {"base": base_of(request), "repository": served.name, "follows": served.repository.outside}
    return CORE.show_facts(request, template, **values)


def tools_url(request: "Request") -> str:
    """Return the absolute URL of the repository, with a slash at its end, as tools use it."""
    return f"{address_of(request).rsplit('/', base_of(request).count('../') + 1)[0]}/"


def query_of(request: "Request") -> dict[str, str]:
    """Return the fields of the query string, the first of each name. Raises BadRequest."""
    query = str(request.environ.get("QUERY_STRING", ""))
    try:
        found = parse_qs(query, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:  # UnicodeError is one
        raise BadRequest("What follows the question mark of this address cannot be read") from error
    return {name: values[0] for name, values in found.items()}


def count_of(query: dict[str, str], name: str) -> int:
    """Return a field of the query that is a count, 0 where it is not there. Raises BadRequest."""
    text = query.get(name, "") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise BadRequest(f"{name!r} is a count, such as 20, and not {ascii(text)[:60]}")
    return int(text)


def add_slash(context: RepositoryContext, request: "Request") -> Answer:
    """Lead to the project's page for an address that lacks the slash at its end."""
    return moved(request, f"{context.project}/")


def moved(request: "Request", path: str) -> Answer:
    """Lead to where a page is, relative to the one that was asked, for good."""
    query = request.environ.get("QUERY_STRING", "")
    target = quote(path) + (f"?{query}" if query else "")
    headers = [
        ("Location", target),
        ("Cache-Control", "private, no-cache"),
        ("Vary", "Cookie, Authorization"),
    ]
    return answer_text("301 Moved Permanently", f"The page is at {target}", headers)


def at_normal_name(context: RepositoryContext, request: "Request") -> Answer | None:
    """Lead to the same page of the project under its normalised name; None where that was asked."""
    if context.raw == context.project:
        return None
    base = base_of(request)
    below = request.path_info.split("/")[-base.count("../") - 1 :]
    return moved(request, "/".join([f"{base}project", context.project, *below[2:]]))
