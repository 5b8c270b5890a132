"""Who looks after which project, in the catalog."""

import re
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, delete, insert, select

from pyramid_pypi.catalog import tables
from pyramid_pypi.catalog.catalog import Catalog
from pyramid_pypi.identities import Identity, Permission

__all__ = ["ROLES", "Role", "Roles", "is_principal"]

Role: TypeAlias = Literal["owner", "maintainer"]
ROLES: tuple[Role, ...] = ("owner", "maintainer")

_OF_ROLES: frozenset[Permission] = frozenset({"upload", "yank"})
_t = tables.roles
_PRINCIPAL = re.compile(r"(user|group):[^\s,]{1,255}")


def is_principal(text: str) -> bool:
    """Tell whether a text names somebody who can have a role, as in `user:ann` and `group:dev`."""
    return _PRINCIPAL.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Roles:
    """The owners and maintainers of the projects of one repository.

    Every method may raise CatalogUnavailable.
    """

    catalog: Catalog
    repository: str

    def of(self, project: str) -> dict[str, Role]:
        """Return the roles of a project by principal, `user:NAME` or `group:NAME`."""
        chosen = select(_t.c.principal, _t.c.role).where(*self._of(project)).order_by(_t.c.principal)
        with self.catalog.reading() as connection:
            return {row.principal: row.role for row in connection.execute(chosen)}

    def decide(self, identity: Identity, permission: Permission, project: str) -> bool | None:
        """Tell whether a role permits it; None where that is not a matter of roles."""
        if permission not in _OF_ROLES:
            return None
        holders = self.of(project)
        return not identity.principals.isdisjoint(holders) if holders else None

    def has_any(self, identity: Identity) -> bool:
        """Tell whether somebody has a role in some project."""
        chosen = select(_t.c.project).where(
            _t.c.repository == self.repository, _t.c.principal.in_(sorted(identity.principals))
        )
        with self.catalog.reading() as connection:
            return connection.execute(chosen.limit(1)).fetchone() is not None

    def held_by(self, identity: Identity) -> dict[str, Role]:
        """Return by project the roles of somebody, the highest one of each."""
        chosen = select(_t.c.project, _t.c.role).where(
            _t.c.repository == self.repository, _t.c.principal.in_(sorted(identity.principals))
        )
        with self.catalog.reading() as connection:
            rows = connection.execute(chosen.order_by(_t.c.project, _t.c.role.desc()))
            # "owner" comes last, so that it is what stays.
            return {row.project: row.role for row in rows}

    def claim(self, project: str, identity: Identity) -> bool:
        """Make somebody the owner of a project that nobody looks after; tell whether that was done."""
        with self.catalog.writing() as connection:
            if connection.execute(select(_t.c.role).where(*self._of(project)).limit(1)).fetchone():
                return False
            connection.execute(
                insert(_t).values(self._row(project, f"user:{identity.name}", "owner", identity.name))
            )
            return True

    def grant(self, project: str, principal: str, role: Role, by: str) -> None:
        """Give a role, in the place of the one that the principal has."""
        with self.catalog.writing() as connection:
            connection.execute(delete(_t).where(*self._of(project), _t.c.principal == principal))
            connection.execute(insert(_t).values(self._row(project, principal, role, by)))

    def revoke(self, project: str, principal: str) -> bool:
        """Take a role away; tell whether there was one."""
        with self.catalog.writing() as connection:
            return (
                connection.execute(delete(_t).where(*self._of(project), _t.c.principal == principal)).rowcount
                > 0
            )

    def _of(self, project: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return _t.c.repository == self.repository, _t.c.project == project

    def _row(self, project: str, principal: str, role: Role, by: str) -> dict[str, object]:
        return {
            "repository": self.repository,
            "project": project,
            "principal": principal,
            "role": role,
            "granted_at": time.time_ns() // 1000,
            "granted_by": by,
        }
