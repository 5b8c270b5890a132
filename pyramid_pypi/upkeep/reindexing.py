"""Bringing the catalog in step with a storage, many files at a time."""

import threading
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from pyramid_pypi.catalog import reading, writing
from pyramid_pypi.errors import StorageUnavailable
from pyramid_pypi.model import StoredBlob
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.repositories.adoption import STORAGE_IDENTITY, Adopter, Known
from pyramid_pypi.repositories.listing import Found
from pyramid_pypi.storage.filesystem import FilesystemStorage

__all__ = ["Reindexing"]

_BATCH = 200
_LOCAL, _REMOTE = 2, 32


@dataclass(slots=True)
class Reindexing:
    """One pass over the storage of a repository; it may be cut off at any time, and made again.

    `added` and `dropped` are how many files, `unsettled` the keys of what is no complete file.
    """

    hosted: Hosted
    added: int = 0
    dropped: int = 0
    unsettled: list[str] = field(default_factory=list)
    _found: list[Found] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Iterator[StoredBlob]:
        """Yield each blob when it has been seen to. Raises StorageUnavailable, CatalogUnavailable."""
        hosted = self.hosted
        hosted.storage.check()
        missing = hosted.catalog.keys(hosted.name)
        adopter = Adopter(hosted, self._put, known=self._known(missing))
        try:
            for blob in self._adopted(adopter, missing):
                if len(self._found) >= _BATCH:
                    self._list()
                yield blob
        finally:
            self._list()
        for key in missing:
            adopter.drop_if_missing(key)
        self.dropped = len(missing) - len(missing & hosted.catalog.keys(hosted.name))
        hosted.catalog.mark_scanned(hosted.name)

    def _known(self, listed: set[str]) -> Known:
        """Return what there is now."""
        names = {key.rpartition("/")[2].lower() for key in listed}
        return Known(names | self.hosted.catalog.removed_names(self.hosted.name), self._signatures())

    def _signatures(self) -> set[str] | None:
        """Return the keys of signatures; a remote storage lists a thousand keys while it looks for one."""
        try:
            blobs = self.hosted.storage.keys()
            return {blob.key for blob in blobs if blob.key.endswith(".asc")}
        except StorageUnavailable:
            # The pass itself will say so, when it has listed what it can.
            return None

    def _adopted(self, adopter: Adopter, missing: set[str]) -> Iterator[StoredBlob]:
        """Yield every blob after it was looked at, if it is new; take what is there from `missing`."""
        workers = _LOCAL if isinstance(self.hosted.storage, FilesystemStorage) else _REMOTE
        waiting: deque[tuple[StoredBlob, Future[bool]]] = deque()
        with ThreadPoolExecutor(workers, thread_name_prefix="pypi-reindex") as pool:
            try:
                for blob in self.hosted.storage.keys():  # noqa: SIM118 - not a mapping
                    if blob.key in missing:
                        missing.remove(blob.key)
                        yield blob
                        continue
                    waiting.append((blob, pool.submit(adopter.adopt, blob)))
                    if len(waiting) > 4 * workers:
                        yield self._settled(*waiting.popleft())
                while waiting:
                    yield self._settled(*waiting.popleft())
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _settled(self, blob: StoredBlob, future: Future[bool]) -> StoredBlob:
        if not future.result():
            self.unsettled.append(blob.key)
        return blob

    def _put(self, found: Found) -> None:
        with self._lock:
            self._found.append(found)

    def _list(self) -> None:
        """List what was found in one transaction, since each costs the disk a flush."""
        with self._lock:
            batch, self._found = self._found, []
        if not batch:
            return
        name, added = self.hosted.name, 0
        with self.hosted.catalog.writing() as connection:
            for one in batch:
                filename = one.file.filename
                # Nobody else writes within this, but somebody may have before.
                if reading.file(connection, name, filename) or reading.removed(connection, name, filename):
                    continue
                body = None if one.metadata is None else zlib.compress(one.metadata)
                new = writing.NewFile(name, one.file, one.display, body)
                writing.add(connection, new, STORAGE_IDENTITY)
                added += 1
        self.added += added
