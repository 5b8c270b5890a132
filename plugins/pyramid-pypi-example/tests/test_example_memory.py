"""The storage `memory` keeps the contract, and its limit."""

import pytest

from pyramid_pypi.errors import StorageFull
from pyramid_pypi.testing.storages import StorageContract
from pyramid_pypi_example.memory import MemoryStorage


class TestMemoryStorage(StorageContract):
    """Blobs in memory."""

    @pytest.fixture
    def storage(self) -> MemoryStorage:
        return MemoryStorage(MemoryStorage.Options())

    def test_limit_counts_all_files_together(self) -> None:
        storage = MemoryStorage(MemoryStorage.Options(limit=10))
        first = self.put(storage, b"12345678", "a-1.zip")

        with pytest.raises(StorageFull, match="10 bytes"):
            self.put(storage, b"123", "a-2.zip")
        assert self.listed(storage) == [first]
        self.put(storage, b"12", "a-2.zip")
