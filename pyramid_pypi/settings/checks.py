"""What can only be seen when all settings are known."""

import os
from collections.abc import Iterator
from pathlib import Path

from pyramid_pypi.model import EVERYONE, PERMISSIONS
from pyramid_pypi.settings.groups import group_warnings
from pyramid_pypi.settings.model import ProxySettings, RepositorySettings, Settings
from pyramid_pypi.settings.reader import Reader

__all__ = ["check_storages", "warnings"]


def check_storages(reader: Reader, repositories: tuple[RepositorySettings, ...]) -> None:
    """Report repositories that would keep their files, or what they know, in the same folder."""
    owners: dict[Path, str] = {}
    for repository in repositories:
        for option, folder in _own_folders(repository):
            key = f"pypi.repo.{repository.name}.{option}"
            other = owners.setdefault(folder, key)
            if other != key:
                reader.problem(key, f"is the same folder as {other}; give each repository its own")
                break


def warnings(settings: Settings) -> tuple[str, ...]:
    """Return sentences about what works and is probably not wanted."""
    return (
        *_open_doors(settings),
        *_nobody_can_log_in(settings),
        *_tokens_are_asked_late(settings),
        *_host_does_not_look(settings),
        *_nested_storages(settings),
        *group_warnings(settings.repositories),
    )


def _open_doors(settings: Settings) -> Iterator[str]:
    for repository in settings.repositories:
        places = [("", repository.rights.grants)]
        places += [(f".project.{rights.pattern}", rights.grants) for rights in repository.rights.projects]
        for place, grants in places:
            open_to_all = [one for one in PERMISSIONS[1:] if EVERYONE in grants.get(one, ())]
            if open_to_all:
                yield (
                    f"pypi.repo.{repository.name}{place}: everyone may {', '.join(open_to_all)} without "
                    "logging in, fit for development only"
                )


def _nobody_can_log_in(settings: Settings) -> Iterator[str]:
    if settings.security == "host" or settings.knows_passwords or settings.remote_users:
        return
    rights = [repository.rights for repository in settings.repositories]
    stated = [grants for one in rights for grants in (one.grants, *(rule.grants for rule in one.projects))]
    if any(principals - {EVERYONE} for grants in stated for principals in grants.values()):
        yield "pypi.authenticators is empty, so nobody can log in, and only what everyone may do can be done"


def _tokens_are_asked_late(settings: Settings) -> Iterator[str]:
    kinds = [instance.kind for instance in settings.authenticators]
    if "tokens" in kinds[1:]:
        yield (
            "pypi.authenticators: list tokens first; a token that is shown with the name of a user is "
            "a wrong password for those before it"
        )


def _host_does_not_look(settings: Settings) -> Iterator[str]:
    if settings.security == "host" and (settings.secrets or settings.remote_users):
        yield "pypi.security = host: nobody looks at secrets of repositories and at pypi.remote_user.header"


def _nested_storages(settings: Settings) -> Iterator[str]:
    folders = [(one.name, folder) for one in settings.repositories if (folder := _folder(one)) is not None]
    for name, folder in folders:
        for other, outer in folders:
            if folder != outer and folder.is_relative_to(outer):
                yield (
                    f"pypi.repo.{name}.storage.path lies inside of pypi.repo.{other}.storage.path, so "
                    f"{other!r} may offer the files of {name!r}"
                )


def _own_folders(repository: RepositorySettings) -> Iterator[tuple[str, Path]]:
    """Yield the options that say where a repository keeps things, and the folders."""
    if isinstance(repository, ProxySettings):
        yield "folder", Path(os.path.realpath(repository.folder))
    folder = _folder(repository)
    if folder is not None:
        yield "storage.path", folder


def _folder(repository: RepositorySettings) -> Path | None:
    storage = getattr(repository, "storage", None)
    path = getattr(getattr(storage, "options", None), "path", None)
    return Path(os.path.realpath(path)) if isinstance(path, Path) else None
