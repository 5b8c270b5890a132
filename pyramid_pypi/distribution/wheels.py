"""What has to be inside a wheel (binary distribution format, PEP 427 and PEP 491)."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from pyramid_pypi.distribution._record import record_problems
from pyramid_pypi.distribution._rules import MAX_METADATA, refused
from pyramid_pypi.distribution.filenames import Filename, canonical_version, normalise
from pyramid_pypi.distribution.profiles import AcceptProfile
from pyramid_pypi.distribution.zips import check_zip, read_member
from pyramid_pypi.errors import InvalidUpload

__all__ = ["WheelArchive", "read_wheel"]

_MAX_ENTRY_POINTS = 1024 * 1024
_MAX_WARNINGS = 3
_SCRIPTS = ("console_scripts", "gui_scripts")
_SCRIPT = re.compile(r"(?!\.+\s*=)[\w.-]+\s*=\s*\S.*", re.ASCII)


@dataclass(frozen=True, slots=True)
class WheelArchive:
    """What a wheel holds: its dist-info directory, its METADATA or None, the names of its members."""

    dist_info: str
    metadata: bytes | None
    names: frozenset[str]
    warnings: tuple[str, ...] = ()


def read_wheel(stream: IO[bytes], filename: Filename, profile: AcceptProfile) -> WheelArchive:
    """Check a wheel from its zip headers to its RECORD. Raises InvalidUpload."""
    members = check_zip(stream, profile)
    by_name = {member.name: member for member in members}
    folder = _dist_info(by_name, filename)
    for required in ("WHEEL", "RECORD"):
        if f"{folder}/{required}" not in by_name:
            message = f"Wheel {filename.filename!r} does not contain the required {required} file."
            raise refused(message)
    metadata = None
    if member := by_name.get(f"{folder}/METADATA"):
        metadata = read_member(stream, member, MAX_METADATA)
    elif not profile.missing_metadata:
        raise refused(f"Wheel {filename.filename!r} does not contain the required METADATA file.")
    if member := by_name.get(f"{folder}/entry_points.txt"):
        _check_entry_points(read_member(stream, member, _MAX_ENTRY_POINTS).decode("utf-8"))
    problems = record_problems(stream, members, by_name[f"{folder}/RECORD"])
    if profile.record == "refuse":
        for problem in problems:
            raise refused(problem)
        return WheelArchive(folder, metadata, frozenset(by_name))
    return WheelArchive(folder, metadata, frozenset(by_name), _warnings(problems))


def _warnings(problems: Iterator[str]) -> tuple[str, ...]:
    """Return the first few problems; a RECORD that cannot be read is one of them."""
    found: list[str] = []
    try:
        found.extend(islice(problems, _MAX_WARNINGS))
    except (InvalidUpload, ValueError, csv.Error) as error:
        found.append(str(error))
    return tuple(found)


def _dist_info(names: Iterable[str], filename: Filename) -> str:
    """Return the one dist-info directory, which belongs to the project and version of the file."""
    tops = {name.partition("/")[0] for name in names}
    folders = [top for top in tops if top.lower().endswith(".dist-info")]
    if len(folders) != 1:
        raise refused(f"Wheel {filename.filename!r} has {len(folders)} .dist-info directories, not one.")
    name, _, version = folders[0][: -len(".dist-info")].rpartition("-")
    try:
        fits = (normalise(name), canonical_version(version.replace("_", "-"))) == (
            filename.project,
            filename.version,
        )
    except InvalidUpload:
        fits = False
    if not fits:
        raise refused(f"{folders[0]!a} is not the .dist-info directory of {filename.filename!r}.")
    return folders[0]


def _check_entry_points(text: str) -> None:
    """Refuse scripts that would be written elsewhere than into the folder for scripts.

    Readers differ in how they treat indented lines, so each line counts by itself.
    """
    scripts = False
    for line in map(str.strip, text.splitlines()):
        if not line or line[0] in "#;":
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise refused("The wheel has a malformed section in its entry_points.txt.")
            scripts = line[1:-1].strip() in _SCRIPTS
        elif scripts and not _SCRIPT.fullmatch(line):
            raise refused(f"The wheel has an invalid entry point: {line[:80]!a}.")
