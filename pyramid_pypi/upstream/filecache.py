"""The files of an upstream: from the cache, or from the one download that everybody follows."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pyramid_pypi.errors import PypiError, UpstreamTimeout, UpstreamUnavailable
from pyramid_pypi.model import Blob, File, Stream
from pyramid_pypi.options import Seconds, Size
from pyramid_pypi.storage.base import StagedFile, Storage
from pyramid_pypi.upstream._workers import Workers
from pyramid_pypi.upstream.base import Upstream
from pyramid_pypi.upstream.cachedfiles import IN_USE, CachedFiles
from pyramid_pypi.upstream.download import Download
from pyramid_pypi.upstream.locks import HostLocks
from pyramid_pypi.upstream.pace import Pace
from pyramid_pypi.upstream.store import CachedFile, CacheStore

__all__ = ["FileCache", "FileCacheStats"]

log = logging.getLogger(__name__)

_CLOSING_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class FileCacheStats:
    """What is in a file cache, and what it has done since it was built.

    `bytes` is the size of all `files`, `withdrawn` of which the upstream does not offer any more.
    `hits` were served from here, `misses` not, and `running` is the number of downloads just now.
    """

    files: int
    bytes: int
    withdrawn: int
    hits: int
    misses: int
    running: int


class FileCache:
    """Keeps the files of `upstream` in `storage`, under their places, and notes them in `store`.

    A file is fetched once, however many readers there are, and becomes visible after its size and
    digest are right. Other processes of this machine that share `locks` fetch it too only if that
    takes the first one more than a moment. `on_fetched` hears of every file that was stored, in the
    thread that has fetched it, with its true size and digests. While `offline` says so, nothing is
    fetched. What a killed process has left half-fetched is removed. `clock` is in seconds since 1970.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """How much is kept, and how much is done at the same time.

        `max_size` is in bytes, None for no limit; what was opened within the last minute stays even
        beyond it. `connections` are downloads at a time, further ones wait. A reader waits for the
        first byte for at most `patience` seconds, `moment` of which another process gets to fetch
        the same file. `pace` is the slowest that the upstream may be.
        """

        max_size: Size | None = None
        connections: int = 16
        patience: Seconds = 60
        moment: Seconds = 2
        pace: Pace = field(default_factory=Pace)

    def __init__(  # noqa: PLR0913 - the last four are keywords
        self,
        upstream: Upstream,
        storage: Storage,
        store: CacheStore,
        options: Options,
        *,
        locks: HostLocks,
        on_fetched: Callable[[File], None],
        offline: Callable[[], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._upstream = upstream
        self._options = options
        self._locks = locks
        self._on_fetched = on_fetched
        self._offline = offline
        self._cached = CachedFiles(storage, store, locks, clock=clock)
        self._workers = Workers(options.connections, name="pypi-download")
        self._lock = threading.Lock()
        self._running: dict[str, Download] = {}
        self._closed = False
        self._hits = 0
        self._misses = 0
        # A storage that cannot be written says so when there is something to write.
        with suppress(PypiError), storage.stage() as staged:
            StagedFile.remove_abandoned(staged.path.parent)

    def open(self, file: File) -> Blob:
        """Return the bytes of `file`: those that are here, or a stream of those that arrive.

        Raises what the upstream raises before the first byte, such as FileMissing, and
        UpstreamTimeout when it takes too long, or when this repository is offline.
        """
        blob = self._cached.find(file, use=True)
        self._count(hit=blob is not None)
        while blob is None:
            download = self._download(file)
            download.wait(self._options.patience)
            if not download.done:
                return self._stream(download)
            blob = self._cached.find(file, use=True)
            if blob is None and not download.superseded:
                return self._stream(download)
        return blob

    def is_here(self, file: File) -> bool:
        """Tell whether the bytes of `file` are here, or on their way."""
        return file.place in self._running or self._cached.find(file) is not None

    def fetch(self, file: File, *, wait: bool = True) -> bool:
        """Have `file` in the cache, and return whether it had to be fetched.

        Raises UpstreamTimeout when this repository is offline and, if it is to `wait` for the end,
        what the download fails with.
        """
        if self._cached.find(file) is not None:
            return False
        download = self._download(file)
        if wait:
            download.wait_until_done()
        return True

    def remove(self, entries: list[CachedFile]) -> None:
        """Remove files from the cache; readers that have begun are not disturbed."""
        for entry in entries:
            self._cached.remove(entry)

    def prune(
        self, *, max_size: int | None = None, older_than: float | None = None, withdrawn: bool = False
    ) -> tuple[int, int]:
        """Remove files by rule, and what belongs to no file; return how many and how many bytes.

        Those that have not been used for `older_than` seconds go, and the `withdrawn` ones, and then
        those unused for longest, until `max_size` bytes are left; None is the limit of the options.
        """
        spare = self._places()
        freed = self._cached.reconcile(spare=spare)
        oldest = None if older_than is None else self._cached.clock() - older_than
        for entry in self._cached.store.files():
            too_old = oldest is not None and entry.used_at < oldest
            if (too_old or (withdrawn and entry.withdrawn)) and entry.place not in spare:
                freed.append(self._cached.remove(entry))
        limit = self._options.max_size if max_size is None else max_size
        if limit is not None:
            freed += self._cached.shrink(limit, to=limit, spare=spare)
        return len(freed), sum(freed)

    def stats(self) -> FileCacheStats:
        """Return what is in the cache, and what it has done."""
        entries = self._cached.store.files()
        size = sum(entry.size for entry in entries)
        withdrawn = sum(bool(entry.withdrawn) for entry in entries)
        with self._lock:
            return FileCacheStats(len(entries), size, withdrawn, self._hits, self._misses, len(self._running))

    def close(self) -> None:
        """Cancel the downloads, and wait some seconds for their threads."""
        with self._lock:
            self._closed = True
            running = list(self._running.values())
        for download in running:
            download.cancel()
        self._workers.close(patience=_CLOSING_PATIENCE)

    def _stream(self, download: Download) -> Stream:
        modified_at = download.file.uploaded_at or download.modified_at
        return Stream(download.size, modified_at, download.stream, download)

    def _count(self, *, hit: bool) -> None:
        with self._lock:
            self._hits += hit
            self._misses += not hit

    def _places(self) -> set[str]:
        with self._lock:
            return set(self._running)

    def _download(self, file: File) -> Download:
        """Return the download that is running, or start one."""
        offline = self._offline()
        with self._lock:
            running = self._running.get(file.place)
            if running is not None and not running.done:
                return running
            if offline:
                raise UpstreamTimeout(f"{file.filename} is not in the cache, and this repository is offline")
            if self._closed:
                raise UpstreamUnavailable(f"{file.filename} is not fetched, as this index is closing")
            stage, pace = self._cached.storage.stage, self._options.pace
            download = Download(file, self._upstream, stage, self._keep, pace=pace)
            self._running[file.place] = download
        self._workers.submit(partial(self._work, download))
        return download

    def _work(self, download: Download) -> None:
        try:
            self._fetch(download)
        finally:
            with self._lock:
                # Whoever came after its end may have begun another one.
                if self._running.get(download.file.place) is download:
                    del self._running[download.file.place]
        kept, limit = download.kept, self._options.max_size
        if kept is None:
            return
        if limit is not None:
            try:
                spare = {kept.place, *self._places()}
                self._cached.shrink(limit, to=limit * 95 // 100, spare=spare, unused_for=IN_USE)
            except PypiError as error:
                log.warning("The cache has more than %d bytes: %s", limit, error.message)
        self._on_fetched(kept)

    def _fetch(self, download: Download) -> None:
        """Run the download, unless it is cancelled or another process has just done the same.

        Readers here cannot follow the download of another process, so they do not wait for its end.
        """
        try:
            with self._locks.hold(f"file {download.file.place}", self._options.moment):
                if download.done:
                    return
                if self._cached.find(download.file) is not None:
                    download.supersede()
                else:
                    download.run()
        except Exception as error:  # noqa: BLE001 - readers wait and have to be told
            download.fail(error)

    def _keep(self, staged: StagedFile, file: File, modified_at: datetime | None) -> bool:
        self._cached.learn(file, modified_at)
        limit = self._options.max_size
        if limit is not None and (file.size or 0) > limit:
            return False
        self._cached.keep(staged, file)
        return True
