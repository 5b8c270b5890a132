"""Every URL of the index, in one table, for every place where a repository can be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.web import feeds, files, legacy_json, operation, simple, upload, why, xmlrpc
from pyramid_pypi.web.answers import Answer
from pyramid_pypi.web.context import Operation, RepositoryContext
from pyramid_pypi.web.failures import method_not_allowed

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["add_routes"]

View = Callable[..., Any]

_PROJECT = "{project:[A-Za-z0-9][A-Za-z0-9._-]*}"
_VERSION = "{version:[^/]+}"
_FILENAME = "{filename:[^/]+}"
_SLASH = "{slash:/?}"
# A client that joins an index URL and a name carelessly sends two slashes.
_SLASHES = "{slashes:/+}"
_READ = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class _Route:
    """A pattern below a repository and the views for its methods, with their permissions."""

    name: str
    pattern: str
    get: View | None = None
    post: View | None = None


_ROUTES = (
    # Hatch looks below the URL that it uploads to, as devpi's users do.
    _Route(
        "project_of_upload",
        f"{{api:simple|legacy|pypi}}/+simple/{_PROJECT}{_SLASH}",
        get=simple.project_below_upload,
    ),
    _Route("project", f"{{api:simple|\\+simple}}{_SLASHES}{_PROJECT}{_SLASH}", get=simple.project),
    _Route("projects", f"{{api:simple|\\+simple}}{_SLASH}", get=simple.projects, post=upload.upload),
    _Route("file", "packages/{path:.+}", get=files.file),
    _Route("upload", f"{{api:legacy|pypi}}{_SLASH}", get=simple.project_at_root, post=upload.upload),
    _Route("json", f"{{api:pypi}}/{_PROJECT}/json{_SLASH}", get=legacy_json.project_json),
    _Route(
        "json_of_release", f"{{api:pypi}}/{_PROJECT}/{_VERSION}/json{_SLASH}", get=legacy_json.project_json
    ),
    _Route("feed", "rss/{feed:packages|updates}.xml", get=feeds.newest),
    _Route("feed_of_project", f"rss/project/{_PROJECT}/releases.xml", get=feeds.releases),
    _Route("rpc", f"RPC2{_SLASH}", post=xmlrpc.call),
    _Route("why", f"-/why/{_PROJECT}{_SLASH}", get=why.project),
    _Route("why_file", f"-/why/{_PROJECT}/{_FILENAME}", get=why.file),
)
# A project may have the name of anything in the patterns above.
_AT_ROOT = (
    _Route("project_at_root", f"{_PROJECT}{_SLASH}", get=simple.project_at_root),
    # Renovate takes an index URL for one that has PyPI's JSON API right below it.
    _Route("json_at_root", f"{_PROJECT}/json{_SLASH}", get=legacy_json.project_json),
)

_OPERATION: tuple[tuple[str, View, str], ...] = (
    ("health", operation.health, NO_PERMISSION_REQUIRED),
    ("ready", operation.ready, NO_PERMISSION_REQUIRED),
    ("plugins", operation.plugins, "manage"),
)


def add_routes(config: "Configurator", repositories: list[str]) -> None:
    """Add the routes and views; the names of the repositories become part of the patterns."""
    for page, view, permission in _OPERATION:
        name = f"pypi.{page}"
        config.add_route(name, f"/-/{page}", factory=Operation.of)
        _add_view(config, name, view, permission=permission, request_method=_READ)
        _add_view(config, name, method_not_allowed)
    names = f"{{repository:{'|'.join(repositories)}}}"
    # A repository may be called pypi; uploads to this URL are for the default one all the same.
    config.add_route("pypi.upload", "/pypi{slash:/?}", factory=RepositoryContext.of, request_method="POST")
    _add_views(config, "pypi.upload", _Route("upload", "", post=upload.upload))
    # Hatch asks here whether the file that it is about to upload is there.
    below = _Route(
        "below_upload", f"/{{api:pypi}}/+simple/{_PROJECT}{_SLASH}", get=simple.project_below_upload
    )
    _add(config, "pypi.below_upload", below.pattern, below)
    mounts = (("named", f"/repository/{names}/"), ("short", f"/{names}/"), ("default", "/"))
    for mount, prefix in mounts:
        for route in _ROUTES:
            _add(config, f"pypi.{mount}.{route.name}", f"{prefix}{route.pattern}", route)
        _add_root(config, mount, prefix)
    for mount, prefix in mounts:
        for route in _AT_ROOT:
            _add(config, f"pypi.{mount}.{route.name}", f"{prefix}{route.pattern}", route)


def _add_root(config: "Configurator", mount: str, prefix: str) -> None:
    pattern = f"{prefix.rstrip('/')}{_SLASH}" if prefix != "/" else "/"
    route = _Route("root", pattern, get=simple.root, post=upload.upload)
    _add(config, f"pypi.{mount}.root", pattern, route)
    if prefix == "/" and config.route_prefix:
        config.add_route("pypi.prefix", "", factory=RepositoryContext.of, inherit_slash=True)
        _add_views(config, "pypi.prefix", _Route("prefix", "", get=simple.prefix, post=upload.upload))


def _add(config: "Configurator", name: str, pattern: str, route: _Route) -> None:
    config.add_route(name, pattern, factory=RepositoryContext.of)
    _add_views(config, name, route)


def _add_views(config: "Configurator", name: str, route: _Route) -> None:
    if route.get is not None:
        _add_view(config, name, route.get, permission="read", request_method=_READ)
    _add_view(config, name, _other_methods(route))


def _other_methods(route: _Route) -> View:
    """Return the view for all methods that do not read; each view more makes every start slower."""

    def view(context: RepositoryContext, request: "Request") -> Answer:
        if request.method == "OPTIONS" and route.get is not None:
            return simple.preflight(context, request)
        if request.method == "POST" and route.post is not None:
            # It asks for the right itself, which depends on the action in the form.
            answer: Answer = route.post(context, request)
            return answer
        return method_not_allowed(context, request)

    return view


def _add_view(config: "Configurator", route: str, view: View, **predicates: Any) -> None:
    predicates.setdefault("permission", NO_PERMISSION_REQUIRED)
    # Upload tools have no token of a form; the upload view refuses foreign pages in its own way.
    config.add_view(view, route_name=route, require_csrf=False, **predicates)
