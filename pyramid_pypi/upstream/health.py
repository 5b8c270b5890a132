"""How an upstream is doing: how many may ask it at once, and when it is left alone for a while."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyramid_pypi.errors import UpstreamTimeout, UpstreamUnavailable

__all__ = ["Health"]

_IN_A_ROW = 3
_REST = 10.0
_PATIENCE = 2.0


class Health:
    """A gate before an upstream.

    At most `slots` threads ask at a time; others wait for two seconds, so that an upstream that
    hangs cannot take every thread of the server. After three failures in a row, or when the
    upstream says so, nobody asks for a while and the last failure is repeated at once.
    """

    def __init__(self, slots: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._last: UpstreamUnavailable | None = None

    @property
    def rests_for(self) -> float:
        """For how many seconds nobody asks, 0 when everybody may."""
        return max(0.0, self._rests_until - self._clock())

    @property
    def trouble(self) -> str:
        """The last failure if nothing has worked since, else the empty text."""
        last = self._last
        return "" if last is None else last.message

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask within this. Raises UpstreamTimeout, or the last failure, when nobody may ask now."""
        last = self._last
        if last is not None and self.rests_for:
            raise type(last)(last.message, retry_after=math.ceil(self.rests_for))
        if not self._slots.acquire(timeout=_PATIENCE):
            raise UpstreamTimeout("Too many requests wait for the upstream; try again in a moment")
        try:
            yield
        except UpstreamUnavailable as error:
            self._failed(error)
            raise
        except LookupError:
            # "There is none" is an answer.
            self._worked()
            raise
        else:
            self._worked()
        finally:
            self._slots.release()

    def _worked(self) -> None:
        with self._lock:
            self._failures, self._last, self._rests_until = 0, None, 0.0

    def _failed(self, error: UpstreamUnavailable) -> None:
        with self._lock:
            self._failures += 1
            self._last = error
            if error.retry_after:
                self._rests_until = self._clock() + error.retry_after
            elif self._failures >= _IN_A_ROW:
                self._rests_until = self._clock() + _REST
