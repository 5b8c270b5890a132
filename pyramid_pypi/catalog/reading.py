"""The questions that are put to the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from packaging.version import InvalidVersion, Version
from sqlalchemy import Connection, bindparam, func, or_, select

from pyramid_pypi.catalog.prepared import Prepared
from pyramid_pypi.catalog.tables import (
    core_metadata,
    from_microseconds,
    journal,
    removed_files,
    scans,
)
from pyramid_pypi.catalog.tables import (
    files as files_table,
)
from pyramid_pypi.catalog.tables import (
    projects as projects_table,
)
from pyramid_pypi.model import Change, File, Hashes, ProjectName, ProjectPage, ProjectStatus, RemovedFile

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is of a file before its upload: itself, one of its name that was removed, its project."""

    file: File | None
    removed: RemovedFile | None
    status: ProjectStatus | None


_FILE_COLUMNS = (
    projects_table.c.name,
    files_table.c.filename,
    files_table.c.version,
    files_table.c.packagetype,
    files_table.c.size,
    files_table.c.sha256,
    files_table.c.blake2b_256,
    files_table.c.md5,
    files_table.c.uploaded_at,
    files_table.c.uploaded_by,
    files_table.c.storage_key,
    files_table.c.requires_python,
    files_table.c.yanked,
    files_table.c.metadata_sha256,
    files_table.c.signed,
    files_table.c.python_version,
    files_table.c.comment,
)
_PROJECT_COLUMNS = (
    projects_table.c.display,
    projects_table.c.serial,
    projects_table.c.status,
    projects_table.c.status_reason,
)

_of_repository = projects_table.c.repository == bindparam("repository")
_file_is_of_repository = files_table.c.repository == bindparam("repository")

# One statement sees one snapshot, so the page needs no transaction.
_PAGE = Prepared(
    select(*_FILE_COLUMNS, *_PROJECT_COLUMNS)
    .select_from(projects_table.outerjoin(files_table))
    .where(_of_repository, projects_table.c.name == bindparam("name"))
)
_FILE = Prepared(
    select(*_FILE_COLUMNS)
    .select_from(files_table.join(projects_table))
    .where(_file_is_of_repository, files_table.c.filename_key == bindparam("key"))
)
_FILES_AFTER = Prepared(
    select(*_FILE_COLUMNS)
    .select_from(files_table.join(projects_table))
    .where(
        _of_repository,
        _file_is_of_repository,
        # It follows from the next condition, and it is what an index can answer.
        projects_table.c.name >= bindparam("project"),
        or_(projects_table.c.name > bindparam("project"), files_table.c.filename > bindparam("filename")),
    )
    .order_by(projects_table.c.name, files_table.c.filename)
    .limit(bindparam("limit"))
)
_KEYS_OF = select(files_table.c.storage_key).where(
    files_table.c.repository == bindparam("repository"),
    files_table.c.filename_key.in_(bindparam("filenames", expanding=True)),
)
_KEYS = Prepared(select(files_table.c.storage_key).where(_file_is_of_repository))
_PROJECTS = Prepared(
    select(projects_table.c.name, projects_table.c.display, projects_table.c.serial)
    .where(_of_repository)
    .order_by(projects_table.c.name)
)
_STATUS = Prepared(
    select(projects_table.c.status).where(_of_repository, projects_table.c.name == bindparam("name"))
)
_REMOVED = Prepared(
    select(removed_files.c.sha256, removed_files.c.removed_at).where(
        removed_files.c.repository == bindparam("repository"),
        removed_files.c.filename_key == bindparam("key"),
    )
)
_REMOVED_NAMES = Prepared(
    select(removed_files.c.filename_key).where(removed_files.c.repository == bindparam("repository"))
)
_METADATA = Prepared(select(core_metadata.c.body).where(core_metadata.c.sha256 == bindparam("sha256")))
_LAST_SERIAL = Prepared(select(func.max(journal.c.serial)))
_CHANGES = Prepared(
    select(journal)
    .where(journal.c.serial > bindparam("serial"))
    .order_by(journal.c.serial)
    .limit(bindparam("limit"))
)
_SCANNED = Prepared(select(scans.c.completed_at).where(scans.c.repository == bindparam("repository")))


def projects(connection: Connection, repository: str) -> list[ProjectName]:
    """Return the projects of a repository by name."""
    rows = _PROJECTS.run(connection, {"repository": repository})
    return [ProjectName(name, display, serial) for name, display, serial in rows]


