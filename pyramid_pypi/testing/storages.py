"""The contract of storages as tests.

Subclass `StorageContract` and give its fixture::

    class TestBucketStorage(StorageContract):
        @pytest.fixture
        def storage(self, bucket):
            return BucketStorage(BucketStorage.Options(url=bucket.url, key=Secret("…")))

Three more fixtures are for storages that several processes share or that may fail, and tests that
need them are skipped without: `second` returns another object for the same place, `broken` a storage
whose service is away, `full` one without space. Override `read` where blobs are redirects, and `fill`,
`many` and `large` where small files cost much or large ones are sent in parts.
"""

import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from pyramid_pypi.errors import BlobMissing
from pyramid_pypi.model import LocalFile, Redirect, Stream
from pyramid_pypi.storage.base import Storage
from pyramid_pypi.testing._storage_harness import FILENAME, ODD_FILENAMES, PROJECT, THREADS
from pyramid_pypi.testing._storage_outages import StorageOutages
from pyramid_pypi.testing._storage_records import StorageRecords
from pyramid_pypi.testing._storage_writing import StorageWriting

__all__ = ["FILENAME", "PROJECT", "THREADS", "StorageContract"]

_LISTING = 2 << 20


class StorageContract(StorageWriting, StorageRecords, StorageOutages):
    """What every storage does."""

    def test_is_a_storage(self, storage: Storage) -> None:
        """It has the methods of the protocol."""
        assert isinstance(storage, Storage)

    def test_check_passes(self, storage: Storage) -> None:
        """A storage that works says so by returning."""
        storage.check()

    def test_new_storage_is_empty(self, storage: Storage) -> None:
        """Nothing is listed before the first file."""
        assert self.listed(storage) == []

    def test_key_is_a_relative_path_that_ends_with_the_filename(self, storage: Storage) -> None:
        """The catalog finds a file by the last part of its key."""
        path = PurePosixPath(storage.key(PROJECT, FILENAME))

        assert path.name == FILENAME
        assert not path.is_absolute()
        assert ".." not in path.parts

    @pytest.mark.parametrize("size", [0, 1, None], ids=["empty", "one", "large"])
    def test_bytes_come_back(self, storage: Storage, size: int | None) -> None:
        """What was put is what is opened, whatever its size."""
        data = _bytes(self.large if size is None else size)
        key = self.put(storage, data)

        assert self.read(storage.open(key)) == data

    def test_blob_knows_its_size_and_time(self, storage: Storage) -> None:
        """Bytes and UTC, where the storage sends the bytes itself."""
        blob = storage.open(self.put(storage, b"12345"))

        assert isinstance(blob, LocalFile | Stream | Redirect)
        if not isinstance(blob, Redirect):
            assert blob.size == 5
            assert blob.modified_at is not None
            assert blob.modified_at.utcoffset() == timedelta(0)
            assert abs(blob.modified_at - datetime.now(UTC)) < timedelta(hours=1)

    @pytest.mark.parametrize(("start", "stop"), [(0, 10), (0, 1), (3, 7), (9, 10), (5, 5)])
    def test_stream_gives_a_range(self, storage: Storage, start: int, stop: int) -> None:
        """The first byte is included and the last is not."""
        blob = storage.open(self.put(storage, b"0123456789"))
        if not isinstance(blob, Stream):
            pytest.skip("does not stream")

        assert b"".join(blob.open(start, stop)) == b"0123456789"[start:stop]

    def test_stream_gives_ranges_of_a_large_blob(self, storage: Storage) -> None:
        """Ends and places between what is fetched at once."""
        data = _bytes(self.large)
        blob = storage.open(self.put(storage, data))
        if not isinstance(blob, Stream):
            pytest.skip("does not stream")

        middle = self.large // 2
        for start, stop in ((0, 1), (1, self.large), (middle - 70_000, middle + 70_000), (middle, None)):
            assert b"".join(blob.open(start, stop)) == data[start:stop]

    def test_stream_can_be_opened_again(self, storage: Storage) -> None:
        """A blob is not used up."""
        blob = storage.open(self.put(storage, b"0123456789"))

        assert self.read(blob) == self.read(blob)

    def test_blob_stays_when_its_staged_file_goes(self, storage: Storage) -> None:
        """Leaving the `with` block removes the staged file and not the blob."""
        key = storage.key(PROJECT, FILENAME)
        with storage.stage() as staged:
            staged.write(b"data")
            storage.put(key, staged)
            inside = self.read(storage.open(key))

        assert inside == b"data"
        assert self.read(storage.open(key)) == b"data"
        assert not staged.path.exists()

    def test_unknown_key_is_missing(self, storage: Storage) -> None:
        """Opening what was never put."""
        with pytest.raises(BlobMissing):
            storage.open(storage.key(PROJECT, FILENAME))

    def test_key_below_a_blob_is_missing(self, storage: Storage) -> None:
        """A blob is no folder."""
        key = self.put(storage, b"data")

        with pytest.raises(BlobMissing):
            storage.open(f"{key}/{FILENAME}")

    def test_deleted_blob_is_gone_and_its_key_free(self, storage: Storage) -> None:
        """The next put may have other bytes."""
        key = self.put(storage, b"first")
        storage.delete(key)

        assert self.listed(storage) == []
        with pytest.raises(BlobMissing):
            storage.open(key)
        assert self.read(storage.open(self.put(storage, b"second"))) == b"second"

    def test_delete_leaves_the_neighbours(self, storage: Storage) -> None:
        """A file, and one whose key begins with the same letters."""
        key = self.put(storage, b"data")
        signature = self.put(storage, b"signature", f"{FILENAME}.asc")
        storage.delete(key)

        assert self.listed(storage) == [signature]
        assert self.read(storage.open(signature)) == b"signature"

    def test_deleting_what_is_missing_is_no_error(self, storage: Storage) -> None:
        """Two deletions may meet."""
        storage.delete(storage.key(PROJECT, FILENAME))
        storage.delete_record(storage.key(PROJECT, FILENAME))

    def test_every_blob_is_listed_once(self, storage: Storage) -> None:
        """More than fit on one page of a remote listing are not needed to see most mistakes."""
        expected = {self.put(storage, bytes(number), f"a-{number}.zip"): number for number in range(120)}
        found = list(storage.keys())

        assert len(found) == len(expected)
        assert {blob.key: blob.size for blob in found} == expected
        assert all(blob.modified_at.utcoffset() == timedelta(0) for blob in found)

    def test_long_listing_takes_little_memory(self, storage: Storage) -> None:
        """The listing is not gathered before it is given out."""
        names = [f"holy_grail-{number}.tar.gz" for number in range(self.many)]
        self.fill(storage, names)
        found = 0
        tracemalloc.start()
        try:
            for _ in storage.keys():  # noqa: SIM118 - it is no mapping
                found += 1
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert found == self.many
        assert peak < _LISTING

    def test_odd_filenames_are_kept_apart(self, storage: Storage) -> None:
        """A plus, its escape and a space are three names; other alphabets are names too."""
        contents = {self.put(storage, name.encode(), name): name.encode() for name in ODD_FILENAMES}

        assert self.listed(storage) == sorted(contents)
        assert {key: self.read(storage.open(key)) for key in contents} == contents


def _bytes(size: int) -> bytes:
    return bytes(range(256)) * (size // 256) + bytes(size % 256)
