"""What came of each request, for those who write it down: off the request path, in batches."""

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from pyramid_pypi.model import Identity
from pyramid_pypi.web.observe import IDENTITY, ROUTE, SEEN

__all__ = ["Exchange", "Observed", "Observer", "Sink"]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

log = logging.getLogger(__name__)

_EVERY = 0.5
_MOST = 100_000
_NOTHING = ("", "", "")
_MOUNTS = ("named.", "short.", "default.")
# One thing at several places, some of which are answered from memory, where nobody knows the route.
_SAME = {
    "project_at_root": "project",
    "project_of_upload": "project",
    "below_upload": "project",
    "json_at_root": "json",
}


class Exchange(NamedTuple):
    """A request and the beginning of its answer.

    `at` is when that began, in seconds since 1970, `seconds` how long it took until then. `seen` is
    what the request was about: the repository that was asked, a project, a file.
    """

    at: float
    seconds: float
    status_line: str
    headers: list[tuple[str, str]]
    seen: tuple[str, str, str]
    identity: Identity | None
    address: str
    method: str
    path: str
    agent: str
    route_name: str

    @property
    def status(self) -> int:
        """The status code; 0 where the application had not said any."""
        return int(self.status_line[:3])

    @property
    def size(self) -> int | None:
        """How long the body is, in bytes, where that was known."""
        length = dict(self.headers).get("Content-Length")
        return None if length is None else int(length)

    @property
    def route(self) -> str:
        """What was asked for, in a word: the name of the route wherever the repository is reached."""
        if self.route_name:
            return _word(self.route_name)
        # What is answered from memory has no route, and is a file or a page.
        repository, project, file = self.seen
        if file:
            return "file"
        if project:
            return "project"
        return "projects" if repository else ""


class Sink(Protocol):
    """Somebody who writes down what came of requests."""

    def take(self, exchanges: Sequence[Exchange]) -> None:
        """Take what was answered since the last time."""

    def flush(self) -> None:
        """Write what is waiting."""


class Observer:
    """Tells `sinks` of requests: who answers them only appends to a queue, which a thread empties."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)
        # Bounded: a log that cannot be written must not take the memory.
        self._answered: deque[tuple[Any, ...]] = deque(maxlen=_MOST)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._handing = threading.Lock()
        self._stopped = threading.Event()

    def tell(self, environ: Environ, started: float, status: str, headers: list[tuple[str, str]]) -> None:
        """Remember what came of a request that has `started`, by `time.perf_counter`."""
        get = environ.get
        # In the order of Exchange, which would take longer to make.
        self._answered.append(
            (
                time.time(),
                time.perf_counter() - started,
                status,
                headers,
                get(SEEN, _NOTHING),
                get(IDENTITY),
                get("REMOTE_ADDR", ""),
                get("REQUEST_METHOD", ""),
                get("SCRIPT_NAME", "") + get("PATH_INFO", ""),
                get("HTTP_USER_AGENT", "")[:200],
                get(ROUTE, ""),
            )
        )
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Hand out what is waiting, and have it written."""
        self._hand_out()
        for sink in self._sinks:
            sink.flush()

    def close(self) -> None:
        """Stop the thread and write what is waiting."""
        self._stopped.set()
        atexit.unregister(self.flush)
        self.flush()

    def _hand_out(self) -> None:
        with self._handing:
            exchanges = []
            while self._answered:
                exchanges.append(Exchange._make(self._answered.popleft()))
            if not exchanges:
                return
            for sink in self._sinks:
                try:
                    sink.take(exchanges)
                except Exception:
                    # What one of them cannot write down must not be the end of all of them.
                    log.exception("%d requests are lost for %s", len(exchanges), type(sink).__name__)

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                atexit.register(self.flush)
                self._thread = threading.Thread(target=self._run, name="pypi-observer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(_EVERY):
            self._hand_out()


class Observed:
    """A WSGI application in front of another one that tells an observer of every request."""

    def __init__(self, application: Application, observer: Observer) -> None:
        self._application = application
        self._tell = observer.tell

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass on, and tell what came of it."""
        started = time.perf_counter()
        seen: list[Any] = ["000", []]

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            seen[0], seen[1] = status, headers
            return start_response(status, headers, *rest)

        answer = self._application(environ, start)
        self._tell(environ, started, seen[0], seen[1])
        return answer


@lru_cache(maxsize=1024)
def _word(route: str) -> str:
    word = route.removeprefix("pypi.")
    for mount in _MOUNTS:
        word = word.removeprefix(mount)
    return _SAME.get(word, word)
