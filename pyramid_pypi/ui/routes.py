"""The URLs of the pages for people, in one table."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.ui import account, login, roles
from pyramid_pypi.ui.pages import style
from pyramid_pypi.web import tokens
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.failures import method_not_allowed
from pyramid_pypi.web.places import PREFIX

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["add_pages"]

_PLACE = "/account/projects/{repository}/{project}"
_READ = ("GET", "HEAD")

_ROUTES: tuple[tuple[str, str, dict[str, Callable[..., Any]]], ...] = (
    ("ui.style", "/-/style.css", {"GET": style}),
    ("ui.login", "/login", {"GET": login.show_login, "POST": login.log_in}),
    ("ui.logout", "/logout", {"POST": login.log_out}),
    ("ui.account", "/account", {"GET": account.show_account}),
    ("ui.tokens", "/account/tokens", {"POST": account.make_token}),
    ("ui.revoke_token", "/account/tokens/{token}/revoke", {"POST": account.revoke_token}),
    ("ui.end_session", "/account/sessions/{session}/end", {"POST": account.end_session_of}),
    ("ui.projects", "/account/projects", {"GET": roles.show_projects}),
    ("ui.roles", _PLACE, {"GET": roles.show_roles}),
    ("ui.grant_role", f"{_PLACE}/grant", {"POST": roles.grant_role}),
    ("ui.revoke_role", f"{_PLACE}/revoke", {"POST": roles.revoke_role}),
    ("api.tokens", "/-/api/v1/tokens", {"GET": tokens.list_, "POST": tokens.create}),
    ("api.token", "/-/api/v1/tokens/{token}", {"DELETE": tokens.revoke}),
)


def add_pages(config: "Configurator") -> None:
    """Add the routes; each view asks itself who it is."""
    config.registry[PREFIX] = config.route_prefix
    for name, pattern, views in _ROUTES:
        route = f"pypi.{name}"
        config.add_route(route, pattern, factory=Operation.of)
        for method, view in views.items():
            _add_view(config, route, view, request_method=_READ if method == "GET" else method)
        _add_view(config, route, method_not_allowed)


def _add_view(config: "Configurator", route: str, view: Callable[..., Any], **predicates: Any) -> None:
    # Our forms have tokens of their own, whatever the host application does about its forms.
    config.add_view(
        view, route_name=route, permission=NO_PERMISSION_REQUIRED, require_csrf=False, **predicates
    )
