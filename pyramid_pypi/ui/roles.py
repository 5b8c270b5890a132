"""Pages about who looks after a project."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyramid_pypi import audit
from pyramid_pypi.auth.policy import identity_of
from pyramid_pypi.catalog.roles import ROLES, Roles, is_principal
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.errors import BadRequest, Forbidden, NotFound, ProjectNotFound, PypiError, Unauthorized
from pyramid_pypi.model import Identity
from pyramid_pypi.served import Served
from pyramid_pypi.ui.account import require_user
from pyramid_pypi.ui.forms import Form, read_form
from pyramid_pypi.ui.pages import CORE
from pyramid_pypi.web.answers import Answer, see_other
from pyramid_pypi.web.context import Operation
from pyramid_pypi.web.places import up

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["grant_role", "revoke_role", "show_projects", "show_roles"]


@dataclass(frozen=True, slots=True)
class _Place:
    """A project of a repository that has roles, and who asks for it."""

    served: Served
    roles: Roles
    project: str
    identity: Identity

    @property
    def may_grant(self) -> bool:
        """Whether who asks may say who looks after the project."""
        return self.served.may_grant(self.identity, self.project)

    def require_grant(self) -> None:
        """Refuse who may not. Raises Forbidden."""
        if not self.may_grant:
            raise Forbidden(f"{self.identity.label} does not own {self.project!r}")


def show_projects(context: Operation, request: "Request") -> Answer:
    """List the projects that one looks after."""
    identity = require_user(request)
    found = [
        (name, project, role)
        for name, served in context.index.repositories.items()
        if served.roles is not None
        for project, role in served.roles.held_by(identity).items()
    ]
    return CORE.show(request, "projects.html", projects=found)


def show_roles(context: Operation, request: "Request") -> Answer:
    """Show who looks after a project."""
    return _page(request, _place(context, request), Form({}))


def grant_role(context: Operation, request: "Request") -> Answer:
    """Give somebody a role in a project."""
    form = read_form(request)
    place = _place(context, request)
    place.require_grant()
    principal, role = form.one("principal"), form.one("role")
    if not is_principal(principal):
        wrong = BadRequest(f"{principal!r} is neither user:NAME nor group:NAME")
        return _page(request, place, form, wrong)
    if role not in ROLES:
        raise BadRequest(f"A role is one of {', '.join(ROLES)}")
    place.roles.grant(place.project, principal, role, place.identity.name)
    _record("role granted", place, principal=principal, role=role)
    return see_other(f"{up(request)}account/projects/{place.served.name}/{place.project}")


def revoke_role(context: Operation, request: "Request") -> Answer:
    """Take a role away."""
    form = read_form(request)
    place = _place(context, request)
    place.require_grant()
    principal = form.one("principal")
    held = place.roles.of(place.project)
    owners = [one for one, role in held.items() if role == "owner"]
    if owners == [principal] and not place.served.permits(place.identity, "manage", place.project):
        wrong = BadRequest("The last owner stays; make somebody else an owner first")
        return _page(request, place, form, wrong)
    if not place.roles.revoke(place.project, principal):
        raise NotFound(f"{principal!r} has no role in {place.project!r}")
    _record("role revoked", place, principal=principal)
    return see_other(f"{up(request)}account/projects/{place.served.name}/{place.project}")


def _record(event: "audit.Event", place: _Place, **about: str) -> None:
    audit.record(event, place.identity, repository=place.served.name, project=place.project, **about)


def _place(context: Operation, request: "Request") -> _Place:
    """Return what a page is about. Raises NotFound, Unauthorized."""
    identity, name = identity_of(request), request.matchdict["project"]
    if identity.is_anonymous:
        raise Unauthorized("Log in to see who looks after a project")
    served = context.index.served(request.matchdict["repository"])
    if not is_valid_name(name):
        raise ProjectNotFound(f"{name!r} is not a name that a project can have")
    project = normalise(name)
    if served.roles is None or not served.permits(identity, "read", project):
        raise ProjectNotFound(f"{served.name!r} has no project {project!r} that anybody looks after")
    return _Place(served, served.roles, project, identity)


def _page(request: "Request", place: _Place, form: Form, error: PypiError | None = None) -> Answer:
    return CORE.show(
        request,
        "roles.html",
        status="200 OK" if error is None else f"{error.status} {error.title}",
        project=place.project,
        repository=place.served.name,
        roles=place.roles.of(place.project),
        may_grant=place.may_grant,
        principal=form.one("principal"),
        problem="" if error is None else error.message,
    )
