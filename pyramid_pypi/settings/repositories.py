"""Read the repositories: their kind, their storage and who may do what in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, get_args

from pyramid_pypi._nearest import nearest
from pyramid_pypi.model import AUTHENTICATED, PERMISSIONS, Permission
from pyramid_pypi.rights import ProjectRights, Rights
from pyramid_pypi.settings import casts, values
from pyramid_pypi.settings.instances import Kinds, read_instance
from pyramid_pypi.settings.model import (
    FileMode,
    GroupSettings,
    HostedSettings,
    Instance,
    Ownership,
    ProxySettings,
    RedirectSettings,
    RepositorySettings,
)
from pyramid_pypi.settings.reader import Reader
from pyramid_pypi.settings.rules import read_rules, refuse_rules
from pyramid_pypi.settings.secrets import read_secrets
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.upstream.pagecache import Ages

__all__ = ["ACCEPT_PROFILES", "REPOSITORY_KINDS", "Shared", "read_repositories"]

ACCEPT_PROFILES = ("strict", "private", "lenient")
W = TypeVar("W", bound=str)
_DEFAULT_GRANTS: Mapping[Permission, frozenset[str]] = {"read": frozenset({AUTHENTICATED})}


@dataclass(frozen=True, slots=True)
class Shared:
    """What all repositories share: kinds that plugins offer, their names, limits to override."""

    storage_kinds: Kinds
    upstream_kinds: Kinds
    rule_kinds: Kinds
    names: tuple[str, ...]
    max_upload_size: int


def read_repositories(reader: Reader, shared: Shared) -> tuple[RepositorySettings, ...]:
    """Return the repositories that are listed, without those whose kind is not known."""
    names = shared.names
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
    return HostedSettings(
        name=name,
        storage=read_instance(reader, f"{key}.storage", name, shared.storage_kinds),
        rights=_rights(reader, key, PERMISSIONS),
        secrets=read_secrets(reader, key, hosted=True),
        accept=reader.take(f"{key}.accept", casts.choice(*ACCEPT_PROFILES), "private"),
        max_upload_size=reader.take(f"{key}.max_upload_size", casts.size, shared.max_upload_size),
        ownership=_ownership(reader, key),
        rules=read_rules(reader, key, shared.rule_kinds),
        description=reader.take(f"{key}.description", casts.text, ""),
    )


def _ownership(reader: Reader, key: str) -> Ownership:
    chosen = reader.take(f"{key}.ownership", casts.choice("none", "first-uploader"), "none")
    return "first-uploader" if chosen == "first-uploader" else "none"


def _proxy(reader: Reader, name: str, shared: Shared) -> RepositorySettings:
    key = f"pypi.repo.{name}"
    files = _one_of(reader, f"{key}.files", get_args(FileMode))
    folder = reader.take(f"{key}.folder", casts.path, reader.data / "cache" / name)
    keeps = files == "cache"
    return ProxySettings(
        name=name,
        rights=_rights(reader, key, ("read",)),
        secrets=read_secrets(reader, key, hosted=False),
        description=reader.take(f"{key}.description", casts.text, ""),
        upstream=read_instance(reader, f"{key}.upstream", name, shared.upstream_kinds),
        files=files,
        folder=folder,
        storage=_cache_storage(reader, name, folder, shared) if keeps else None,
        max_size=reader.take(f"{key}.max_size", _size_or_none, None) if keeps else None,
        withdrawn=_one_of(reader, f"{key}.withdrawn", ("keep", "remove")) if keeps else "keep",
        backfill=reader.take(f"{key}.backfill", casts.at_least(0), 3),
        ages=Ages(
            ttl=reader.take(f"{key}.ttl", casts.seconds, 600),
            while_revalidate=reader.take(f"{key}.stale_while_revalidate", casts.seconds, 60),
            if_error=reader.take(f"{key}.stale_if_error", casts.seconds, 24 * 3600),
            negative=reader.take(f"{key}.negative_ttl", casts.seconds, 60),
        ),
        offline=reader.take(f"{key}.offline", casts.boolean, default=False),
        offline_file=reader.take(f"{key}.offline_file", casts.path, None),
        rules=read_rules(reader, key, shared.rule_kinds),
    )


def _cache_storage(reader: Reader, name: str, folder: Path, shared: Shared) -> Instance:
    key = f"pypi.repo.{name}.storage"
    if reader.has(key):
        return read_instance(reader, key, name, shared.storage_kinds)
    # What can be fetched again need not be on the disk before anybody gets it.
    options = FilesystemStorage.Options(path=folder / "files", durable=False)
    return Instance(name, "filesystem", FilesystemStorage, options)


def _redirect(reader: Reader, name: str, shared: Shared) -> RepositorySettings:
    key = f"pypi.repo.{name}"
    refuse_rules(reader, key)
    return RedirectSettings(
        name=name,
        rights=_rights(reader, key, ("read",)),
        secrets=read_secrets(reader, key, hosted=False),
        description=reader.take(f"{key}.description", casts.text, ""),
        upstream=read_instance(reader, f"{key}.upstream", name, shared.upstream_kinds),
    )


def _group(reader: Reader, name: str, shared: Shared) -> RepositorySettings:
    key = f"pypi.repo.{name}"
    others = tuple(one for one in shared.names if one != name)
    known = casts.choice(*others, what="another one of pypi.repositories")

    def members(value: str) -> tuple[str, ...]:
        return tuple(known(word) for word in values.names(value))

    return GroupSettings(
        name=name,
        rights=_rights(reader, key, ("read",)),
        secrets=read_secrets(reader, key, hosted=False),
        description=reader.take(f"{key}.description", casts.text, ""),
        members=reader.require(f"{key}.members", members, (), allowed=others),
        merge=reader.take(f"{key}.merge", values.patterns, ()),
        reserve=reader.take(f"{key}.reserve", values.patterns, ()),
        publish=reader.take(f"{key}.publish", known, "") if reader.has(f"{key}.publish") else "",
        rules=read_rules(reader, key, shared.rule_kinds),
    )


REPOSITORY_KINDS: Mapping[str, Callable[[Reader, str, Shared], RepositorySettings]] = {
    "hosted": _hosted,
    "proxy": _proxy,
    "redirect": _redirect,
    "group": _group,
}
"""What reads the settings of each kind of repository."""


def _one_of(reader: Reader, key: str, words: tuple[W, ...]) -> W:
    """Return the chosen one of some words, the first where nothing is chosen."""
    default: str = words[0]
    chosen = reader.take(key, casts.choice(*words), default)
    return next(word for word in words if word == chosen)


def _size_or_none(value: str) -> int | None:
    return casts.size(value) if value.strip() else None


def _rights(reader: Reader, key: str, permissions: tuple[Permission, ...]) -> Rights:
    grants = {
        permission: reader.take(
            f"{key}.{permission}", casts.principals, _DEFAULT_GRANTS.get(permission, frozenset())
        )
        for permission in permissions
    }
    return Rights(MappingProxyType(grants), _project_rights(reader, f"{key}.project.", permissions))


def _project_rights(
    reader: Reader, prefix: str, permissions: tuple[Permission, ...]
) -> tuple[ProjectRights, ...]:
    stated: dict[str, dict[Permission, frozenset[str]]] = {}
    for key in reader.below(prefix):
        name, _, word = key.removeprefix(prefix).rpartition(".")
        try:
            pattern, permission = values.pattern(name), _permission(word, permissions)
        except casts.Refused as refused:
            reader.problem(key, refused.reason, allowed=refused.allowed, nearest=refused.nearest)
            reader.skip(key)
            continue
        grants = stated.setdefault(pattern, {})
        grants[permission] = reader.take(key, casts.principals, frozenset())
    return tuple(ProjectRights(pattern, MappingProxyType(grants)) for pattern, grants in stated.items())


def _permission(word: str, permissions: tuple[Permission, ...]) -> Permission:
    for permission in permissions:
        if permission == word:
            return permission
    raise casts.Refused(
        f"{word!r} is not a permission here, which is the last part of the key",
        allowed=permissions,
        nearest=nearest(word, permissions),
    )
