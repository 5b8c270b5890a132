"""Limits on work that runs at the same time: one check per credentials, a few per back end."""

import threading
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from pyramid_pypi.errors import BackendUnavailable, TooManyAttempts

__all__ = ["Flights", "Slots"]

_T = TypeVar("_T")
_FOLLOWER_SECONDS: Final = 30.0
_BUSY: Final = "Too many logins are being checked; try again in a second"


class Flights(Generic[_T]):
    """Runs work once for all threads that ask for the same key at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[_T]] = {}

    def run(self, key: Hashable, work: Callable[[], _T]) -> _T:
        """Return or raise what `work` does, here or in the thread that came first.

        Raises TooManyAttempts when the first one takes longer than 30 seconds.
        """
        with self._lock:
            running = self._running.get(key)
            if running is None:
                mine = self._running[key] = Future[_T]()
        if running is not None:
            return _follow(running)
        try:
            result = work()
        except BaseException as error:
            mine.set_exception(error if isinstance(error, Exception) else BackendUnavailable())
            raise
        else:
            mine.set_result(result)
            return result
        finally:
            with self._lock:
                del self._running[key]


def _follow(running: Future[_T]) -> _T:
    """Wait for the thread that came first."""
    try:
        error = running.exception(_FOLLOWER_SECONDS)
    except FutureTimeoutError as slow:
        raise TooManyAttempts(_BUSY) from slow
    if error is not None:
        raise error
    return running.result()


class Slots:
    """Lets `count` threads work, twice as many wait for a moment, and refuses the rest at once.

    A wait of half a second is two checks of a password with bcrypt's cost of 12: a short burst of
    new users gets through, and a flood cannot keep more than three times `count` threads busy.
    """

    def __init__(self, count: int, *, patience: float = 0.5) -> None:
        self._free = threading.Semaphore(count)
        self._entry = threading.BoundedSemaphore(3 * count)
        self._patience = patience

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot. Raises TooManyAttempts when there is none."""
        if not self._entry.acquire(blocking=False):
            raise TooManyAttempts(_BUSY)
        try:
            if not self._free.acquire(timeout=self._patience):
                raise TooManyAttempts(_BUSY)
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._entry.release()
