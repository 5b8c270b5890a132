"""A repository that has its own files: a storage for the bytes, the catalog for the rest."""

import hashlib
import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import (
    BlobExists,
    FileConflict,
    FileHidden,
    FileMissing,
    ProjectClosed,
    ProjectNotFound,
    Unavailable,
)
from pyramid_pypi.model import (
    Blob,
    File,
    Identity,
    ProjectName,
    ProjectPage,
    ProjectStatus,
)
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories.records import write_record
from pyramid_pypi.storage import Storage
from pyramid_pypi.storage.reading import hash_blob, read_blob

__all__ = ["Hosted"]


class Hosted:
    """Writes blob, record and catalog row in this order, and deletes in reverse.

    The row is what makes a file visible, so whatever happens in between, a listed file has its
    bytes and an acknowledged one is listed.
    """

    def __init__(self, name: str, *, storage: Storage, catalog: Catalog) -> None:
        self.name = name
        self.storage = storage
        self.catalog = catalog
        self._scanned = False

    def projects(self) -> Sequence[ProjectName]:
        """Return the projects that the catalog lists."""
        return self.catalog.projects(self.name)

    def project(self, name: str) -> ProjectPage:
        """Return the project; a quarantined one offers no files (PEP 792)."""
        page = self.catalog.page(self.name, name)
        if page is None:
            self._require_scan()
            raise ProjectNotFound(f"{self.name!r} has no project {name!r}")
        return replace(page, files=()) if page.status == "quarantined" else page

    def file(self, filename: str) -> File:
        """Return the file that the catalog lists."""
        found = self.catalog.file(self.name, filename)
        if found is None or found.filename != filename:
            self._require_scan()
            raise FileMissing(f"{self.name!r} has no file {filename!r}")
        return found

    def open(self, file: File) -> Blob:
        """Open the bytes in the storage; a quarantined project offers none."""
        self._refuse_quarantined(file)
        return self.storage.open(file.key)

    def metadata(self, file: File) -> bytes:
        """Return the metadata from the catalog."""
        self._refuse_quarantined(file)
        digest = file.metadata_sha256
        body = None if digest is None else self.catalog.metadata(digest)
        if body is None:
            raise FileMissing(f"{file.filename} has no metadata file")
        return body

    def signature(self, file: File) -> Blob:
        """Open the signature in the storage."""
        if not file.signed:
            raise FileMissing(f"{file.filename} was uploaded without a signature")
        self._refuse_quarantined(file)
        return self.storage.open(f"{file.key}.asc")

    def add(self, upload: Upload, by: Identity) -> tuple[File, bool]:
        """Store the upload; of several uploads of one name exactly one wins."""
        known = self.catalog.file(self.name, upload.filename.filename)
        if known is not None:
            return _again(known, upload), False
        self._refuse_closed(upload.project)
        self._refuse_removed(upload)
        file = self._new_file(upload, by)
        self._put(file, upload)
        self.storage.put_record(file.key, write_record(file, upload.display))
        serial = self.catalog.add(self.name, file, by, display=upload.display, metadata=upload.core_metadata)
        if serial is None:
            winner = self.catalog.file(self.name, file.filename)
            if winner is None:
                raise Unavailable(f"{file.filename} is being changed; try again")
            return _again(winner, upload), False
        return file, True

    def yank(self, file: File, reason: str, by: Identity) -> File:
        """Write the mark into the record and into the catalog."""
        return self._mark(replace(file, yanked=reason), by)

    def unyank(self, file: File, by: Identity) -> File:
        """Take the mark from the record and from the catalog."""
        return self._mark(replace(file, yanked=None), by)

    def delete(self, file: File, by: Identity) -> None:
        """Take the file out of the catalog first, so that it is never listed without bytes."""
        self.catalog.remove(self.name, file, by)
        self.storage.delete_record(file.key)
        if file.signed:
            self.storage.delete(f"{file.key}.asc")
        self.storage.delete(file.key)

    def set_status(self, name: str, status: ProjectStatus, reason: str, by: Identity) -> None:
        """Write the marker into the catalog."""
        page = self.catalog.page(self.name, name)
        if page is None:
            raise ProjectNotFound(f"{self.name!r} has no project {name!r}")
        self.catalog.set_status(page, status, reason, by)

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
            key=self.storage.key(upload.project, upload.filename.filename),
            requires_python=upload.requires_python,
            metadata_sha256=None if body is None else hashlib.sha256(body).hexdigest(),
            signed=upload.signature is not None,
            python_version=upload.filename.python_version,
            comment=upload.comment,
        )

    def _put(self, file: File, upload: Upload) -> None:
        if upload.signature is not None:
            with self.storage.stage() as staged, suppress(BlobExists):
                staged.write(upload.signature)
                self.storage.put(f"{file.key}.asc", staged)
        try:
            self.storage.put(file.key, upload.staged)
        except BlobExists:
            # The same upload at the same moment, or one that a crash cut off before its row.
            stored = hash_blob(read_blob(self.storage.open(file.key)))
            if stored != upload.hashes:
                raise _conflict(file.filename, stored.blake2b_256) from None

    def _mark(self, file: File, by: Identity) -> File:
        page = self.catalog.page(self.name, file.project)
        display = file.project if page is None else page.display
        self.storage.put_record(file.key, write_record(file, display))
        self.catalog.yank(self.name, file, by)
        return file

    def _refuse_closed(self, project: str) -> None:
        page = self.catalog.status(self.name, project)
        if page in {"archived", "quarantined"}:
            raise ProjectClosed(f"The project {project!r} is {page} and takes no files")

    def _refuse_removed(self, upload: Upload) -> None:
        digest = self.catalog.removed(self.name, upload.filename.filename)
        if digest is not None and not hmac.compare_digest(digest, upload.hashes.sha256):
            raise FileConflict(
                f"File already exists ({upload.filename.filename!r} was used by a file that has "
                "since been deleted; build a new version)"
            )

    def _refuse_quarantined(self, file: File) -> None:
        if self.catalog.status(self.name, file.project) == "quarantined":
            raise FileHidden(f"The project {file.project!r} is quarantined and offers no files")

    def _require_scan(self) -> None:
        # Before the first pass over an existing tree, "not there" would be a guess, and clients
        # take a 404 as leave to ask another index.
        if not self._scanned:
            self._scanned = self.catalog.is_scanned(self.name)
        if not self._scanned:
            raise Unavailable(f"The files of {self.name!r} are still being read; try again in a moment")


def _again(known: File, upload: Upload) -> File:
    same = known.filename == upload.filename.filename and hmac.compare_digest(
        known.hashes.sha256, upload.hashes.sha256
    )
    if not same:
        raise _conflict(known.filename, known.hashes.blake2b_256)
    return known


def _conflict(filename: str, blake2b_256: str) -> FileConflict:
    return FileConflict(
        f"File already exists ({filename!r}, with blake2_256 hash {blake2b_256!r}). "
        "Files do not change once they are published: build a new version"
    )
