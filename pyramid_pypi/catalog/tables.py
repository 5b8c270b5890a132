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

__all__ = [
    "REVISION",
    "core_metadata",
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
    "to_microseconds",
    "tokens",
]

# The newest migration. Comparing it with the database at start costs one query, where asking
# Alembic would cost its import.
REVISION = "0004"

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

# SQLite only numbers rows by itself in a column of type INTEGER.
_Serial = BigInteger().with_variant(Integer, "sqlite")

journal = Table(
    "journal",
    metadata,
    Column("serial", _Serial, primary_key=True, autoincrement=True),
    Column("repository", String(64), nullable=False),
    Column("project", String(255), nullable=False),
    Column("version", String(128)),
    Column("filename", String(255)),
    Column("action", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(255), nullable=False),
    Index("ix_journal_project", "repository", "project"),
    # Serials of removed rows must not come back: clients and caches compare them.
    sqlite_autoincrement=True,
)

projects = Table(
    "projects",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("repository", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("display", String(255), nullable=False),
    Column("status", String(16), nullable=False, server_default="active"),
    Column("status_reason", Text, nullable=False, server_default=""),
    Column("serial", BigInteger, nullable=False),
    UniqueConstraint("repository", "name"),
)

core_metadata = Table(
    "core_metadata",
    metadata,
    Column("sha256", String(64), primary_key=True),
    # Compressed with zlib; wheels of one release usually share one row.
    Column("body", LargeBinary, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("project_id", ForeignKey("projects.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("repository", String(64), nullable=False),
    Column("filename", String(255), nullable=False),
    # Lower case, so that two spellings of one name cannot meet on a file system that folds case.
    Column("filename_key", String(255), nullable=False),
    Column("version", String(128), nullable=False),
    Column("packagetype", String(16), nullable=False),
    Column("python_version", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("blake2b_256", String(64), nullable=False),
    Column("md5", String(32), nullable=False),
    Column("uploaded_at", BigInteger, nullable=False),
    Column("uploaded_by", String(255), nullable=False),
    Column("storage_key", Text, nullable=False),
    Column("requires_python", Text),
    # NULL is not yanked; an empty text is yanked without a reason (PEP 592).
    Column("yanked", Text),
    Column("metadata_sha256", ForeignKey("core_metadata.sha256")),
    Column("signed", Boolean, nullable=False),
    Column("comment", Text, nullable=False),
    UniqueConstraint("repository", "filename_key"),
)

removed_files = Table(
    "removed_files",
    metadata,
    Column("repository", String(64), primary_key=True),
    Column("filename_key", String(255), primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("removed_at", BigInteger, nullable=False),
)

scans = Table(
    "scans",
    metadata,
    Column("repository", String(64), primary_key=True),
    Column("completed_at", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    # Of the secret, which is long and random, so that no slow hash is needed.
    Column("sha256", String(64), nullable=False, unique=True),
    Column("user", String(255), nullable=False, index=True),
    Column("description", Text, nullable=False),
    # Lists are words between blanks.
    Column("permissions", Text, nullable=False),
    Column("repositories", Text, nullable=False),
    Column("projects", Text, nullable=False),
    Column("networks", Text, nullable=False),
    # NULL: the user's, as long as there is such a user.
    Column("groups", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", String(255), nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger, index=True),
)

roles = Table(
    "roles",
    metadata,
    Column("repository", String(64), primary_key=True),
    Column("project", String(255), primary_key=True),
    Column("principal", String(300), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("granted_at", BigInteger, nullable=False),
    Column("granted_by", String(255), nullable=False),
    Index("ix_roles_principal", "repository", "principal"),
)

sessions = Table(
    "sessions",
    metadata,
    # Of the secret in the browser's cookie.
    Column("sha256", String(64), primary_key=True),
    Column("user", String(255), nullable=False, index=True),
    # NULL: the user's, as long as there is such a user; lines.
    Column("principals", Text),
    Column("source", String(64), nullable=False),
    Column("state", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False, index=True),
)

notes = Table(
    "notes",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("value", Text, nullable=False),
    Column("expires_at", BigInteger, index=True),
)


def to_microseconds(moment: datetime) -> int:
    """Return `moment`, which must know its zone, as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(value: int) -> datetime:
    """Return the moment, in UTC, that `to_microseconds` wrote."""
    return _EPOCH + timedelta(microseconds=value)
