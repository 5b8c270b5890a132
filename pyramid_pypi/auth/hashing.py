"""Threads that check passwords against slow hashes, behind everything else that a machine does."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from pyramid_pypi.auth import passwords

__all__ = ["Hashers"]

_NICE: Final = 10


class Hashers:
    """Checks passwords; who is known already need not wait for those who are not.

    The threads start with the first slow hash. `count` is how many there are at most.
    """

    def __init__(self, count: int = 4) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="pypi-hash", initializer=_step_back)

    def verify(self, stored: str, password: str) -> bool:
        """Do what `passwords.verify` does."""
        scheme = passwords.scheme(stored)
        if scheme is None or not passwords.is_costly(scheme):
            return passwords.verify(stored, password)
        return self._pool.submit(passwords.verify, stored, password).result()

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False)


def _step_back() -> None:
    # On Linux a thread has a priority of its own; bcrypt computes without Python's lock.
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
