"""Who may do what with a project, and why."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pyramid_pypi.browse.facts import PermissionFacts
from pyramid_pypi.browse.viewer import Viewer
from pyramid_pypi.catalog.roles import ROLES, Role
from pyramid_pypi.model import AUTHENTICATED, EVERYONE, PERMISSIONS, Permission
from pyramid_pypi.rights import Rights
from pyramid_pypi.settings import GroupSettings, HostedSettings, RepositorySettings
from pyramid_pypi.settings.groups import flatten, groups_within

__all__ = ["SOMEBODY", "RolesOf", "granted", "permissions"]

SOMEBODY = "somebody"
"""What stands for users and groups whose names the viewer may not know."""

RolesOf = Callable[[str, str], Mapping[str, Role]]
"""Returns the roles of a project, by principal; its arguments are a repository and the project."""

_BY_ROLE: tuple[Permission, ...] = ("upload", "yank")


def permissions(viewer: Viewer, project: str) -> list[PermissionFacts]:
    """Return who may do what with a project that need not exist, as principals.

    Reading a group takes the right in each of the repositories that are named for it. Raises
    ProjectNotFound, CatalogUnavailable.
    """
    viewer.require(project)
    index = viewer.index
    named = {one.name: one for one in index.settings.repositories}

    def roles_of(repository: str, project: str) -> Mapping[str, Role]:
        roles = index.served(repository).roles
        return {} if roles is None else roles.of(project)

    found = granted(named, viewer.served.name, project, roles_of)
    return [one if viewer.sees_people else replace(one, who=_anonymised(one.who)) for one in found]


def granted(
    named: Mapping[str, RepositorySettings], repository: str, project: str, roles_of: RolesOf
) -> Iterator[PermissionFacts]:
    """Yield who has which permission in a repository, or in the parts of a group.

    There is one for each permission, without anybody where nobody has it, and one more for each role
    that gives it.
    """
    asked = named[repository]
    if not isinstance(asked, GroupSettings):
        for permission in PERMISSIONS:
            yield from _granted(permission, asked, project, roles_of)
        return
    members = [named[name] for name in flatten(asked, named)]
    for part in [*groups_within(asked, named), *members]:
        yield from _granted("read", part, project, roles_of)
    if asked.publish:
        for permission in PERMISSIONS[1:]:
            yield from _granted(permission, named[asked.publish], project, roles_of)


def _granted(
    permission: Permission, repository: RepositorySettings, project: str, roles_of: RolesOf
) -> Iterator[PermissionFacts]:
    rights, name = repository.rights, repository.name
    owned = isinstance(repository, HostedSettings) and repository.ownership != "none"
    if not owned or permission in {"read", "delete"}:
        yield _stated(permission, permission, rights, name, project)
        return
    holders = roles_of(name, project)
    # Where somebody looks after a project, who may change it is their word, unless a pattern has it.
    by_role = bool(holders) and permission in _BY_ROLE and rights.rule(permission, project) is None
    if not by_role:
        yield _stated(permission, permission, rights, name, project)
    if by_role or permission == "manage":
        for role in ROLES if by_role else ROLES[:1]:
            who = tuple(sorted(principal for principal, held in holders.items() if held == role))
            if who:
                yield PermissionFacts(name, permission, who, f"role {role}")
    if by_role and rights.principals("manage", project):
        yield _stated(permission, "manage", rights, name, project)


def _stated(
    permission: Permission, by: Permission, rights: Rights, repository: str, project: str
) -> PermissionFacts:
    """Return whom the rights give `permission`, because they have `by`, and the key that says so."""
    who = tuple(sorted(rights.principals(by, project)))
    return PermissionFacts(repository, permission, who, _key(rights, repository, by, project))


def _key(rights: Rights, repository: str, permission: Permission, project: str) -> str:
    """Return the key that decides; `read` has a default, which is as if its key were there."""
    rule = rights.rule(permission, project)
    if rule is not None:
        return f"pypi.repo.{repository}.project.{rule.pattern}.{permission}"
    return f"pypi.repo.{repository}.{permission}" if rights.grants.get(permission) else ""


def _anonymised(who: tuple[str, ...]) -> tuple[str, ...]:
    known = tuple(one for one in who if one in {EVERYONE, AUTHENTICATED})
    return known if len(known) == len(who) else (*known, SOMEBODY)
