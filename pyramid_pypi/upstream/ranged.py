"""Core metadata of a wheel, read without the rest of it.

`zipfile` does the reading, as it does in pip, over a file of which only the ranges that it asks for
are fetched; what is added here are the limits for wheels that were made to do harm.
"""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pyramid_pypi.distribution import canonical_version, normalise
from pyramid_pypi.errors import InvalidUpload, PypiError, UpstreamUnavailable
from pyramid_pypi.model import File
from pyramid_pypi.upstream.base import Upstream

__all__ = [
    "MetadataUnreadable",
    "RangesUnsupported",
    "WheelMetadata",
    "metadata_of_local",
    "read_wheel_metadata",
]

# The end of most wheels: the central directory and, before it, the dist-info directory (PEP 427).
_TAIL = 32 * 1024
# Fetched before a directory that is larger than that, as METADATA is likely to be there.
_BEFORE = 32 * 1024
# More than the local header of METADATA with its name and its extra fields takes.
_LOCAL_HEADER = 1024
_MAX_REQUESTS = 8
_MAX_READ = 32 * 1024 * 1024
_MAX_ENTRIES = 100_000
_MAX_METADATA = 8 * 1024 * 1024
_MAX_PACKED = _MAX_METADATA + 64 * 1024
_ENTRY_MAGIC = b"PK\1\2"
_ENCRYPTED = 0x1
_DIST_INFO = ".dist-info"

_MALFORMED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    ValueError,
    LookupError,
    EOFError,
    OverflowError,
    RuntimeError,
)


class RangesUnsupported(UpstreamUnavailable):
    """The upstream sends whole files where a part was asked for."""


class MetadataUnreadable(UpstreamUnavailable):
    """The wheel is malformed, belongs to another release, or has no metadata that could be given."""


@dataclass(frozen=True, slots=True)
class WheelMetadata:
    """METADATA byte for byte, and what else was seen.

    `size` is that of the wheel in bytes, `modified_at` what the upstream says of it, and `requests`
    how many it took.
    """

    body: bytes
    size: int | None
    modified_at: datetime | None
    requests: int


def read_wheel_metadata(upstream: Upstream, file: File) -> WheelMetadata:
    """Read METADATA of a wheel at the upstream, by one to three range requests as a rule.

    Raises RangesUnsupported before any of the bytes are read, MetadataUnreadable, and what
    `Upstream.download` raises.
    """
    _check_type(file)
    remote = _Remote(upstream, file)
    body = _metadata(_View(remote.size, remote.get), file)
    return WheelMetadata(body, remote.size, remote.modified_at, remote.requests)


def metadata_of_local(path: Path, file: File) -> bytes:
    """Return METADATA of the wheel at `path`, the same bytes as read from afar.

    Raises MetadataUnreadable, also when the disk fails.
    """
    _check_type(file)
    try:
        with path.open("rb") as stream:

            def get(start: int, stop: int) -> bytes:
                stream.seek(start)
                return stream.read(stop - start)

            return _metadata(_View(os.fstat(stream.fileno()).st_size, get), file)
    except OSError as error:
        raise _unreadable(file, str(error.strerror)) from error


def _check_type(file: File) -> None:
    if file.packagetype != "bdist_wheel":
        raise _unreadable(file, "it is not a wheel")


def _unreadable(file: File, reason: str) -> MetadataUnreadable:
    return MetadataUnreadable(f"The metadata of {file.filename} cannot be read: {reason}")


