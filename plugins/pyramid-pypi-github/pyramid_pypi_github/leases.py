"""Leases in the catalog, which all nodes of an index share."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pyramid_pypi.catalog.notes import Notes
from pyramid_pypi.errors import StorageUnavailable

__all__ = ["CatalogLeases"]

_PAUSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class CatalogLeases:
    """One node at a time publishes under one tag of the repository `scope`.

    A node that ends without a word loses its lease after `lifetime` seconds; others wait for
    `patience` seconds.
    """

    notes: Notes
    scope: str
    patience: float
    lifetime: float
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Wait for the lease and keep it. Raises StorageUnavailable and CatalogUnavailable."""
        key = hashlib.sha256(f"{self.scope} {name}".encode()).hexdigest()
        owner = secrets.token_hex(8)
        waited = 0.0
        while not self.notes.add(key, owner, expires_at=datetime.now(UTC) + timedelta(seconds=self.lifetime)):
            if waited > self.patience:
                raise StorageUnavailable(f"Another node is publishing {name}; try again in a moment")
            self.sleep(_PAUSE)
            waited += _PAUSE
        try:
            yield
        finally:
            # One that came too late has lost its lease to somebody else, who still needs it.
            if self.notes.get(key) == owner:
                self.notes.take(key)
