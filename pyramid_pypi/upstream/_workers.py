"""Threads that do what is queued, each one thing at a time."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

__all__ = ["Workers"]

log = logging.getLogger(__name__)


class Workers:
    """Does what is submitted, in that order, in at most `count` threads that start when needed.

    They stay, as each may have a connection to a database, and end with the program.
    """

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._name = name
        self._changed = threading.Condition()
        self._queue: deque[Callable[[], None]] = deque()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, work: Callable[[], None]) -> None:
        """Queue `work`; after `close` it is forgotten."""
        with self._changed:
            if self._closed:
                return
            self._queue.append(work)
            if self._idle < len(self._queue) and len(self._threads) < self._count:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def close(self, *, patience: float) -> None:
        """Forget what is queued, and wait at most `patience` seconds for what is running."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        end = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while self._do_one():
            pass

    def _do_one(self) -> bool:
        """Do the next thing; a function of its own, so that an idle thread refers to nothing."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._queue or self._closed)
            self._idle -= 1
            if not self._queue:
                return False
            work = self._queue.popleft()
        try:
            work()
        except Exception:
            log.exception("Work in the background has failed")
        return True
