"""Work that only one thread of one process of this machine does at a time."""

import errno
import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pyramid_pypi.errors import StorageUnavailable

__all__ = ["Flights", "HostLocks"]

T = TypeVar("T")
_POSITIONS = 2**62
_TRY_AGAIN = 0.02


class HostLocks:
    """Locks by name between the processes of a machine, as bytes of one file that stays empty.

    They do not tell threads of one process apart; `Flights` does. The system frees them when a
    process ends, however it does.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Closing any descriptor of the file would free all locks, so there is exactly one.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageUnavailable(f"{path} cannot be used: {error.strerror}") from error

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait until no other process holds the lock of this name, and hold it.

        Raises StorageUnavailable where the file system has no locks.
        """
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        position = int.from_bytes(digest) % _POSITIONS
        self._lock(position)
        try:
            yield
        finally:
            # Closing has freed it already.
            if self._descriptor >= 0:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, position)

    def close(self) -> None:
        """Free everything; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _lock(self, position: int) -> None:
        while True:
            if self._descriptor < 0:
                raise StorageUnavailable("No lock can be had, because the server stops")
            try:
                fcntl.lockf(self._descriptor, fcntl.LOCK_EX, 1, position)
            except OSError as error:
                # The system takes each process for one thread, and so two processes for stuck where
                # one thread of each waits for what another thread of the other holds.
                if error.errno != errno.EDEADLK:
                    raise StorageUnavailable(f"No lock can be had: {error.strerror}") from error
                time.sleep(_TRY_AGAIN)
            else:
                return


class Flights(Generic[T]):
    """Runs work once for all threads that ask for the same key at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, Future[T]] = {}

    def run(self, key: str, work: Callable[[], T]) -> T:
        """Return or raise what `work` does, here or in the thread that came first."""
        with self._lock:
            running = self._running.get(key)
            if running is None:
                mine = self._running[key] = Future[T]()
        if running is not None:
            return running.result()
        try:
            mine.set_result(work())
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._running[key]
        return mine.result()

    def is_running(self, key: str) -> bool:
        """Tell whether somebody is at it."""
        return key in self._running
