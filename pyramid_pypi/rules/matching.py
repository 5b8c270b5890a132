"""Which files are meant: by the names of their projects and by their versions."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pyramid_pypi.settings.values import pattern

__all__ = ["Match", "of_names", "of_projects", "of_versions"]

Match = Callable[[str], bool]


def of_projects(patterns: Iterable[str]) -> Match:
    """Return what matches normalised names. Raises ValueError for a pattern that could match none."""
    return of_names(pattern(word) for word in patterns)


def of_names(patterns: Iterable[str]) -> Match:
    """Return what matches names letter by letter, with `*` and `?`."""
    found = re.compile("|".join(translate(word) for word in patterns) or r"(?!)")
    return lambda name: found.match(name) is not None


def of_versions(specifier: str, *, otherwise: bool) -> Match:
    """Return what matches versions, pre-releases too (PEP 440); `otherwise` is for what is no version.

    Raises ValueError for a text that is no specifier.
    """
    found = SpecifierSet(specifier)

    def match(version: str) -> bool:
        try:
            return found.contains(Version(version), prereleases=True)
        except ValueError:
            # It is no version, or one with more digits than Python reads.
            return otherwise

    return match
