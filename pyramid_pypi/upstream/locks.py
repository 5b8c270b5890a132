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
# Waiting is done by asking again, as the system can only wait for ever. It would also take each
# process for one thread, and so two for stuck whose threads wait for each other crosswise.
_TRY_AGAIN = 0.02
# POSIX lets a system choose between the two.
_HELD = frozenset({errno.EACCES, errno.EAGAIN})


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
    def hold(self, name: str, patience: float = 5.0) -> Iterator[bool]:
        """Hold the lock of this name, and yield whether it is held.

        It is not if another process has kept it for all the `patience` seconds: that process may
        be stopped, and what it does is better done twice than never. Raises StorageUnavailable
        where the file system has no locks, and after `close`.
        """
        digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
        position = int.from_bytes(digest) % _POSITIONS
        end = time.monotonic() + patience
        held = self._try(position)
        while not held and time.monotonic() < end:
            time.sleep(_TRY_AGAIN)
            held = self._try(position)
        try:
            yield held
        finally:
            # Closing has freed it already.
            if held and self._descriptor >= 0:
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, position)

    def close(self) -> None:
        """Free everything; a second time does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _try(self, position: int) -> bool:
        """Lock one byte unless another process has it, and tell whether that went well."""
        if self._descriptor < 0:
            raise StorageUnavailable("No lock can be had, because the server stops")
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, position)
        except OSError as error:
            if error.errno in _HELD:
                return False
            raise StorageUnavailable(f"No lock can be had: {error.strerror}") from error
        return True


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
