"""An upstream in memory whose every chunk waits until the test allows it."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pyramid_pypi.errors import UpstreamUnavailable
from pyramid_pypi.model import File, Hashes
from pyramid_pypi.upstream import Transfer
from pyramid_pypi.upstream.places import place_of

CHUNK = 64 * 1024
MODIFIED = datetime(2024, 5, 1, tzinfo=UTC)
PATIENCE = 10
RIGHT = -1


@dataclass
class Answer:
    """What one request gets: an error, or bytes that break off after some of them."""

    error: Exception | None = None
    breaks_after: int | None = None
    ends_after: int | None = None
    ranges: bool = True
    offset: int = 0
    size: int | None = RIGHT
    content: bytes | None = None
    modified_at: datetime | None = MODIFIED


class ScriptedUpstream:
    """Sends `content`, as `answers` say in their order and then rightly; `calls` are the starts asked for."""

    def __init__(self, content: bytes, *answers: Answer, gated: bool = False) -> None:
        self.content = content
        self.answers = list(answers)
        self.calls: list[int] = []
        self.asked: list[str] = []
        self.open_transfers = 0
        self.began = threading.Event()
        self._gate = threading.Semaphore(0)
        self._gated = gated
        self._lock = threading.Lock()

    def allow(self, chunks: int = 100_000) -> None:
        """Let so many more chunks go."""
        self._gate.release(chunks)

    def download(self, file: File, start: int = 0, stop: int | None = None) -> Transfer:
        with self._lock:
            self.calls.append(start)
            self.asked.append(file.filename)
            answer = self.answers.pop(0) if self.answers else Answer()
        self.began.set()
        if answer.error is not None:
            raise answer.error
        content = self.content if answer.content is None else answer.content
        start = (start if answer.ranges else 0) + answer.offset
        size = len(content) if answer.size == RIGHT else answer.size
        with self._lock:
            self.open_transfers += 1
        return Transfer(self._chunks(content[start:], answer), size, start, answer.modified_at, self._close)

    def _close(self) -> None:
        with self._lock:
            self.open_transfers -= 1

    def _chunks(self, content: bytes, answer: Answer) -> Iterator[bytes]:
        end = answer.breaks_after if answer.ends_after is None else answer.ends_after
        content = content if end is None else content[:end]
        for at in range(0, len(content), CHUNK):
            if self._gated:
                assert self._gate.acquire(timeout=PATIENCE), "the test allows no chunk"
            yield content[at : at + CHUNK]
        if answer.breaks_after is not None:
            raise UpstreamUnavailable("pypi.example has broken off")


def some_bytes(size: int, seed: str = "grail") -> bytes:
    """Return bytes that differ at every place and for every seed."""
    return hashlib.shake_128(seed.encode()).digest(size)


def remote_file(content: bytes, name: str = "holy_grail-1.0.tar.gz", **changes) -> File:
    """Return the file as a page of the upstream describes it."""
    hashes = Hashes(sha256=hashlib.sha256(content).hexdigest())
    url = f"https://pypi.example/files/{name}"
    fields = {
        "project": name.partition("-")[0].replace("_", "-"),
        "filename": name,
        "version": "1.0",
        "packagetype": "sdist",
        "size": len(content),
        "hashes": hashes,
        "uploaded_at": None,
        "uploaded_by": "",
        "key": "",
        "url": url,
        "place": place_of(url, name, hashes),
    }
    return File(**{**fields, **changes})


def descriptors(folder: Path) -> list[str]:
    """Return which files below `folder` this process has open, once for each descriptor."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(os.readlink(entry))
    return sorted(name for name in found if name.startswith(f"{folder}/"))
