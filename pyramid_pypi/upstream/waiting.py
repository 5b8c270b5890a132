"""How many requests may wait for an upstream at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyramid_pypi.errors import UpstreamBusy

__all__ = ["WaitingRoom"]


class WaitingRoom:
    """Places for the threads of requests that wait for an upstream, so that others are left.

    Who finds none waits for one, at most `patience` seconds. Once somebody has done so in vain, the
    upstream hangs, and nobody does until a place becomes free. A server needs more threads than
    there are `places`.
    """

    def __init__(self, places: int = 16, *, patience: float = 1.0) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._patience = patience
        self._hangs = False

    @contextmanager
    def stay(self) -> Iterator[None]:
        """Wait within this. Raises UpstreamBusy when there is no place."""
        if not self._places.acquire(timeout=0 if self._hangs else self._patience):
            self._hangs = True
            raise UpstreamBusy("Too many requests wait for the upstream; try again in a moment")
        try:
            yield
        finally:
            self._hangs = False
            self._places.release()
