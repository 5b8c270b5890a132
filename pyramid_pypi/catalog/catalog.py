"""The catalog as one object: what repositories ask and what they write."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

from pyramid_pypi.catalog import reading, writing
from pyramid_pypi.catalog.database import Errors, open_database
from pyramid_pypi.errors import BadRequest, PypiError
from pyramid_pypi.model import (
    Change,
    File,
    Identity,
    ProjectName,
    ProjectPage,
    ProjectStatus,
    RemovedFile,
)

__all__ = ["Catalog"]


class Catalog:
    """The projects and files of all repositories, in one SQL database.

    Every method is one statement or one short transaction, and may raise CatalogUnavailable.
    """

    def __init__(self, url: str) -> None:
        """Open the database at `url`, creating or migrating its tables. Raises CatalogUnavailable."""
        self.url = url
        self._database = open_database(url)
        self._errors = Errors(self._database.read)
        self.stamp = self._database.stamp

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def check(self) -> None:
        """Raise CatalogUnavailable when the database does not answer."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def projects(self, repository: str) -> list[ProjectName]:
        """Return the projects of `repository` by normalised name."""
        with self.reading() as connection:
            return reading.projects(connection, repository)

    def page(self, repository: str, name: str) -> ProjectPage | None:
        """Return a project and its files, or None."""
        with self.reading() as connection:
            return reading.page(connection, repository, name)

    def file(self, repository: str, filename: str) -> File | None:
        """Return the file of that name, in whatever case it is asked for, or None."""
        with self.reading() as connection:
            return reading.file(connection, repository, filename)

    def files(self, repository: str) -> Iterator[File]:
        """Yield every file of `repository` by project and name, a few hundred in memory at a time.

        Files that come or go in the meantime are in it or not.
        """
        last = ("", "")
        while True:
            with self.reading() as connection:
                found = reading.files_after(connection, repository, last)
            if not found:
                return
            yield from found
            last = (found[-1].project, found[-1].filename)

    def keys(self, repository: str) -> set[str]:
        """Return the storage keys of all files of `repository`."""
        with self.reading() as connection:
            return reading.keys(connection, repository)

    def keys_of(self, repository: str, filenames: Sequence[str]) -> set[str]:
        """Return the storage keys of the files of these names, those that are there."""
        with self.reading() as connection:
            return reading.keys_of(connection, repository, [name.lower() for name in filenames])

    def status(self, repository: str, name: str) -> ProjectStatus | None:
        """Return the status marker of a project, None when there is no such project."""
        with self.reading() as connection:
            return reading.status(connection, repository, name)

    def removed(self, repository: str, filename: str) -> RemovedFile | None:
        """Return what is known of a removed file of that name, or None."""
        with self.reading() as connection:
            return reading.removed(connection, repository, filename)

    def standing(self, repository: str, name: str, filename: str) -> reading.Standing:
        """Return what there is of a file of the project `name` before its upload."""
        with self.reading() as connection:
            return reading.standing(connection, repository, name, filename)

    def removed_names(self, repository: str) -> set[str]:
        """Return the names of all removed files of `repository`, in lower case."""
        with self.reading() as connection:
            return reading.removed_names(connection, repository)

    def metadata(self, sha256: str) -> bytes | None:
        """Return the core metadata with this digest, byte for byte, or None."""
        with self.reading() as connection:
            body = reading.metadata(connection, sha256)
        return None if body is None else zlib.decompress(body)

    def last_serial(self) -> int:
        """Return the serial of the newest change, 0 before the first."""
        with self.reading() as connection:
            return reading.last_serial(connection)

    def changes_since(self, serial: int, *, limit: int = 50_000) -> list[Change]:
        """Return the changes after `serial`, oldest first."""
        with self.reading() as connection:
            return reading.changes_since(connection, serial, limit)

    def is_scanned(self, repository: str) -> bool:
        """Tell whether the storage of `repository` has once been read completely."""
        with self.reading() as connection:
            return reading.is_scanned(connection, repository)

    def mark_scanned(self, repository: str) -> None:
        """Remember that the storage of `repository` has been read completely."""
        with self.writing() as connection:
            writing.mark_scanned(connection, repository)

    def add(
        self, repository: str, file: File, by: Identity, *, display: str, metadata: bytes | None
    ) -> int | None:
        """Add `file` and return the serial of the change, or None when its name is taken."""
        compressed = None if metadata is None else zlib.compress(metadata)
        try:
            with self.writing() as connection:
                new = writing.NewFile(repository, file, display, compressed)
                return writing.add(connection, new, by)
        except self._errors.integrity:
            return None

    def unless_listed(self, repository: str, filename: str, action: Callable[[], None]) -> None:
        """Run `action` while nobody can list a file of that name, unless it is listed already."""
        with self.writing() as connection:
            if reading.file(connection, repository, filename) is None:
                action()

    def remove(self, repository: str, file: File, by: Identity) -> None:
        """Remove `file` from its project and keep its name from other bytes for ever."""
        with self.writing() as connection:
            writing.remove(connection, repository, file, by)

    def forget(self, repository: str, file: File, by: Identity) -> None:
        """Remove `file`, whose bytes have disappeared, and leave its name free."""
        with self.writing() as connection:
            writing.remove(connection, repository, file, by, tombstone=False)

    def yank(self, repository: str, file: File, by: Identity) -> None:
        """Write whether and why `file` is yanked, as its `yanked` says (PEP 592)."""
        with self.writing() as connection:
            writing.yank(connection, repository, file, by)

    def set_status(self, page: ProjectPage, status: ProjectStatus, reason: str, by: Identity) -> None:
        """Set the status marker of the project (PEP 792)."""
        with self.writing() as connection:
            writing.set_status(connection, page, status, reason, by)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read within this; every statement sees what was committed before it."""
        try:
            with self._database.read.connect() as connection:
                yield connection
        except self._errors.all as error:
            raise self._explain(error) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write all of this or nothing, while nobody else does."""
        try:
            with self._database.turn, self._database.write.begin() as connection:
                yield connection
        except self._errors.integrity:
            raise
        except self._errors.all as error:
            raise self._explain(error) from error
        self.stamp.renew()

    def _explain(self, error: Exception) -> PypiError:
        if self._errors.is_about_data(error):
            return BadRequest("There is a character or a number in this that the catalog cannot take")
        return self._database.unavailable(error)
