"""Answers that come later, so that whoever asks at full speed is slowed down."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable

__all__ = ["LateBytes", "Wakes"]


class Wakes:
    """Calls what was put in when its time has come, from one thread that starts with the first."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._news = threading.Condition()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def at(self, due: float, tell: Callable[[], None]) -> None:
        """Call `tell`, which does not raise, when the clock says `due`."""
        with self._news:
            heapq.heappush(self._heap, (due, next(self._numbers), tell))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pypi-late", daemon=True)
                self._thread.start()
            self._news.notify()

    def _run(self) -> None:
        while True:
            for tell in self._due():
                tell()

    def _due(self) -> list[Callable[[], None]]:
        """Wait until something is due."""
        with self._news:
            while not self._heap or self._heap[0][0] > self.clock():
                self._news.wait(self._heap[0][0] - self.clock() if self._heap else None)
            now, found = self.clock(), []
            while self._heap and self._heap[0][0] <= now:
                found.append(heapq.heappop(self._heap)[2])
            return found


class LateBytes:
    """Bytes that are ready some seconds from now; see `Arriving`."""

    def __init__(self, body: bytes, seconds: float, wakes: Wakes) -> None:
        self._body = body
        self._wakes = wakes
        self._due = wakes.clock() + seconds

    def ready(self) -> int:
        """Return none of the bytes, or all."""
        return len(self._body) if self._wakes.clock() >= self._due else 0

    def read(self, start: int, amount: int) -> bytes:
        """Return bytes."""
        return self._body[start : start + amount]

    def subscribe(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call `tell` when the bytes are ready."""
        wanted = [tell]

        def wake() -> None:
            for one in wanted:
                one()

        self._wakes.at(self._due, wake)
        return wanted.clear
