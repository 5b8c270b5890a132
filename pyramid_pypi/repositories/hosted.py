"""A repository that has its own files: a storage for the bytes, the catalog for the rest."""

from collections.abc import Sequence
from dataclasses import replace

from pyramid_pypi.catalog import Catalog
from pyramid_pypi.errors import FileHidden, FileMissing, ProjectNotFound, Unavailable
from pyramid_pypi.model import (
    Blob,
    File,
    Identity,
    ProjectName,
    ProjectPage,
    ProjectStatus,
)
from pyramid_pypi.publish.upload import Upload
from pyramid_pypi.repositories.intake import NEW, Intake, Past
from pyramid_pypi.repositories.records import write_record
from pyramid_pypi.storage import StagedFile, Storage

__all__ = ["Hosted"]


class Hosted:
    """Writes blob, record and catalog row in this order (see `intake`), and deletes in reverse.

    The row is what makes a file visible, so whatever happens in between, a listed file has its
    bytes and an acknowledged one is listed.
    """

    outside = False

    def __init__(self, name: str, *, storage: Storage, catalog: Catalog) -> None:
        self.name = name
        self.storage = storage
        self.catalog = catalog
        self.intake = Intake(name, storage=storage, catalog=catalog)
        self._scanned = False
        self._to_look = False

    def look(self) -> None:
        """Note that all files of an empty storage are listed; of any other only `reindex` can say so.

        It has to be done before the first upload. Raises StorageUnavailable, and looks again when it
        is asked for what it does not know.
        """
        self._to_look = True
        if not (self.catalog.is_scanned(self.name) or next(self.storage.keys(), None)):
            self.catalog.mark_scanned(self.name)
        self._to_look = False

    def projects(self) -> Sequence[ProjectName]:
        """Return the projects that the catalog lists."""
        return self.catalog.projects(self.name)

    own_projects = projects

    def project(self, name: str) -> ProjectPage:
        """Return the project; a quarantined one offers no files (PEP 792)."""
        page = self.catalog.page(self.name, name)
        if page is None:
            self._require_scan()
            raise ProjectNotFound(f"{self.name!r} has no project {name!r}")
        return replace(page, files=()) if page.status == "quarantined" else page

    def file(self, filename: str) -> File:
        """Return the file that the catalog lists."""
        # Names of files are ASCII, and a database may refuse to look for some that are not.
        found = self.catalog.file(self.name, filename) if filename.isascii() else None
        if found is None or found.filename != filename:
            self._require_scan()
            raise FileMissing(f"{self.name!r} has no file {filename!r}")
        return found

    def open(self, file: File, *, partly: bool = False) -> Blob:  # noqa: ARG002 - all of it is here
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

    def check(self) -> None:
        """Look whether the storage can be used."""
        self.storage.check()

    def close(self) -> None:
        """Do nothing: the catalog is not the repository's own."""

    def stage(self) -> StagedFile:
        """Stage where the storage will take it."""
        return self.storage.stage()

    def add(self, upload: Upload, by: Identity, *, past: Past = NEW) -> tuple[File, bool]:
        """Store the upload; of several uploads of one name exactly one wins.

        A file that was somewhere else before keeps its `past`.
        """
        if self._to_look:
            self.look()
        return self.intake.add(upload, by, past=past)

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

    def _mark(self, file: File, by: Identity) -> File:
        page = self.catalog.page(self.name, file.project)
        display = file.project if page is None else page.display
        self.storage.put_record(file.key, write_record(file, display))
        self.catalog.yank(self.name, file, by)
        return file

    def _refuse_quarantined(self, file: File) -> None:
        if self.catalog.status(self.name, file.project) == "quarantined":
            raise FileHidden(f"The project {file.project!r} is quarantined and offers no files")

    def _require_scan(self) -> None:
        # Before the first pass over an existing tree, "not there" would be a guess, and clients
        # take a 404 as leave to ask another index.
        if self._to_look:
            self.look()
        if not self._scanned:
            self._scanned = self.catalog.is_scanned(self.name)
        if not self._scanned:
            raise Unavailable(f"The files of {self.name!r} are still being read; try again in a moment")
