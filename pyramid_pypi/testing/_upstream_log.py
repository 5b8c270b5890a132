"""What a fake upstream saw: the requests that arrived, and the bytes that left."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from urllib.parse import urlsplit

__all__ = ["Request", "RequestLog"]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived.

    `target` is what follows the method, which is a whole URL when the upstream is used as a proxy
    server. The names of `headers` are in lower case. `at` is in seconds of `time.monotonic`.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    at: float = 0.0

    @property
    def path(self) -> str:
        """The path of the URL, still escaped."""
        # A target that begins with two slashes has no host.
        return self.target.partition("?")[0] if self.target[:1] == "/" else urlsplit(self.target).path


class RequestLog:
    """Counts requests and bytes, and waits for them; patterns are those of the faults."""

    def __init__(self) -> None:
        self._seen: list[Request] = []
        self._sent: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._connections = 0
        self._news = threading.Condition()

    @property
    def requests(self) -> list[Request]:
        """The requests in the order in which they arrived, also those that failed."""
        with self._news:
            return list(self._seen)

    @property
    def connections(self) -> int:
        """How many connections have been made."""
        with self._news:
            return self._connections

    @property
    def open_transfers(self) -> int:
        """How many requests have arrived and are not yet answered to the last byte."""
        with self._news:
            return self._open.total()

    def count(self, pattern: str = "*", *, method: str = "*") -> int:
        """Return how many requests have asked for such a path."""
        with self._news:
            return self._count(pattern, method)

    def bytes_sent(self, pattern: str = "*") -> int:
        """Return how many bytes of bodies were given to the system to send, on the wire or not yet."""
        with self._news:
            return sum(size for path, size in self._sent.items() if fnmatchcase(path, pattern))

    def wait_for(self, pattern: str, count: int = 1, timeout: float = 10.0) -> None:
        """Return when so many requests have arrived. Raises TimeoutError after `timeout` seconds."""
        with self._news:
            if not self._news.wait_for(lambda: self._count(pattern, "*") >= count, timeout):
                raise TimeoutError(
                    f"{self._count(pattern, '*')} requests for {pattern} arrived instead of {count}"
                )

    def wait_until(self, condition: Callable[[], bool], timeout: float = 10.0) -> None:
        """Return when `condition` holds, which is looked at whenever a request or a byte moves.

        Raises TimeoutError after `timeout` seconds.
        """
        with self._news:
            if not self._news.wait_for(condition, timeout):
                raise TimeoutError("The fake upstream did not come to what the test waits for")

    def forget(self) -> None:
        """Count from zero again; what is under way stays open."""
        with self._news:
            self._seen.clear()
            self._sent.clear()
            self._connections = 0

    def _count(self, pattern: str, method: str) -> int:
        return sum(fnmatchcase(one.path, pattern) and fnmatchcase(one.method, method) for one in self._seen)

    def _connected(self) -> None:
        with self._news:
            self._connections += 1
            self._news.notify_all()

    @contextmanager
    def _answering(self, method: str, target: str, headers: Mapping[str, str]) -> Iterator[Request]:
        request = Request(method, target, MappingProxyType(dict(headers)), time.monotonic())
        with self._news:
            self._seen.append(request)
            self._open[request.path] += 1
            self._news.notify_all()
        try:
            yield request
        finally:
            with self._news:
                self._open[request.path] -= 1
                self._news.notify_all()

    def _sending(self, path: str, size: int) -> None:
        with self._news:
            self._sent[path] += size
            self._news.notify_all()
