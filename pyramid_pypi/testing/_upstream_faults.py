"""What can go wrong at a fake upstream: rules that hold for a pattern of paths, and how they act."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from math import inf
from pathlib import Path

__all__ = ["Answer", "CutOff", "Fault", "FaultScript", "Part", "Stall", "pause"]

_CHUNK = 1 << 20
_LOOK = 0.02
_CHANGED = bytes(255 - byte for byte in range(256))

Alive = Callable[[], bool]


class CutOff(Exception):
    """The connection ends here: with a reset, or as if the answer were complete."""

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__()
        self.reset = reset


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file of this machine, from `start` up to but without `stop`."""

    path: Path
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent; the length of a body that is a function is not known before it has ended."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | memoryview | Part | Callable[[], Iterable[bytes]] = b""

    @property
    def length(self) -> int | None:
        """The number of bytes of the body."""
        if isinstance(self.body, Part):
            return self.body.stop - self.body.start
        return len(self.body) if isinstance(self.body, bytes | memoryview) else None

    def chunks(self) -> Iterator[bytes]:
        """Yield the body."""
        if isinstance(self.body, Part):
            with self.body.path.open("rb") as stream:
                stream.seek(self.body.start)
                for at in range(self.body.start, self.body.stop, _CHUNK):
                    yield stream.read(min(_CHUNK, self.body.stop - at))
        elif isinstance(self.body, bytes | memoryview):
            for at in range(0, len(self.body), _CHUNK):
                yield bytes(self.body[at : at + _CHUNK])
        else:
            yield from self.body()


class Fault:
    """Something that happens to answers; this one changes nothing."""

    def replace(self, answer: Answer) -> Answer:
        """Return what is answered instead."""
        return answer

    def before(self, alive: Alive) -> None:
        """Do what comes before the status line; `alive` tells whether the client is still there."""

    def body(self, chunks: Iterator[bytes], alive: Alive) -> Iterator[bytes] | None:  # noqa: ARG002
        """Return the bytes of the body as they are sent, None to leave them alone."""
        return None


@dataclass(frozen=True, slots=True)
class _Instead(Fault):
    answer: Answer

    def replace(self, answer: Answer) -> Answer:  # noqa: ARG002
        return self.answer


@dataclass(frozen=True, slots=True)
class _Cut(Fault):
    after: int | None
    reset: bool

    def before(self, alive: Alive) -> None:  # noqa: ARG002
        if self.after is None:
            raise CutOff(reset=self.reset)

    def body(self, chunks: Iterator[bytes], alive: Alive) -> Iterator[bytes]:  # noqa: ARG002
        left = self.after or 0
        for chunk in chunks:
            if len(chunk) >= left:
                yield chunk[:left]
                break
            left -= len(chunk)
            yield chunk
        raise CutOff(reset=self.reset)


class _Corrupt(Fault):
    def body(self, chunks: Iterator[bytes], alive: Alive) -> Iterator[bytes]:  # noqa: ARG002
        return (chunk.translate(_CHANGED) for chunk in chunks)


@dataclass(frozen=True, slots=True)
class _Slow(Fault):
    size: int
    interval: float

    def body(self, chunks: Iterator[bytes], alive: Alive) -> Iterator[bytes]:
        for chunk in chunks:
            for at in range(0, len(chunk), self.size):
                pause(self.interval, alive)
                yield chunk[at : at + self.size]


