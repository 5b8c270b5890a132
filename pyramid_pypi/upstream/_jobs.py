"""Work on files in a few threads behind the requests, project by project."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from pyramid_pypi.model import File
from pyramid_pypi.upstream._workers import Workers

__all__ = ["Jobs"]

_MAX_QUEUED = 1000
_MAX_SEEN = 20_000
_NOT_AGAIN_FOR = 3600.0
_PATIENCE = 5.0


@dataclass(slots=True)
class _Batch:
    """The files of a project that were queued together, `left` of which are still to be done."""

    project: str
    left: int = 0
    changed: bool = False


class Jobs:
    """Does `work` on files, each at most once an hour, in threads that end with the program.

    `work` returns whether something has changed, None when it has not tried. After the last file of
    those that were queued together, `changed` hears of their project if something has. What does
    not fit in the queue is dropped, to come again with the next page.
    """

    def __init__(
        self,
        threads: int,
        work: Callable[[File], bool | None],
        changed: Callable[[str], None],
    ) -> None:
        self._workers = Workers(threads, name="pypi-backfill")
        self._work = work
        self._changed = changed
        self._left = 0
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, project: str, files: Iterable[File], *, now: float) -> None:
        """Queue the files that are not queued and were not tried within the hour before `now`."""
        with self._lock:
            batch = _Batch(project)
            for file in files:
                if self._seen.get(file.path, now) > now or self._left >= _MAX_QUEUED:
                    continue
                self._remember(file.path, now + _NOT_AGAIN_FOR)
                batch.left += 1
                self._left += 1
                self._workers.submit(partial(self._do, batch, file))

    def close(self) -> None:
        """Forget what is queued and end the threads, which may take as long as a request."""
        self._workers.close(patience=_PATIENCE)

    def _remember(self, path: str, until: float) -> None:
        self._seen.pop(path, None)
        self._seen[path] = until
        while len(self._seen) > _MAX_SEEN:
            del self._seen[next(iter(self._seen))]

    def _do(self, batch: _Batch, file: File) -> None:
        done: bool | None = False
        try:
            done = self._work(file)
        finally:
            with self._lock:
                if done is None:
                    self._seen.pop(file.path, None)
                self._left -= 1
                batch.left -= 1
                batch.changed |= bool(done)
                tell = batch.changed and not batch.left
            if tell:
                self._changed(batch.project)
