"""The resources that routes lead to: which repository, which project, and who may do what there."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyramid.authorization import Allow, Authenticated, Everyone

from pyramid_pypi.app import PackageIndex
from pyramid_pypi.distribution import is_valid_name, normalise
from pyramid_pypi.errors import Forbidden, ProjectNotFound, Unauthorized
from pyramid_pypi.model import AUTHENTICATED, EVERYONE, PERMISSIONS, Identity, Permission
from pyramid_pypi.served import Served

if TYPE_CHECKING:
    from pyramid.request import Request

__all__ = ["INDEX", "Operation", "RepositoryContext", "WebCaller", "index_of"]

INDEX = "pyramid_pypi.index"

_PYRAMID_WORDS = {EVERYONE: Everyone, AUTHENTICATED: Authenticated}


def index_of(request: "Request") -> PackageIndex:
    """Return the index of the application that handles `request`."""
    index: PackageIndex = request.registry[INDEX]
    return index


@dataclass(frozen=True, slots=True)
class RepositoryContext:
    """A repository and, when the URL names one, a project of it by normalised name.

    `raw` is the project's name as the URL spells it.
    """

    index: PackageIndex
    served: Served
    project: str = ""
    raw: str = ""

    @classmethod
    def of(cls, request: "Request") -> "RepositoryContext":
        """Return the context of a route: its factory. Raises RepositoryNotFound, ProjectNotFound."""
        index = index_of(request)
        name = request.matchdict.get("repository")
        asked = name or index.settings.default
        served = index.published(asked) if request.method == "POST" else index.served(asked)
        raw = request.matchdict.get("project", "")
        if raw and not is_valid_name(raw):
            raise ProjectNotFound(f"{raw!r} is not a name that a project can have")
        return cls(index, served, normalise(raw) if raw else "", raw)

    def permits(self, identity: Identity, permission: Permission) -> bool:
        """Tell whether `identity` has `permission` here.

        Without a project it is enough to have it on some of them: what is shown or taken is then
        decided project by project. Raises ProjectNotFound for a project that is hidden from
        somebody who may read the repository.
        """
        served = self.served
        if not self.project:
            return served.permits_somewhere(identity, permission)
        if served.permits(identity, permission, self.project):
            return True
        if permission == "read" and served.permits(identity, "read"):
            raise ProjectNotFound(f"{self.served.name!r} has no project {self.project!r}")
        return False

    def __acl__(self) -> list[tuple[str, str, str]]:
        """Return the rights as an access control list, for a host's own security policy."""
        rights = self.served.rights
        return [
            (Allow, _PYRAMID_WORDS.get(principal, principal), permission)
            for permission in PERMISSIONS
            for principal in sorted(
                rights.principals(permission, self.project) if self.project else rights.somewhere(permission)
            )
        ]


@dataclass(frozen=True, slots=True)
class Operation:
    """The index as a whole: `manage` on any repository is `manage` here."""

    index: PackageIndex

    @classmethod
    def of(cls, request: "Request") -> "Operation":
        """Return the context of a route: its factory."""
        return cls(index_of(request))

    def permits(self, identity: Identity, permission: Permission) -> bool:
        """Tell whether `identity` has `permission` on some repository."""
        served = self.index.repositories.values()
        return any(one.permits_somewhere(identity, permission) for one in served)

    def __acl__(self) -> list[tuple[str, str, str]]:
        """Return who has `manage` on some repository."""
        return [
            entry
            for served in self.index.repositories.values()
            for entry in RepositoryContext(self.index, served).__acl__()
            if entry[2] == "manage"
        ]


@dataclass(frozen=True, slots=True)
class WebCaller:
    """The sender of a request, as the core asks for it."""

    request: "Request"
    context: RepositoryContext
    identity: Identity

    def require(self, permission: Permission, project: str) -> None:
        """Ask the application's security policy. Raises Unauthorized, Forbidden."""
        context = RepositoryContext(self.context.index, self.context.served, project)
        if self.request.has_permission(permission, context):
            return
        if self.identity.is_anonymous:
            raise Unauthorized(f"Log in to {permission} {project!r}")
        raise Forbidden(f"{self.identity.label} isn't allowed to {permission} project {project!r}")
