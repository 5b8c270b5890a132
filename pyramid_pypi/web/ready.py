"""Answers that are ready to be sent, and the cache that knows when they are not current.

Only the standard library is imported here: this is the hot path.
"""

import gzip
import hashlib
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Ready", "ReadyCache", "matches_etag", "ready_page"]

Headers = list[tuple[str, str]]

_WORTH_COMPRESSING = 512
_LEVEL = 6
_LOOK_AGAIN = 5.0
_ORDINARY = 256


@dataclass(frozen=True, slots=True)
class Ready:
    """One representation in one encoding: the headers and bytes of a 200.

    `etag` is a strong validator (RFC 9110 §8.8.3). After `expires`, a time of the monotonic clock,
    it may not be sent any more; None: as long as nothing has changed.
    """

    etag: str
    headers: Headers
    body: bytes
    expires: float | None = None

    @property
    def weight(self) -> int:
        """How much memory it takes, roughly, in bytes."""
        return len(self.body) + 1024

    def answer(self, environ: dict[str, str]) -> tuple[str, Headers, bytes]:
        """Return status line, headers and body for a GET or HEAD request."""
        wanted = environ.get("HTTP_IF_NONE_MATCH")
        if wanted and matches_etag(wanted, self.etag):
            return "304 Not Modified", [pair for pair in self.headers if pair[0] not in _NOT_IN_304], b""
        return "200 OK", self.headers, b"" if environ["REQUEST_METHOD"] == "HEAD" else self.body


_NOT_IN_304 = {"Content-Length", "Content-Type", "Content-Encoding"}


def accepts_gzip(header: str) -> bool:
    """Tell whether `Accept-Encoding` admits gzip (RFC 9110 §12.5.3)."""
    # Clients send one of a few short texts; long ones would only fill the memory.
    return len(header) <= _ORDINARY and _accepts_gzip(header)


@lru_cache(maxsize=256)
def _accepts_gzip(header: str) -> bool:
    for item in header.lower().split(","):
        coding, _, weight = item.partition(";")
        if coding.strip() in {"gzip", "x-gzip", "*"}:
            return weight.replace(" ", "").rstrip("0.") != "q="
    return False


def matches_etag(header: str, etag: str) -> bool:
    """Tell whether `If-None-Match` names `etag`; the comparison is weak (RFC 9110 §13.1.2)."""
    if header == etag:
        return True
    names = (name.strip().removeprefix("W/") for name in header.split(","))
    return any(name in {etag, "*"} for name in names)


def ready_page(
    body: bytes, headers: Headers, tag: str, *, packed: bool, fresh_for: float | None = None
) -> Ready:
    """Return a page, compressed if `packed` and worth it; `tag` tells the formats of a page apart.

    It may be sent for `fresh_for` seconds, None for any time.
    """
    digest = hashlib.blake2b(body, digest_size=15).hexdigest()
    found = [*headers]
    if packed and len(body) >= _WORTH_COMPRESSING:
        body = gzip.compress(body, _LEVEL, mtime=0)
        tag += "-gz"
        found.append(("Content-Encoding", "gzip"))
    etag = f'"{digest}-{tag}"'
    found += [("ETag", etag), ("Content-Length", str(len(body)))]
    expires = None if fresh_for is None else time.monotonic() + fresh_for
    return Ready(etag, found, body, expires)


Group = tuple[str, str]
"""A repository and a project in it, or a repository and nothing for its list of projects."""

Token = tuple[bytes, int]
"""What has been seen of changes, by the catalog's stamp and by the count of dropped groups."""


class ReadyCache:
    """Ready answers by repository and project, bounded by their weight.

    `stamp` tells cheaply whether the catalog has changed; only then `changed_since` is asked
    which projects have, so that one upload costs one page and not all of them.
    """

    def __init__(
        self,
        *,
        stamp: Callable[[], bytes],
        changed_since: Callable[[int], tuple[int, Iterable[Group] | None]],
        budget: int,
    ) -> None:
        self._stamp = stamp
        self._changed_since = changed_since
        self._budget = budget
        self._groups: dict[Group, dict[Hashable, Ready]] = {}
        self._weight = 0
        self._seen = b""
        self._serial = 0
        self._drops = 0
        self._made = 0
        self._look_again = 0.0
        self._lock = threading.Lock()

    def get(self, group: Group, key: Hashable) -> Ready | None:
        """Return the answer if it is there and current."""
        if self._stamp() != self._seen or time.monotonic() > self._look_again:
            self._catch_up()
        answers = self._groups.get(group)
        ready = None if answers is None else answers.get(key)
        if ready is not None and ready.expires is not None and time.monotonic() > ready.expires:
            return None
        return ready

    @property
    def weight(self) -> int:
        """How much memory the answers take, roughly, in bytes."""
        return self._weight

    @property
    def made(self) -> int:
        """How many answers had to be made, because they were not ready."""
        return self._made

    def token(self) -> Token:
        """Return what `put` needs; take it before reading what the answer is made of."""
        self._made += 1
        self._catch_up()
        return self._seen, self._drops

    def put(self, group: Group, key: Hashable, ready: Ready, token: Token) -> None:
        """Keep the answer, unless the catalog has changed since `token` was taken."""
        if ready.weight > self._budget // 2:
            return
        with self._lock:
            if token != (self._seen, self._drops):
                return
            answers = self._groups.setdefault(group, {})
            known = answers.get(key)
            self._weight += ready.weight - (0 if known is None else known.weight)
            answers[key] = ready
            while self._weight > self._budget:
                self._drop(next(iter(self._groups)))

    def drop(self, group: Group) -> None:
        """Forget the answers of a group, also those that are just being made."""
        with self._lock:
            self._drops += 1
            self._drop(group)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._groups.clear()
            self._weight = 0

    def _catch_up(self) -> None:
        with self._lock:
            seen = self._stamp()
            if seen == self._seen and time.monotonic() <= self._look_again:
                return
            self._serial, changed = self._changed_since(self._serial)
            if changed is None:
                self._groups.clear()
                self._weight = 0
            else:
                for group in changed:
                    self._drop(group)
            # Only now: what was committed after the stamp was read will be asked for again.
            self._seen = seen
            self._look_again = time.monotonic() + _LOOK_AGAIN

    def _drop(self, group: Group) -> None:
        for ready in self._groups.pop(group, {}).values():
            self._weight -= ready.weight
