"""A thread that notices files which other tools drop into a folder or take out of it."""

import logging
import os
import stat
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pyramid_pypi.errors import PypiError, StorageUnavailable
from pyramid_pypi.repositories.adoption import Adopter
from pyramid_pypi.repositories.hosted import Hosted
from pyramid_pypi.storage.filesystem import FilesystemStorage, may_be_listed, stored_blob

__all__ = ["Watcher"]

log = logging.getLogger(__name__)

# A folder that changed less than this before it was read may change again without a new time.
_CLOCK_TICK_NS = 50_000_000
_QUIET_CHECK = 60.0
_UPLOAD_TAKES = 60.0
_IDLE_SHARE = 30
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class _Folder:
    modified_ns: int
    names: frozenset[str]


class Watcher:
    """Keeps the catalog in step with the folder of one hosted repository.

    A round costs one `stat` per folder; only folders that changed are listed. Rounds follow the
    events of `watchfiles` where that is installed and the clock where it is not.
    """

    def __init__(self, repository: Hosted, storage: FilesystemStorage) -> None:
        self._adopter = Adopter(repository)
        self._repository = repository
        self._root = storage.root
        self._storage = storage
        self._folders: dict[str, _Folder] = {}
        self._pending: set[str] = set()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.rounds = 0

    def start(self) -> None:
        """Start the thread; a second call does nothing."""
        if self._thread is None:
            name = f"pypi-watch-{self._repository.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end."""
        self._stop.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def round(self) -> None:
        """Look once; adopt what has appeared and drop what has disappeared."""
        self._storage.check()
        retry, self._pending = self._pending, set()
        for key in retry:
            self._adopt(key)
        if self.rounds:
            self._follow()
        else:
            self._begin()
        self.rounds += 1

    def _follow(self) -> None:
        """Adopt what is new, most of which has been uploaded here and is listed."""
        found = set(self._changed())
        names = [key.rpartition("/")[2] for key in found]
        for key in sorted(found - self._repository.catalog.keys_of(self._repository.name, names)):
            self._adopt(key)

    def _begin(self) -> None:
        """Compare all that is there with all that is listed."""
        missing = self._repository.catalog.keys(self._repository.name)
        listed = len(missing)
        for key in self._changed():
            if key in missing:
                missing.remove(key)
            else:
                self._adopt(key)
        if self._storage.is_new and listed and len(missing) == listed:
            raise StorageUnavailable(
                f"{self._root} has none of the {listed} files that are listed: is it mounted? "
                "If they are gone for good, run `pyramid-pypi reindex`"
            )
        for key in missing:
            self._adopter.drop_if_missing(key)
        self._repository.catalog.mark_scanned(self._repository.name)

    def _run(self) -> None:
        self._safe_round()
        for _ in self._occasions():
            began = time.monotonic()
            self._safe_round()
            # Uploads are occasions too; many of them must not keep this thread busy.
            self._stop.wait(min((time.monotonic() - began) * _IDLE_SHARE, _LONGEST_PAUSE))

    def _safe_round(self) -> None:
        try:
            self.round()
        except Exception as error:
            # What this round saw and did not finish is new again for the next one.
            self._folders.clear()
            self.rounds = 0
            if isinstance(error, PypiError):
                log.warning("%s: the storage was not read: %s", self._repository.name, error)
            else:
                log.exception("%s: the storage was not read", self._repository.name)

    def _occasions(self) -> Iterator[None]:
        try:
            import watchfiles  # noqa: F401, PLC0415 - optional
        except ImportError:
            yield from self._clock()
            return
        try:
            yield from self._events()
        except OSError as error:
            # The kernel limits how many folders may be watched.
            log.info("%s: no file events (%s); looking by the clock", self._repository.name, error)
            yield from self._clock()

    def _clock(self) -> Iterator[None]:
        while not self._stop.wait(float(self._storage.options.rescan)):
            yield

    def _events(self) -> Iterator[None]:
        from watchfiles import watch  # noqa: PLC0415 - optional

        # The first occasion closes the gap between the first round and the first watch.
        due = 0.0
        for changes in watch(
            self._root,
            watch_filter=self._is_of_tree,
            stop_event=self._stop,
            debounce=500,
            rust_timeout=1000,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            if changes or self._pending or time.monotonic() > due:
                due = time.monotonic() + _QUIET_CHECK
                yield

    def _is_of_tree(self, _change: object, path: str) -> bool:
        # Each upload is a dozen events in our own folder.
        return "/." not in path.removeprefix(str(self._root))

    def _adopt(self, key: str) -> None:
        with suppress(OSError):
            status = (self._root / key).stat()
            if status.st_nlink > 1 and time.time() - status.st_ctime < _UPLOAD_TAKES:
                # An upload gives the file its name before its row; the staged name goes last.
                self._pending.add(key)
                return
            # A pipe with the name of a wheel would never end.
            if stat.S_ISREG(status.st_mode) and not self._adopter.adopt(stored_blob(key, status)):
                self._pending.add(key)

    def _changed(self) -> Iterator[str]:
        """Yield keys that are new since the last round; unlist those that have gone."""
        pending = [""]
        seen: set[str] = set()
        while pending:
            folder = pending.pop()
            seen.add(folder)
            known = self._folders.get(folder)
            try:
                # Not through a Path: with many projects this is what a round consists of.
                modified_ns = os.stat(f"{self._root}/{folder}").st_mtime_ns  # noqa: PTH116
                if known is None or known.modified_ns != modified_ns:
                    known = yield from self._list(folder, known, modified_ns)
            except FileNotFoundError:
                continue
            pending += [f"{folder}{name}" for name in known.names if name.endswith("/")]
        for folder in self._folders.keys() - seen:
            self._unlist(folder, self._folders.pop(folder).names)

    def _list(self, folder: str, known: _Folder | None, modified_ns: int) -> Generator[str, None, _Folder]:
        settled = time.time_ns() - modified_ns > _CLOCK_TICK_NS
        names = set()
        with os.scandir(self._root / folder) as entries:
            for entry in entries:
                if may_be_listed(entry.name):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    names.add(f"{entry.name}/" if is_folder else entry.name)
        before = frozenset() if known is None else known.names
        listing = _Folder(modified_ns if settled else 0, frozenset(names))
        self._folders[folder] = listing
        self._unlist(folder, before - listing.names)
        yield from (f"{folder}{name}" for name in listing.names - before if not name.endswith("/"))
        return listing

    def _unlist(self, folder: str, names: frozenset[str]) -> None:
        self._storage.check()
        for name in names:
            if not name.endswith("/"):
                self._adopter.drop_if_missing(f"{folder}{name}")
