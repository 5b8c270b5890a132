"""How a hosted repository takes a file, whatever happens in between and whoever else is writing.

The order is blob, signature, record, row. The row makes the file visible. Whoever takes bytes away
that have no row does so in a catalog transaction, and whoever adds a row looks afterwards whether
the bytes are still there: so a listed file has its bytes.
"""

import hashlib
import hmac
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import BlobExists, BlobMissing, FileConflict, ProjectClosed, PypiError, Unavailable
from pyramid_pypi.model import File, Identity, ProjectStatus, RemovedFile
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories.listing import Found, list_found
from pyramid_pypi.repositories.records import apply_record, recorded_hashes, write_record
from pyramid_pypi.storage import Storage
from pyramid_pypi.storage.reading import hash_blob, read_blob

__all__ = ["NEW", "Intake", "Past"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Past:
    """What a file has been through elsewhere; `uploaded_at` and `uploaded_by` are None where nobody knows."""

    uploaded_at: datetime | None = None
    uploaded_by: str | None = None
    yanked: str | None = None


NEW = Past()
"""That of a file that was nowhere before."""


class Intake:
    """Takes uploads into one repository; `name`, `storage` and `catalog` are the repository's."""

    def __init__(self, name: str, *, storage: Storage, catalog: Catalog) -> None:
        self._name = name
        self._storage = storage
        self._catalog = catalog

    def add(self, upload: Upload, by: Identity, *, past: Past = NEW) -> tuple[File, bool]:
        """Store the upload; return the file, and whether it is new. See `Writable.add`.

        A file that was somewhere else before keeps its `past`.
        """
        before = self._catalog.standing(self._name, upload.project, upload.filename.filename)
        if before.file is not None:
            return self._again(before.file, upload), False
        _refuse_closed(upload, before.status)
        _refuse_removed(upload, before.removed)
        file = _with_past(self._new_file(upload, by), past)
        if not self._put(file, upload, before.removed):
            return self._adopt(file, upload, by)
        try:
            return self._list(file, upload, by)
        except Exception:
            self._undo(file)
            raise

    def discard(self, file: File) -> None:
        """Remove record, signature and bytes of a file that is not listed, unless it is by now."""

        def remove() -> None:
            self._storage.delete_record(file.key)
            self._storage.delete(f"{file.key}.asc")
            self._storage.delete(file.key)

        self._catalog.unless_listed(self._name, file.filename, remove)

    def _list(self, file: File, upload: Upload, by: Identity) -> tuple[File, bool]:
        self._sign(file, upload)
        self._storage.put_record(file.key, write_record(file, upload.display))
        serial = self._catalog.add(
            self._name, file, by, display=upload.display, metadata=upload.core_metadata
        )
        if serial is not None:
            self._restore(file, upload)
            return file, True
        known = self._winner(file, upload)
        if known.key == file.key:
            # Ours has just taken the place of what says when the winner came, and from whom.
            self._storage.put_record(known.key, write_record(known, upload.display))
        return known, False

    def _adopt(self, file: File, upload: Upload, by: Identity) -> tuple[File, bool]:
        """List a file that was here, as one that was cut off has left it, while others may do the same."""
        self._sign(file, upload)
        found = Found(file, upload.display, upload.core_metadata)
        listed = list_found(self._catalog, self._name, found, by, partial(self._recorded, upload))
        if listed is None:
            return self._winner(file, upload), False
        self._restore(listed, upload)
        return listed, True

    def _winner(self, file: File, upload: Upload) -> File:
        """Return the file of that name that somebody else has listed meanwhile."""
        found = self._catalog.file(self._name, file.filename)
        if found is None:
            raise Unavailable(f"{file.filename} is being changed; try again")
        return self._again(found, upload)

    def _recorded(self, upload: Upload, file: File) -> File:
        """Return a file as its record tells it, which is written unless there is one of these bytes."""
        record = self._storage.record(file.key)
        if recorded_hashes(record, upload.size) == upload.hashes:
            return apply_record(file, record)
        self._storage.put_record(file.key, write_record(file, upload.display))
        return file

    def _put(self, file: File, upload: Upload, removed: RemovedFile | None) -> bool:
        """Store the bytes; return whether it was this call that did."""
        try:
            self._storage.put(file.key, upload.staged)
        except BlobExists:
            if removed is not None:
                raise Unavailable(f"{file.filename} is being deleted; try again in a moment") from None
            # The same upload at the same moment, or one that a crash cut off before its row.
            stored = hash_blob(read_blob(self._storage.open(file.key)))
            if stored != upload.hashes:
                raise _conflict(file.filename, stored.blake2b_256) from None
            return False
        return True

    def _sign(self, file: File, upload: Upload) -> None:
        if upload.signature is None:
            return
        with self._storage.stage() as staged, suppress(BlobExists):
            staged.write(upload.signature)
            self._storage.put(f"{file.key}.asc", staged)

    def _again(self, known: File, upload: Upload) -> File:
        same = known.filename == upload.filename.filename and hmac.compare_digest(
            known.hashes.sha256, upload.hashes.sha256
        )
        if not same:
            raise _conflict(known.filename, known.hashes.blake2b_256)
        self._restore(known, upload)
        return known

    def _restore(self, file: File, upload: Upload) -> None:
        """Store the bytes again if somebody has taken them away."""
        try:
            self._storage.open(file.key)
        except BlobMissing:
            with suppress(BlobExists):
                self._storage.put(file.key, upload.staged)

    def _undo(self, file: File) -> None:
        try:
            self.discard(file)
        except PypiError as error:
            # The bytes stay, without a row; the same upload again will find and list them.
            log.warning("%s: %s could not be taken back: %s", self._name, file.key, error)

    def _new_file(self, upload: Upload, by: Identity) -> File:
        body = upload.core_metadata
        return File(
            project=upload.project,
            filename=upload.filename.filename,
            version=upload.version,
            packagetype=upload.filename.packagetype,
            size=upload.size,
            hashes=upload.hashes,
            uploaded_at=datetime.now(UTC),
            uploaded_by=by.name,
            key=self._storage.key(upload.project, upload.filename.filename),
            requires_python=upload.requires_python,
            metadata_sha256=None if body is None else hashlib.sha256(body).hexdigest(),
            signed=upload.signature is not None,
            python_version=upload.filename.python_version,
            comment=upload.comment,
        )


def _with_past(file: File, past: Past) -> File:
    return replace(
        file,
        uploaded_at=past.uploaded_at or file.uploaded_at,
        uploaded_by=file.uploaded_by if past.uploaded_by is None else past.uploaded_by,
        yanked=past.yanked,
    )


def _refuse_closed(upload: Upload, status: ProjectStatus | None) -> None:
    if status in {"archived", "quarantined"}:
        raise ProjectClosed(f"The project {upload.project!r} is {status} and takes no files")


def _refuse_removed(upload: Upload, removed: RemovedFile | None) -> None:
    if removed is not None and not hmac.compare_digest(removed.sha256, upload.hashes.sha256):
        raise FileConflict(
            f"File already exists ({upload.filename.filename!r} was used by a file that has "
            "since been deleted; build a new version)"
        )


def _conflict(filename: str, blake2b_256: str) -> FileConflict:
    return FileConflict(
        f"File already exists ({filename!r}, with blake2_256 hash {blake2b_256!r}). "
        "Files do not change once they are published: build a new version"
    )
