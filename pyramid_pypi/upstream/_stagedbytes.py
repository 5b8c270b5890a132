"""Reading a file while it is being written, and after its name has gone."""

import os
import weakref

from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.storage.base import StagedFile, storage_error

__all__ = ["StagedBytes"]


class StagedBytes:
    """The bytes of a staged file, which can be read as long as this object is referred to."""

    def __init__(self, staged: StagedFile) -> None:
        try:
            self._descriptor = os.dup(staged.stream.fileno())
        except OSError as error:
            raise storage_error(error, "The download cannot be staged") from error
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, start: int, amount: int) -> bytes:
        """Return at most `amount` bytes from `start`. Raises StorageUnavailable when there are none."""
        try:
            chunk = os.pread(self._descriptor, amount, start)
        except OSError as error:
            raise storage_error(error, "The download cannot be read") from error
        if not chunk:
            raise StorageUnavailable("The download cannot be read: its file was cut off; try again later")
        return chunk
