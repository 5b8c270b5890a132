"""Who looks after a project, and changes to that by those who may."""

from dataclasses import dataclass

from pyramid_pypi import audit
from pyramid_pypi.catalog.roles import ROLES, Role, Roles, is_principal
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.errors import BadRequest, Forbidden, NotFound, ProjectNotFound, Unauthorized
from pyramid_pypi.model import Identity
from pyramid_pypi.served import Served

__all__ = ["LAST_OWNER", "Ownership"]

LAST_OWNER = "The last owner stays; make somebody else an owner first"


@dataclass(frozen=True, slots=True)
class Ownership:
    """The roles in one project, for `identity`, who may read it. `project` is normalised."""

    served: Served
    roles: Roles
    project: str
    identity: Identity

    @classmethod
    def of(cls, served: Served, name: str, identity: Identity) -> "Ownership":
        """Return what `identity` may look at. Raises Unauthorized, ProjectNotFound."""
        if identity.is_anonymous:
            raise Unauthorized("Log in to see who looks after a project")
        if not is_valid_name(name):
            raise ProjectNotFound(f"{name!r} is not a name that a project can have")
        project = normalise(name)
        if served.roles is None:
            raise ProjectNotFound(f"{served.name!r} has no project {project!r} that anybody looks after")
        if not served.permits(identity, "read", project):
            raise ProjectNotFound(f"{served.name!r} has no project {project!r}")
        found = cls(served, served.roles, project, identity)
        if not (found.may_grant or found.held()):
            # A project that is not there is answered for like one that is hidden.
            served.repository.project(project)
        return found

    @property
    def may_grant(self) -> bool:
        """Whether who asks may say who looks after the project."""
        return self.served.may_grant(self.identity, self.project)

    def held(self) -> dict[str, Role]:
        """Return the roles by principal."""
        return self.roles.of(self.project)

    def grant(self, principal: str, role: str) -> Role:
        """Give a role, in the place of another one; return it. Raises Forbidden, BadRequest."""
        self._require_grant()
        if not is_principal(principal):
            raise BadRequest(f"{principal!r} is neither user:NAME nor group:NAME")
        given = next((one for one in ROLES if one == role), None)
        if given is None:
            raise BadRequest(f"A role is one of {', '.join(ROLES)}")
        if given != "owner":
            self._keep_an_owner(principal)
        self.roles.grant(self.project, principal, given, self.identity.name)
        self._record("role granted", principal=principal, role=given)
        return given

    def revoke(self, principal: str) -> None:
        """Take a role away. Raises Forbidden, BadRequest for the last owner, NotFound."""
        self._require_grant()
        self._keep_an_owner(principal)
        if not self.roles.revoke(self.project, principal):
            raise NotFound(f"{principal!r} has no role in {self.project!r}")
        self._record("role revoked", principal=principal)

    def _require_grant(self) -> None:
        if not self.may_grant:
            raise Forbidden(f"{self.identity.label} does not own {self.project!r}")

    def _keep_an_owner(self, principal: str) -> None:
        """Refuse to leave the project to nobody, unless who asks manages the repository anyway."""
        owners = [one for one, role in self.held().items() if role == "owner"]
        if owners == [principal] and not self.served.permits(self.identity, "manage", self.project):
            raise BadRequest(LAST_OWNER)

    def _record(self, event: audit.Event, **about: str) -> None:
        audit.record(event, self.identity, repository=self.served.name, project=self.project, **about)