class Stall(Fault):
    """Answers that wait until a test lets them go on; each waits at the same byte of its body."""

    def __init__(self, after: int | None) -> None:
        self._allowed = -1.0 if after is None else float(after)
        self._held = 0
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """How many answers are waiting."""
        with self._changed:
            return self._held

    def let(self, size: int) -> None:
        """Let `size` more bytes of each body pass."""
        with self._changed:
            self._allowed = max(self._allowed, 0) + size
            self._changed.notify_all()

    def release(self) -> None:
        """Let everything pass, now and later."""
        self.let(1 << 62)

    def wait_until_held(self, count: int = 1, timeout: float = 10.0) -> None:
        """Return when so many answers wait. Raises TimeoutError after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._held >= count, timeout):
                raise TimeoutError(f"{self._held} answers are held instead of {count}")

    def before(self, alive: Alive) -> None:
        """Wait if nothing at all may pass."""
        self._pass(0, alive)

    def body(self, chunks: Iterator[bytes], alive: Alive) -> Iterator[bytes]:
        """Yield what may pass and wait for the rest."""
        sent = 0
        for chunk in chunks:
            rest = chunk
            while rest:
                size = self._pass(sent + 1, alive) - sent
                yield rest[:size]
                sent += len(rest[:size])
                rest = rest[size:]

    def _pass(self, wanted: int, alive: Alive) -> int:
        """Return how many bytes may pass as soon as these are as many as `wanted`."""
        with self._changed:
            if self._allowed >= wanted:
                return int(self._allowed)
            self._held += 1
            self._changed.notify_all()
            try:
                while self._allowed < wanted:
                    _check(alive)
                    self._changed.wait(_LOOK)
            finally:
                self._held -= 1
                self._changed.notify_all()
            return int(self._allowed)


@dataclass(slots=True, eq=False)
class _Rule:
    pattern: str
    fault: Fault
    left: float


class FaultScript:
    """The faults of an upstream.

    A pattern is that of `fnmatch`, for the whole path of the URL as it was asked for:
    `/simple/holy-grail/`, `*.whl`, `*`. A fault holds for `times` requests, without it until
    `clear_faults`. Of several that say what to answer one request takes one: first those that hold
    for some requests, in the order in which they were added, then the last of the others.
    """

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._rules_lock = threading.Lock()

    def answer(
        self,
        pattern: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body: bytes | Callable[[], Iterable[bytes]] = b"",
        *,
        times: int | None = None,
    ) -> None:
        """Answer this; a function is called for each request and its chunks are sent as they come.

        A `Content-Length` in `headers` is sent as it is, and right or wrong.
        """
        self._add(pattern, _Instead(Answer(status, headers or {}, body)), times)

    def fail(
        self, pattern: str, status: int, *, retry_after: int | str | None = None, times: int | None = None
    ) -> None:
        """Answer an error; `retry_after` is in seconds, or a date (RFC 9110 §10.2.3)."""
        headers = {"Content-Type": "text/plain"}
        if retry_after is not None:
            headers["Retry-After"] = str(retry_after)
        self.answer(pattern, status, headers, b"The fake upstream fails as it was told.\n", times=times)

    def redirect(self, pattern: str, location: str, *, status: int = 302, times: int | None = None) -> None:
        """Send clients to `location`."""
        self.answer(pattern, status, {"Location": location}, times=times)

    def stall(self, pattern: str, *, after: int | None = None, times: int | None = None) -> Stall:
        """Hold answers after so many bytes of the body, None for before the status line."""
        stall = Stall(after)
        self._add(pattern, stall, times)
        return stall

    def slow(self, pattern: str, bytes_per_second: float, *, times: int | None = None) -> None:
        """Send bodies in twenty pieces a second, or byte by byte where that is too fast."""
        size = max(1, round(bytes_per_second / 20))
        self._add(pattern, _Slow(size, size / bytes_per_second), times)

    def drip(self, pattern: str, *, interval: float = 0.05, times: int | None = None) -> None:
        """Send bodies byte by byte, with so many seconds before each."""
        self._add(pattern, _Slow(1, interval), times)

    def truncate(self, pattern: str, after: int, *, times: int | None = None) -> None:
        """Close the connection after so many bytes of the body, whose announced length stays."""
        self._add(pattern, _Cut(after, reset=False), times)

    def reset(self, pattern: str, *, after: int | None = None, times: int | None = None) -> None:
        """Reset the connection after so many bytes of the body, None for before the status line."""
        self._add(pattern, _Cut(after, reset=True), times)

    def corrupt(self, pattern: str, *, times: int | None = None) -> None:
        """Send other bytes, as many as the right ones."""
        self._add(pattern, _Corrupt(), times)

    def clear_faults(self) -> None:
        """Forget all faults and let go what is held."""
        with self._rules_lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            if isinstance(rule.fault, Stall):
                rule.fault.release()

    def _add(self, pattern: str, fault: Fault, times: int | None) -> None:
        with self._rules_lock:
            self._rules.append(_Rule(pattern, fault, inf if times is None else times))

    def _take(self, path: str) -> list[Fault]:
        """Return the faults of one request, which then are one time fewer."""
        with self._rules_lock:
            found = [rule for rule in self._rules if rule.left > 0 and fnmatchcase(path, rule.pattern)]
            answers = [rule for rule in found if isinstance(rule.fault, _Instead)]
            counted = [rule for rule in answers if rule.left != inf]
            chosen = counted[:1] or answers[-1:]
            taken = [rule for rule in found if rule in chosen or rule not in answers]
            for rule in taken:
                rule.left -= 1
            return [rule.fault for rule in taken]


def _check(alive: Alive) -> None:
    if not alive():
        raise ConnectionAbortedError


def pause(seconds: float, alive: Alive) -> None:
    """Wait; a client that has left ends it with ConnectionAbortedError."""
    _check(alive)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK))
        _check(alive)
