"""A few bytes that all processes of a host share and that change whenever the catalog does."""

import logging
import os
from pathlib import Path

__all__ = ["Stamp"]

_log = logging.getLogger(__name__)

_SIZE = 8


class Stamp:
    """Tells, in a microsecond, whether another process may have changed the catalog.

    The value is random, not a counter: two processes that write at the same time can then never
    leave a value behind that somebody has already seen. The file is read and not mapped, because
    a mapping kills the process when somebody empties the file.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._due = False
        if len(self.read()) < _SIZE:
            self.renew()

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def read(self) -> bytes:
        """Return the present value; equal values mean that nothing was committed in between."""
        if self._due:
            self.renew()
        return os.urandom(_SIZE) if self._due else os.pread(self._descriptor, _SIZE, 0)

    def renew(self) -> None:
        """Change the value; call it after each commit and before answering.

        What was committed is true all the same if the disk refuses this. Others learn of it when
        the disk works again and somebody reads.
        """
        self._due = True
        try:
            os.pwrite(self._descriptor, os.urandom(_SIZE), 0)
        except OSError as error:
            _log.error("The stamp of the catalog cannot be written: %s", error.strerror)
        else:
            self._due = False
