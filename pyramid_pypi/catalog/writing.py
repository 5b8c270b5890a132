"""The changes that are made to the catalog; each leaves one row in the journal."""

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Insert, Table, delete, insert, select, update
from sqlalchemy.dialects import sqlite

from pyramid_pypi.catalog.tables import (
    core_metadata,
    files,
    journal,
    projects,
    removed_files,
    scans,
    to_microseconds,
)
from pyramid_pypi.model import File, Identity, ProjectPage, ProjectStatus


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file on its way into the catalog, with its compressed core metadata."""

    repository: str
    file: File
    display: str
    metadata: bytes | None


def add(connection: Connection, new: NewFile, by: Identity) -> int:
    """Add a file and, if need be, its project. Raises IntegrityError when the name is taken."""
    repository, file = new.repository, new.file
    serial = _write_down(connection, repository, file, f"add {_kind(file)}", by)
    project = _project(connection, new, serial)
    if new.metadata is not None:
        values = {"sha256": file.metadata_sha256, "body": new.metadata}
        connection.execute(_insert_once(connection, core_metadata), values)
    connection.execute(
        insert(files).values(
            project_id=project,
            repository=repository,
            filename=file.filename,
            filename_key=file.filename.lower(),
            version=file.version,
            packagetype=file.packagetype,
            python_version=file.python_version,
            size=file.size,
            sha256=file.hashes.sha256,
            blake2b_256=file.hashes.blake2b_256,
            md5=file.hashes.md5,
            uploaded_at=to_microseconds(file.uploaded_at),
            uploaded_by=file.uploaded_by,
            storage_key=file.key,
            requires_python=file.requires_python,
            yanked=file.yanked,
            metadata_sha256=file.metadata_sha256,
            signed=file.signed,
            comment=file.comment,
        )
    )
    connection.execute(
        delete(removed_files).where(
            removed_files.c.repository == repository,
            removed_files.c.filename_key == file.filename.lower(),
        )
    )
    return serial


def remove(
    connection: Connection, repository: str, file: File, by: Identity, *, tombstone: bool = True
) -> None:
    """Remove a file; a project without files stays known, so that its name stays ours."""
    connection.execute(delete(files).where(*_is(repository, file)))
    if tombstone:
        gone = {
            "repository": repository,
            "filename_key": file.filename.lower(),
            "sha256": file.hashes.sha256,
        }
        connection.execute(_insert_once(connection, removed_files), gone)
    serial = _write_down(connection, repository, file, "remove file", by)
    _touch(connection, repository, file.project, serial)


def yank(connection: Connection, repository: str, file: File, by: Identity) -> None:
    """Write the yank marker of a file."""
    connection.execute(update(files).where(*_is(repository, file)).values(yanked=file.yanked))
    action = "unyank file" if file.yanked is None else "yank file"
    serial = _write_down(connection, repository, file, action, by)
    _touch(connection, repository, file.project, serial)


def set_status(
    connection: Connection, page: ProjectPage, status: ProjectStatus, reason: str, by: Identity
) -> None:
    """Write the status marker of a project."""
    row = _journal_row(page.repository, page.name, f"status {status}", by)
    serial = _append(connection, row)
    connection.execute(
        update(projects)
        .where(projects.c.repository == page.repository, projects.c.name == page.name)
        .values(status=status, status_reason=reason, serial=serial)
    )


def mark_scanned(connection: Connection, repository: str) -> None:
    """Write that the storage of a repository was read completely."""
    values = {"repository": repository, "completed_at": _now()}
    connection.execute(_insert_once(connection, scans), values)


def _project(connection: Connection, new: NewFile, serial: int) -> int:
    of_name = (projects.c.repository == new.repository, projects.c.name == new.file.project)
    found: int | None = connection.execute(select(projects.c.id).where(*of_name)).scalar()
    if found is not None:
        _touch(connection, new.repository, new.file.project, serial)
        return found
    statement = insert(projects).values(
        repository=new.repository, name=new.file.project, display=new.display, serial=serial
    )
    created: int = connection.execute(statement.returning(projects.c.id)).scalar_one()
    return created


def _touch(connection: Connection, repository: str, project: str, serial: int) -> None:
    of_name = (projects.c.repository == repository, projects.c.name == project)
    connection.execute(update(projects).where(*of_name).values(serial=serial))


def _write_down(connection: Connection, repository: str, file: File, action: str, by: Identity) -> int:
    row = _journal_row(repository, file.project, action, by)
    return _append(connection, row | {"version": file.version, "filename": file.filename})


def _journal_row(repository: str, project: str, action: str, by: Identity) -> dict[str, object]:
    return {
        "repository": repository,
        "project": project,
        "action": action,
        "at": _now(),
        "by": by.name,
    }


def _append(connection: Connection, row: dict[str, object]) -> int:
    serial: int = connection.execute(insert(journal).returning(journal.c.serial), row).scalar_one()
    return serial


def _is(repository: str, file: File) -> tuple[ColumnElement[bool], ...]:
    return (files.c.repository == repository, files.c.filename_key == file.filename.lower())


def _kind(file: File) -> str:
    # The words of the actions are PyPI's, which mirrors read: "add py3 file", "add source file".
    return f"{file.python_version} file"


def _insert_once(connection: Connection, table: Table) -> Insert:
    if connection.dialect.name == "postgresql":
        # Importing it takes time and memory that SQLite's users need not pay.
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _now() -> int:
    return time.time_ns() // 1000
