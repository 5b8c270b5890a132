"""Source distributions as tar files (PEP 625), walked once and never unpacked."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO

from pyramid_pypi.distribution._gunzip import Gunzip
from pyramid_pypi.distribution._headers import TarMember, iter_members
from pyramid_pypi.distribution._rules import (
    MAX_MEMBERS,
    MAX_METADATA,
    check_member_name,
    member_path,
    refused,
)
from pyramid_pypi.distribution.profiles import AcceptProfile

__all__ = ["SdistArchive", "find_pkg_info", "list_sdist_tar", "read_sdist_tar"]

_Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SdistArchive:
    """What an sdist holds: its top directory, its PKG-INFO or None, the names of its members."""

    top: str
    pkg_info: bytes | None
    names: tuple[str, ...]


@dataclass(slots=True)
class _Tree:
    """The paths seen so far, by what they are."""

    files: set[_Path] = field(default_factory=set)
    links: dict[_Path, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def add(self, member: TarMember) -> _Path:
        """Take one more member and return its path. Raises InvalidUpload."""
        self.names.append(member.name)
        if len(self.names) > MAX_MEMBERS:
            raise refused(f"The tar file has more than {MAX_MEMBERS} members.")
        path = member_path(member.name)
        if not path and member.kind != "directory":
            raise refused("The tar file has a member without a name.")
        if path in self.links or (member.target and path in self.files):
            raise refused(f"Member {member.name!r} is in the tar file twice, once as a link.")
        if member.kind == "symlink":
            _check_symlink(path, member)
            self.links[path] = member.name
        elif member.kind == "hardlink":
            if member_path(check_member_name(member.target)) not in self.files:
                raise refused(f"Link {member.name!r} does not point to a file before it.")
            self.links[path] = member.name
        elif member.kind == "file":
            self.files.add(path)
        return path

    def check_parents(self) -> None:
        """Refuse a member that lies behind a link: where it goes would depend on the reader."""
        if not self.links:
            return
        for name in self.names:
            path = member_path(name)
            for length in range(1, len(path)):
                if path[:length] in self.links:
                    raise refused(f"Member {name!r} lies behind a link.")


def _check_symlink(path: _Path, member: TarMember) -> None:
    """Let a link first go up, though not out of its top directory, and then only down."""
    parts = member.target.split("/")
    ups = 0
    while ups < len(parts) and parts[ups] == "..":
        ups += 1
    down = "/".join(parts[ups:])
    if down:
        check_member_name(down)
    if member.target.startswith("/") or not member.target or ups > len(path) - 2:
        raise refused(f"Link {member.name!r} points out of the archive.")


def read_sdist_tar(stream: IO[bytes], profile: AcceptProfile) -> SdistArchive:
    """Walk a `.tar.gz` sdist and return what is needed of it. Raises InvalidUpload.

    Memory stays bounded: contents are skipped, PKG-INFO is read up to 8 MiB.
    """
    tree = _Tree()
    found: dict[str, bytes] = {}
    try:
        source = Gunzip(stream)
        for member in iter_members(source):
            path = tree.add(member)
            if len(path) == 2 and path[1] == "PKG-INFO":
                if member.kind != "file" or path[0] in found:
                    raise refused("PKG-INFO has to be one regular file.")
                if member.size > MAX_METADATA:
                    raise refused(f"PKG-INFO is larger than {MAX_METADATA} bytes.")
                found[path[0]] = source.read(member.size)
    except (ValueError, OverflowError) as error:
        raise refused(f"The tar file is malformed: {error}.") from error
    tree.check_parents()
    top = find_pkg_info(tree.names, found, profile)
    return SdistArchive(top, found.get(top), tuple(tree.names))


def list_sdist_tar(stream: IO[bytes], most: int) -> Iterator[TarMember]:
    """Yield the members of a `.tar.gz` that unpacks to at most `most` bytes. Raises InvalidUpload."""
    try:
        source = Gunzip(stream)
        for count, member in enumerate(iter_members(source), 1):
            if count > MAX_MEMBERS:
                raise refused(f"The tar file has more than {MAX_MEMBERS} members.")
            if source.position + member.size > most:
                raise refused(f"The tar file unpacks to more than {most} bytes.")
            yield member
    except (ValueError, OverflowError) as error:
        raise refused(f"The tar file is malformed: {error}.") from error


def find_pkg_info(names: Iterable[str], found: Iterable[str], profile: AcceptProfile) -> str:
    """Return the top directory of an sdist, of which `found` are those with a PKG-INFO.

    Raises InvalidUpload when there is not exactly one.
    """
    tops = {path[0] for path in map(member_path, names) if path}
    if len(tops) != 1 and not profile.legacy_names:
        raise refused("Incorrect number of top-level directories in sdist.")
    candidates = list(found)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise refused("The sdist has more than one PKG-INFO at its top.")
    if not profile.missing_metadata:
        raise refused("PKG-INFO not found in the top directory of the sdist.")
    return min(tops, default="")
