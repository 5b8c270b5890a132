"""A memory of credentials that were checked, so that a password is hashed once and not per request."""

import hmac
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pyramid_pypi.auth.basic import MAX_HEADER
from pyramid_pypi.model import Identity

__all__ = ["VerifiedCredentials"]

_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class _Entry:
    """Who it is, when that was checked, and whether the stored password is still the same."""

    identity: Identity
    read_until: float
    write_until: float
    still_valid: Callable[[], bool]


class VerifiedCredentials:
    """A bounded, thread-safe cache from `Authorization` headers to identities.

    Keys are HMACs of the raw header under a random key of this process, so that neither passwords
    nor anything that helps to guess them stays in memory.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """Times in seconds: a check lasts `read_ttl` for reading and `write_ttl` for changes.

        Wrong credentials are remembered for `wrong_ttl`. `size` bounds the number of entries of
        each sort; the oldest ones go first.
        """

        read_ttl: float = 3600.0
        write_ttl: float = 300.0
        wrong_ttl: float = 5.0
        size: int = 10_000

    def __init__(
        self, options: Options | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = options or self.Options()
        self._clock = clock
        self._secret = os.urandom(32)
        self._lock = threading.Lock()
        self._right: dict[bytes, _Entry] = {}
        self._wrong: dict[bytes, float] = {}

    def key(self, header: str) -> bytes:
        """Return the name under which a header is remembered."""
        return hmac.digest(self._secret, header.encode("utf-8", "surrogatepass"), "sha256")

    def lookup(self, header: str, *, write: bool) -> Identity | None:
        """Return who showed these credentials before, None when they have to be checked.

        With `write` only a check that is younger than `write_ttl` counts.
        """
        if len(header) > MAX_HEADER:
            return None
        key = self.key(header)
        entry = self._right.get(key)
        if entry is None:
            return None
        now = self._clock()
        if now >= entry.read_until or not _holds(entry):
            with self._lock:
                # Another thread may have checked again meanwhile: drop only what was looked at.
                if self._right.get(key) is entry:
                    del self._right[key]
            return None
        return None if write and now >= entry.write_until else entry.identity

    def is_wrong(self, header: str) -> bool:
        """Tell whether these credentials were refused within the last `wrong_ttl` seconds."""
        until = self._wrong.get(self.key(header))
        return until is not None and self._clock() < until

    def remember(
        self, header: str, identity: Identity, *, still_valid: Callable[[], bool] = lambda: True
    ) -> None:
        """Keep the outcome of a successful check.

        `still_valid` is asked at every lookup, takes a few microseconds at most, and turns False
        when the stored password or the groups changed.
        """
        now = self._clock()
        ttl = self._options
        entry = _Entry(identity, now + ttl.read_ttl, now + ttl.write_ttl, still_valid)
        key = self.key(header)
        with self._lock:
            self._wrong.pop(key, None)
            _put(self._right, key, entry, ttl.size)

    def refuse(self, header: str) -> None:
        """Keep for a moment that these credentials are wrong."""
        key = self.key(header)
        with self._lock:
            self._right.pop(key, None)
            _put(self._wrong, key, self._clock() + self._options.wrong_ttl, self._options.size)

    def clear(self) -> None:
        """Forget everything: each password is checked again at its next request."""
        with self._lock:
            self._right.clear()
            self._wrong.clear()


def _put(table: dict[bytes, _V], key: bytes, value: _V, size: int) -> None:
    """Put an entry at the young end, and drop the oldest ones above `size`."""
    table.pop(key, None)
    while len(table) >= max(size, 1):
        del table[next(iter(table))]
    table[key] = value


def _holds(entry: _Entry) -> bool:
    """Ask the entry whether it is still valid; one that cannot tell is not."""
    try:
        return entry.still_valid()
    except Exception:  # noqa: BLE001 - a plugin's error means that the password is checked again
        return False
