"""Handing large answers to the server without copies of the whole.

Only the standard library is imported here: this is the hot path.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import IO, Any

__all__ = ["ARRIVING_WRAPPER", "SLICE", "FileSlices", "Slices", "in_slices"]

SLICE = 1 << 18
ARRIVING_WRAPPER = "pyramid_pypi.arriving_wrapper"
"""Where a server offers to wait for arriving bytes by itself: `(arriving, start, stop) -> iterable`."""
_LARGE = 64 * 1024


class Slices:
    """A file-like object that gives at most `SLICE` bytes at a time.

    A server may ask for as much as the socket's buffer holds, which is megabytes for each client.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.close = stream.close
        self.seek = stream.seek
        self.tell = stream.tell

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        return self._stream.read(SLICE if size < 0 else min(size, SLICE))


class FileSlices(Slices):
    """The same for a file of the system, which a server may send by its descriptor."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.fileno = stream.fileno


def in_slices(body: bytes, environ: dict[str, Any]) -> Iterable[bytes]:
    """Return what to answer with: a large body through the server's file wrapper (PEP 3333).

    Otherwise a server copies it into its buffers, for each client that reads slowly.
    """
    wrapper: Callable[..., Iterable[bytes]] | None = environ.get("wsgi.file_wrapper")
    if wrapper is None or len(body) < _LARGE:
        return (body,)
    return wrapper(Slices(BytesIO(body)), SLICE)
