"""Zip files that have one reading, whichever reader is asked.

Readers go by the central directory at the end, or by the local headers from the start; a file
may show each of them other members. What passes here is a plain row of members, then the
directory that repeats them, then the end, and nothing before, between or behind.
"""

import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import IO

from pyramid_pypi.distribution._rules import MAX_UNPACKED, refused
from pyramid_pypi.distribution._zipdir import (
    DESCRIPTOR,
    Entry,
    local_header_end,
    read_directory,
    read_entries,
)
from pyramid_pypi.distribution.profiles import AcceptProfile

__all__ = ["ZipMember", "check_zip", "iter_member", "read_member"]

_CHUNK = 256 * 1024
_MAX_RATIO = 50
_DEFLATED = 8
_DESCRIPTOR = Struct("<4s3L")
_DESCRIPTOR64 = Struct("<4sL2Q")


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member of a zip file; sizes and offsets are in bytes.

    `offset` is where its local header starts, `data_offset` where its data does.
    """

    name: str
    size: int
    compressed_size: int
    crc: int
    method: int
    offset: int
    data_offset: int

    @property
    def is_dir(self) -> bool:
        """Whether this is a directory."""
        return self.name.endswith("/")


def check_zip(stream: IO[bytes], profile: AcceptProfile) -> tuple[ZipMember, ...]:
    """Return the members of a zip file in the order of its directory. Raises InvalidUpload.

    Only headers are read, so the size of the members costs nothing.
    """
    size = stream.seek(0, 2)
    stream.seek(0)
    _check_start(stream.read(512))
    try:
        directory = read_directory(stream, size)
        entries = read_entries(stream, directory)
        _check_unique(entries)
        _check_ratio(entries, size)
        return _tile(stream, entries, directory.offset, profile)
    except (struct.error, ValueError, OverflowError) as error:
        raise refused("The zip file is malformed.") from error


def _check_start(block: bytes) -> None:
    if block[:4] != b"PK\3\4":
        raise refused("File is not a zip file.")
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError):
        return
    raise refused("File is both a zip and a tar file.")


def _check_unique(entries: list[Entry]) -> None:
    names = {entry.name.rstrip("/") for entry in entries}
    if len(names) != len(entries):
        raise refused("The zip file has two members of one name.")


def _check_ratio(entries: list[Entry], size: int) -> None:
    unpacked = sum(entry.size for entry in entries)
    if unpacked > MAX_UNPACKED and unpacked > _MAX_RATIO * size:
        raise refused(f"File exceeds compression ratio of {_MAX_RATIO}.")


def _tile(
    stream: IO[bytes], entries: list[Entry], directory_offset: int, profile: AcceptProfile
) -> tuple[ZipMember, ...]:
    """Walk the local headers; they must cover the file up to the directory without a gap."""
    members: dict[str, ZipMember] = {}
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset != position:
            raise refused(f"Something lies before member {entry.name!r}, or it overlaps another.")
        start = local_header_end(stream, entry)
        position = start + entry.compressed_size
        if position > directory_offset:
            raise refused(f"Member {entry.name!r} reaches into the central directory.")
        if entry.flags & DESCRIPTOR:
            if not profile.data_descriptors:
                raise refused("ZIP contains a data descriptor; write the file to a disk, not a pipe.")
            position += _descriptor_size(stream, entry, position)
        members[entry.name] = ZipMember(
            entry.name, entry.size, entry.compressed_size, entry.crc, entry.method, entry.offset, start
        )
    if position != directory_offset:
        raise refused("Something lies between the last member and the central directory.")
    return tuple(members[entry.name] for entry in entries)


def _descriptor_size(stream: IO[bytes], entry: Entry, position: int) -> int:
    """Return the size of the data descriptor at `position`, which must repeat the directory."""
    stream.seek(position)
    data = stream.read(_DESCRIPTOR64.size)
    values = (b"PK\7\x08", entry.crc, entry.compressed_size, entry.size)
    if entry.method == _DEFLATED or not entry.size:
        if max(values[2:]) <= 0xFFFFFFFF and data.startswith(_DESCRIPTOR.pack(*values)):
            return _DESCRIPTOR.size
        if data == _DESCRIPTOR64.pack(*values):
            return _DESCRIPTOR64.size
    raise refused(f"The data descriptor of member {entry.name!r} does not fit it.")


def read_member(stream: IO[bytes], member: ZipMember, limit: int) -> bytes:
    """Return the content of a member of at most `limit` bytes.

    Raises InvalidUpload when there is more, or when it is not what the headers said.
    """
    if member.size > limit:
        raise refused(f"Member {member.name!r} is larger than {limit} bytes.")
    return b"".join(iter_member(stream, member))


def iter_member(stream: IO[bytes], member: ZipMember) -> Iterator[bytes]:
    """Yield the content of a member in chunks of at most 256 KiB.

    Raises InvalidUpload when it is longer than its size, or at the end, when size, checksum or
    the compressed data are not right.
    """
    crc = size = 0
    for chunk in _inflate(stream, member) if member.method == _DEFLATED else _stored(stream, member):
        size += len(chunk)
        if size > member.size:
            break
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if (size, crc) != (member.size, member.crc):
        raise refused(f"The content of member {member.name!r} is not what its header says.")


def _stored(stream: IO[bytes], member: ZipMember) -> Iterator[bytes]:
    stream.seek(member.data_offset)
    left = member.compressed_size
    while left and (chunk := stream.read(min(left, _CHUNK))):
        left -= len(chunk)
        yield chunk


def _inflate(stream: IO[bytes], member: ZipMember) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-15)
    packed = _stored(stream, member)
    tail = b""
    try:
        while not inflater.eof:
            source = tail or next(packed, b"")
            chunk = inflater.decompress(source, _CHUNK)
            tail = inflater.unconsumed_tail
            if not chunk and not source:
                raise refused(f"Member {member.name!r} is cut off.")
            if chunk:
                yield chunk
    except zlib.error as error:
        raise refused(f"Member {member.name!r} cannot be unpacked: {error}.") from error
    if inflater.unused_data or next(packed, b""):
        raise refused(f"Something lies behind the data of member {member.name!r}.")
