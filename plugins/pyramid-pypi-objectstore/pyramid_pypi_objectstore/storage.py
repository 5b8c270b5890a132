"""A storage that is a bucket: `<project>/<filename>`, and one folder with a dot for what is ours."""

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pyramid_pypi.errors import BlobMissing
from pyramid_pypi.model import Redirect, StoredBlob, Stream
from pyramid_pypi.storage import StagedFile
from pyramid_pypi.storage.base import storage_error
from pyramid_pypi_objectstore.bucket import Bucket, Found
from pyramid_pypi_objectstore.options import BucketOptions
from pyramid_pypi_objectstore.putting import Conditional, Leased, Putting

if TYPE_CHECKING:
    from pyramid_pypi.catalog import Catalog
    from pyramid_pypi.catalog.notes import Notes
    from pyramid_pypi_objectstore.bucket import Store

__all__ = ["BucketStorage"]

_OWN = ".pyramid_pypi/"
_WINDOW = 4 << 20


class BucketStorage(ABC):
    """Keeps blobs as objects, in any layout that others have left, and new ones in its own.

    Names with a dot in front are never files of a project. Files are fetched in windows of a few
    megabytes: each is one request with a limit of time, however slow the client is, and is tried
    again when it fails.
    """

    def __init__(self, options: BucketOptions) -> None:
        self.options = options
        self._folder = options.folder
        self._own = f"{options.folder}{_OWN}"
        self._staging = Path(tempfile.gettempdir()) if options.staging is None else options.staging
        self._bucket = Bucket(self._name(), self._own, self._connect, options.timeout)
        self._notes: Notes | None = None

    @abstractmethod
    def _name(self) -> str:
        """Return what the bucket is called in messages."""

    @abstractmethod
    def _connect(self, timeout: int) -> "Store":
        """Return obstore's connection, whose requests take at most `timeout` seconds each."""

    def use_catalog(self, catalog: "Catalog") -> None:
        """Take the catalog, for leases."""
        # At the top it would be loaded by everybody who lists the kinds of storage.
        from pyramid_pypi.catalog.notes import Notes  # noqa: PLC0415

        self._notes = Notes(catalog, "objectstore")

    def key(self, project: str, filename: str) -> str:
        return f"{project}/{filename}"

    def stage(self) -> StagedFile:
        try:
            if not self._staging.is_dir():
                self._staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(error, "The upload cannot be staged") from error
        return StagedFile.create(self._staging)

    def put(self, key: str, source: StagedFile) -> None:
        # The bytes have to survive a power cut there, not here.
        size = source.finish(durable=False)
        try:
            self._putting.put(self._folder + key, source.path, size)
        except OSError as error:
            raise storage_error(error, "The staged upload cannot be read") from error

    def open_listed(self, blob: StoredBlob) -> Stream:
        """Open what `keys` has just told of, without a request; if it is gone, reading it says so."""
        path = self._folder + blob.key
        return self._stream(Found(path, blob.size, blob.modified_at, blob.tag or None))

    def _stream(self, found: Found) -> Stream:
        return Stream(found.size, found.modified_at, lambda start, stop: self._windows(found, start, stop))

    def open(self, key: str) -> Stream | Redirect:
        found = self._bucket.head(self._folder + key)
        if found is None:
            raise BlobMissing(f"{key.rpartition('/')[2]} has disappeared from the storage")
        stream = self._stream(found)
        if self.options.serve == "stream":
            return stream
        return Redirect(self._bucket.sign(found.path, self.options.redirect_expires), stream)

    def delete(self, key: str) -> None:
        self._bucket.delete(self._folder + key)

    def keys(self) -> Iterator[StoredBlob]:
        # Records are half of all objects. They are passed over by the service, which sorts: names
        # of projects and files begin with a letter or a digit, all of which come after a dot.
        for found in self._bucket.list(self._folder, after=f"{self._own[:-1]}0"):
            key = found.path.removeprefix(self._folder)
            if not key.startswith(".") and "/." not in key:
                at = found.modified_at
                yield StoredBlob(key, found.size, at, at, found.etag or "")

    def record(self, key: str) -> bytes | None:
        return self._bucket.read(self._record_path(key))

    def put_record(self, key: str, data: bytes) -> None:
        self._bucket.write(self._record_path(key), data)

    def delete_record(self, key: str) -> None:
        self._bucket.delete(self._record_path(key))

    def check(self) -> None:
        self._bucket.check()

    @cached_property
    def _putting(self) -> Putting:
        self._remove_abandoned()
        if self.options.exclusive == "catalog":
            return Leased(self._bucket, self._notes, self.options.part_size, self.options.timeout)
        return Conditional(self._bucket, self.options.part_size)

    def _remove_abandoned(self) -> None:
        # In a folder that everybody may write to, names like ours may be somebody else's.
        if self.options.staging is not None and os.access(self._staging, os.W_OK):
            StagedFile.remove_abandoned(self._staging)

    def _record_path(self, key: str) -> str:
        return f"{self._own}records/{key}.json"

    def _windows(self, found: Found, start: int, stop: int | None) -> Iterator[bytes]:
        end = found.size if stop is None else min(stop, found.size)
        while start < end:
            until = min(start + _WINDOW, end)
            try:
                yield self._bucket.window(found, start, until)
            except FileNotFoundError:
                name = found.path.rpartition("/")[2]
                raise BlobMissing(f"{name} has disappeared from the storage") from None
            start = until
