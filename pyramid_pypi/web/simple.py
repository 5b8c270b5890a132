"""Views of the simple repository API (PEP 503, PEP 691)."""

from urllib.parse import parse_qs, quote

from pyramid.request import Request

from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.model import Redirect
from pyramid_pypi.ui.landing import landing_page
from pyramid_pypi.web.answers import CORS, Answer, answer_ready, answer_text, redirect_away
from pyramid_pypi.web.context import RepositoryContext
from pyramid_pypi.web.hot import Page
from pyramid_pypi.web.longlist import streamed_list
from pyramid_pypi.web.negotiation import negotiate
from pyramid_pypi.web.observe import note, offer_hot
from pyramid_pypi.web.pages import Kind, list_page, project_page
from pyramid_pypi.web.ready import accepts_gzip

__all__ = ["prefix", "preflight", "project", "project_at_root", "project_below_upload", "projects", "root"]

# A list of projects links to no files, so that no way up leads to them.
_LIST = ""


def project(context: RepositoryContext, request: Request) -> Answer:
    """Show one project below `simple/`."""
    return _project(context, request, "../../")


def project_below_upload(context: RepositoryContext, request: Request) -> Answer:
    """Show one project below `legacy/+simple/`."""
    return _project(context, request, "../../../")


def project_at_root(context: RepositoryContext, request: Request) -> Answer:
    """Show one project to a client that takes the root of the repository for its index."""
    return _project(context, request, "../")


def projects(context: RepositoryContext, request: Request) -> Answer:
    """Show the list of all projects."""
    if not request.matchdict["slash"]:
        return _add_slash(request)
    served = context.served
    if not served.repository.outside and served.shows_all_to(identity_of(request)):
        offer_hot(request, (served.name, ""), Page(_LIST))
    return _projects(context, request)


def root(context: RepositoryContext, request: Request) -> Answer:
    """Show a person around, and a tool the list of all projects."""
    if not request.matchdict.get("slash", "/"):
        return _add_slash(request)
    if "text/html" in request.environ.get("HTTP_ACCEPT", ""):
        return landing_page(context, request)
    # Never from memory, where nobody would tell a browser, which gets a page here, from a tool.
    return _projects(context, request)


def prefix(context: RepositoryContext, request: Request) -> Answer:  # noqa: ARG001
    """Lead from the prefix of an embedded index to its root."""
    return _add_slash(request)


def preflight(context: RepositoryContext, request: Request) -> Answer:  # noqa: ARG001
    """Answer a browser that asks whether a page of another site may read this."""
    return Answer(status="200 OK", headerlist=[*CORS, ("Content-Length", "0")], app_iter=[])


def _project(context: RepositoryContext, request: Request, up: str) -> Answer:
    note(request, context.served.name, context.project)
    slash = request.matchdict["slash"]
    if context.raw != context.project:
        # The one redirect that never changes, so that clients may remember it.
        way = "../" if slash else ""
        return _moved(request, "301 Moved Permanently", f"{way}{context.project}/")
    if not slash:
        return _add_slash(request)
    ready = project_page(context.index, context.served, context.project, _kind(request, up))
    if isinstance(ready, Redirect):
        return redirect_away(ready)
    offer_hot(request, (context.served.name, context.project), Page(up))
    return answer_ready(ready, request)


def _projects(context: RepositoryContext, request: Request) -> Answer:
    note(request, context.served.name)
    identity, kind = identity_of(request), _kind(request, _LIST)
    if context.served.repository.outside:
        return streamed_list(context, identity, kind, request)
    return answer_ready(list_page(context.index, context.served, identity, kind), request)


def _kind(request: Request, up: str) -> Kind:
    environ = request.environ
    wanted = parse_qs(environ.get("QUERY_STRING", "")).get("format", [""])[0]
    form = negotiate(environ.get("HTTP_ACCEPT", ""), wanted)
    return up, form, accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))


def _add_slash(request: Request) -> Answer:
    return _moved(request, "302 Found", f"{request.path_info.rpartition('/')[2]}/")


def _moved(request: Request, status: str, location: str) -> Answer:
    """Redirect relative to the URL that was asked, whatever a proxy has made of it."""
    query = request.environ.get("QUERY_STRING", "")
    target = quote(location) + (f"?{query}" if query else "")
    headers = [("Location", target), ("Cache-Control", "no-cache"), *CORS]
    return answer_text(status, f"The page is at {target}", headers)
