"""What nobody needs any more: found, and removed if that is asked for.

What is listed is never touched, nor what could be listed: a file that is complete and has a name
that is free is somebody's, and `reindex` lists it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from pyramid_pypi.distribution import guess_filename
from pyramid_pypi.errors import BlobMissing, InvalidUpload, TooLarge
from pyramid_pypi.model import StoredBlob
from pyramid_pypi.repositories import Hosted
from pyramid_pypi.storage.filesystem import FilesystemStorage
from pyramid_pypi.storage.reading import hash_blob, read_blob
from pyramid_pypi.upkeep.blobs import inspect_blob, strays

__all__ = ["Cleaner", "Garbage"]

Sort: TypeAlias = Literal["incomplete", "deleted", "signature", "record"]

_OWN = ".pyramid_pypi"


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that nobody needs: where, which sort, its size in bytes, and what removes it.

    Removing returns whether it was still garbage.
    """

    repository: str
    sort: Sort
    key: str
    size: int
    remove: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Looks through the storage of one repository for what is older than `grace`.

    The grace has to be longer than an upload may take.
    """

    hosted: Hosted
    grace: timedelta

    def find(self) -> Iterator[Garbage]:
        """Yield what can be removed. Raises StorageUnavailable, CatalogUnavailable."""
        yield from self._blobs()
        yield from self._signatures()
        if isinstance(self.hosted.storage, FilesystemStorage):
            yield from self._records(self.hosted.storage.root / _OWN / "records")

    def _is_old(self, *moments: datetime) -> bool:
        return max(moments) < datetime.now(UTC) - self.grace

    def _blobs(self) -> Iterator[Garbage]:
        hosted = self.hosted
        # Before everything was read once, the list may lack what is there.
        if not hosted.catalog.is_scanned(hosted.name):
            return
        for blob in strays(hosted):
            if self._is_old(blob.modified_at, blob.placed_at):
                with suppress(BlobMissing):
                    sort = self._sort(blob)
                    if sort is not None:
                        yield Garbage(hosted.name, sort, blob.key, blob.size, self._discard(blob.key))

    def _sort(self, blob: StoredBlob) -> Sort | None:
        """Return why a blob that is not listed is garbage, None when it is not."""
        hosted, filename = self.hosted, blob.key.rpartition("/")[2]
        if hosted.catalog.file(hosted.name, filename) is not None:
            # Other bytes, perhaps, and then the only ones.
            return None
        removed = hosted.catalog.removed(hosted.name, filename)
        if removed is not None:
            found = hash_blob(read_blob(hosted.storage.open(blob.key))).sha256
            return "deleted" if found == removed.sha256 and blob.placed_at <= removed.at else None
        try:
            inspect_blob(hosted.storage, blob.key)
        except (InvalidUpload, TooLarge):
            return "incomplete"
        return None

    def _discard(self, key: str) -> Callable[[], bool]:
        """Return what removes a blob and what belongs to it, while nobody can list it."""
        storage = self.hosted.storage

        def remove() -> None:
            storage.delete_record(key)
            storage.delete(f"{key}.asc")
            storage.delete(key)

        return lambda: self._unless_listed(key, remove)

    def _unless_listed(self, key: str, action: Callable[[], None]) -> bool:
        done = []

        def act() -> None:
            action()
            done.append(True)

        self.hosted.catalog.unless_listed(self.hosted.name, key.rpartition("/")[2], act)
        return bool(done)

    def _signatures(self) -> Iterator[Garbage]:
        """Yield signatures of files that are not there."""
        storage = self.hosted.storage
        for blob in storage.keys():  # noqa: SIM118 - not a mapping
            key = blob.key.removesuffix(".asc")
            if key == blob.key or guess_filename(key.rpartition("/")[2]) is None:
                continue
            if self._is_old(blob.modified_at, blob.placed_at) and not self._has(key):
                remove = self._alone(key, partial(storage.delete, blob.key))
                yield Garbage(self.hosted.name, "signature", blob.key, blob.size, remove)

    def _records(self, folder: Path) -> Iterator[Garbage]:
        """Yield records of files that are not there."""
        for path in folder.rglob("*.json"):
            key = path.relative_to(folder).as_posix().removesuffix(".json")
            with suppress(OSError):
                status = path.stat()
                if self._is_old(_moment(status)) and not self._has(key):
                    remove = self._alone(key, partial(self.hosted.storage.delete_record, key))
                    yield Garbage(self.hosted.name, "record", key, status.st_size, remove)

    def _has(self, key: str) -> bool:
        try:
            self.hosted.storage.open(key)
        except BlobMissing:
            return False
        return True

    def _alone(self, key: str, action: Callable[[], None]) -> Callable[[], bool]:
        """Return what runs `action` unless the file under `key` has come or is listed."""
        return lambda: not self._has(key) and self._unless_listed(key, action)


def _moment(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(max(status.st_mtime, status.st_ctime), UTC)
