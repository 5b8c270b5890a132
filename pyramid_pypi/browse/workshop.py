"""READMEs are rendered in another process: parsers hang, and some fall over with all that is around them.

That process knows nothing but the text. What uses it up is shown as it was written.
"""

import atexit
import json
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import IO, Final

__all__ = ["Busy", "Workshop", "main", "workshop_of"]

log = logging.getLogger(__name__)

_CPU_SECONDS: Final = 3.0
"""How much of a processor one text may take."""

_SECONDS: Final = 15.0
"""How long somebody waits, for a turn as for an answer, while the machine does other things."""

_MOST_MEMORY: Final = 1024**3
_READY: Final = b"ready\n"
_COMMAND: Final = "from pyramid_pypi.browse.workshop import main; main()"
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH")


class Busy(Exception):
    """Others have their turn, or there is no process that renders; it may be another time."""


class Workshop:
    """Renders texts in another process, one after the other; see `markup.to_html`.

    The process begins with the first text, and is a new one after a text that was too much for it.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn. Raises Busy."""
        if not self._turn.acquire(timeout=_SECONDS):
            raise Busy
        try:
            yield
        finally:
            self._turn.release()

    def to_html(self, text: str, media_type: str) -> str | None:
        """Return HTML, None for what is better shown as text, to whose turn it is. Raises Busy."""
        try:
            answer = self._ask(json.dumps([text, media_type]).encode() + b"\n")
        except OSError as error:
            self._end()
            log.warning("A README is shown as text, because nothing renders it: %s", error)
            raise Busy from error
        found = json.loads(answer) if answer else None
        return found if isinstance(found, str) else None

    def close(self) -> None:
        """End the process."""
        with self._turn:
            self._end()

    def _ask(self, question: bytes) -> bytes:
        """Return a line, empty where the process has not survived the question. Raises OSError."""
        process = self._process
        if process is None or process.poll() is not None:
            self._end()
            process = self._process = _start()
            if _line(_pipe(process.stdout)) != _READY:
                raise OSError(f"{process.args!r} does not run")
        with suppress(BrokenPipeError):
            pipe = _pipe(process.stdin)
            pipe.write(question)
            pipe.flush()
        answer = _line(_pipe(process.stdout))
        if not answer:
            self._end()
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):
                    _pipe(pipe).close()
            process.wait()


@lru_cache(maxsize=1)
def workshop_of(_process: int) -> Workshop:
    """Return the workshop of a process; a server that has forked must not share that of its parent."""
    return Workshop()


def main() -> None:
    """Render what comes on the standard input, a JSON line each, until it ends."""
    import resource  # noqa: PLC0415

    # Those are here before the first text, whose time they would take.
    import nh3  # noqa: F401, PLC0415
    from readme_renderer import markdown, rst  # noqa: F401, PLC0415

    from pyramid_pypi.browse.markup import to_html  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    # What a library prints is no answer.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    out.write(_READY)
    out.flush()
    for line in sys.stdin.buffer:
        text, media_type = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, _CPU_SECONDS)
        try:
            html = to_html(text, media_type)
        except Exception:  # noqa: BLE001 - parsers raise whatever a hostile text makes them raise
            html = None
        signal.setitimer(signal.ITIMER_PROF, 0)
        out.write(json.dumps(html).encode() + b"\n")
        out.flush()


def _start() -> subprocess.Popen[bytes]:
    """Start the process, which gets no secret of ours. Raises OSError."""
    python = sys.executable or ""
    if "python" not in Path(python).name:
        # Where an interpreter is within a web server, this is that server.
        python = str(Path(sys.prefix, "bin", "python3"))
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environ |= {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "PYTHONSAFEPATH": "1"}
    return subprocess.Popen(  # noqa: S603 - it is ourselves
        [python, "-c", _COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ,
        start_new_session=True,
    )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("there is no pipe")
    return pipe


def _line(pipe: IO[bytes]) -> bytes:
    """Return a whole line, empty where the other side has ended. Raises TimeoutError."""
    due = time.monotonic() + _SECONDS
    ready = select.poll()
    ready.register(pipe, select.POLLIN)
    parts: list[bytes] = []
    while not (parts and parts[-1].endswith(b"\n")):
        left = due - time.monotonic()
        if left <= 0 or not ready.poll(left * 1000):
            raise TimeoutError(f"there is no answer within {_SECONDS} seconds")
        part = os.read(pipe.fileno(), 1 << 18)
        if not part:
            return b""
        parts.append(part)
    return b"".join(parts)
