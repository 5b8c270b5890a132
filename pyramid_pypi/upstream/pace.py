"""How slowly an upstream may send a file, so that one that drips keeps nobody busy for ever."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyramid_pypi.errors import UpstreamTimeout

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True)
class Pace:
    """At least `rate` bytes per second, on average over each `window` of seconds.

    Only the time counts in which the upstream is waited for, so slow readers and disks do no harm.
    `clock` is monotonic.
    """

    rate: float = 1024
    window: float = 60
    clock: Callable[[], float] = time.monotonic

    def watch(self, chunks: Iterator[bytes], what: str) -> Iterator[bytes]:
        """Yield `chunks`, which are of `what`. Raises UpstreamTimeout when they come too slowly."""
        waited, size = 0.0, 0
        while True:
            begun = self.clock()
            chunk = next(chunks, None)
            if chunk is None:
                return
            waited += self.clock() - begun
            size += len(chunk)
            yield chunk
            if waited < self.window:
                continue
            if size < self.rate * waited:
                raise UpstreamTimeout(f"{what} comes with less than {self.rate:.0f} bytes per second")
            waited, size = 0.0, 0
