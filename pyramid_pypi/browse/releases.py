"""The files of a project as releases: their order, and which one is the newest."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from packaging.version import Version

from pyramid_pypi.errors import ProjectNotFound
from pyramid_pypi.model import File, ProjectPage, Redirect
from pyramid_pypi.served import Served

__all__ = ["Releases", "by_version", "find_version", "is_prerelease", "is_yanked", "newest", "page_of"]

Releases: TypeAlias = Mapping[str, Sequence[File]]
"""The files of a project by version, oldest version first."""


def page_of(served: Served, name: str) -> ProjectPage:
    """Return what a repository says about a project. Raises ProjectNotFound, Unavailable."""
    page = served.repository.project(name)
    if isinstance(page, Redirect):
        raise ProjectNotFound(
            f"{served.name!r} only knows that {name!r} would be at {page.url}, and not what is there; "
            "ask that index"
        )
    return page


def by_version(files: Iterable[File]) -> Releases:
    """Return the files as releases; versions that PEP 440 does not know come first."""
    found: dict[str, list[File]] = {}
    for file in files:
        found.setdefault(file.version, []).append(file)
    return {version: found[version] for version in sorted(found, key=_order)}


def newest(releases: Releases) -> str:
    """Return the newest version, a yanked one or a pre-release only where there is no other.

    It is empty where there is none at all.
    """

    def rank(version: str) -> tuple[bool, bool, tuple[bool, Version | str]]:
        stable = _parsed(version) is not None and not is_prerelease(version)
        return (not is_yanked(releases[version]), stable, _order(version))

    return max(releases, key=rank, default="")


def find_version(asked: str, releases: Releases, page: ProjectPage) -> str:
    """Return the version as the files of the page spell it. Raises ProjectNotFound."""
    if asked in releases:
        return asked
    parsed = _parsed(asked)
    for version in releases:
        if parsed is not None and _parsed(version) == parsed:
            return version
    raise ProjectNotFound(f"{page.name!r} has no version {asked!r} in {page.repository!r}")


def is_yanked(files: Sequence[File]) -> bool:
    """Tell whether all files of a release are yanked (PEP 592)."""
    return bool(files) and all(file.yanked is not None for file in files)


def is_prerelease(version: str) -> bool:
    """Tell whether a version is one of those that installers pass over (PEP 440)."""
    parsed = _parsed(version)
    return parsed is not None and parsed.is_prerelease


def _order(version: str) -> tuple[bool, Version | str]:
    parsed = _parsed(version)
    return (False, version) if parsed is None else (True, parsed)


@lru_cache(maxsize=20_000)
def _parsed(version: str) -> Version | None:
    try:
        return Version(version)
    except ValueError:
        # For a run of thousands of digits it is no InvalidVersion.
        return None