class _Remote:
    """The parts of a remote file that have been fetched, and the way to the others."""

    def __init__(self, upstream: Upstream, file: File) -> None:
        """Fetch the end of the file."""
        self._upstream = upstream
        self._file = file
        self._parts: list[tuple[int, bytes]] = []
        self.requests = 1
        start = -_TAIL if file.size is None else max(0, file.size - _TAIL)
        with upstream.download(file, start) as transfer:
            size, begin = transfer.size, transfer.start
            if size is not None and file.size not in {None, size}:
                raise _unreadable(file, f"it has {size} bytes, not the {file.size} that its page says")
            if start and not begin and (size is None or size > _TAIL):
                raise _no_ranges(file)
            data = _take(transfer.chunks, _TAIL + 1)
            self.modified_at = transfer.modified_at
        self.size = begin + len(data)
        if len(data) > _TAIL or size not in {None, self.size} or file.size not in {None, self.size}:
            raise _unreadable(file, "the upstream has not sent the end that was asked for")
        self._parts.append((begin, data))

    def get(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to but without `stop`, all of them within the file."""
        pieces = []
        while start < stop:
            piece = self._known(start, stop)
            if not piece:
                self._fetch(start, stop)
                continue
            pieces.append(piece)
            start += len(piece)
        return b"".join(pieces)

    def _known(self, start: int, stop: int) -> bytes:
        for begin, data in self._parts:
            if begin <= start < begin + len(data):
                return data[start - begin : stop - begin]
        return b""

    def _fetch(self, start: int, stop: int) -> None:
        """Fetch what is missing from `start` on, up to the next part that is here."""
        following = min((begin for begin, _ in self._parts if begin > start), default=self.size)
        if stop >= following:
            start, stop = max(0, start - _BEFORE), following
        if self.requests == _MAX_REQUESTS:
            raise _unreadable(self._file, "it takes too many requests")
        self.requests += 1
        with self._upstream.download(self._file, start, stop) as transfer:
            if start and not transfer.start:
                raise _no_ranges(self._file)
            data = b""
            if transfer.start == start and transfer.size in {None, self.size}:
                data = _take(transfer.chunks, stop - start + 1)
        if len(data) < stop - start:
            raise _unreadable(self._file, "the upstream has not sent the range that was asked for")
        self._parts.append((start, data[: stop - start]))


def _no_ranges(file: File) -> RangesUnsupported:
    return RangesUnsupported(f"The upstream does not send parts of {file.filename}, only the whole file")


def _take(chunks: Iterable[bytes], amount: int) -> bytes:
    """Return the first `amount` bytes.

    Whoever asks for one more than is expected reads to the end, so that the connection can be used
    again, and sees whether there is too much.
    """
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) >= amount:
            break
    return bytes(found[:amount])


class _View(io.RawIOBase):
    """A file for `zipfile`; `get` returns the bytes from one position up to another."""

    def __init__(self, size: int, get: Callable[[int, int], bytes]) -> None:
        self._size = size
        self._get = get
        self._position = 0

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = offset + (0, self._position, self._size)[whence]
        if position < 0:
            raise OSError("A position is before the beginning of the file")
        self._position = position
        return position

    def read(self, amount: int = -1) -> bytes:
        stop = self._size if amount < 0 else min(self._size, self._position + amount)
        if stop <= self._position:
            return b""
        if stop - self._position > _MAX_READ:
            raise zipfile.BadZipFile("The central directory is too large")
        data = self._get(self._position, stop)
        # An object is made of each entry, which takes several times the room that it has here.
        if data.count(_ENTRY_MAGIC) > _MAX_ENTRIES:
            raise zipfile.BadZipFile(f"There are more than {_MAX_ENTRIES} entries")
        self._position = stop
        return data


def _metadata(view: _View, file: File) -> bytes:
    try:
        with zipfile.ZipFile(view) as archive:
            entry = _find(archive.infolist(), file)
            # One request for all that the reading below wants.
            view.seek(entry.header_offset)
            view.read(_LOCAL_HEADER + entry.compress_size)
            with archive.open(entry) as stream:
                body = stream.read(entry.file_size + 1)
    except PypiError:
        raise
    except _MALFORMED as error:
        raise _unreadable(file, str(error) or "it is malformed") from error
    if len(body) != entry.file_size:
        raise _unreadable(file, "METADATA is not as long as its header says")
    return body


def _find(entries: list[zipfile.ZipInfo], file: File) -> zipfile.ZipInfo:
    """Return the entry of METADATA, of which there is one, in a size and shape that all can read."""
    tops = {entry.filename.partition("/")[0] for entry in entries}
    folders = [top for top in tops if top.lower().endswith(_DIST_INFO)]
    if len(folders) != 1:
        raise _unreadable(file, f"it has {len(folders)} .dist-info directories, not one")
    if not _belongs(folders[0], file):
        raise _unreadable(file, f"{folders[0][:80]!a} belongs to another release")
    found = [entry for entry in entries if entry.filename == f"{folders[0]}/METADATA"]
    if len(found) != 1:
        raise _unreadable(file, f"it has {len(found)} METADATA files, not one")
    entry = found[0]
    if entry.file_size > _MAX_METADATA or entry.compress_size > _MAX_PACKED:
        raise _unreadable(file, f"METADATA is larger than {_MAX_METADATA} bytes")
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _unreadable(file, "METADATA is encrypted or compressed in a way that installers do not know")
    return entry


def _belongs(folder: str, file: File) -> bool:
    """Whether a dist-info directory is of the project and version that the file name says (PEP 427)."""
    name, _, version = folder[: -len(_DIST_INFO)].rpartition("-")
    try:
        found = (normalise(name), canonical_version(version.replace("_", "-")))
    except InvalidUpload:
        return False
    return found == (file.project, file.version)
