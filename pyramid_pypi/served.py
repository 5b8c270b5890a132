"""A repository with what the index puts around it."""

from collections.abc import Iterable
from dataclasses import dataclass

from pyramid_pypi.catalog.roles import Roles
from pyramid_pypi.errors import Forbidden, RepositoryNotFound
from pyramid_pypi.identities import OPERATOR, PUBLISHER
from pyramid_pypi.model import Identity, Permission, ProjectName
from pyramid_pypi.publish.publisher import Publisher
from pyramid_pypi.repositories import Hosted, Repository
from pyramid_pypi.repositories.ruled import unruled
from pyramid_pypi.rights import JointRights, Rights

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """A repository with what surrounds it: rights, the way in, and limits (in bytes).

    `publisher` is None where nothing can be published; `publish` names the repository that takes
    uploads instead, if one does. Where `roles` are kept, they decide who may change a project that
    somebody looks after, unless a pattern of the rights does.
    """

    repository: Repository
    rights: Rights | JointRights
    publisher: Publisher | None = None
    max_upload_size: int = 0
    description: str = ""
    publish: str = ""
    roles: Roles | None = None

    @property
    def name(self) -> str:
        """The name in the settings and in URLs."""
        return self.repository.name

    @property
    def source(self) -> Repository:
        """The repository without the rules around it, for those who look after it."""
        return unruled(self.repository)

    @property
    def hosted(self) -> Hosted:
        """The repository if it has its own files. Raises RepositoryNotFound."""
        if isinstance(self.source, Hosted):
            return self.source
        raise RepositoryNotFound(f"{self.name!r} has no files of its own; name a hosted repository")

    @property
    def takes(self) -> Publisher:
        """What publishes here. Raises Forbidden."""
        if self.publisher is None:
            raise Forbidden(
                f"{self.name!r} follows other indexes and takes no files; publish to a hosted one"
            )
        return self.publisher

    def permits(self, identity: Identity, permission: Permission, project: str = "") -> bool:
        """Tell whether `identity` has `permission` on `project`, without one on the repository."""
        if OPERATOR in identity.principals:
            return True
        scope = identity.scope
        if scope is not None and not scope.allows(permission, self.name, project):
            return False
        if scope is not None and PUBLISHER in identity.principals:
            return True
        if self.roles is not None and isinstance(self.rights, Rights) and project:
            return self._permits_by_role(self.roles, self.rights, identity, permission, project)
        return self.rights.permits(identity, permission, project)

    def permits_somewhere(self, identity: Identity, permission: Permission) -> bool:
        """Tell whether `identity` has `permission` on the repository or on some project of it."""
        if OPERATOR in identity.principals:
            return True
        scope = identity.scope
        if scope is not None and not scope.allows_somewhere(permission, self.name):
            return False
        if scope is not None and PUBLISHER in identity.principals:
            return True
        if self.rights.permits_somewhere(identity, permission):
            return True
        return self.roles is not None and permission in {"upload", "yank"} and self.roles.has_any(identity)

    def may_grant(self, identity: Identity, project: str) -> bool:
        """Tell whether `identity` may say who looks after `project`, where anybody does."""
        return self.roles is not None and self.may_manage(identity, project)

    def may_manage(self, identity: Identity, project: str) -> bool:
        """Tell whether `identity` manages `project`: owners do, without a token, and who may `manage` it."""
        if self.permits(identity, "manage", project):
            return True
        if self.roles is None or identity.scope is not None:
            return False
        return self.roles.held_by(identity).get(project) == "owner"

    def _permits_by_role(
        self, roles: Roles, rights: Rights, identity: Identity, permission: Permission, project: str
    ) -> bool:
        decided = None if rights.rule(permission, project) else roles.decide(identity, permission, project)
        if decided is None:
            return rights.permits(identity, permission, project)
        return decided or rights.permits(identity, "manage", project)

    def shows_all_to(self, identity: Identity) -> bool:
        """Tell whether everybody who may read sees the same projects, and `identity` does too."""
        return not self.rights.hides_projects() and not (identity.scope and identity.scope.projects)

    def visible(self, identity: Identity, projects: Iterable[ProjectName]) -> Iterable[ProjectName]:
        """Return those of `projects` that `identity` may read."""
        if self.shows_all_to(identity):
            return projects
        return (one for one in projects if self.permits(identity, "read", one.name))
