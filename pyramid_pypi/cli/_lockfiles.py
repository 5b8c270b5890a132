"""Lock files and requirements: which kind a file is, and the files of an index that it wants."""

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pyramid_pypi.cli._requirements import read_requirements
from pyramid_pypi.cli._wanted import LockfileError, WantedFile, read_text, sha256_of
from pyramid_pypi.distribution import normalise

__all__ = [
    "Kind",
    "Lockfile",
    "LockfileError",
    "WantedFile",
    "dicts",
    "open_lockfile",
    "table",
    "wanted_files",
]


class Kind(Enum):
    """A format, named as people name the file."""

    UV = "uv.lock"
    POETRY = "poetry.lock"
    PYLOCK = "pylock.toml"
    PIPFILE = "Pipfile.lock"
    REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True, slots=True)
class Lockfile:
    """A file that was read: its text as it is, and what the text says; requirements say nothing."""

    path: Path
    kind: Kind
    text: str
    document: Mapping[str, Any]

    def packages(self) -> list[Mapping[str, Any]]:
        """Return the packages, each with a name. Raises LockfileError."""
        key = "packages" if self.kind is Kind.PYLOCK else "package"
        found = self.document.get(key, [])
        if not isinstance(found, list):
            raise LockfileError(f"{self.path}, line 1: {key!r} is not a list; make the lock again")
        for number, package in enumerate(found):
            if not (isinstance(package, dict) and isinstance(package.get("name"), str)):
                line = _line_of(self.text, key, number)
                raise LockfileError(f"{self.path}, line {line}: the package has no name; make the lock again")
        return found


def open_lockfile(path: Path) -> Lockfile:
    """Read a file whose kind its name tells. Raises LockfileError."""
    kind = _kind_of(path)
    text = read_text(path)
    try:
        if kind is Kind.REQUIREMENTS:
            return Lockfile(path, kind, text, {})
        document = json.loads(text) if kind is Kind.PIPFILE else tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise LockfileError(f"{path}, line {error.lineno}: is not JSON: {error.msg}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"\(at line (\d+)", str(error))
        line = place[1] if place else text.count("\n") + 1
        raise LockfileError(f"{path}, line {line}: is not TOML: {error}") from error
    if not isinstance(document, dict):
        raise LockfileError(f"{path}, line 1: is not an object; make the lock again")
    return Lockfile(path, kind, text, document)


def wanted_files(path: Path) -> list[WantedFile]:
    """Return what `path` wants from indexes, each once, in its order; markers count for nothing.

    What comes from elsewhere (git, folders, direct URLs) is left out. Raises LockfileError.
    """
    if _kind_of(path) is Kind.REQUIREMENTS:
        return list(dict.fromkeys(read_requirements(path)))
    lock = open_lockfile(path)
    return list(dict.fromkeys(_READERS[lock.kind](lock)))


def _kind_of(path: Path) -> Kind:
    name = path.name
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return Kind.PYLOCK
    # uv locks a script in a file beside it.
    if name.endswith(".py.lock"):
        return Kind.UV
    if path.suffix in {".txt", ".in", ".pip"}:
        return Kind.REQUIREMENTS
    try:
        return Kind(name)
    except ValueError as error:
        known = ", ".join(kind.value for kind in Kind)
        raise LockfileError(f"{path} is not named like any of {known}; rename a copy of it") from error


def _uv(lock: Lockfile) -> Iterator[WantedFile]:
    for package in lock.packages():
        if urlsplit(str(table(package, "source").get("registry", ""))).scheme not in {"http", "https"}:
            continue
        yield from _of(package, [_named(file) for file in _files(package)])


def _pylock(lock: Lockfile) -> Iterator[WantedFile]:
    for package in lock.packages():
        # PEP 751: these three exclude files of an index.
        if not {"vcs", "directory", "archive"}.isdisjoint(package):
            continue
        yield from _of(package, [_named(file) for file in _files(package) if "url" in file])


def _poetry(lock: Lockfile) -> Iterator[WantedFile]:
    # Up to version 1 of the format, the files of all packages were in one table.
    listed = table(table(lock.document, "metadata"), "files")
    for package in lock.packages():
        if table(package, "source").get("type", "legacy") != "legacy":
            continue
        files = package.get("files", listed.get(package["name"], []))
        yield from _of(package, [_named(file) for file in dicts(files)])


def _pipfile(lock: Lockfile) -> Iterator[WantedFile]:
    groups = (content for name, content in lock.document.items() if name != "_meta")
    for group in groups:
        for name in group if isinstance(group, dict) else ():
            package = table(group, name)
            pin, hashes = package.get("version"), package.get("hashes")
            if isinstance(pin, str) and pin.startswith("==") and isinstance(hashes, list):
                digests = [(None, sha256_of(text), None) for text in hashes]
                yield from _of({"name": name, "version": pin.lstrip("=")}, digests)


_READERS: Mapping[Kind, Callable[[Lockfile], Iterator[WantedFile]]] = {
    Kind.UV: _uv,
    Kind.PYLOCK: _pylock,
    Kind.POETRY: _poetry,
    Kind.PIPFILE: _pipfile,
}
_File = tuple[str | None, str | None, str | None]


def _of(package: Mapping[str, Any], files: Iterable[_File]) -> Iterator[WantedFile]:
    """Yield the files of a package, or the package when it lists none."""
    version = package.get("version")
    for filename, sha256, url in list(files) or [(None, None, None)]:
        yield WantedFile(normalise(package["name"]), str(version) if version else None, filename, sha256, url)


def _files(package: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*dicts([package.get("sdist")]), *dicts(package.get("wheels"))]


def _named(file: Mapping[str, Any]) -> _File:
    """Return name, digest and URL of a file, whichever of the formats describes it."""
    url = str(file["url"]) if "url" in file else None
    told = file.get("name") or file.get("file") or file.get("filename")
    name = told or (unquote(urlsplit(url).path).rpartition("/")[2] if url else None)
    digest = sha256_of(file.get("hash", "")) or table(file, "hashes").get("sha256")
    return name, digest, url


def table(found: object, key: str) -> Mapping[str, Any]:
    """Return the table of this key, empty when there is none."""
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, dict) else {}


def dicts(found: object) -> list[Mapping[str, Any]]:
    """Return the tables in a list, and none when it is no list."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _line_of(text: str, key: str, number: int) -> int:
    """Return the line of the header of a package, counted from 1; 1 when there is none."""
    headers = re.finditer(rf"^[ \t]*\[\[[ \t]*{key}[ \t]*\]\]", text, re.MULTILINE)
    header = next(islice(headers, number, None), None)
    return 1 if header is None else text.count("\n", 0, header.start()) + 1
