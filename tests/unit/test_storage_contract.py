"""The contract of storages notices storages that break it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyramid_pypi.errors import BlobExists, StorageUnavailable
from pyramid_pypi.model import StoredBlob
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.testing.storages import THREADS, StorageContract


class Replaces(FilesystemStorage):
    """Puts over what is there."""

    def put(self, key: str, source: StagedFile) -> None:
        source.finish()
        (self.root / key).parent.mkdir(exist_ok=True)
        source.path.replace(self.root / key)


class LooksBeforeItWrites(Replaces):
    """Is exclusive as long as nobody else comes between the look and the leap."""

    def __init__(self, options: FilesystemStorage.Options) -> None:
        super().__init__(options)
        self.between = threading.Barrier(THREADS, timeout=60)

    def put(self, key: str, source: StagedFile) -> None:
        if (self.root / key).exists():
            raise BlobExists(key)
        self.between.wait()
        super().put(key, source)


class ShowsEarly(FilesystemStorage):
    """Takes the name before the bytes are there."""

    def put(self, key: str, source: StagedFile) -> None:
        (self.root / key).parent.mkdir(exist_ok=True)
        (self.root / key).touch(exist_ok=False)
        source.finish()


class ListsRecords(FilesystemStorage):
    """Takes records for blobs."""

    def _record_path(self, key: str) -> Path:
        return self.root / f"{key}.json"


class ListsTwice(FilesystemStorage):
    """Yields every blob two times."""

    def keys(self) -> Iterator[StoredBlob]:
        yield from super().keys()
        yield from super().keys()


class GathersTheListing(FilesystemStorage):
    """Has all of it in memory at once."""

    def keys(self) -> Iterator[StoredBlob]:
        return iter(list(super().keys()))


class ForgetsOtherProcesses(LooksBeforeItWrites):
    """Has a lock that only this object knows."""

    def __init__(self, options: FilesystemStorage.Options) -> None:
        super().__init__(options)
        self.between = threading.Barrier(2, timeout=60)
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    def put(self, key: str, source: StagedFile) -> None:
        with self._lock:
            if key in self._taken:
                raise BlobExists(key)
            self._taken.add(key)
        super().put(key, source)


class TakesAbsenceForEmptiness(FilesystemStorage):
    """Says that nothing is there when the service is away."""

    def record(self, key: str) -> bytes | None:
        return None


class HangsWhenAway(TakesAbsenceForEmptiness):
    """Answers rightly, and late."""

    def record(self, key: str) -> bytes | None:
        threading.Event().wait(0.1)
        raise StorageUnavailable("The service is away")


class Impatient(StorageContract):
    patience = 0.05


class Unquotes(FilesystemStorage):
    """Takes an escaped plus for a plus."""

    def put(self, key: str, source: StagedFile) -> None:
        super().put(key.replace("%2B", "+"), source)


class WritesRecordsInPlace(FilesystemStorage):
    """Lets readers see an empty record while it is written."""

    def __init__(self, options: FilesystemStorage.Options) -> None:
        super().__init__(options)
        self.reads = threading.Semaphore(0)

    def record(self, key: str) -> bytes | None:
        found = super().record(key)
        self.reads.release()
        return found

    def put_record(self, key: str, data: bytes) -> None:
        super().put_record(key, b"")
        while self.reads.acquire(blocking=False):
            pass
        # One read may have begun before; the second has seen the empty record.
        _ = self.reads.acquire(timeout=0.2) and self.reads.acquire(timeout=0.2)
        super().put_record(key, data)


CONTRACT = StorageContract()
BROKEN: list[tuple[type[FilesystemStorage], Callable[..., None], tuple[object, ...]]] = [
    (Replaces, CONTRACT.test_taken_key_keeps_its_bytes, (b"second",)),
    (Replaces, CONTRACT.test_one_of_several_puts_wins, ("different",)),
    (LooksBeforeItWrites, CONTRACT.test_one_of_several_puts_wins, ("identical",)),
    (ShowsEarly, CONTRACT.test_bytes_come_back, (1,)),
    (ShowsEarly, CONTRACT.test_interrupted_put_is_all_or_nothing, ()),
    (ShowsEarly, CONTRACT.test_failed_put_leaves_the_key_free, ()),
    (ListsRecords, CONTRACT.test_record_is_no_blob, ()),
    (GathersTheListing, CONTRACT.test_long_listing_takes_little_memory, ()),
    (TakesAbsenceForEmptiness, CONTRACT.test_service_that_is_away_is_unavailable, ("record",)),
    (HangsWhenAway, Impatient().test_service_that_is_away_is_unavailable, ("record",)),
    (FilesystemStorage, CONTRACT.test_storage_without_space_says_so, ()),
    (ListsTwice, CONTRACT.test_every_blob_is_listed_once, ()),
    (Unquotes, CONTRACT.test_odd_filenames_are_kept_apart, ()),
    (WritesRecordsInPlace, CONTRACT.test_record_is_never_seen_half, ()),
]


@pytest.mark.parametrize(("kind", "test", "arguments"), BROKEN)
def test_broken_storage_is_noticed(kind, test, arguments, tmp_path) -> None:
    """A contract that everything passes would be worth nothing."""
    storage = kind(FilesystemStorage.Options(tmp_path, durable=False))

    with pytest.raises((AssertionError, pytest.fail.Exception, BlobExists)):
        test(storage, *arguments)


def test_lock_that_other_processes_do_not_see_is_noticed(tmp_path) -> None:
    options = FilesystemStorage.Options(tmp_path, durable=False)
    one, other = ForgetsOtherProcesses(options), ForgetsOtherProcesses(options)
    other.between = one.between

    with pytest.raises(AssertionError):
        CONTRACT.test_one_of_several_processes_wins(one, other, "different")
