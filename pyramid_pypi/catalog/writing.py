"""The changes that are made to the catalog; each leaves one row in the journal.

The names of parameters that select rows begin with `of_`, so that they differ from columns.
"""

import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Insert, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import sqlite

from pyramid_pypi.catalog.prepared import Prepared
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


def _insert(table: Table, *, leave_out: str = "") -> Insert:
    names = [column.name for column in table.columns if column.name != leave_out]
    return insert(table).values({name: bindparam(name) for name in names})


_OF_PROJECT = (
    projects.c.repository == bindparam("of_repository"),
    projects.c.name == bindparam("of_name"),
)
_OF_FILE = (files.c.repository == bindparam("of_repository"), files.c.filename_key == bindparam("of_key"))

_APPEND = Prepared(_insert(journal, leave_out="serial").returning(journal.c.serial))
_INSERT_FILE = Prepared(_insert(files, leave_out="id"))
_INSERT_PROJECT = Prepared(
    insert(projects)
    .values({name: bindparam(name) for name in ("repository", "name", "display", "serial")})
    .returning(projects.c.id)
)
_FIND_PROJECT = Prepared(select(projects.c.id).where(*_OF_PROJECT))
_TOUCH = Prepared(update(projects).where(*_OF_PROJECT).values(serial=bindparam("serial")))
_SET_STATUS = Prepared(
    update(projects)
    .where(*_OF_PROJECT)
    .values(status=bindparam("status"), status_reason=bindparam("reason"), serial=bindparam("serial"))
)
_FORGET_NAME = Prepared(
    delete(removed_files).where(
        removed_files.c.repository == bindparam("of_repository"),
        removed_files.c.filename_key == bindparam("of_key"),
    )
)
_YANK = Prepared(update(files).where(*_OF_FILE).values(yanked=bindparam("yanked")))
_DELETE_FILE = Prepared(delete(files).where(*_OF_FILE))


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file on its way into the catalog, with its compressed core metadata."""

    repository: str
    file: File
    display: str
    metadata: bytes | None


def add(connection: Connection, new: NewFile, by: Identity) -> int:
    """Add a file and, if need be, its project. Raises IntegrityError when the name is taken."""
    file = new.file
    serial = _write_down(connection, new.repository, file, f"add {_kind(file)}", by)
    project = _project(connection, new, serial)
    if new.metadata is not None:
        values = {"sha256": file.metadata_sha256, "body": new.metadata}
        _insert_once(connection.dialect.name, core_metadata).run(connection, values)
    _INSERT_FILE.run(connection, _row(new.repository, file) | {"project_id": project})
    return serial


def remove(
    connection: Connection, repository: str, file: File, by: Identity, *, tombstone: bool = True
) -> None:
    """Remove a file; a project without files stays known, so that its name stays ours."""
    _DELETE_FILE.run(connection, _key(repository, file))
    if tombstone:
        gone = {
            "repository": repository,
            "filename_key": file.filename.lower(),
            "sha256": file.hashes.sha256,
            "removed_at": _now(),
        }
        _FORGET_NAME.run(connection, _key(repository, file))
        _insert_once(connection.dialect.name, removed_files).run(connection, gone)
    serial = _write_down(connection, repository, file, "remove file", by)
    _touch(connection, repository, file.project, serial)


def yank(connection: Connection, repository: str, file: File, by: Identity) -> None:
    """Write the yank marker of a file."""
    _YANK.run(connection, _key(repository, file) | {"yanked": file.yanked})
    action = "unyank file" if file.yanked is None else "yank file"
    serial = _write_down(connection, repository, file, action, by)
    _touch(connection, repository, file.project, serial)


def set_status(
    connection: Connection, page: ProjectPage, status: ProjectStatus, reason: str, by: Identity
) -> None:
    """Write the status marker of a project."""
    about = {"repository": page.repository, "project": page.name}
    serial = _append(connection, about, f"status {status}", by)
    changes = {"status": status, "reason": reason, "serial": serial}
    _SET_STATUS.run(connection, _project_key(page.repository, page.name) | changes)


def mark_scanned(connection: Connection, repository: str) -> None:
    """Write that the storage of a repository was read completely."""
    values = {"repository": repository, "completed_at": _now()}
    _insert_once(connection.dialect.name, scans).run(connection, values)


def _row(repository: str, file: File) -> dict[str, object]:
    return {
        "repository": repository,
        "filename": file.filename,
        "filename_key": file.filename.lower(),
        "version": file.version,
        "packagetype": file.packagetype,
        "python_version": file.python_version,
        "size": file.size,
        "sha256": file.hashes.sha256,
        "blake2b_256": file.hashes.blake2b_256,
        "md5": file.hashes.md5,
        "uploaded_at": to_microseconds(file.time),
        "uploaded_by": file.uploaded_by,
        "storage_key": file.key,
        "requires_python": file.requires_python,
        "yanked": file.yanked,
        "metadata_sha256": file.metadata_sha256,
        "signed": file.signed,
        "comment": file.comment,
    }


def _project(connection: Connection, new: NewFile, serial: int) -> int:
    name = new.file.project
    found = _FIND_PROJECT.run(connection, _project_key(new.repository, name)).fetchone()
    if found is not None:
        _touch(connection, new.repository, name, serial)
        known: int = found[0]
        return known
    row = {"repository": new.repository, "name": name, "display": new.display, "serial": serial}
    (created,) = _INSERT_PROJECT.run(connection, row).fetchone()
    identifier: int = created
    return identifier


def _touch(connection: Connection, repository: str, project: str, serial: int) -> None:
    _TOUCH.run(connection, _project_key(repository, project) | {"serial": serial})


def _write_down(connection: Connection, repository: str, file: File, action: str, by: Identity) -> int:
    about = {
        "repository": repository,
        "project": file.project,
        "version": file.version,
        "filename": file.filename,
    }
    return _append(connection, about, action, by)


def _append(connection: Connection, about: dict[str, str], action: str, by: Identity) -> int:
    nothing = {"version": None, "filename": None}
    row = nothing | about | {"action": action, "at": _now(), "by": by.name}
    (serial,) = _APPEND.run(connection, row).fetchone()
    number: int = serial
    return number


def _key(repository: str, file: File) -> dict[str, object]:
    return {"of_repository": repository, "of_key": file.filename.lower()}


def _project_key(repository: str, name: str) -> dict[str, object]:
    return {"of_repository": repository, "of_name": name}


def _kind(file: File) -> str:
    # The words of the actions are PyPI's, which mirrors read: "add py3 file", "add source file".
    return f"{file.python_version} file"


@cache
def _insert_once(dialect: str, table: Table) -> Prepared:
    values: dict[str, BindParameter[Any]] = {column.name: bindparam(column.name) for column in table.columns}
    if dialect == "postgresql":
        # Importing it takes time and memory that SQLite's users need not pay.
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return Prepared(postgresql.insert(table).values(values).on_conflict_do_nothing())
    return Prepared(sqlite.insert(table).values(values).on_conflict_do_nothing())


def _now() -> int:
    return time.time_ns() // 1000
