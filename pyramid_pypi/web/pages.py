"""Simple pages of a repository, rendered once and kept ready."""

from collections.abc import Sequence

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.model import Identity, ProjectName, ProjectPage, Redirect
from pyramid_pypi.served import Served
from pyramid_pypi.web import rendering
from pyramid_pypi.web.answers import CORS
from pyramid_pypi.web.negotiation import CONTENT_TYPES, Format
from pyramid_pypi.web.observe import ORIGIN
from pyramid_pypi.web.ready import Headers, Ready, ready_page

__all__ = ["Kind", "list_page", "origin_of", "page_headers", "project_page", "short_list", "vary"]


Kind = tuple[str, Format, bool]
"""The way up from a page to `packages/`, its format, and whether it is compressed."""


def project_page(index: PackageIndex, served: Served, name: str, kind: Kind) -> Ready | Redirect:
    """Return the page of a project, or where it is.

    Raises ProjectNotFound, Unavailable.
    """
    group = (served.name, name)
    ready = index.pages.get(group, kind)
    if ready is None:
        token = index.pages.token()
        page = served.repository.project(name)
        if isinstance(page, Redirect):
            return page
        up, form, packed = kind
        render = rendering.page_json if form == "v1+json" else rendering.page_html
        headers = [*page_headers(served, form, page.serial), *origin_of(page)]
        ready = ready_page(render(page, up), headers, form, packed=packed, fresh_for=page.fresh_for)
        index.pages.put(group, kind, ready, token)
    return ready


def list_page(index: PackageIndex, served: Served, identity: Identity, kind: Kind) -> Ready:
    """Return the list of the projects that `identity` may read. Raises Unavailable."""
    if not served.shows_all_to(identity):
        return short_list(served, list(served.visible(identity, served.repository.projects())), kind)
    group = (served.name, "")
    ready = index.pages.get(group, kind)
    if ready is None:
        token = index.pages.token()
        ready = short_list(served, list(served.repository.projects()), kind)
        index.pages.put(group, kind, ready, token)
    return ready


def page_headers(served: Served, form: Format, serial: int) -> Headers:
    """Return the headers of a page, but for those that depend on its bytes."""
    return [
        ("Content-Type", CONTENT_TYPES[form]),
        # Installers keep a page as long as it says, and would not see what was just published.
        ("Cache-Control", "no-cache" if served.rights.is_public else "private, no-cache"),
        ("Vary", vary(served)),
        ("X-PyPI-Last-Serial", str(serial)),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "sandbox allow-top-navigation allow-downloads; default-src 'none'"),
        *CORS,
    ]


def origin_of(page: ProjectPage) -> Headers:
    """Return what tells where the page is from, and that it is out of date if it is (RFC 7234 §5.5.1)."""
    origin = [(ORIGIN, page.repository)]
    if page.stale_for:
        origin += [("Warning", '110 - "Response is Stale"'), ("X-PyPI-Stale", str(page.stale_for))]
    return origin


def vary(served: Served) -> str:
    """Return which request headers the pages of a repository depend on."""
    return "Accept, Accept-Encoding" + ("" if served.rights.is_public else ", Authorization")


def short_list(
    served: Served, projects: Sequence[ProjectName], kind: Kind, *, fresh_for: float | None = None
) -> Ready:
    """Return the list of `projects`, to be repeated for `fresh_for` seconds; None: until a change."""
    _up, form, packed = kind
    serial = max((project.serial for project in projects), default=0)
    render = rendering.list_json if form == "v1+json" else rendering.list_html
    headers = page_headers(served, form, serial)
    return ready_page(render(projects, serial), headers, form, packed=packed, fresh_for=fresh_for)
