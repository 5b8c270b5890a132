"""The body of an answer whose bytes are still on their way to this machine."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer

from pyramid_pypi.model import Arriving

__all__ = ["ArrivingBody"]

_CHUNK = 1 << 16


# A task hands on what has this class, as the result of `wsgi.file_wrapper`, instead of reading it.
class ArrivingBody(ReadOnlyFileBasedBuffer):  # type: ignore[misc]
    """The bytes of `arriving` from `start` up to but without `stop`.

    The channel calls `begin` and then, from one thread at a time, `take` and `skip`. Whoever else
    gets hold of it can iterate, and waits in its own thread. Both raise what `arriving` raises.
    """

    def __init__(self, arriving: Arriving, start: int, stop: int) -> None:
        self._arriving = arriving
        self._position = start
        self._stop = stop
        self._unsubscribe: Callable[[], None] | None = None
        self._wake: Callable[[], None] | None = None
        self._told_at = 0.0
        self.waits = False

    def __len__(self) -> int:
        """Return 1 until everything is sent.

        For the channel this is output that has yet to go, but none that fills memory, so that no
        thread ever waits until it has become less.
        """
        return int(self._position < self._stop)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes, for middleware that wants to see them."""
        changed = threading.Event()
        unsubscribe = self._arriving.subscribe(changed.set)
        try:
            while self._position < self._stop:
                changed.clear()
                if chunk := self.take(_CHUNK):
                    self.skip(len(chunk))
                    yield chunk
                else:
                    changed.wait()
        finally:
            unsubscribe()

    @property
    def active_at(self) -> float:
        """When bytes last came after there had been none, since 1970; infinite while they are waited for."""
        return math.inf if self.waits else self._told_at

    def prepare(self, size: int | None = None) -> int:
        """Return how many bytes there will be, whatever the application has announced."""
        del size
        return max(0, self._stop - self._position)

    def begin(self, wake: Callable[[], None]) -> None:
        """Call `wake` whenever bytes come while `waits` is true."""
        self._wake = wake
        self._unsubscribe = self._arriving.subscribe(self._tell)

    def take(self, amount: int) -> bytes:
        """Return at most `amount` bytes that are there; none means that `waits` is true now."""
        # Before looking, so that what arrives in between is not missed.
        self.waits = True
        ready = min(self._arriving.ready(), self._stop) - self._position
        if ready <= 0:
            return b""
        self.waits = False
        chunk = self._arriving.read(self._position, min(amount, ready))
        if not chunk:
            raise EOFError("bytes that were there have gone")
        return chunk

    def skip(self, numbytes: int, allow_prune: Any = False) -> None:
        """Go on by as many bytes as were sent."""
        del allow_prune
        self._position += numbytes

    def close(self) -> None:
        """Follow no longer."""
        self._position = self._stop
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()

    def _tell(self) -> None:
        if self.waits and self._wake is not None:
            self._told_at = time.time()
            self.waits = False
            self._wake()
