"""The part of the contract of storages about writing: all or nothing, and one winner."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from pyramid_pypi.errors import BlobExists, BlobMissing, StorageFull, StorageUnavailable
from pyramid_pypi.storage.base import StagedFile, Storage
from pyramid_pypi.testing._storage_harness import FILENAME, PROJECT, THREADS, StorageHarness

__all__ = ["StorageWriting"]


class _Unfinished(StagedFile):
    """A staged file that the disk has no space for."""

    __slots__ = ()

    def finish(self, *, durable: bool = True) -> int:  # noqa: ARG002
        raise StorageFull("The disk is full")


class StorageWriting(StorageHarness):
    """A key is taken once, by whole bytes, whoever comes at the same moment."""

    @pytest.mark.parametrize("second", [b"first", b"second"], ids=["identical", "different"])
    def test_taken_key_keeps_its_bytes(self, storage: Storage, second: bytes) -> None:
        """Whether they are the same is for the caller to find out."""
        key = self.put(storage, b"first")

        with pytest.raises(BlobExists):
            self.put(storage, second)
        assert self.read(storage.open(key)) == b"first"
        assert self.listed(storage) == [key]

    @pytest.mark.parametrize("content", ["different", "identical"])
    def test_one_of_several_puts_wins(self, storage: Storage, content: str) -> None:
        """Eight threads put different or the same bytes under one key at the same moment."""
        self._race([storage] * THREADS, content)

    @pytest.mark.parametrize("content", ["different", "identical"])
    def test_one_of_several_processes_wins(self, storage: Storage, second: Storage, content: str) -> None:
        """Two storages that know nothing of each other share the place, as processes do."""
        self._race([storage, second] * (THREADS // 2), content)

    def _race(self, storages: Sequence[Storage], content: str) -> None:
        contents = [bytes([number if content == "different" else 7]) * 70_000 for number in range(THREADS)]
        taken = self._at_once(storages, contents, [FILENAME] * THREADS)
        winners = [data for data in taken if data]
        key = storages[0].key(PROJECT, FILENAME)

        assert len(winners) == 1
        for one in storages:
            assert self.read(one.open(key)) == winners[0]
            assert self.listed(one) == [key]

    def test_puts_of_different_keys_all_win(self, storage: Storage) -> None:
        """Eight threads put the first files of a project at the same moment."""
        contents = [bytes([number]) * 100 for number in range(THREADS)]
        filenames = [f"holy_grail-{number}.tar.gz" for number in range(THREADS)]

        assert self._at_once([storage] * THREADS, contents, filenames) == contents
        for filename, data in zip(filenames, contents, strict=True):
            assert self.read(storage.open(storage.key(PROJECT, filename))) == data

    def _at_once(
        self, storages: Sequence[Storage], contents: Sequence[bytes], names: Sequence[str]
    ) -> list[bytes | None]:
        """Put each content by a thread of its own; return those that were taken, None for the rest."""
        barrier = threading.Barrier(len(contents), timeout=60)

        def put(storage: Storage, data: bytes, name: str) -> bytes | None:
            with storage.stage() as staged:
                staged.write(data)
                barrier.wait()
                try:
                    storage.put(storage.key(PROJECT, name), staged)
                except BlobExists:
                    return None
                return data

        with ThreadPoolExecutor(len(contents)) as pool:
            return list(pool.map(put, storages, contents, names))

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
            with pytest.raises(StorageFull):
                storage.put(key, _Unfinished(staged.path, staged.stream))

        assert self.listed(storage) == []
        with pytest.raises(BlobMissing):
            storage.open(key)
        assert self.read(storage.open(self.put(storage, b"again"))) == b"again"

    def test_interrupted_put_is_all_or_nothing(self, storage: Storage) -> None:
        """The staged file is gone before the storage takes it; some have it open, and may go on."""
        key = storage.key(PROJECT, FILENAME)
        with storage.stage() as staged:
            staged.write(bytes(self.large))
            staged.finish()
            staged.path.unlink()
            with suppress(StorageUnavailable):
                storage.put(key, staged)

        if self.listed(storage):
            assert self.read(storage.open(key)) == bytes(self.large)
        else:
            with pytest.raises(BlobMissing):
                storage.open(key)
            assert self.read(storage.open(self.put(storage, b"again"))) == b"again"
