"""Addresses of hosts, looked up once and not for each connection."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pyramid_pypi.upstream.allowed import addresses_of
from pyramid_pypi.upstream.locks import Flights

__all__ = ["Addresses"]

_TTL = 60.0
_MAX_HOSTS = 100


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: tuple[str, ...]
    until: float


class Addresses:
    """Remembers for a minute where hosts are, and for longer while nobody can tell.

    Many connections that are made at once would ask as often, and name servers that drop some of
    the questions keep those who asked waiting for seconds.
    """

    def __init__(
        self,
        *,
        resolve: Callable[[str, int], Iterable[str]] = addresses_of,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = resolve
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._flights: Flights[tuple[str, ...]] = Flights()

    def of(self, host: str, port: int) -> tuple[str, ...]:
        """Return the addresses of a host, none where it has never been found."""
        known = self._known.get(host)
        if known is not None and self._clock() < known.until:
            return known.addresses
        return self._flights.run(host, lambda: self._look_up(host, port))

    def forget(self, host: str) -> None:
        """Look the host up again at the next connection."""
        self._known.pop(host, None)

    def _look_up(self, host: str, port: int) -> tuple[str, ...]:
        before = self._known.get(host)
        # Somebody else may have looked while this one waited.
        if before is not None and self._clock() < before.until:
            return before.addresses
        found = tuple(dict.fromkeys(self._resolve(host, port))) or (before.addresses if before else ())
        if found:
            if len(self._known) >= _MAX_HOSTS:
                self._known.clear()
            self._known[host] = _Known(found, self._clock() + _TTL)
        return found
