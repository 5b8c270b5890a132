"""The routes of the API, from its table."""

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.api.asked import Asked, body_of
from pyramid_pypi.api.endpoint import BASE, Endpoint
from pyramid_pypi.api.table import ENDPOINTS
from pyramid_pypi.errors import MethodNotAllowed, NotFound
from pyramid_pypi.settings import Settings
from pyramid_pypi.web.answers import Answer, answer_encoded
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.foreign import refuse_foreign_page
from pyramid_pypi.web.places import address_of

if TYPE_CHECKING:
    from pyramid.config import Configurator
    from pyramid.request import Request

__all__ = ["add_api", "endpoints_of"]

View = Callable[[Operation, "Request"], Answer]

_DOCUMENT = "/-/api/openapi.json"
_READ = ("GET", "HEAD")
_STATUS = {200: "200 OK", 201: "201 Created"}


def add_api(config: "Configurator", settings: Settings) -> None:
    """Add the routes and views; each view asks itself who it is."""
    endpoints = sorted(endpoints_of(settings), key=lambda one: one.path)
    for path, group in groupby(endpoints, key=lambda one: one.path):
        of_path = sorted(group, key=lambda one: one.method != "GET")
        # Names of groups in a directory may have a slash, and nothing comes behind a principal.
        pattern = BASE + path.replace("{principal}", "{principal:.+}")
        views = {one.method: _view_of(one) for one in of_path}
        _add(config, of_path[0].name, pattern, views)
    _add(config, "openapi", _DOCUMENT, {"GET": _document_of(endpoints_of(settings))})
    _add(config, "nothing", "/-/api/*rest", {})


def endpoints_of(settings: Settings) -> tuple[Endpoint, ...]:
    """Return the endpoints that an index with these settings has."""
    own_users = settings.security == "pyramid_pypi"
    return tuple(one for one in ENDPOINTS if own_users or not one.is_for_accounts)


def _add(config: "Configurator", name: str, pattern: str, views: dict[str, View]) -> None:
    route = f"pypi.api.{name}"
    config.add_route(route, pattern, factory=Operation.of)
    for method, view in views.items():
        _add_view(config, route, view, request_method=_READ if method == "GET" else method)
    _add_view(config, route, _other_method(tuple(views)) if views else _nothing)


def _add_view(config: "Configurator", route: str, view: View, **predicates: Any) -> None:
    # Programs have no token of a form; what pages of other sites send is refused in another way.
    config.add_view(
        view, route_name=route, permission=NO_PERMISSION_REQUIRED, require_csrf=False, **predicates
    )


def _view_of(endpoint: Endpoint) -> View:
    def view(context: Operation, request: "Request") -> Answer:
        # msgspec costs time at the start, which only those pay who use the API.
        from pyramid_pypi.api.encoding import decode, encode  # noqa: PLC0415

        if endpoint.method != "GET":
            refuse_foreign_page(request.environ, context.index.settings.base_url)
        asked = Asked.of(request, context.index)
        if endpoint.is_for_accounts:
            asked.require_user()
        given = [decode(endpoint.takes, body_of(request))] if endpoint.takes else []
        return answer_encoded(encode(endpoint.view(asked, *given)), _STATUS[endpoint.status])

    return view


def _document_of(endpoints: tuple[Endpoint, ...]) -> View:
    def view(context: Operation, request: "Request") -> Answer:  # noqa: ARG001
        from pyramid_pypi.api.encoding import encode  # noqa: PLC0415
        from pyramid_pypi.api.openapi import document  # noqa: PLC0415

        root = address_of(request).removesuffix(_DOCUMENT)
        return answer_encoded(encode(document(endpoints, root)))

    return view


def _other_method(methods: tuple[str, ...]) -> View:
    allowed = tuple(other for method in methods for other in (_READ if method == "GET" else (method,)))

    def view(context: Operation, request: "Request") -> Answer:  # noqa: ARG001
        raise MethodNotAllowed(f"{request.method} is not possible here", allowed=allowed)

    return view


def _nothing(context: Operation, request: "Request") -> Answer:  # noqa: ARG001
    raise NotFound("There is nothing at this URL; /-/api/openapi.json tells what there is")
