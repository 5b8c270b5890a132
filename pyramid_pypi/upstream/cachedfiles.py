"""The files of an upstream whose bytes are here: what the storage has and the store knows."""

import logging
import re
import threading
from collections.abc import Callable, Container
from datetime import datetime

from pyramid_pypi.errors import BlobExists, BlobMissing, PypiError, StorageUnavailable
from pyramid_pypi.model import Blob, File, LocalFile
from pyramid_pypi.storage.base import StagedFile, Storage
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.records import file_from_bytes, file_to_bytes
from pyramid_pypi.upstream.store import CachedFile, CacheStore, Facts
from pyramid_pypi.upstream.verifying import known_digests, strongest

__all__ = ["IN_USE", "CachedFiles"]

log = logging.getLogger(__name__)

IN_USE = 60.0
"""For how many seconds after its use a file is taken for one that somebody may be about to open."""

# It has to be less, so that a use that is not noted is followed by some time without removal.
_NOTED_FOR = IN_USE / 2
_KEEPING_PATIENCE = 10.0
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

    def find(self, file: File, *, use: bool = False) -> Blob | None:
        """Return the bytes of `file`, None when they are not here or are not known to be its page's.

        Those that are for `use` are not removed to make room within the next half minute.
        """
        entry = self.store.file(file.place)
        if entry is None:
            return None
        if not _is_of_page(entry, file):
            log.warning("%s is not known to be what its page says now; it is fetched again", file.filename)
            self._drop(file.place)
            return None
        if use:
            self._note_use(entry)
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

    def keep(self, staged: StagedFile, file: File) -> None:
        """Store the staged bytes of `file`, which are verified, and note that they are here.

        Bytes that nobody has noted make way, as nobody knows what they are.
        """
        # Otherwise one process could note what another one has stored.
        with self._locks.hold(f"keep {file.place}", _KEEPING_PATIENCE) as held:
            if not held:
                raise StorageUnavailable("another process does not come to an end with the same file")
            if self.find(file) is not None:
                return
            try:
                self.storage.put(file.place, staged)
            except BlobExists:
                self.storage.delete(file.place)
                self.storage.put(file.place, staged)
            # Nobody is about to open it only because it was fetched, so that may make room at once.
            unopened = self.clock() - IN_USE
            record = file_to_bytes(file)
            self.store.put_file(CachedFile(file.place, file.project, record, file.size or 0, unopened))

    def learn(self, file: File, modified_at: datetime | None) -> None:
        """Note what is known of a file since its bytes have passed."""
        moment = None if modified_at is None else modified_at.timestamp()
        facts = Facts(size=file.size, sha256=file.hashes.sha256, modified_at=moment)
        self.store.add_facts(file.place, file.project, facts)

    def remove(self, entry: CachedFile) -> int:
        """Remove the bytes of `entry` and return their number; whoever reads them is not disturbed."""
        self._drop(entry.place)
        return entry.size

    def shrink(self, limit: int, *, to: int, spare: Container[str] = (), unused_for: float = 0) -> list[int]:
        """If the files have more than `limit` bytes, remove those unused for longest, down to `to`.

        Those whose place is in `spare`, and those used within `unused_for` seconds, stay. Return the
        sizes of what was removed.
        """
        with self._removing:
            total = self.store.total_size()
            freed: list[int] = []
            if total <= limit:
                return freed
            for entry in self.store.files():
                if total <= to:
                    break
                if entry.place not in spare and self._is_unused(entry, unused_for):
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
            # Another process may be between storing the bytes and noting it.
            with self._locks.hold(f"keep {place}", 0) as held:
                if held and self.store.file(place) is None:
                    self.storage.delete(place)
                    freed.append(blobs[place])
        return freed

    def _note_use(self, entry: CachedFile) -> None:
        """Write when a file was used, unless that was done just now; a failure is no error."""
        now = self.clock()
        if abs(now - entry.used_at) < _NOTED_FOR:
            return
        try:
            self.store.use_files([(entry.place, now)])
        except PypiError as error:
            log.warning("The use of %s is not noted: %s", entry.place, error.message)

    def _is_unused(self, entry: CachedFile, seconds: float) -> bool:
        """Tell whether nobody has used a file, even since it was listed."""
        if abs(self.clock() - entry.used_at) < seconds:
            return False
        now = self.store.file(entry.place)
        return now is None or abs(self.clock() - now.used_at) >= seconds

    def _forget_if_missing(self, place: str) -> None:
        try:
            self.storage.open(place)
        except BlobMissing:
            self.store.forget_file(place)

    def _drop(self, place: str) -> None:
        self.storage.delete(place)
        self.store.forget_file(place)


def _is_of_page(entry: CachedFile, file: File) -> bool:
    """Tell whether kept bytes were verified to have the digest that counts on the page."""
    name, digest = strongest(file.hashes)
    return known_digests(file_from_bytes(entry.record).hashes).get(name, "") == digest
