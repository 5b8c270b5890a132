"""The first schema: projects, files, their metadata, and the journal."""

import sqlalchemy as sa
from alembic import op

from pyramid_pypi.catalog.tables import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "core_metadata",
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_core_metadata")),
    )
    op.create_table(
        "journal",
        sa.Column(
            "serial", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("repository", text(64), nullable=False),
        sa.Column("project", text(255), nullable=False),
        sa.Column("version", text(128), nullable=True),
        sa.Column("filename", text(255), nullable=True),
        sa.Column("action", text(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", text(255), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_journal")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_project", "journal", ["repository", "project"], unique=False)
    op.create_table(
        "projects",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("repository", text(64), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("display", text(255), nullable=False),
        sa.Column("status", text(16), server_default="active", nullable=False),
        sa.Column("status_reason", text(), server_default="", nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("repository", "name", name=op.f("uq_projects_repository_name")),
    )
    op.create_table(
        "removed_files",
        sa.Column("repository", text(64), nullable=False),
        sa.Column("filename_key", text(255), nullable=False),
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "filename_key", name=op.f("pk_removed_files")),
    )
    op.create_table(
        "scans",
        sa.Column("repository", text(64), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository", name=op.f("pk_scans")),
    )
    op.create_table(
        "files",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("repository", text(64), nullable=False),
        sa.Column("filename", text(255), nullable=False),
        sa.Column("filename_key", text(255), nullable=False),
        sa.Column("version", text(128), nullable=False),
        sa.Column("packagetype", text(16), nullable=False),
        sa.Column("python_version", text(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("blake2b_256", text(64), nullable=False),
        sa.Column("md5", text(32), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_by", text(255), nullable=False),
        sa.Column("storage_key", text(), nullable=False),
        sa.Column("requires_python", text(), nullable=True),
        sa.Column("yanked", text(), nullable=True),
        sa.Column("metadata_sha256", text(64), nullable=True),
        sa.Column("signed", sa.Boolean(), nullable=False),
        sa.Column("comment", text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["metadata_sha256"], ["core_metadata.sha256"], name=op.f("fk_files_metadata_sha256")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_files_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("repository", "filename_key", name=op.f("uq_files_repository_filename_key")),
    )
    op.create_index(op.f("ix_files_project_id"), "files", ["project_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index(op.f("ix_files_project_id"), table_name="files")
    op.drop_table("files")
    op.drop_table("scans")
    op.drop_table("removed_files")
    op.drop_table("projects")
    op.drop_index("ix_journal_project", table_name="journal")
    op.drop_table("journal")
    op.drop_table("core_metadata")
