"""The tables of the catalog. Times are whole microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

__all__ = [
    "REVISION",
    "core_metadata",
    "dependencies",
    "downloads",
    "files",
    "from_microseconds",
    "journal",
    "metadata",
    "notes",
    "projects",
    "removed_files",
    "roles",
    "scans",
    "sessions",
    "summaries",
    "text",
    "to_microseconds",
    "tokens",
]

# The newest migration. Comparing it with the database at start costs one query, where asking
# Alembic would cost its import.
REVISION = "0005"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Names make constraints addressable by later migrations, on every engine alike.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(length: int | None = None) -> TypeEngine[str]:
    """Return the type of a column of text.

    PostgreSQL compares bytes, as SQLite does, so that both list in the same order; and it counts no
    characters, which SQLite does not either.
    """
    return (Text() if length is None else String(length)).with_variant(Text(collation="C"), "postgresql")


# SQLite only numbers rows by itself in a column of type INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")

journal = Table(
    "journal",
    metadata,
    Column("serial", _Serial, primary_key=True, autoincrement=True),
    Column("repository", text(64), nullable=False),
    Column("project", text(255), nullable=False),
    Column("version", text(128)),
    Column("filename", text(255)),
    Column("action", text(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", text(255), nullable=False),
    Index("ix_journal_project", "repository", "project"),
    # Serials of removed rows must not come back: clients and caches compare them.
    sqlite_autoincrement=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("repository", text(64), nullable=False),
    Column("name", text(255), nullable=False),
    Column("display", text(255), nullable=False),
    Column("status", text(16), nullable=False, server_default="active"),
    Column("status_reason", text(), nullable=False, server_default=""),
    Column("serial", BigInteger, nullable=False),
    UniqueConstraint("repository", "name"),
)

core_metadata = Table(
    "core_metadata",
    metadata,
    Column("sha256", text(64), primary_key=True),
    # Compressed with zlib; wheels of one release usually share one row.
    Column("body", LargeBinary, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("repository", text(64), nullable=False),
    Column("filename", text(255), nullable=False),
    # Lower case, so that two spellings of one name cannot meet on a file system that folds case.
    Column("filename_key", text(255), nullable=False),
    Column("version", text(128), nullable=False),
    Column("packagetype", text(16), nullable=False),
    Column("python_version", text(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", text(64), nullable=False),
    Column("blake2b_256", text(64), nullable=False),
    Column("md5", text(32), nullable=False),
    Column("uploaded_at", BigInteger, nullable=False),
    Column("uploaded_by", text(255), nullable=False),
    Column("storage_key", text(), nullable=False),
    Column("requires_python", text()),
    # NULL is not yanked; an empty text is yanked without a reason (PEP 592).
    Column("yanked", text()),
    Column("metadata_sha256", ForeignKey("core_metadata.sha256"), index=True),
    Column("signed", Boolean, nullable=False),
    Column("comment", text(), nullable=False),
    UniqueConstraint("repository", "filename_key"),
)

removed_files = Table(
    "removed_files",
    metadata,
    Column("repository", text(64), primary_key=True),
    Column("filename_key", text(255), primary_key=True),
    Column("sha256", text(64), nullable=False),
    Column("removed_at", BigInteger, nullable=False),
)

scans = Table(
    "scans",
    metadata,
    Column("repository", text(64), primary_key=True),
    Column("completed_at", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", text(16), primary_key=True),
    # Of the secret, which is long and random, so that no slow hash is needed.
    Column("sha256", text(64), nullable=False, unique=True),
    Column("user", text(255), nullable=False, index=True),
    Column("description", text(), nullable=False),
    # Lists are words between blanks.
    Column("permissions", text(), nullable=False),
    Column("repositories", text(), nullable=False),
    Column("projects", text(), nullable=False),
    Column("networks", text(), nullable=False),
    # NULL: the user's, as long as there is such a user.
    Column("groups", text()),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", text(255), nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger, index=True),
)

roles = Table(
    "roles",
    metadata,
    Column("repository", text(64), primary_key=True),
    Column("project", text(255), primary_key=True),
    Column("principal", text(300), primary_key=True),
    Column("role", text(16), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("granted_by", text(255), nullable=False),
    Index("ix_roles_principal", "repository", "principal"),
)

sessions = Table(
    "sessions",
    metadata,
    # Of the secret in the browser's cookie.
    Column("sha256", text(64), primary_key=True),
    Column("user", text(255), nullable=False, index=True),
    # NULL: the user's, as long as there is such a user; lines.
    Column("principals", text()),
    Column("source", text(64), nullable=False),
    Column("state", text(64), nullable=False),
    Column("address", text(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False, index=True),
)

notes = Table(
    "notes",
    metadata,
    Column("owner", text(64), primary_key=True),
    Column("key", text(255), primary_key=True),
    Column("value", text(), nullable=False),
    Column("expires_at", BigInteger, index=True),
)

# What `browse` has made of the newest release of each project; it can be made again.
summaries = Table(
    "summaries",
    metadata,
    Column("repository", text(64), primary_key=True),
    Column("name", text(255), primary_key=True),
    # The serial of the project that it was made from.
    Column("serial", BigInteger, nullable=False),
    Column("display", text(255), nullable=False),
    # Empty for a project that offers no files.
    Column("version", text(128), nullable=False),
    Column("summary", text(), nullable=False),
    Column("uploaded_at", BigInteger),
    # All that follows is folded, so that a search need not be.
    Column("summary_key", text(), nullable=False),
    Column("keywords", text(), nullable=False),
    Column("author", text(), nullable=False),
    Column("classifiers", text(), nullable=False),
    Column("text", text(), nullable=False),
    Index("ix_summaries_uploaded_at", "repository", "uploaded_at"),
)

dependencies = Table(
    "dependencies",
    metadata,
    Column("repository", text(64), primary_key=True),
    Column("project", text(255), primary_key=True),
    Column("name", text(255), primary_key=True),
    # It has all that is asked for, or SQLite would rather read all of the primary key.
    Index("ix_dependencies_name", "repository", "name", "project"),
)

downloads = Table(
    "downloads",
    metadata,
    Column("repository", text(64), primary_key=True),
    Column("project", text(255), primary_key=True),
    Column("filename", text(255), primary_key=True),
    # Days since 1970 in UTC.
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
)


def to_microseconds(moment: datetime) -> int:
    """Return `moment`, which must know its zone, as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """Return the moment, in UTC, that `to_microseconds` wrote."""
    return _EPOCH + timedelta(microseconds=value)
