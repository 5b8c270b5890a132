"""The contract of storages, and the staged file that they take."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol, Self, runtime_checkable

from pyramid_pypi.errors import StorageFull, StorageUnavailable
from pyramid_pypi.model import Blob, StoredBlob

__all__ = ["StagedFile", "Storage", "storage_error"]

_NO_SPACE = {28, 122}  # ENOSPC and EDQUOT
_PREFIX = ".upload-"


def storage_error(error: OSError, what: str) -> StorageUnavailable:
    """Return the error that tells a client what the operating system said."""
    reason = error.strerror or str(error)
    if error.errno in _NO_SPACE:
        return StorageFull(f"{what}: {reason}; nothing was stored, free some space and try again")
    return StorageUnavailable(f"{what}: {reason}; nothing was stored, try again later")


@dataclass(slots=True)
class StagedFile:
    """A file that is being written and that nobody can see yet.

    It lies in the staging folder of the storage that will take it, so that taking it is a rename.
    Leaving the `with` block removes it, whether a storage took it or not.
    """

    path: Path
    stream: IO[bytes] = field(repr=False)

    @classmethod
    def create(cls, folder: Path) -> "StagedFile":
        """Open a new file in `folder`. Raises StorageUnavailable or StorageFull."""
        try:
            while True:
                descriptor, name = tempfile.mkstemp(prefix=_PREFIX, dir=folder)
                stream = os.fdopen(descriptor, "w+b")
                if _claim(descriptor):
                    return cls(Path(name), stream)
                stream.close()
        except OSError as error:
            raise storage_error(error, "The upload cannot be staged") from error

    @staticmethod
    def remove_abandoned(folder: Path) -> None:
        """Remove the staged files in `folder` whose process has ended without doing so."""
        for path in folder.glob(f"{_PREFIX}*"):
            with suppress(OSError), path.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()

    def write(self, chunk: bytes) -> None:
        """Append `chunk`. Raises StorageFull when the disk is full."""
        try:
            self.stream.write(chunk)
        except OSError as error:
            raise storage_error(error, "The upload cannot be staged") from error

    def finish(self, *, durable: bool = True) -> int:
        """Flush what was written, to the disk when `durable`, and return the size in bytes."""
        try:
            self.stream.flush()
            if durable:
                os.fsync(self.stream.fileno())
            return os.fstat(self.stream.fileno()).st_size
        except OSError as error:
            raise storage_error(error, "The upload cannot be written to the disk") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self.stream.close()
        # A disk that takes nothing any more lets nothing go; `remove_abandoned` comes by later.
        with suppress(OSError):
            self.path.unlink()


def _claim(descriptor: int) -> bool:
    """Lock a staged file as long as it is open; return whether it is still there after that."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Where there are no locks, `remove_abandoned` gets none either.
        return error.errno != errno.EWOULDBLOCK
    return os.fstat(descriptor).st_nlink > 0


@runtime_checkable
class Storage(Protocol):
    """Where the bytes of one repository are kept.

    A key is a relative path of validated parts, such as `holy-grail/holy_grail-1.0.tar.gz`.
    Beside a blob a storage keeps a record, a few hundred bytes of JSON with what was said when
    the blob was uploaded; the catalog can be rebuilt from blobs and records.
    Every method may raise StorageUnavailable.
    """

    def key(self, project: str, filename: str) -> str:
        """Return the key under which a new file of `project` is to be put."""
        ...

    def stage(self) -> StagedFile:
        """Return a new staged file; the caller uses it as a context manager."""
        ...

    def put(self, key: str, source: StagedFile) -> None:
        """Store the staged bytes under `key`, atomically and exclusively.

        On return the bytes survive a power cut. Raises BlobExists when the key is taken, with
        the first bytes untouched, and StorageFull; after an error nothing is visible.
        """
        ...

    def open(self, key: str) -> Blob:
        """Return the bytes under `key`, a redirect with a stream for readers here. Raises BlobMissing."""
        ...

    def delete(self, key: str) -> None:
        """Remove the blob under `key`; a missing one is not an error."""
        ...

    def keys(self) -> Iterator[StoredBlob]:
        """Yield every blob that is a file of a project, in any order and in bounded memory."""
        ...

    def record(self, key: str) -> bytes | None:
        """Return the record beside `key`, or None."""
        ...

    def put_record(self, key: str, data: bytes) -> None:
        """Write or replace the record beside `key`, atomically.

        It says what the catalog says too, so it may be lost in a power cut.
        """
        ...

    def delete_record(self, key: str) -> None:
        """Remove the record beside `key`; a missing one is not an error."""
        ...

    def check(self) -> None:
        """Raise StorageUnavailable when the storage cannot be used now."""
        ...
