"""The records of a zip file, each read in the one way that all readers agree on (APPNOTE 6.3)."""

import re
import stat
from dataclasses import dataclass
from struct import Struct
from typing import IO

from pyramid_pypi.distribution._rules import MAX_MEMBERS, check_member_name, refused

__all__ = ["DESCRIPTOR", "Directory", "Entry", "local_header_end", "read_directory", "read_entries"]

DESCRIPTOR = 0x0008
_UTF8 = 0x0800
_FLAGS = DESCRIPTOR | _UTF8 | 0x0006  # The two bits of 0x0006 tell how hard deflate tried.
_METHODS = (0, 8)  # Stored and deflated: all that installers are asked to know.
_MAX_VERSION = 63
_MAX16 = 0xFFFF
_MAX32 = 0xFFFFFFFF
_MAX_DIRECTORY = 32 * 1024 * 1024
_ZIP64 = 0x0001
_UNICODE_PATH = 0x7075
_EMPTY_OR_DOT = re.compile(r"(?:\A|/)\.?(?:/|\Z)")

_END = Struct("<4s4H2LH")
_END64 = Struct("<4sQ2H2L4Q")
_LOCATOR = Struct("<4sLQL")
_CENTRAL = Struct("<4s6H3L5H2L")
_LOCAL = Struct("<4s5H3L2H")
_FIELD = Struct("<HH")
_WIDE = Struct("<Q")


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies, in bytes, and how many entries it has."""

    offset: int
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the central directory; `raw_name` is the name as its bytes."""

    name: str
    raw_name: bytes
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    offset: int


def read_directory(stream: IO[bytes], size: int) -> Directory:
    """Return where the central directory is; nothing may follow it but the end records."""
    start = max(0, size - _END.size - _LOCATOR.size - _END64.size)
    stream.seek(start)
    tail = stream.read(size - start)
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\5\6":
        raise refused("File is not a zip file, or something follows its end.")
    _, disk, first, here, count, length, offset, comment = _END.unpack(tail[-_END.size :])
    if disk or first or here != count or comment:
        raise refused("The zip file has several disks or a comment.")
    end = size - _END.size
    locator = tail[-_END.size - _LOCATOR.size : -_END.size]
    if locator[:4] == b"PK\6\7" and len(locator) == _LOCATOR.size:
        end -= _LOCATOR.size + _END64.size
        wide = _end64(tail, locator, end)
        narrow = ((count, _MAX16), (length, _MAX32), (offset, _MAX32))
        for (value, mask), other in zip(narrow, wide, strict=True):
            if value not in {mask, other}:
                raise refused("The two end records of the zip file differ.")
        count, length, offset = wide
    if offset + length != end or length > _MAX_DIRECTORY:
        raise refused("The central directory of the zip file is not where it should be.")
    if not 0 < count <= MAX_MEMBERS:
        raise refused(f"The zip file has no members or more than {MAX_MEMBERS}.")
    return Directory(offset, length, count)


def _end64(tail: bytes, locator: bytes, position: int) -> tuple[int, int, int]:
    """Return count, length and offset of the central directory from the zip64 end record."""
    _, disk, where, disks = _LOCATOR.unpack(locator)
    record = tail[-_END.size - _LOCATOR.size - _END64.size : -_END.size - _LOCATOR.size]
    if len(record) != _END64.size or where != position:
        raise refused("The zip64 end record is not where it should be.")
    magic, rest, _, _, this, first, here, count, length, offset = _END64.unpack(record)
    whole = magic == b"PK\6\6" and rest == _END64.size - 12
    if not whole or disk or disks != 1 or this or first or here != count:
        raise refused("The zip64 end record is malformed.")
    return count, length, offset


def read_entries(stream: IO[bytes], directory: Directory) -> list[Entry]:
    """Return the entries of the central directory in their order."""
    stream.seek(directory.offset)
    data = stream.read(directory.size)
    entries = []
    position = 0
    for _ in range(directory.count):
        entry, position = _entry(data, position)
        entries.append(entry)
    if position != len(data):
        raise refused("The central directory is longer than its entries.")
    return entries


