"""Limits on wrong passwords: token buckets per name and address, per address, and for all."""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from pyramid_pypi.auth.basic import TOKEN_USER
from pyramid_pypi.errors import TooManyAttempts

__all__ = ["Throttle"]


class _Buckets:
    """Token buckets by key. Each holds `capacity` tokens and fills up again within `window` seconds."""

    def __init__(self, capacity: int, window: float, size: int) -> None:
        self._capacity = float(capacity)
        self._rate = capacity / window
        self._size = size
        self._levels: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def wait(self, key: Hashable, now: float) -> float:
        """Return the seconds until there is a token, 0 when there is one."""
        return max(0.0, (1.0 - self._level(key, now)) / self._rate)

    def take(self, key: Hashable, now: float) -> None:
        """Take a token; a bucket does not go below empty."""
        self._levels[key] = max(0.0, self._level(key, now) - 1.0), now
        self._levels.move_to_end(key)
        while len(self._levels) > self._size:
            self._levels.popitem(last=False)

    def fill(self, key: Hashable) -> None:
        """Fill the bucket."""
        self._levels.pop(key, None)

    def _level(self, key: Hashable, now: float) -> float:
        level, at = self._levels.get(key, (self._capacity, now))
        return min(self._capacity, level + (now - at) * self._rate)


class Throttle:
    """Counts failed logins and says when there were too many. Thread-safe, bounded in memory.

    Names are counted per address, so that an attack on a name from one address does not shut out
    its owner at another. The network part of 64 bits stands for an IPv6 address.
    """

    @dataclass(frozen=True, slots=True)
    class Options:
        """How many failures are allowed within `window` seconds.

        `failures` is for one name from one address, `per_address` for one address (a build farm
        behind one address shares it), `overall` for everybody together; a smaller one of these
        counts as much as the one before it. Only the address counts for `shared_names`, which many
        users use. `size` bounds how many buckets of a sort are kept.
        """

        window: float = 300.0
        failures: int = 10
        per_address: int = 100
        overall: int = 1000
        size: int = 10_000
        shared_names: frozenset[str] = frozenset({TOKEN_USER})

    def __init__(
        self, options: Options | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._options = o = options or self.Options()
        self._clock = clock
        self._lock = threading.Lock()
        per_address = max(o.per_address, o.failures)
        self._names = _Buckets(o.failures, o.window, o.size)
        self._addresses = _Buckets(per_address, o.window, o.size)
        self._all = _Buckets(max(o.overall, per_address), o.window, 1)

    def allow(self, username: str, address: str) -> None:
        """Let a password be checked. Raises TooManyAttempts when too many were wrong before."""
        now = self._clock()
        place = _network(address)
        with self._lock:
            waits = [self._addresses.wait(place, now), self._all.wait(None, now)]
            if username not in self._options.shared_names:
                waits.append(self._names.wait((username, place), now))
        if max(waits) > 0:
            seconds = max(1, math.ceil(max(waits)))
            raise TooManyAttempts(
                f"Too many failed logins; try again in {seconds} seconds", retry_after=seconds
            )

    def failure(self, username: str, address: str) -> None:
        """Count a wrong name or password."""
        now = self._clock()
        place = _network(address)
        with self._lock:
            self._addresses.take(place, now)
            self._all.take(None, now)
            if username not in self._options.shared_names:
                self._names.take((username, place), now)

    def success(self, username: str, address: str) -> None:
        """Forget the failures of this name at this address.

        The address's own count stays: one right password must not buy guesses of other names.
        """
        with self._lock:
            self._names.fill((username, _network(address)))


def _network(address: str) -> str:
    """Return what one client can hardly change of its address."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
