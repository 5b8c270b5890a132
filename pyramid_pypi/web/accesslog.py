"""One line for each request, with what the index knows about it, written off the request path."""

import atexit
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from pyramid_pypi.web.observe import IDENTITY, SEEN

__all__ = ["AccessLog"]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

log = logging.getLogger("pyramid_pypi.access")

_EVERY = 0.5
_MOST = 100_000


class AccessLog:
    """A WSGI application in front of another one that writes JSON lines to a logger.

    Requests only append to a queue; a thread formats and writes twice a second. `duration_ms` is
    the time until the answer began, in milliseconds.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        # Bounded: a log that cannot be written must not take the memory.
        self._lines: deque[tuple[Any, ...]] = deque(maxlen=_MOST)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Pass on, and remember what came of it."""
        if not log.isEnabledFor(logging.INFO):
            return self._application(environ, start_response)
        started = time.perf_counter()
        seen: list[Any] = ["000", []]

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            seen[0], seen[1] = status, headers
            return start_response(status, headers, *rest)

        answer = self._application(environ, start)
        duration = time.perf_counter() - started
        self._lines.append((time.time(), duration, seen[0], seen[1], _about(environ)))
        if self._thread is None:
            self._start()
        return answer

    def flush(self) -> None:
        """Write what is waiting."""
        while self._lines:
            try:
                log.info("%s", _format(*self._lines.popleft()))
            except Exception:
                # One line that cannot be written must not end all of them.
                log.exception("A line of the access log is lost")

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                atexit.register(self.flush)
                self._thread = threading.Thread(target=self._run, name="pypi-access-log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(_EVERY)
            self.flush()


def _about(environ: Environ) -> tuple[Any, ...]:
    """Return what a line needs, without keeping the request alive."""
    return (
        environ.get(SEEN, ("", "", "")),
        environ.get(IDENTITY),
        environ.get("REMOTE_ADDR", ""),
        environ.get("REQUEST_METHOD", ""),
        environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        environ.get("HTTP_USER_AGENT", "")[:200],
    )


def _format(
    at: float, duration: float, status: str, headers: list[tuple[str, str]], about: tuple[Any, ...]
) -> str:
    (repository, project, file), identity, address, method, path, agent = about
    line = {
        "time": datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds"),
        "address": address,
        "identity": "" if identity is None else identity.name,
        "token": "" if identity is None else identity.token,
        "method": method,
        "path": path,
        "status": int(status[:3]),
        "bytes": int(dict(headers).get("Content-Length", 0)),
        "duration_ms": round(duration * 1000, 3),
        "repository": repository,
        "project": project,
        "file": file,
        "agent": agent,
    }
    return json.dumps(line)
