"""The contract of storages as tests.

Subclass `StorageContract` and give its fixture::

    class TestBucketStorage(StorageContract):
        @pytest.fixture
        def storage(self, bucket):
            return BucketStorage(BucketStorage.Options(url=bucket.url, key=Secret("…")))
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest

from pyramid_pypi.errors import BlobExists, BlobMissing, StorageFull, StorageUnavailable
from pyramid_pypi.model import Blob, LocalFile, Redirect, Stream
from pyramid_pypi.storage.base import StagedFile, Storage
from pyramid_pypi.storage.reading import read_blob

__all__ = ["StorageContract"]

PROJECT = "holy-grail"
FILENAME = "holy_grail-1.0.tar.gz"
ODD_FILENAMES = (
    "holy_grail-1.0+acme.1-py3-none-any.whl",
    "holy_grail-1.0%2Bacme.1-py3-none-any.whl",
    "holy_grail-1.0 acme.1-py3-none-any.whl",
    "holy_grail-1!1.0.tar.gz",
    "holy_grail-1.0~rc1.tar.gz",
    "Holy.Grail-1.0#2?.zip",
    "höly_grail-1.0.tar.gz",
    "\N{SNOWMAN}-1.0.zip",
)
THREADS = 8
SEVERAL_CHUNKS = (1 << 20) + 1


class _Unfinished(StagedFile):
    """A staged file that the disk has no space for."""

    __slots__ = ()

    def finish(self, *, durable: bool = True) -> int:  # noqa: ARG002
        raise StorageFull("The disk is full")


class StorageContract:
    """What every storage does. Override `storage`, and `read` where blobs are redirects."""

    @pytest.fixture
    def storage(self) -> Storage:
        """Return an empty storage."""
        raise NotImplementedError

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of a blob; a storage that redirects fetches the URL here."""
        return b"".join(read_blob(blob))

    def put(self, storage: Storage, data: bytes, filename: str = FILENAME) -> str:
        """Stage and put `data` as a file of the project; return the key."""
        key = storage.key(PROJECT, filename)
        with storage.stage() as staged:
            staged.write(data)
            storage.put(key, staged)
        return key

    def listed(self, storage: Storage) -> list[str]:
        """Return the keys in the listing, sorted."""
        return sorted(blob.key for blob in storage.keys())  # noqa: SIM118 - it is no mapping

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

    @pytest.mark.parametrize("size", [0, 1, SEVERAL_CHUNKS])
    def test_bytes_come_back(self, storage: Storage, size: int) -> None:
        """What was put is what is opened, whatever its size."""
        data = bytes(range(256)) * (size // 256) + bytes(size % 256)
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

    @pytest.mark.parametrize("second", [b"first", b"second"], ids=["identical", "different"])
    def test_taken_key_keeps_its_bytes(self, storage: Storage, second: bytes) -> None:
        """Whether they are the same is for the caller to find out."""
        key = self.put(storage, b"first")

        with pytest.raises(BlobExists):
            self.put(storage, second)
        assert self.read(storage.open(key)) == b"first"
        assert self.listed(storage) == [key]

    def test_one_of_several_puts_wins(self, storage: Storage) -> None:
        """Eight threads put different bytes under one key at the same moment."""
        contents = [bytes([number]) * 70_000 for number in range(THREADS)]
        winners = [data for data in self._at_once(storage, contents, [FILENAME] * THREADS) if data]

        assert len(winners) == 1
        assert self.read(storage.open(storage.key(PROJECT, FILENAME))) == winners[0]
        assert len(self.listed(storage)) == 1

    def test_puts_of_different_keys_all_win(self, storage: Storage) -> None:
        """Eight threads put the first files of a project at the same moment."""
        contents = [bytes([number]) * 100 for number in range(THREADS)]
        filenames = [f"holy_grail-{number}.tar.gz" for number in range(THREADS)]

        assert self._at_once(storage, contents, filenames) == contents
        for filename, data in zip(filenames, contents, strict=True):
            assert self.read(storage.open(storage.key(PROJECT, filename))) == data

    def _at_once(self, storage: Storage, contents: list[bytes], names: list[str]) -> list[bytes | None]:
        """Put each content by a thread of its own; return those that were taken, None for the rest."""
        barrier = threading.Barrier(len(contents), timeout=60)

        def put(data: bytes, name: str) -> bytes | None:
            with storage.stage() as staged:
                staged.write(data)
                barrier.wait()
                try:
                    storage.put(storage.key(PROJECT, name), staged)
                except BlobExists:
                    return None
                return data

        with ThreadPoolExecutor(len(contents)) as pool:
            return list(pool.map(put, contents, names))

    def test_staged_file_is_visible_to_nobody(self, storage: Storage) -> None:
        """An upload that stops half-way leaves nothing behind."""
        key = storage.key(PROJECT, FILENAME)
        with storage.stage() as staged:
            staged.write(b"half of it")
            staged.finish()
            during = self.listed(storage)

        assert during == self.listed(storage) == []
        with pytest.raises(BlobMissing):
            storage.open(key)

    def test_failed_put_leaves_the_key_free(self, storage: Storage) -> None:
        """Nothing is visible after an error, and the next put succeeds."""
        key = storage.key(PROJECT, FILENAME)
        with storage.stage() as staged:
            staged.write(b"data")
            with pytest.raises(StorageUnavailable):
                storage.put(key, _Unfinished(staged.path, staged.stream))

        assert self.listed(storage) == []
        with pytest.raises(BlobMissing):
            storage.open(key)
        assert self.read(storage.open(self.put(storage, b"again"))) == b"again"

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

    def test_odd_filenames_are_kept_apart(self, storage: Storage) -> None:
        """A plus, its escape and a space are three names; other alphabets are names too."""
        contents = {self.put(storage, name.encode(), name): name.encode() for name in ODD_FILENAMES}

        assert self.listed(storage) == sorted(contents)
        assert {key: self.read(storage.open(key)) for key in contents} == contents

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
