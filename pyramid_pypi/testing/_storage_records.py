"""The part of the contract of storages about records, which lie beside blobs."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyramid_pypi.errors import BlobMissing
from pyramid_pypi.storage.base import Storage
from pyramid_pypi.testing._storage_harness import FILENAME, ODD_FILENAMES, PROJECT, StorageHarness

__all__ = ["StorageRecords"]


class StorageRecords(StorageHarness):
    """A record is found by the key of its blob, and is no blob itself."""

    def test_record_is_written_replaced_and_removed(self, storage: Storage) -> None:
        """The last words count."""
        key = self.put(storage, b"data")
        before = storage.record(key)
        seen = []
        for record in (b"first", b"second, which is longer", b"3rd"):
            storage.put_record(key, record)
            seen.append(storage.record(key))
        storage.delete_record(key)

        assert seen == [b"first", b"second, which is longer", b"3rd"]
        assert before is storage.record(key) is None

    def test_record_is_no_blob(self, storage: Storage) -> None:
        """It is not listed, its key can be put, and deleting one leaves the other."""
        key = storage.key(PROJECT, FILENAME)
        storage.put_record(key, b"record")

        assert self.listed(storage) == []
        with pytest.raises(BlobMissing):
            storage.open(key)
        self.put(storage, b"data")
        storage.delete_record(key)
        assert self.read(storage.open(key)) == b"data"
        storage.put_record(key, b"record")
        storage.delete(key)
        assert storage.record(key) == b"record"

    def test_odd_filenames_have_their_own_records(self, storage: Storage) -> None:
        """As with blobs."""
        records = {storage.key(PROJECT, name): name.encode() for name in ODD_FILENAMES}
        for key, data in records.items():
            storage.put_record(key, data)

        assert {key: storage.record(key) for key in records} == records

    def test_record_is_never_seen_half(self, storage: Storage) -> None:
        """Readers meet either the old record or the new one."""
        key = storage.key(PROJECT, FILENAME)
        versions = [letter * 4000 for letter in (b"a", b"b")]
        storage.put_record(key, versions[0])
        done = threading.Event()

        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(_read_until, done, lambda: storage.record(key))
            try:
                for number in range(40):
                    storage.put_record(key, versions[number % 2])
            finally:
                done.set()

        assert reading.result() <= set(versions)


def _read_until(done: threading.Event, read: Callable[[], bytes | None]) -> set[bytes | None]:
    def answers() -> Iterator[bytes | None]:
        yield read()
        while not done.is_set():
            yield read()

    return set(answers())
