"""Pages about who looks after a project."""

from typing import TYPE_CHECKING

from pyramid_pypi.auth.ownership import Ownership
from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.errors import BadRequest, PypiError
from pyramid_pypi.ui.account import require_user
from pyramid_pypi.ui.forms import Form, read_form
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer, see_other
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.places import up

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["grant_role", "revoke_role", "show_projects", "show_roles"]


def show_projects(context: Operation, request: "Request") -> Answer:
    """List the projects that one looks after."""
    identity = require_user(request)
    found = [
        (name, project, role)
        for name, served in context.index.repositories.items()
        if served.roles is not None
        for project, role in served.roles.held_by(identity).items()
        if served.permits(identity, "read", project)
    ]
    return CORE.show(request, "projects.html", projects=found)


def show_roles(context: Operation, request: "Request") -> Answer:
    """Show who looks after a project."""
    return _page(request, _ownership(context, request), Form({}))


def grant_role(context: Operation, request: "Request") -> Answer:
    """Give somebody a role in a project."""
    form = read_form(request)
    ownership = _ownership(context, request)
    try:
        ownership.grant(form.one("principal"), form.one("role"))
    except BadRequest as error:
        return _page(request, ownership, form, error)
    return _back(request, ownership)


def revoke_role(context: Operation, request: "Request") -> Answer:
    """Take a role away."""
    form = read_form(request)
    ownership = _ownership(context, request)
    try:
        ownership.revoke(form.one("principal"))
    except BadRequest as error:
        return _page(request, ownership, form, error)
    return _back(request, ownership)


def _back(request: "Request", ownership: Ownership) -> Answer:
    return see_other(f"{up(request)}account/projects/{ownership.served.name}/{ownership.project}")


def _ownership(context: Operation, request: "Request") -> Ownership:
    """Return what a page is about. Raises NotFound, Unauthorized."""
    found = request.matchdict
    return Ownership.of(context.index.served(found["repository"]), found["project"], identity_of(request))


def _page(request: "Request", ownership: Ownership, form: Form, error: PypiError | None = None) -> Answer:
    return CORE.show(
        request,
        "roles.html",
        status="200 OK" if error is None else f"{error.status} {error.title}",
        project=ownership.project,
        repository=ownership.served.name,
        roles=ownership.held(),
        may_grant=ownership.may_grant,
        principal=form.one("principal"),
        problem="" if error is None else error.message,
    )
