"""A few bytes that change whenever the catalog does, for those who keep what they have made of it."""

import logging
import os
from pathlib import Path
from typing import Protocol

__all__ = ["FileStamp", "Stamp"]

_log = logging.getLogger(__name__)

_SIZE = 8


class Stamp(Protocol):
    """Tells cheaply whether somebody, in whatever process, may have changed the catalog."""

    def read(self) -> bytes:
        """Return the present value. Raises CatalogUnavailable.

        Where it is the same as before, nothing is new in the journal since then and no token was
        revoked, of all that anybody had been told of when this was called.
        """

    def renew(self) -> None:
        """See to it that all read another value; call it after each commit and before answering."""

    def close(self) -> None:
        """Let go of files and connections."""


class FileStamp:
    """A file that all processes of a host share, which is read in a microsecond.

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

    def read(self) -> bytes:
        """Return the bytes of the file, or others as long as it cannot be written."""
        if self._due:
            self.renew()
        return os.urandom(_SIZE) if self._due else os.pread(self._descriptor, _SIZE, 0)

    def renew(self) -> None:
        """Write other bytes.

        What was committed is true all the same if the disk refuses them. Others learn of it when
        the disk works again and somebody reads.
        """
        self._due = True
        try:
            os.pwrite(self._descriptor, os.urandom(_SIZE), 0)
        except OSError as error:
            _log.error("The stamp of the catalog cannot be written: %s", error.strerror)
        else:
            self._due = False

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
