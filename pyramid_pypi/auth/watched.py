"""A small file that is read again when it changes."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["WatchedFile"]

GRACE_SECONDS: Final = 5.0
_SETTLED_NS: Final = 2_000_000_000

Signature = tuple[int, int, int, int]


class WatchedFile:
    """The last good content of a file. The caller serialises calls of `refresh`.

    `content` is None until the file could be read once. A file that vanishes keeps its last
    content, and so does one that is empty for less than five seconds: editors and `htpasswd`
    truncate a file before they write it. `problem` says why the last look failed, "" if it did not.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.content: bytes | None = None
        self.problem = ""
        self._clock = clock
        self._signature: Signature | None = None
        self._settled = False
        self._empty_since: float | None = None

    def refresh(self) -> bool:
        """Look at the file and tell whether `content` is new. Never raises OSError."""
        try:
            if self._settled and _sign(os.stat(self.path)) == self._signature:  # noqa: PTH116 - twice as fast
                return False
            content = self._read()
        except OSError as error:
            self._settled = False
            self.problem = error.strerror or type(error).__name__
            return False
        self.problem = ""
        if self._is_being_written(content) or content == self.content:
            return False
        self.content = content
        return True

    def _read(self) -> bytes:
        """Return the bytes of the file and remember which state of it they are."""
        # Without O_NONBLOCK the open of a FIFO would wait for ever.
        with open(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:  # noqa: PTH123 - takes a descriptor
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise OSError(0, "not a regular file")
            content = stream.read()
        self._signature = _sign(status)
        # Time stamps have the grain of the kernel's tick: a write that follows at once can leave
        # the signature as it is, so a fresh file is read again until it is older than that.
        self._settled = time.time_ns() - status.st_ctime_ns > _SETTLED_NS
        return content

    def _is_being_written(self, content: bytes) -> bool:
        """Tell whether the file is empty, was not before, and may just be between two writes."""
        if content or not self.content:
            self._empty_since = None
            return False
        now = self._clock()
        if self._empty_since is None:
            self._empty_since = now
        waits = now - self._empty_since < GRACE_SECONDS
        if waits:
            self._settled = False
        return waits


def _sign(status: os.stat_result) -> Signature:
    """Return what changes when the file does; the inode number tells a replaced file."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
