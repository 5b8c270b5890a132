"""The file names of a page, which share most of their parts."""

from functools import lru_cache

from pyramid_pypi.distribution.filenames import Filename, canonical_version, guess_filename
from pyramid_pypi.errors import InvalidUpload

__all__ = ["read_filename"]

_LONGEST_NAME = 251
# A release has dozens of wheels, and the wheels of all projects have the same few hundred tags.
_guess = lru_cache(maxsize=1024)(guess_filename)
_version = lru_cache(maxsize=4096)(canonical_version)


def read_filename(name: str) -> Filename | None:
    """Return what `guess_filename` does, sooner where other names had the same parts.

    No rule about names looks at two of their parts at once, but for the length of the whole.
    """
    if len(name) > _LONGEST_NAME:
        return None
    try:
        if name.endswith(".whl"):
            read = _wheel(name)
        elif name.endswith(".tar.gz"):
            read = _sdist(name)
        else:
            read = None
    except InvalidUpload:
        read = None
    # A part that is wrong, or too long for the name that it is tried in, leaves it to the whole.
    return read or guess_filename(name)


def _wheel(name: str) -> Filename | None:
    project, _, rest = name.partition("-")
    version, _, tags = rest.partition("-")
    named = _guess(f"{project}-0-py3-none-any.whl")
    tagged = _guess(f"x-0-{tags}")
    # An underscore in a version has a meaning of its own in a wheel.
    if named is None or tagged is None or "_" in version:
        return None
    python, build, platforms = tagged.python_version, tagged.build, tagged.platforms
    return Filename(name, named.project, _version(version), "bdist_wheel", python, build, platforms)


def _sdist(name: str) -> Filename | None:
    project, _, version = name.removesuffix(".tar.gz").rpartition("-")
    named = _guess(f"{project}-0.tar.gz")
    # After `.tar.gz` a second ending is taken away as well.
    if named is None or version.endswith(".zip"):
        return None
    return Filename(name, named.project, _version(version), "sdist")
