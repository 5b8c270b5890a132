"""Files that other tools put into a storage: found, read and listed; or missed and unlisted."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pyramid_pypi.distribution import LENIENT, Filename, guess_filename, inspect
from pyramid_pypi.errors import BlobMissing, InvalidUpload, TooLarge
from pyramid_pypi.model import Blob, File, Hashes, Identity, LocalFile, StoredBlob
from pyramid_pypi.repositories.hosted import Hosted
from pyramid_pypi.repositories.listing import Found, list_found
from pyramid_pypi.repositories.records import apply_record, recorded_hashes
from pyramid_pypi.storage.reading import Hasher, hash_blob, read_blob

__all__ = ["STORAGE_IDENTITY", "Adopter", "Known"]

log = logging.getLogger(__name__)

STORAGE_IDENTITY = Identity("", frozenset())
"""Who the journal names when nobody uploaded a file: it was simply there."""

_GIVE_UP_AFTER = 120.0


@dataclass(frozen=True, slots=True)
class Known:
    """What there was when a pass over a storage began, so that it is not asked for file by file.

    `names` are those of files that are listed or have been removed, in lower case; `signatures` are
    the keys of signatures in the storage, None where they could not be listed.
    """

    names: AbstractSet[str]
    signatures: AbstractSet[str] | None


class Adopter:
    """Compares a storage with the catalog and brings the catalog up to date.

    A file that cannot be read as a wheel or sdist yet is probably still arriving, so it is looked
    at again as long as it is young, and then reported once. `put` lists what was found, later if it
    likes; without it that is done at once. With `known` a file that is listed, removed or signed
    during the pass may be put as if it were not: whoever lists it has to look.
    """

    def __init__(
        self, repository: Hosted, put: Callable[[Found], None] | None = None, *, known: Known | None = None
    ) -> None:
        self.repository = repository
        self._put = put or self._list
        self._known = known
        self._reported: set[str] = set()

    def adopt(self, blob: StoredBlob) -> bool:
        """List the file under `blob.key` if it is a distribution; return whether it is settled.

        False means that the file seems to be incomplete: ask again later.
        """
        name = self._name(blob.key)
        if name is None:
            return True
        is_new = self._known is not None and name.filename.lower() not in self._known.names
        known = None if is_new else self.repository.catalog.file(self.repository.name, name.filename)
        if known is not None:
            if known.key != blob.key:
                self._report(blob.key, f"{name.filename} is already served from {known.key}")
            return True
        try:
            if is_new or not self._is_of_removed(name, blob):
                self._add(name, blob)
        except (InvalidUpload, TooLarge) as error:
            age = time.time() - blob.modified_at.timestamp()
            if age < _GIVE_UP_AFTER:
                return False
            self._report(blob.key, error.message)
        except BlobMissing:
            return True
        return True

    def sweep(self) -> Iterator[tuple[StoredBlob, bool]]:
        """Adopt everything in the storage; yield each blob and whether it is settled."""
        storage = self.repository.storage
        for blob in storage.keys():  # noqa: SIM118 - not a mapping
            yield blob, self.adopt(blob)

    def drop_missing(self) -> int:
        """Take files out of the list whose bytes have disappeared; return how many."""
        storage = self.repository.storage
        storage.check()
        listed = {file.key: file for file in self.repository.catalog.files(self.repository.name)}
        # A remote storage lists a thousand blobs in the time in which it opens one.
        for blob in storage.keys():  # noqa: SIM118 - not a mapping
            listed.pop(blob.key, None)
        missing = [file for file in listed.values() if self._is_gone(file)]
        for file in missing:
            self._forget(file)
        return len(missing)

    def drop_if_missing(self, key: str) -> None:
        """Take the file under `key` out of the list if its bytes have disappeared."""
        file = self.repository.catalog.file(self.repository.name, key.rpartition("/")[2])
        if file is not None and file.key == key and self._is_gone(file):
            self._forget(file)

    def _forget(self, file: File) -> None:
        name = self.repository.name
        log.warning("%s: %s has disappeared and is no longer listed", name, file.key)
        self.repository.catalog.forget(name, file, STORAGE_IDENTITY)

    def _is_gone(self, file: File) -> bool:
        try:
            self.repository.storage.open(file.key)
        except BlobMissing:
            return True
        return False

    def _name(self, key: str) -> Filename | None:
        basename = key.rpartition("/")[2]
        return None if basename.startswith(".") else guess_filename(basename)

    def _is_of_removed(self, name: Filename, blob: StoredBlob) -> bool:
        """Tell whether the name was used by a removed file, unless it is that file come back."""
        repository = self.repository
        removed = repository.catalog.removed(repository.name, name.filename)
        if removed is None:
            return False
        opened = repository.storage.open(blob.key)
        file = self._file(name, blob, hash_blob(read_blob(opened)), None)
        if file.hashes.sha256 != removed.sha256:
            self._report(blob.key, "the name was used by a file that has been deleted")
            return True
        if blob.placed_at <= removed.at:
            # A deletion that was cut off, or is under way; who wants the file back copies it anew.
            repository.intake.discard(file)
            return True
        return False

    def _add(self, name: Filename, blob: StoredBlob) -> None:
        repository = self.repository
        opened = self._open(blob)
        record = repository.storage.record(blob.key)
        with self._at_hand(opened) as (path, hashed):
            artefact = inspect(path, name, LENIENT)
            hashes = hashed or recorded_hashes(record, blob.size) or hash_blob(read_blob(opened))
        file = apply_record(self._file(name, blob, hashes, artefact.requires_python), record)
        body = artefact.core_metadata
        digest = None if body is None else hashlib.sha256(body).hexdigest()
        file = replace(file, metadata_sha256=digest)
        self._put(Found(file, artefact.name, body))
        log.info("%s: %s was found in the storage and is listed", repository.name, blob.key)

    def _open(self, blob: StoredBlob) -> Blob:
        # A remote storage need not be asked again for what it has just told.
        open_listed = getattr(self.repository.storage, "open_listed", None)
        opened: Blob = open_listed(blob) if open_listed else self.repository.storage.open(blob.key)
        return opened

    def _list(self, found: Found) -> None:
        catalog, name = self.repository.catalog, self.repository.name
        list_found(catalog, name, found, STORAGE_IDENTITY, self._recorded)

    def _recorded(self, file: File) -> File:
        """Return the file as its record tells it by now: an upload may have written it meanwhile."""
        return apply_record(file, self.repository.storage.record(file.key))

    @contextmanager
    def _at_hand(self, blob: Blob) -> Iterator[tuple[Path, Hashes | None]]:
        """Give the path of the bytes, and their digests if they had to be fetched for that."""
        if isinstance(blob, LocalFile):
            yield blob.path, None
            return
        hasher = Hasher()
        with self.repository.storage.stage() as staged:
            for chunk in read_blob(blob):
                hasher.update(chunk)
                staged.write(chunk)
            staged.finish(durable=False)
            yield staged.path, hasher.hashes()

    def _file(self, name: Filename, blob: StoredBlob, hashes: Hashes, requires: str | None) -> File:
        return File(
            project=name.project,
            filename=name.filename,
            version=name.version,
            packagetype=name.packagetype,
            size=blob.size,
            hashes=hashes,
            uploaded_at=min(blob.modified_at, datetime.now(UTC)),
            uploaded_by="",
            key=blob.key,
            requires_python=requires,
            signed=self._is_signed(blob.key),
            python_version=name.python_version,
        )

    def _is_signed(self, key: str) -> bool:
        if self._known is not None and self._known.signatures is not None:
            return f"{key}.asc" in self._known.signatures
        try:
            self.repository.storage.open(f"{key}.asc")
        except BlobMissing:
            return False
        return True

    def _report(self, key: str, reason: str) -> None:
        if key not in self._reported:
            self._reported.add(key)
            log.warning("%s: %s in the storage is not listed: %s", self.repository.name, key, reason)
