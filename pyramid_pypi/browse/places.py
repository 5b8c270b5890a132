"""Where the projects of a repository are its own, and where uploads to it go."""

from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.model import PERMISSIONS, Permission
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.group import Group
from pyramid_pypi.repositories.ruled import unruled
from pyramid_pypi.served import Served

__all__ = ["hosted_names", "permissions_of", "publishing"]


def hosted_names(served: Served) -> tuple[str, ...]:
    """Return the names of those that have the own projects of a repository: itself, or members."""
    source = served.source
    parts = [unruled(one.repository) for one in source.members] if isinstance(source, Group) else [source]
    return tuple(part.name for part in parts if isinstance(part, Hosted))


def publishing(viewer: Viewer) -> Served | None:
    """Return what takes the uploads to the repository, None where nothing does."""
    target = viewer.index.published(viewer.served.name)
    return target if target.publisher is not None else None


def permissions_of(viewer: Viewer, project: str = "", *, origin: str = "") -> tuple[Permission, ...]:
    """Return what the viewer may do with a project, or without one what somewhere in the repository.

    `origin` names the repositories that have the project: only where it is can it be changed.
    """
    target = publishing(viewer)

    def permits(permission: Permission) -> bool:
        served = viewer.served if permission == "read" else target
        if served is None:
            return False
        if not project:
            return served.permits_somewhere(viewer.identity, permission)
        is_there = permission in {"read", "upload"} or served.name in origin.split(", ")
        return is_there and served.permits(viewer.identity, permission, project)

    return tuple(permission for permission in PERMISSIONS if permits(permission))
