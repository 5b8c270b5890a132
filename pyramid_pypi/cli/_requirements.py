"""Requirements files, as pip reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from pyramid_pypi.cli._wanted import LockfileError, WantedFile, read_text, sha256_of
from pyramid_pypi.distribution import normalise

__all__ = ["read_requirements"]

_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDE = re.compile(r"(?:--(requirement|constraint)(?:\s*=\s*|\s+)|-([rc])\s*=?\s*)(?P<target>.+)")
_HASH = re.compile(r"\s--hash(?:\s*=\s*|\s+)(\S+)")
_OPTIONS = re.compile(r"\s--?[A-Za-z].*$")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# No name has a slash, but what comes after an `@` or in a marker may have one.
_PATH = re.compile(r"[^@;]*(/|\.(whl|gz|zip)$)")


@dataclass(frozen=True, slots=True)
class _Line:
    """A logical line and the number of its first physical one."""

    path: Path
    number: int
    text: str

    def error(self, message: str) -> LockfileError:
        """Return the error that names the place."""
        return LockfileError(f"{self.path}, line {self.number}: {message}")


def read_requirements(path: Path) -> Iterator[WantedFile]:
    """Yield what the file and those that it includes want, a line for each hash.

    A name without a version takes the one that a constraint pins. Raises LockfileError.
    """
    wanted: list[WantedFile] = []
    pins: dict[str, str] = {}
    _collect(path, wanted, pins, {(path.resolve(), False)})
    for one in wanted:
        yield replace(one, version=one.version or pins.get(one.project))


def _collect(
    path: Path,
    wanted: list[WantedFile],
    pins: dict[str, str],
    seen: set[tuple[Path, bool]],
    *,
    constrains: bool = False,
) -> None:
    for line in _lines(path):
        include = _INCLUDE.fullmatch(line.text)
        if include is None:
            for one in _requirement(line):
                if not constrains:
                    wanted.append(one)
                elif one.version:
                    pins.setdefault(one.project, one.version)
            continue
        below = _target(line, include["target"])
        role = constrains or "c" in (include[1] or include[2])[:1]
        if (below.resolve(), role) not in seen:
            seen.add((below.resolve(), role))
            _collect(below, wanted, pins, seen, constrains=role)


def _target(line: _Line, target: str) -> Path:
    target = target.strip().strip("\"'")
    if "://" in target:
        raise line.error(f"{target} is not on this machine; download it and name the file")
    below = line.path.parent / target
    if not below.is_file():
        raise line.error(f"there is no file {below}")
    return below


def _lines(path: Path) -> Iterator[_Line]:
    """Yield the lines without comments; a comment ends a continued line, as it does for pip."""
    text, first = "", 0
    for number, raw in enumerate(read_text(path).removeprefix("\ufeff").splitlines(), 1):
        first = first if text else number
        comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not comment:
            text += raw[:-1] + " "
            continue
        whole = _COMMENT.sub("", text + (" " + raw if comment else raw)).strip()
        text = ""
        if whole:
            yield _Line(path, first, whole)
    if text.strip():
        yield _Line(path, first, text.strip())


def _requirement(line: _Line) -> Iterator[WantedFile]:
    hashes = [sha256_of(told) for told in _HASH.findall(line.text)]
    text = _OPTIONS.sub("", line.text)
    if text.startswith(("-", ".")) or _URL.match(text) or _PATH.match(text):
        return
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).partition("\n")[0]
        raise line.error(f"{text[:80]!r} is no requirement: {reason}") from error
    if found.url is not None:
        return
    clauses = list(found.specifier)
    pinned = len(clauses) == 1 and clauses[0].operator in {"==", "==="} and "*" not in clauses[0].version
    version = clauses[0].version if pinned else None
    told: list[str | None] = [one for one in hashes if one]
    for sha256 in told or [None]:
        yield WantedFile(normalise(found.name), version, None, sha256, None)
