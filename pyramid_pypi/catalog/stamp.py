"""A few bytes that all processes of a host share and that change whenever the catalog does."""

import mmap
import os
from pathlib import Path

__all__ = ["Stamp"]

_SIZE = 8


class Stamp:
    """Tells, in a tenth of a microsecond, whether another process may have changed the catalog.

    The value is random, not a counter: two processes that write at the same time can then never
    leave a value behind that somebody has already seen.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(descriptor).st_size < _SIZE:
                os.ftruncate(descriptor, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    def read(self) -> bytes:
        """Return the present value; equal values mean that nothing was committed in between."""
        return self._map[:_SIZE]

    def renew(self) -> None:
        """Change the value; call it after each commit and before answering."""
        self._map[:_SIZE] = os.urandom(_SIZE)
