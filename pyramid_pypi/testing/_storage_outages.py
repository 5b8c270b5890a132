"""The part of the contract of storages about services that are away, and disks that are full."""

import time
from collections.abc import Callable

import pytest

from pyramid_pypi.errors import BlobMissing, StorageFull, StorageUnavailable
from pyramid_pypi.storage.base import Storage
from pyramid_pypi.testing._storage_harness import FILENAME, PROJECT, StorageHarness

__all__ = ["StorageOutages"]

_CALLS: dict[str, Callable[[Storage, str], object]] = {
    "open": lambda storage, key: storage.open(key),
    "delete": lambda storage, key: storage.delete(key),
    "keys": lambda storage, _: list(storage.keys()),
    "record": lambda storage, key: storage.record(key),
    "put_record": lambda storage, key: storage.put_record(key, b"record"),
    "delete_record": lambda storage, key: storage.delete_record(key),
    "check": lambda storage, _: storage.check(),
}


class StorageOutages(StorageHarness):
    """What cannot be reached is unavailable: neither empty, nor missing, nor a reason to hang."""

    @pytest.mark.parametrize("method", ["put", *_CALLS])
    def test_service_that_is_away_is_unavailable(self, broken: Storage, method: str) -> None:
        """Every method says so in time, in a sentence."""
        key = broken.key(PROJECT, FILENAME)
        began = time.monotonic()
        with pytest.raises(StorageUnavailable) as caught:
            _CALLS[method](broken, key) if method in _CALLS else self.put(broken, b"data")

        assert time.monotonic() - began < self.patience
        assert caught.value.message != StorageUnavailable.title

    def test_storage_without_space_says_so(self, full: Storage) -> None:
        """Clients get another status than for a storage that is away, and nothing is stored."""
        with pytest.raises(StorageFull):
            self.put(full, b"data")

        assert self.listed(full) == []
        with pytest.raises(BlobMissing):
            full.open(full.key(PROJECT, FILENAME))
