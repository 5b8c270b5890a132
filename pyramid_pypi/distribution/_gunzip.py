"""A gzip file as a stream of unpacked bytes that ends before it grows too large (RFC 1952)."""

import zlib
from typing import IO

from pyramid_pypi.distribution._rules import MAX_UNPACKED, refused

__all__ = ["Gunzip"]

_CHUNK = 256 * 1024
_MAX_RATIO = 100
_TAIL = 65_535 + 22


class Gunzip:
    """Reads the one gzip member that a file has to be; a second one is not known to all readers.

    Every method may raise InvalidUpload; `position` counts the unpacked bytes that were read.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        size = stream.seek(0, 2)
        stream.seek(0)
        if stream.read(3) != b"\x1f\x8b\x08":
            raise refused("File is not a gzip-compressed tar file.")
        self._check_no_zip(size)
        stream.seek(0)
        self._inflater = zlib.decompressobj(31)
        self._left = max(MAX_UNPACKED, _MAX_RATIO * size)
        self._chunk = b""
        self._start = 0
        self.position = 0

    def _check_no_zip(self, size: int) -> None:
        """Refuse a file whose last bytes are the end record of a zip file."""
        self._stream.seek(max(0, size - _TAIL))
        tail = self._stream.read()
        at = tail.find(b"PK\5\6")
        while at >= 0:
            if at + 22 + int.from_bytes(tail[at + 20 : at + 22], "little") == len(tail):
                raise refused("File is both a zip and a tar file.")
            at = tail.find(b"PK\5\6", at + 1)

    def read(self, count: int) -> bytes:
        """Return the next `count` bytes, fewer at the end."""
        parts = []
        while count:
            if self._start == len(self._chunk) and not self._fill():
                break
            part = self._chunk[self._start : self._start + count]
            self._start += len(part)
            self.position += len(part)
            count -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self, count: int) -> None:
        """Pass over `count` bytes, which must be there."""
        while count:
            if self._start == len(self._chunk) and not self._fill():
                raise refused("The tar file is cut off.")
            step = min(count, len(self._chunk) - self._start)
            self._start += step
            self.position += step
            count -= step

    def expect_zeros(self) -> None:
        """Read to the end, where nothing but zeros may be left."""
        while True:
            if self._chunk.count(0, self._start) != len(self._chunk) - self._start:
                raise refused("Something lies behind the end of the tar file.")
            if not self._fill():
                return

    def _fill(self) -> bool:
        """Unpack the next bytes; False at the end of the gzip file."""
        self._chunk, self._start = b"", 0
        try:
            while not self._inflater.eof:
                packed = self._inflater.unconsumed_tail or self._stream.read(_CHUNK)
                chunk = self._inflater.decompress(packed, _CHUNK)
                if not chunk and not packed:
                    raise refused("The gzip file is cut off.")
                if chunk:
                    return self._take(chunk)
        except zlib.error as error:
            raise refused(f"The gzip file cannot be unpacked: {error}.") from error
        if self._inflater.unused_data or self._stream.read(1):
            raise refused("Something lies behind the end of the gzip file.")
        return False

    def _take(self, chunk: bytes) -> bool:
        self._chunk = chunk
        self._left -= len(chunk)
        if self._left < 0:
            raise refused(f"File exceeds compression ratio of {_MAX_RATIO}.")
        return True