def _entry(data: bytes, position: int) -> tuple[Entry, int]:
    fields = _CENTRAL.unpack_from(data, position)
    magic, _, needed, flags, method, _, _, crc, packed, size = fields[:10]
    name_length, extra_length, comment_length, disk, _, attributes, offset = fields[10:]
    name_end = position + _CENTRAL.size + name_length
    end = name_end + extra_length
    if magic != b"PK\1\2" or comment_length or disk or end > len(data):
        raise refused("The central directory of the zip file is malformed.")
    if needed > _MAX_VERSION or flags & ~_FLAGS or method not in _METHODS:
        raise refused("The zip file is encrypted or does not use a supported compression type.")
    raw_name = data[name_end - name_length : name_end]
    extra = _extra(data[name_end:end], raw_name) if extra_length else {}
    size, packed, offset = _widen(extra, (size, packed, offset))
    if method == 0 and size != packed:
        raise refused("A stored member of the zip file has two sizes.")
    name = _name(raw_name, flags)
    _check_kind(name, attributes >> 16, size)
    return Entry(name, raw_name, flags, method, crc, packed, size, offset), end


def _name(raw: bytes, flags: int) -> str:
    """Decode a member's name; without the UTF-8 flag only ASCII means the same to every reader."""
    try:
        name = check_member_name(raw.decode("utf-8" if flags & _UTF8 else "ascii"))
    except UnicodeDecodeError as error:
        raise refused(f"A member's name is neither ASCII nor marked UTF-8: {raw[:80]!r}.") from error
    if _EMPTY_OR_DOT.search(name.removesuffix("/")):
        raise refused(f"The archive has a member with an unsafe name: {name[:80]!a}.")
    return name


def _check_kind(name: str, mode: int, size: int) -> None:
    kind = stat.S_IFMT(mode)
    folder = name.endswith("/")
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR} or (kind == stat.S_IFDIR and not folder):
        raise refused(f"Member {name!r} is neither a file nor a directory.")
    if folder and size:
        raise refused(f"Directory {name!r} has content.")


def _extra(data: bytes, raw_name: bytes) -> dict[int, bytes]:
    """Return the extra fields by their number."""
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        number, length = _FIELD.unpack_from(data, position)
        position += _FIELD.size + length
        if position > len(data) or number in fields:
            raise refused("A member of the zip file has malformed or repeated extra fields.")
        fields[number] = data[position - length : position]
    # Some readers take the name from this field, others do not know it.
    if _UNICODE_PATH in fields and fields[_UNICODE_PATH][5:] != raw_name:
        raise refused("A member of the zip file has two names.")
    return fields


def _widen(extra: dict[int, bytes], values: tuple[int, ...]) -> tuple[int, ...]:
    """Replace the values that say "see the zip64 field" by what is there (APPNOTE 4.5.3)."""
    wanted = values.count(_MAX32)
    data = extra.get(_ZIP64)
    if data is None and not wanted:
        return values
    wide = [number for (number,) in _WIDE.iter_unpack(data or b"")]
    if wanted and len(wide) == wanted:
        return tuple(wide.pop(0) if value == _MAX32 else value for value in values)
    # Bazel repeats in this field what the header has room for anyway.
    if wanted or tuple(wide) != values[: len(wide)]:
        raise refused("A member of the zip file has a zip64 field that does not fit it.")
    return values


def local_header_end(stream: IO[bytes], entry: Entry) -> int:
    """Return where the data of `entry` starts, when its local header says what the entry says."""
    stream.seek(entry.offset)
    data = stream.read(_LOCAL.size + len(entry.raw_name) + 64)
    fields = _LOCAL.unpack_from(data)
    magic, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields
    extra_start = _LOCAL.size + name_length
    end = extra_start + extra_length
    if len(data) < end:
        data += stream.read(end - len(data))
    if magic != b"PK\3\4" or len(data) < end or data[_LOCAL.size : extra_start] != entry.raw_name:
        raise refused(f"Member {entry.name!r} has no local header of its own.")
    extra = _extra(data[extra_start:end], entry.raw_name) if extra_length else {}
    size, packed = _widen(extra, (size, packed))
    found = (crc, packed, size)
    wanted = (entry.crc, entry.compressed_size, entry.size)
    unknown = flags & DESCRIPTOR and found == (0, 0, 0)
    if (flags, method) != (entry.flags, entry.method) or not (unknown or found == wanted):
        raise refused(f"The two headers of member {entry.name!r} differ.")
    return entry.offset + int(end)