def page(connection: Connection, repository: str, name: str) -> ProjectPage | None:
    """Return a project with its files, by version and then by name."""
    if _is_nowhere(name):
        return None
    rows = _PAGE.run(connection, {"repository": repository, "name": name}).fetchall()
    if not rows:
        return None
    found = [_file(row) for row in rows if row[1] is not None]
    found.sort(key=lambda file: (_version_key(file.version), file.filename))
    display, serial, status, reason = rows[0][-4:]
    return ProjectPage(repository, name, display, tuple(found), serial, status, reason)


def file(connection: Connection, repository: str, filename: str) -> File | None:
    """Return the file whose name is `filename` in any case."""
    if _is_nowhere(filename):
        return None
    row = _FILE.run(connection, {"repository": repository, "key": filename.lower()}).fetchone()
    return None if row is None else _file(row)


def files_after(connection: Connection, repository: str, last: tuple[str, str]) -> list[File]:
    """Return the next files of a repository, by project and name, after this project and name."""
    project, filename = last
    after = {"repository": repository, "project": project, "filename": filename, "limit": _BATCH}
    return [_file(row) for row in _FILES_AFTER.run(connection, after)]


def status(connection: Connection, repository: str, name: str) -> ProjectStatus | None:
    """Return the status marker of a project."""
    if _is_nowhere(name):
        return None
    found: ProjectStatus | None = _one(_STATUS, connection, repository=repository, name=name)
    return found


def keys(connection: Connection, repository: str) -> set[str]:
    """Return the storage keys of a repository."""
    return {key for (key,) in _KEYS.run(connection, {"repository": repository})}


def keys_of(connection: Connection, repository: str, filenames: Sequence[str]) -> set[str]:
    """Return the storage keys of those of the files that are there, whose names are in lower case."""
    found: set[str] = set()
    for start in range(0, len(filenames), _BATCH):
        batch = filenames[start : start + _BATCH]
        found.update(connection.execute(_KEYS_OF, {"repository": repository, "filenames": batch}).scalars())
    return found


def removed(connection: Connection, repository: str, filename: str) -> RemovedFile | None:
    """Return what is known of a removed file of this name."""
    if _is_nowhere(filename):
        return None
    row = _REMOVED.run(connection, {"repository": repository, "key": filename.lower()}).fetchone()
    return None if row is None else RemovedFile(row[0], from_microseconds(row[1]))


def standing(connection: Connection, repository: str, name: str, filename: str) -> Standing:
    """Return what a new file of the project `name` has to reckon with."""
    return Standing(
        file(connection, repository, filename),
        removed(connection, repository, filename),
        status(connection, repository, name),
    )


def removed_names(connection: Connection, repository: str) -> set[str]:
    """Return the names of removed files, in lower case."""
    return {name for (name,) in _REMOVED_NAMES.run(connection, {"repository": repository})}


def metadata(connection: Connection, sha256: str) -> bytes | None:
    """Return a compressed body of core metadata."""
    body: bytes | None = _one(_METADATA, connection, sha256=sha256)
    return body


def last_serial(connection: Connection) -> int:
    """Return the newest serial of the journal."""
    serial: int | None = _one(_LAST_SERIAL, connection)
    return serial or 0


def changes_since(connection: Connection, serial: int, limit: int) -> list[Change]:
    """Return journal rows after `serial`."""
    rows = _CHANGES.run(connection, {"serial": serial, "limit": limit})
    return [
        Change(serial, repository, project, action, from_microseconds(at), by, version, filename)
        for serial, repository, project, version, filename, action, at, by in rows
    ]


def is_scanned(connection: Connection, repository: str) -> bool:
    """Tell whether a full pass over the storage is on record."""
    return _one(_SCANNED, connection, repository=repository) is not None


def _is_nowhere(name: str) -> bool:
    # PostgreSQL takes no NUL, and refuses to look for one.
    return "\0" in name


def _one(statement: Prepared, connection: Connection, **values: object) -> Any:
    """Return the first column of the first row, None without a row."""
    row = statement.run(connection, values).fetchone()
    return None if row is None else row[0]


def _file(row: Sequence[Any]) -> File:
    return File(
        project=row[0],
        filename=row[1],
        version=row[2],
        packagetype=row[3],
        size=row[4],
        hashes=Hashes(row[5], row[6], row[7]),
        uploaded_at=from_microseconds(row[8]),
        uploaded_by=row[9],
        key=row[10],
        requires_python=row[11],
        yanked=row[12],
        metadata_sha256=row[13],
        signed=bool(row[14]),
        python_version=row[15],
        comment=row[16],
    )


@lru_cache(maxsize=20_000)
def _version_key(version: str) -> tuple[int, Version | str]:
    # A tree that was filled by other tools may hold versions that PEP 440 does not know.
    try:
        return (1, Version(version))
    except InvalidVersion:
        return (0, version)
