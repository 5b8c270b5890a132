"""Who may do what in a repository: principals by permission, and patterns for projects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from pyramid_pypi.model import AUTHENTICATED, EVERYONE, Identity, Permission

__all__ = ["JointRights", "ProjectRights", "Rights"]

Grants = Mapping[Permission, frozenset[str]]


@dataclass(frozen=True, slots=True)
class ProjectRights:
    """What a pattern of normalised project names says; `*` matches any run of characters."""

    pattern: str
    grants: Grants

    def matches(self, project: str) -> bool:
        """Tell whether the pattern names `project`."""
        return fnmatchcase(project, self.pattern)


@dataclass(frozen=True, slots=True)
class Rights:
    """The grants of one repository.

    A pattern that states a permission replaces what the repository grants for the projects that
    it matches; of several, the longest pattern wins. What nobody states is granted to nobody.
    """

    grants: Grants
    projects: tuple[ProjectRights, ...] = field(default=())

    def permits(self, identity: Identity, permission: Permission, project: str) -> bool:
        """Tell whether `identity` has `permission` on the normalised name `project`."""
        return not identity.principals.isdisjoint(self.principals(permission, project))

    def permits_somewhere(self, identity: Identity, permission: Permission) -> bool:
        """Tell whether `identity` has `permission` on the repository or on any pattern of it."""
        return not identity.principals.isdisjoint(self.somewhere(permission))

    def somewhere(self, permission: Permission) -> frozenset[str]:
        """Return who has `permission` on the repository or on any pattern of it."""
        stated = [self.grants, *(rights.grants for rights in self.projects)]
        return frozenset().union(*(grants.get(permission, frozenset()) for grants in stated))

    def principals(self, permission: Permission, project: str = "") -> frozenset[str]:
        """Return who has `permission`, on the repository when `project` is empty."""
        rule = self.rule(permission, project)
        return (self.grants if rule is None else rule.grants).get(permission, frozenset())

    def rule(self, permission: Permission, project: str) -> ProjectRights | None:
        """Return the pattern that decides about `permission` on `project`, if one does."""
        best: ProjectRights | None = None
        for rights in self.projects:
            longer = best is None or len(rights.pattern) > len(best.pattern)
            if longer and permission in rights.grants and rights.matches(project):
                best = rights
        return best

    def hides_projects(self) -> bool:
        """Tell whether some projects are readable by fewer or other people than the rest."""
        return any("read" in rights.grants for rights in self.projects)

    @property
    def is_public(self) -> bool:
        """Whether everyone may read every project, so that shared caches may keep pages."""
        return EVERYONE in self.grants.get("read", frozenset()) and not self.hides_projects()


@dataclass(frozen=True, slots=True)
class JointRights:
    """What several repositories permit together: reading a group takes the right in each of them.

    Each method is that of `Rights`.
    """

    parts: tuple[Rights, ...]

    def permits(self, identity: Identity, permission: Permission, project: str) -> bool:
        """Tell whether every part permits it."""
        return all(part.permits(identity, permission, project) for part in self.parts)

    def permits_somewhere(self, identity: Identity, permission: Permission) -> bool:
        """Tell whether every part permits it somewhere."""
        return all(part.permits_somewhere(identity, permission) for part in self.parts)

    def somewhere(self, permission: Permission) -> frozenset[str]:
        """Return whom every part names somewhere."""
        return _common([part.somewhere(permission) for part in self.parts])

    def principals(self, permission: Permission, project: str = "") -> frozenset[str]:
        """Return whom every part names; somebody whom they name differently is left out."""
        return _common([part.principals(permission, project) for part in self.parts])

    def hides_projects(self) -> bool:
        """Tell whether some part does."""
        return any(part.hides_projects() for part in self.parts)

    @property
    def is_public(self) -> bool:
        """Whether every part is."""
        return all(part.is_public for part in self.parts)


def _common(sets: list[frozenset[str]]) -> frozenset[str]:
    found = sets[0]
    for names in sets[1:]:
        found = _both(found, names)
    return found


def _both(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    if EVERYONE in one:
        return other
    if EVERYONE in other:
        return one
    # Who comes with the secret of a repository is nobody who has logged in.
    users = {name for name in one | other if not name.startswith("secret:")}
    if AUTHENTICATED in one:
        return frozenset(other & users | one & other)
    if AUTHENTICATED in other:
        return frozenset(one & users | one & other)
    return one & other
