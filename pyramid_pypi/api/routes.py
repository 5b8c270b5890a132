"""The routes of the API, from its table."""

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING

from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.api.asked import Asked
from pyramid_pypi.api.endpoint import BASE, Endpoint
from pyramid_pypi.api.table import ENDPOINTS
from pyramid_pypi.errors import MethodNotAllowed, NotFound
from pyramid_pypi.settings import Settings
from pyramid_pypi.web.answers import Answer, answer_encoded
from pyramid_pypi.web.bodies import read_body
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
    endpoints = endpoints_of(settings)
    for path, group in groupby(sorted(endpoints, key=_in_order), key=lambda one: one.path):
        of_path = list(group)
        # Names of groups in a directory may have a slash, and nothing comes behind a principal.
        pattern = BASE + path.replace("{principal}", "{principal:.+}")
        _add(config, of_path[0].name, pattern, {one.method: _view_of(one) for one in of_path})
    _add(config, "openapi", _DOCUMENT, {"GET": _document_of(endpoints)})
    _add(config, "nothing", "/-/api/*rest", {})


def endpoints_of(settings: Settings) -> tuple[Endpoint, ...]:
    """Return the endpoints that an index with these settings has."""
    own_users = settings.security == "pyramid_pypi"
    return tuple(one for one in ENDPOINTS if own_users or not one.is_for_accounts)


def _in_order(one: Endpoint) -> tuple[str, bool]:
    return one.path, one.method != "GET"


def _add(config: "Configurator", name: str, pattern: str, views: dict[str, View]) -> None:
    route = f"pypi.api.{name}"
    config.add_route(route, pattern, factory=Operation.of)
    # Programs have no token of a form; what pages of other sites send is refused in another way.
    config.add_view(
        _by_method(views) if views else _nothing,
        route_name=route,
        permission=NO_PERMISSION_REQUIRED,
        require_csrf=False,
    )


def _by_method(views: dict[str, View]) -> View:
    """Return one view for all methods; Pyramid takes its time at the start for each one."""
    allowed = tuple(other for method in views for other in (_READ if method == "GET" else (method,)))

    def view(context: Operation, request: "Request") -> Answer:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in views:
            raise MethodNotAllowed(f"{request.method[:20]} is not possible here", allowed=allowed)
        return views[method](context, request)

    return view


def _view_of(endpoint: Endpoint) -> View:
    def view(context: Operation, request: "Request") -> Answer:
        # msgspec costs time at the start, which only those pay who use the API.
        from pyramid_pypi.api.encoding import decode, encode  # noqa: PLC0415

        if endpoint.method != "GET":
            refuse_foreign_page(request.environ, context.index.settings.base_url)
        asked = Asked.of(request, context.index)
        if endpoint.is_for_accounts:
            asked.require_user()
        given = [decode(endpoint.takes, read_body(request))] if endpoint.takes else []
        return answer_encoded(encode(endpoint.view(asked, *given)), _STATUS[endpoint.status])

    return view


def _document_of(endpoints: tuple[Endpoint, ...]) -> View:
    def view(context: Operation, request: "Request") -> Answer:  # noqa: ARG001
        from pyramid_pypi.api.encoding import encode  # noqa: PLC0415
        from pyramid_pypi.api.openapi import document  # noqa: PLC0415

        root = address_of(request).removesuffix(_DOCUMENT)
        return answer_encoded(encode(document(endpoints, root)))

    return view


def _nothing(context: Operation, request: "Request") -> Answer:  # noqa: ARG001
    raise NotFound("There is nothing at this URL; /-/api/openapi.json tells what there is")
