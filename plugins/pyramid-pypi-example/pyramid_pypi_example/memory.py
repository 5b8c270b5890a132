"""A storage that is gone when the process ends: for tests and demonstrations."""

import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pyramid_pypi.errors import BlobExists, BlobMissing, StorageFull
from pyramid_pypi.model import StoredBlob, Stream
from pyramid_pypi.options import Size
from pyramid_pypi.storage import StagedFile

__all__ = ["MemoryStorage"]

_CHUNK = 1 << 18


class MemoryStorage:
    """Keeps blobs in memory, up to a limit; another process does not see them."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """What `storage = memory` takes."""

        limit: Size = field(default=Size(100_000_000), metadata={"help": "bytes of all files together"})

    def __init__(self, options: Options) -> None:
        self._limit = options.limit
        self._blobs: dict[str, tuple[bytes, datetime]] = {}
        self._records: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def key(self, project: str, filename: str) -> str:
        return f"{project}/{filename}"

    def stage(self) -> StagedFile:
        return StagedFile.create(Path(tempfile.gettempdir()))

    def put(self, key: str, source: StagedFile) -> None:
        size = source.finish(durable=False)
        with self._lock:
            if key in self._blobs:
                raise BlobExists(key)
            if size + sum(len(data) for data, _ in self._blobs.values()) > self._limit:
                raise StorageFull(f"{key} does not fit into the {self._limit} bytes of the storage")
            source.stream.seek(0)
            self._blobs[key] = source.stream.read(), datetime.now(UTC)

    def open(self, key: str) -> Stream:
        try:
            data, stored_at = self._blobs[key]
        except KeyError:
            raise BlobMissing(f"{key} has disappeared from the storage") from None

        def chunks(start: int, stop: int | None) -> Iterator[bytes]:
            end = len(data) if stop is None else stop
            for position in range(start, end, _CHUNK):
                yield data[position : min(position + _CHUNK, end)]

        return Stream(len(data), stored_at, chunks)

    def delete(self, key: str) -> None:
        with self._lock:
            self._blobs.pop(key, None)

    def keys(self) -> Iterator[StoredBlob]:
        with self._lock:
            found = [StoredBlob(key, len(data), at, at) for key, (data, at) in self._blobs.items()]
        return iter(found)

    def record(self, key: str) -> bytes | None:
        return self._records.get(key)

    def put_record(self, key: str, data: bytes) -> None:
        self._records[key] = data

    def delete_record(self, key: str) -> None:
        self._records.pop(key, None)

    def check(self) -> None:
        """Memory can always be used."""
