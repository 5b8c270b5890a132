"""The files of an upstream whose bytes are here: what the storage has and the store knows."""

import logging
import re
import threading
from collections.abc import Callable, Container
from datetime import datetime

from pyramid_pypi.errors import BlobExists, BlobMissing, PypiError
from pyramid_pypi.model import Blob, File, Hashes, LocalFile, Redirect
from pyramid_pypi.storage.base import StagedFile, Storage
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.records import file_from_bytes, file_to_bytes
from pyramid_pypi.upstream.store import CachedFile, CacheStore, Facts

__all__ = ["CachedFiles", "lock_name"]

log = logging.getLogger(__name__)

_FLUSH_AFTER = 60.0
_PLACE = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{60}/[^/]+\Z")


class CachedFiles:
    """Finds, keeps and removes files by their place. Every method may raise StorageUnavailable.

    Processes of one machine may share the storage and the store. `clock` is in seconds since 1970.
    """

    def __init__(
        self, storage: Storage, store: CacheStore, locks: HostLocks, *, clock: Callable[[], float]
    ) -> None:
        self.storage = storage
        self.store = store
        self.clock = clock
        self._locks = locks
        self._removing = threading.Lock()
        self._using = threading.Lock()
        self._used: dict[str, float] = {}
        self._flushed_at = clock()

    def find(self, file: File) -> Blob | None:
        """Return the bytes of `file`, None when they are not here or are not those of its page."""
        entry = self.store.file(file.place)
        if entry is None:
            return None
        if not _agree(file_from_bytes(entry.record).hashes, file.hashes):
            log.warning("%s has another digest upstream than here, so it is fetched again", file.filename)
            self._drop(file.place)
            return None
        try:
            blob = self.storage.open(file.place)
        except BlobMissing:
            self.store.forget_file(file.place)
            return None
        if isinstance(blob, LocalFile) and blob.size != entry.size:
            # The cache is not flushed to the disk, so a power cut may have left less.
            self._drop(file.place)
            return None
        return blob

    def use(self, file: File) -> None:
        """Note that a file was used; it is written about once a minute, and its loss is no error."""
        now = self.clock()
        with self._using:
            self._used[file.place] = now
            due = now - self._flushed_at >= _FLUSH_AFTER
        if due:
            self.flush()

    def flush(self) -> None:
        """Write when files were used."""
        with self._using:
            used, self._used = self._used, {}
            self._flushed_at = self.clock()
        if not used:
            return
        try:
            self.store.use_files(used.items())
        except PypiError as error:
            log.warning("The use of %d cached files is not noted: %s", len(used), error.message)

    def keep(self, staged: StagedFile, file: File) -> None:
        """Store the staged bytes of `file`, which are verified, and note that they are here."""
        size = file.size or 0
        try:
            self.storage.put(file.place, staged)
        except BlobExists:
            if _size(self.storage.open(file.place)) != size:
                self.storage.delete(file.place)
                self.storage.put(file.place, staged)
        self.store.put_file(CachedFile(file.place, file.project, file_to_bytes(file), size, self.clock()))

    def learn(self, file: File, modified_at: datetime | None) -> None:
        """Note what is known of a file since its bytes have passed."""
        moment = None if modified_at is None else modified_at.timestamp()
        facts = Facts(size=file.size, sha256=file.hashes.sha256, modified_at=moment)
        self.store.add_facts(file.place, file.project, facts)

    def remove(self, entry: CachedFile) -> int:
        """Remove the bytes of `entry` and return their number; whoever reads them is not disturbed."""
        self._drop(entry.place)
        return entry.size

    def shrink(self, limit: int, *, to: int, spare: Container[str] = ()) -> list[int]:
        """If the files have more than `limit` bytes, remove those unused for longest, down to `to`.

        Those whose place is in `spare` stay. Return the sizes of what was removed.
        """
        with self._removing:
            total = self.store.total_size()
            freed: list[int] = []
            if total <= limit:
                return freed
            self.flush()
            for entry in self.store.files():
                if total <= to:
                    break
                if entry.place not in spare:
                    freed.append(self.remove(entry))
                    total -= entry.size
            return freed

    def reconcile(self, *, spare: Container[str] = ()) -> list[int]:
        """Remove blobs without an entry, and entries without a blob; return the sizes of the blobs.

        Those whose place is in `spare` stay.
        """
        blobs = {blob.key: blob.size for blob in self.storage.keys() if _PLACE.match(blob.key)}  # noqa: SIM118
        entries = {entry.place for entry in self.store.files()}
        for place in entries - blobs.keys():
            self._forget_if_missing(place)
        freed = []
        for place in blobs.keys() - entries:
            if place in spare:
                continue
            # Another process may be between storing the bytes and noting it, with the lock held.
            with self._locks.hold(lock_name(place)):
                if self.store.file(place) is None:
                    self.storage.delete(place)
                    freed.append(blobs[place])
        return freed

    def _forget_if_missing(self, place: str) -> None:
        try:
            self.storage.open(place)
        except BlobMissing:
            self.store.forget_file(place)

    def _drop(self, place: str) -> None:
        self.storage.delete(place)
        self.store.forget_file(place)


def lock_name(place: str) -> str:
    """Return the name of the lock that is held while the file of `place` is fetched."""
    return f"file {place}"


def _size(blob: Blob) -> int | None:
    return None if isinstance(blob, Redirect) else blob.size


def _agree(ours: Hashes, theirs: Hashes) -> bool:
    known = ours.known()
    return all(known.get(name, digest) == digest for name, digest in theirs.known().items())
