"""Writing a blob so that of all who write one name at the same time exactly one wins.

After a request whose outcome nobody knows, because its answer was lost or late, the object itself is
looked at: each attempt to write has a mark of its own, which the object keeps.
"""

import hashlib
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pyramid_pypi.errors import BlobExists, StorageUnavailable
from pyramid_pypi_objectstore.bucket import Bucket, Taken
from pyramid_pypi_objectstore.failures import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyramid_pypi.catalog.notes import Notes

__all__ = ["Conditional", "Leased", "Putting"]

_POLL = 0.1
_SPARE = 60
_ABANDONED_AFTER = timedelta(hours=24)


class Putting(Protocol):
    """A way to write a blob exclusively."""

    def put(self, path: str, source: Path, size: int) -> None:
        """Write the file `source`, of `size` bytes. Raises BlobExists and StorageUnavailable."""
        ...


@dataclass(slots=True)
class Conditional:
    """Lets the service decide: it creates an object only if there is none (RFC 9110 §13.1.2).

    What is larger than `part_size` bytes is sent in parts to a folder of ours and copied from there,
    because parts cannot be put together under that condition.
    """

    bucket: Bucket
    part_size: int
    _trusted: bool = False

    def put(self, path: str, source: Path, size: int) -> None:
        self._require_conditions()
        mark = uuid.uuid4().hex
        try:
            if size <= self.part_size:
                self.bucket.create(path, source.read_bytes(), mark)
            else:
                self._in_parts(path, source, mark)
        except Taken:
            # A request that was repeated on the way meets the object that it has written itself.
            if self.bucket.mark(path) != mark:
                raise BlobExists(path) from None
        except StorageUnavailable as failure:
            _settle(self.bucket, path, mark, failure)

    def _in_parts(self, path: str, source: Path, mark: str) -> None:
        staged = f"{self.bucket.own}staging/{mark}"
        try:
            self.bucket.upload(staged, source, mark, self.part_size)
            self.bucket.copy_new(staged, path)
        finally:
            self._discard(staged)

    def _discard(self, staged: str) -> None:
        try:
            self.bucket.delete(staged)
        except StorageUnavailable:
            # It is removed a day later, by whoever starts then.
            return

    def _require_conditions(self) -> None:
        """Find out once whether the service heeds conditions; some write over what is there."""
        if self._trusted:
            return
        probe = f"{self.bucket.own}exclusive"
        try:
            # Of two writes of one object, one has to fail; mostly the first one does already.
            self.bucket.create(probe, b"", "")
            self.bucket.create(probe, b"", "")
        except Taken:
            self._trusted = True
            self._remove_abandoned()
            return
        raise StorageUnavailable(
            f"{self.bucket.name} does not heed `If-None-Match`, so that files could be replaced; "
            "set `exclusive = catalog`"
        )

    def _remove_abandoned(self) -> None:
        oldest = datetime.now(UTC) - _ABANDONED_AFTER
        for found in self.bucket.list(f"{self.bucket.own}staging/"):
            if found.modified_at < oldest:
                self.bucket.delete(found.path)


@dataclass(slots=True)
class Leased:
    """Lets the catalog decide: whoever has the lease of a name looks whether it is free, and writes.

    `patience` is for how many seconds others wait for a lease, and for how many a part may take.
    After a write of unknown outcome the lease is left to expire, so that what arrives late meets
    nobody's file.
    """

    bucket: Bucket
    notes: "Notes | None"
    part_size: int
    patience: int

    def put(self, path: str, source: Path, size: int) -> None:
        mark = uuid.uuid4().hex
        with self._lease(path, mark, self.patience * (size // self.part_size + 1) + _SPARE) as lease:
            if self.bucket.head(path) is not None:
                raise BlobExists(path)
            try:
                self.bucket.upload(path, source, mark, self.part_size)
            except StorageUnavailable as failure:
                lease.released = not isinstance(failure, Unreachable)
                _settle(self.bucket, path, mark, failure)
                lease.released = True

    @contextmanager
    def _lease(self, path: str, mark: str, duration: int) -> "Iterator[_Lease]":
        if self.notes is None:
            raise StorageUnavailable(f"{self.bucket.name} has no catalog, which `exclusive = catalog` needs")
        lease = _Lease(self.notes, hashlib.sha256(f"{self.bucket.name}\n{path}".encode()).hexdigest(), mark)
        deadline = time.monotonic() + self.patience
        while not lease.take(timedelta(seconds=duration)):
            if time.monotonic() > deadline:
                raise StorageUnavailable(f"{path} is being uploaded by somebody else; try again in a moment")
            time.sleep(_POLL)
        try:
            yield lease
        finally:
            lease.leave()


@dataclass(slots=True)
class _Lease:
    """The right to write one name. Keys of notes are short, so that of the name is a digest."""

    notes: "Notes"
    key: str
    mark: str
    released: bool = True

    def take(self, duration: timedelta) -> bool:
        """Get it for so long; tell whether nobody else has it."""
        return self.notes.add(self.key, self.mark, expires_at=datetime.now(UTC) + duration)

    def leave(self) -> None:
        """Give it back, if it is to be and is still ours."""
        if self.released and self.notes.get(self.key) == self.mark:
            self.notes.take(self.key)


def _settle(bucket: Bucket, path: str, mark: str, failure: StorageUnavailable) -> None:
    """Return if the object is ours in spite of `failure`. Raises BlobExists, else `failure`."""
    try:
        found = bucket.mark(path)
    except StorageUnavailable:
        found = None
    if found is None:
        raise failure
    if found != mark:
        # The caller compares the bytes, which may be the same.
        raise BlobExists(path) from failure
