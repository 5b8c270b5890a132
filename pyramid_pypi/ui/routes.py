"""The URLs of the pages for people, in one table."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyramid.security import NO_PERMISSION_REQUIRED

from pyramid_pypi.ui import account, activity, browsing, login, manage, projects, roles, search, status
from pyramid_pypi.ui.pages import icon, script, style
from pyramid_pypi.web.context import Operation, RepositoryContext
from pyramid_pypi.web.failures import method_not_allowed
from pyramid_pypi.web.places import PREFIX

if TYPE_CHECKING:
    from pyramid.config import Configurator

__all__ = ["add_pages"]

_PLACE = "/account/projects/{repository}/{project}"
_READ = ("GET", "HEAD")

_ROUTES: tuple[tuple[str, str, dict[str, Callable[..., Any]]], ...] = (
    ("ui.style", "/-/style.css", {"GET": style}),
    ("ui.icon", "/-/icon.svg", {"GET": icon}),
    ("ui.script", "/-/ui.js", {"GET": script}),
    ("ui.activity", "/-/activity", {"GET": activity.show_all}),
    ("ui.status", "/-/status", {"GET": status.show_status}),
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
)

_PROJECT = "project/{project:[A-Za-z0-9][A-Za-z0-9._-]*}"
# Below a repository; its right to read is asked for.
_PAGES: tuple[tuple[str, str, dict[str, Callable[..., Any]]], ...] = (
    ("search", "search", {"GET": search.show_search}),
    # At the root this would be the JSON of a project that is called project.
    (
        "page_without_slash",
        "project/{project:(?!json$)[A-Za-z0-9][A-Za-z0-9._-]*}",
        {"GET": browsing.add_slash},
    ),
    ("page", f"{_PROJECT}/", {"GET": projects.show_project}),
    ("permissions", f"{_PROJECT}/-/permissions", {"GET": projects.show_permissions}),
    ("activity", f"{_PROJECT}/-/activity", {"GET": activity.show_project}),
    ("manage", f"{_PROJECT}/-/manage", {"GET": manage.show_manage}),
    ("change", f"{_PROJECT}/-/{{action:{'|'.join(manage.FORMS)}}}", {"POST": manage.change}),
    ("release", f"{_PROJECT}/{{version:[^/]+}}/", {"GET": projects.show_release}),
    ("page_of_file", f"{_PROJECT}/{{version:[^/]+}}/{{filename:[^/]+}}", {"GET": projects.show_file}),
)


def add_pages(config: "Configurator", repositories: list[str]) -> None:
    """Add the routes; of those that are not about a repository each view asks itself who it is."""
    config.registry[PREFIX] = config.route_prefix
    for name, pattern, views in _ROUTES:
        _add(config, f"pypi.{name}", pattern, Operation.of, views)
    names = f"{{repository:{'|'.join(repositories)}}}"
    for mount, prefix in (("named", f"/repository/{names}/"), ("short", f"/{names}/"), ("default", "/")):
        for name, pattern, views in _PAGES:
            _add(config, f"pypi.{mount}.{name}", f"{prefix}{pattern}", RepositoryContext.of, views)


def _add(
    config: "Configurator",
    route: str,
    pattern: str,
    factory: Callable[..., Any],
    views: dict[str, Callable[..., Any]],
) -> None:
    config.add_route(route, pattern, factory=factory)
    for method, view in views.items():
        permission = "read" if method == "GET" and factory == RepositoryContext.of else NO_PERMISSION_REQUIRED
        predicates = {"request_method": _READ if method == "GET" else method}
        _add_view(config, route, view, permission=permission, **predicates)
    _add_view(config, route, method_not_allowed)


def _add_view(config: "Configurator", route: str, view: Callable[..., Any], **predicates: Any) -> None:
    predicates.setdefault("permission", NO_PERMISSION_REQUIRED)
    # Our forms have tokens of their own, whatever the host application does about its forms.
    config.add_view(view, route_name=route, require_csrf=False, **predicates)
