"""Read the repositories: their kind, their storage and who may do what in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pyramid_pypi._nearest import nearest
from pyramid_pypi.model import AUTHENTICATED, PERMISSIONS, Permission
from pyramid_pypi.rights import ProjectRights, Rights
from pyramid_pypi.settings import casts, values
from pyramid_pypi.settings.instances import Kinds, read_instance
from pyramid_pypi.settings.model import RepositorySettings
from pyramid_pypi.settings.reader import Reader

__all__ = ["ACCEPT_PROFILES", "REPOSITORY_KINDS", "Shared", "read_repositories"]

ACCEPT_PROFILES = ("strict", "private", "lenient")
_DEFAULT_GRANTS: Mapping[Permission, frozenset[str]] = {"read": frozenset({AUTHENTICATED})}


@dataclass(frozen=True, slots=True)
class Shared:
    """What all repositories share: the kinds of storage, and limits that each may override."""

    storage_kinds: Kinds
    max_upload_size: int


def read_repositories(
    reader: Reader, names: tuple[str, ...], shared: Shared
) -> tuple[RepositorySettings, ...]:
    """Return the repositories that `names` lists, without those whose kind is not known."""
    if not names:
        reader.skip("pypi.repo")
        return ()
    reader.orphans("pypi.repo", names, reason="this repository is not listed in pypi.repositories")
    found = []
    for name in names:
        key = f"pypi.repo.{name}"
        kinds = tuple(REPOSITORY_KINDS)
        kind = reader.require(key, casts.choice(*kinds, what="a kind of repository"), "", allowed=kinds)
        if kind:
            found.append(REPOSITORY_KINDS[kind](reader, name, shared))
        else:
            reader.skip(key)
    return tuple(found)


def _hosted(reader: Reader, name: str, shared: Shared) -> RepositorySettings:
    key = f"pypi.repo.{name}"
    return RepositorySettings(
        name=name,
        kind="hosted",
        storage=read_instance(reader, f"{key}.storage", name, shared.storage_kinds),
        rights=_rights(reader, key),
        accept=reader.take(f"{key}.accept", casts.choice(*ACCEPT_PROFILES), "private"),
        max_upload_size=reader.take(f"{key}.max_upload_size", casts.size, shared.max_upload_size),
        description=reader.take(f"{key}.description", casts.text, ""),
    )


REPOSITORY_KINDS: Mapping[str, Callable[[Reader, str, Shared], RepositorySettings]] = {"hosted": _hosted}
"""What reads the settings of each kind of repository."""


def _rights(reader: Reader, key: str) -> Rights:
    grants = {
        permission: reader.take(
            f"{key}.{permission}", casts.principals, _DEFAULT_GRANTS.get(permission, frozenset())
        )
        for permission in PERMISSIONS
    }
    return Rights(MappingProxyType(grants), _project_rights(reader, f"{key}.project."))


def _project_rights(reader: Reader, prefix: str) -> tuple[ProjectRights, ...]:
    stated: dict[str, dict[Permission, frozenset[str]]] = {}
    for key in reader.below(prefix):
        name, _, word = key.removeprefix(prefix).rpartition(".")
        try:
            pattern, permission = values.pattern(name), _permission(word)
        except casts.Refused as refused:
            reader.problem(key, refused.reason, allowed=refused.allowed, nearest=refused.nearest)
            reader.skip(key)
            continue
        grants = stated.setdefault(pattern, {})
        grants[permission] = reader.take(key, casts.principals, frozenset())
    return tuple(ProjectRights(pattern, MappingProxyType(grants)) for pattern, grants in stated.items())


def _permission(word: str) -> Permission:
    for permission in PERMISSIONS:
        if permission == word:
            return permission
    raise casts.Refused(
        f"{word!r} is not a permission, which is the last part of the key",
        allowed=PERMISSIONS,
        nearest=nearest(word, PERMISSIONS),
    )
