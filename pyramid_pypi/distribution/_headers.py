"""The members of a tar stream, each read in the one way that all readers agree on.

POSIX.1-2017 pax and ustar, and the long names of GNU tar.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pyramid_pypi.distribution._gunzip import Gunzip
from pyramid_pypi.distribution._rules import MAX_MEMBERS, check_member_name, refused

__all__ = ["TarMember", "iter_members"]

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_MAX_HEADER = 1024 * 1024
_MAX_OCTAL = 0o77777777777
_OCTAL = re.compile(rb" *[0-7]*[ \0]*\Z")
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_EXTENDED = (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK)
_MEANT = ("path", "linkpath", "size", "hdrcharset")
_UTF8_NAME = b"ISO-IR 10646 2000 UTF-8"

Kind = Literal["file", "directory", "hardlink", "symlink"]
_KINDS: dict[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.LNKTYPE: "hardlink",
    tarfile.SYMTYPE: "symlink",
}


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member of a tar file; `size` is in bytes and `target` is where a link points to."""

    name: str
    kind: Kind
    size: int
    target: str = ""


@dataclass(slots=True)
class _Pending:
    """What extended headers say about the member that follows them."""

    types: list[bytes] = field(default_factory=list)
    pax: dict[str, bytes] = field(default_factory=dict)
    name: bytes | None = None
    target: bytes | None = None


def iter_members(source: Gunzip) -> Iterator[TarMember]:
    """Yield the members; the caller may read the content of the last one before the next.

    Raises InvalidUpload for what is not a plain tar file of files, directories and links.
    """
    pending = _Pending()
    count = 0
    while (block := source.read(_BLOCK)) != _ZEROS:
        count += 1
        if count > 2 * MAX_MEMBERS:
            raise refused(f"The tar file has more than {MAX_MEMBERS} members.")
        info = _header(block)
        if info.type in _EXTENDED:
            _extend(pending, info, source)
            continue
        member = _member(info, pending)
        pending = _Pending()
        end = source.position + _padded(member.size)
        yield member
        source.skip(end - source.position)
    if pending.types:
        raise refused("The tar file ends after an extended header.")
    source.expect_zeros()


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _header(block: bytes) -> tarfile.TarInfo:
    if len(block) != _BLOCK:
        raise refused("The tar file is cut off.")
    # Only a POSIX header has a prefix; GNU tar keeps times there, which some readers take for one.
    if block[345:500].strip(b"\0") and block[257:263] != b"ustar\0":
        raise refused("A header of the tar file has two readings.")
    if block[124] != 0x80 and not _OCTAL.match(block[124:136]):
        raise refused("A header of the tar file has an unreadable size.")
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError) as error:
        raise refused(f"A header of the tar file is malformed: {error}.") from error
    if info.size < 0:
        raise refused("A member of the tar file has a negative size.")
    return info


def _extend(pending: _Pending, info: tarfile.TarInfo, source: Gunzip) -> None:
    """Read an extended header into `pending`."""
    if info.size > _MAX_HEADER:
        raise refused(f"An extended header of the tar file is larger than {_MAX_HEADER} bytes.")
    data = source.read(_padded(info.size))[: info.size]
    if info.type == _PAX_GLOBAL:
        if pending.types or any(key in _MEANT for key in _pax(data)):
            raise refused("A global header of the tar file changes names or sizes.")
        return
    if info.type in pending.types:
        raise refused("A member of the tar file has two extended headers of one kind.")
    pending.types.append(info.type)
    if info.type == _PAX:
        pending.pax = _pax(data)
    elif info.type == _LONG_NAME:
        pending.name = data.rstrip(b"\0")
    else:
        pending.target = data.rstrip(b"\0")


def _pax(data: bytes) -> dict[str, bytes]:
    """Return the records of a pax header; each is a length, a key and a value on a line."""
    records: dict[str, bytes] = {}
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 9)
        digits = data[position:space] if space > 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if not space < end <= len(data) or data[end - 1] != 0x0A or not equals:
            raise refused("A pax header of the tar file is malformed.")
        name = key.decode("utf-8", "replace")
        if name.startswith("GNU.sparse.") or (name in _MEANT and name in records):
            raise refused("Sparse members and repeated pax fields are not allowed.")
        records[name] = value
        position = end
    if records.get("hdrcharset", _UTF8_NAME) != _UTF8_NAME:
        raise refused("A pax header of the tar file is not UTF-8.")
    return records


def _member(info: tarfile.TarInfo, pending: _Pending) -> TarMember:
    kind = _KINDS.get(info.type)
    if kind is None:
        raise refused(f"Member {info.name[:80]!a} is not a file, a directory or a link.")
    name = _text(info.name, pending.name, pending.pax.get("path"))
    target = _text(info.linkname, pending.target, pending.pax.get("linkpath"))
    size = _size(info.size, pending.pax.get("size"))
    if size and kind != "file":
        # Some readers skip the content of a directory or a link and others take it for headers.
        raise refused(f"Member {name[:80]!a} is not a file and has content.")
    if kind == "file" and name.endswith("/"):
        raise refused(f"Member {name[:80]!a} is a file and named like a directory.")
    name = check_member_name(name.rstrip("/") if kind == "directory" else name)
    return TarMember(name, kind, size, target if kind in {"hardlink", "symlink"} else "")


def _text(plain: str, long: bytes | None, pax: bytes | None) -> str:
    if long is not None and pax is not None:
        raise refused("A member of the tar file has two names.")
    value = pax if long is None else long
    return plain if value is None else value.decode("utf-8")


def _size(plain: int, pax: bytes | None) -> int:
    """Return the size in bytes; a pax size is for what the header has no room for."""
    if pax is None:
        return plain
    size = int(pax) if pax.isdigit() else -1
    if size != plain and (size <= _MAX_OCTAL or plain not in {0, _MAX_OCTAL}):
        raise refused("A member of the tar file has two sizes.")
    return size
