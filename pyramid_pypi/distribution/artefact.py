"""One function that says what an uploaded file is, or why it is not taken."""

import csv
import struct
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pyramid_pypi.distribution._rules import MAX_METADATA, refused
from pyramid_pypi.distribution.filenames import Filename, normalise
from pyramid_pypi.distribution.metadata import CoreMetadata, parse_metadata
from pyramid_pypi.distribution.profiles import AcceptProfile
from pyramid_pypi.distribution.tars import SdistArchive, find_pkg_info, read_sdist_tar
from pyramid_pypi.distribution.wheels import read_wheel
from pyramid_pypi.distribution.zips import check_zip, read_member

__all__ = ["Artefact", "inspect"]

_MALFORMED = (
    zlib.error,
    struct.error,
    csv.Error,
    ValueError,
    EOFError,
    LookupError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Artefact:
    """What a sound distribution says about itself.

    `name` is the display form, from the metadata or else from the file name; `version` is
    canonical (PEP 440). `core_metadata` is METADATA or PKG-INFO byte for byte, None where the
    profile takes a file without. `warnings` are sentences for the person who uploads.
    """

    name: str
    version: str
    requires_python: str | None
    core_metadata: bytes | None
    summary: str
    warnings: tuple[str, ...] = ()


def inspect(path: Path, filename: Filename, profile: AcceptProfile) -> Artefact:
    """Return what the file at `path` is, if `profile` takes it under the name `filename`.

    Raises InvalidUpload for every file that is not sound, and OSError when the disk fails.
    """
    read = _READERS[filename.packagetype]
    with path.open("rb") as stream:
        try:
            return read(stream, filename, profile)
        except _MALFORMED as error:
            raise refused(f"{filename.filename} is malformed: {error}") from error


def _wheel(stream: IO[bytes], filename: Filename, profile: AcceptProfile) -> Artefact:
    archive = read_wheel(stream, filename, profile)
    licenses = f"{archive.dist_info}/licenses"
    return _artefact(
        _agreed(archive.metadata, filename, profile, _Licenses(licenses, archive.names)),
        filename,
        archive.warnings,
    )


def _sdist(stream: IO[bytes], filename: Filename, profile: AcceptProfile) -> Artefact:
    if filename.filename.endswith(".zip"):
        archive = _sdist_zip(stream, profile)
    else:
        archive = read_sdist_tar(stream, profile)
    if not profile.legacy_names and archive.top != filename.stem:
        raise refused(f"The top directory of the sdist is {archive.top!r}, not {filename.stem!r}.")
    licenses = _Licenses(archive.top, archive.names)
    return _artefact(_agreed(archive.pkg_info, filename, profile, licenses), filename)


def _sdist_zip(stream: IO[bytes], profile: AcceptProfile) -> SdistArchive:
    members = {member.name: member for member in check_zip(stream, profile)}
    found = [
        name.partition("/")[0] for name in members if name.count("/") == 1 and name.endswith("/PKG-INFO")
    ]
    top = find_pkg_info(members, found, profile)
    pkg_info = read_member(stream, members[f"{top}/PKG-INFO"], MAX_METADATA) if found else None
    return SdistArchive(top, pkg_info, tuple(members))


def _egg(stream: IO[bytes], filename: Filename, profile: AcceptProfile) -> Artefact:
    members = {member.name: member for member in check_zip(stream, profile)}
    member = members.get("EGG-INFO/PKG-INFO")
    if member is None and not profile.missing_metadata:
        raise refused(f"Egg {filename.filename!r} does not contain EGG-INFO/PKG-INFO.")
    raw = read_member(stream, member, MAX_METADATA) if member else None
    return _artefact(_agreed(raw, filename, profile, _Licenses("EGG-INFO", members)), filename)


_READERS: dict[str, Callable[[IO[bytes], Filename, AcceptProfile], Artefact]] = {
    "bdist_wheel": _wheel,
    "sdist": _sdist,
    "bdist_egg": _egg,
}


@dataclass(frozen=True, slots=True)
class _Licenses:
    """Where the license files of an archive have to be (PEP 639)."""

    folder: str
    names: Collection[str]

    def check(self, metadata: CoreMetadata) -> None:
        """Raise InvalidUpload when the metadata names a file that is not there."""
        if metadata.metadata_version in {"1.0", "1.1", "1.2", "2.1", "2.2", "2.3"}:
            return
        for name in metadata.license_files:
            if f"{self.folder}/{name}" not in self.names:
                raise refused(f"License-File {name} does not exist in {self.folder}.")


def _agreed(
    raw: bytes | None, filename: Filename, profile: AcceptProfile, licenses: _Licenses
) -> CoreMetadata | None:
    """Parse the metadata, which has to say the same as the file name."""
    if raw is None:
        return None
    metadata = parse_metadata(raw, profile)
    if normalise(metadata.name) != filename.project:
        raise refused(f"The metadata is of project {metadata.name!r}, the file name of {filename.project!r}.")
    if metadata.version != filename.version:
        message = f"The metadata is of version {metadata.version!r}, the file name of {filename.version!r}."
        raise refused(message)
    if profile.license_files:
        licenses.check(metadata)
    return metadata


def _artefact(metadata: CoreMetadata | None, filename: Filename, warnings: tuple[str, ...] = ()) -> Artefact:
    if metadata is None:
        return Artefact(filename.display, filename.version, None, None, "", warnings)
    return Artefact(
        metadata.name,
        metadata.version,
        metadata.requires_python,
        metadata.raw,
        metadata.summary,
        warnings,
    )
