"""What the API changes in projects: releases, files, status and roles."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyramid_pypi.api.answers import ChangedFiles, Page, RoleFacts, StatusFacts
from pyramid_pypi.api.asked import Asked
from pyramid_pypi.auth.ownership import Ownership
from pyramid_pypi.model import File
from pyramid_pypi.publish.promoting import promote
from pyramid_pypi.served import Served

if TYPE_CHECKING:
    from pyramid_pypi.api.bodies import Promotion, RoleWish, StatusWish, Yank

__all__ = [
    "delete_file",
    "delete_release",
    "grant_role",
    "list_roles",
    "promote_release",
    "revoke_role",
    "set_status",
    "unyank_release",
    "yank_release",
]


def set_status(asked: Asked, wish: "StatusWish") -> StatusFacts:
    """Set the status of a project."""
    served, name = asked.published(), asked.project
    served.takes.set_status(name, wish.status, wish.reason, asked.caller(served))
    return StatusFacts(served.name, name, wish.status, wish.reason.strip())


def yank_release(asked: Asked, wish: "Yank") -> ChangedFiles:
    """Yank the files of a release."""
    return _yank(asked, wish.reason)


def unyank_release(asked: Asked) -> ChangedFiles:
    """Offer the files of a release again."""
    return _yank(asked, None)


def delete_release(asked: Asked) -> ChangedFiles:
    """Delete the files of a release."""
    served = asked.published()
    found = served.takes.delete_release(asked.project, asked.path["version"], asked.caller(served))
    return _changed(asked, served, found)


def promote_release(asked: Asked, wish: "Promotion") -> ChangedFiles:
    """Publish the files of a release in another repository as well."""
    source = asked.viewer_of(asked.path["repository"]).served
    target = asked.index.published(wish.to)
    found = promote(source, target, asked.project, asked.path["version"], asked.caller(target))
    return _changed(asked, target, found)


def delete_file(asked: Asked) -> ChangedFiles:
    """Delete a file."""
    served = asked.published()
    found = served.takes.delete_file(asked.project, asked.path["filename"], asked.caller(served))
    return _changed(asked, served, [found])


def list_roles(asked: Asked) -> Page[RoleFacts]:
    """Tell who looks after a project."""
    return Page(tuple(RoleFacts(who, role) for who, role in _ownership(asked).held().items()))


def grant_role(asked: Asked, wish: "RoleWish") -> RoleFacts:
    """Give somebody a role in a project."""
    principal = asked.path["principal"]
    return RoleFacts(principal, _ownership(asked).grant(principal, wish.role))


def revoke_role(asked: Asked) -> Page[RoleFacts]:
    """Take a role away; return those that are left."""
    _ownership(asked).revoke(asked.path["principal"])
    return list_roles(asked)


def _yank(asked: Asked, reason: str | None) -> ChangedFiles:
    served = asked.published()
    version, caller = asked.path["version"], asked.caller(served)
    return _changed(asked, served, served.takes.yank_release(asked.project, version, reason, caller))


def _ownership(asked: Asked) -> Ownership:
    asked.viewer_of(asked.path["repository"])
    return Ownership.of(asked.published(), asked.project, asked.identity)


def _changed(asked: Asked, served: Served, files: Iterable[File]) -> ChangedFiles:
    return ChangedFiles(served.name, asked.project, tuple(file.filename for file in files))
