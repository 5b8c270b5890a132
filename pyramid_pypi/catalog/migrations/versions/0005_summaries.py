"""What can be searched, and how often files were downloaded."""

import sqlalchemy as sa
from alembic import op

from pyramid_pypi.catalog.tables import text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    # Without it, each row of metadata that is removed costs a look at all files.
    op.create_index(op.f("ix_files_metadata_sha256"), "files", ["metadata_sha256"])
    op.create_table(
        "summaries",
        sa.Column("repository", text(64), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("display", text(255), nullable=False),
        sa.Column("version", text(128), nullable=False),
        sa.Column("summary", text(), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=True),
        sa.Column("summary_key", text(), nullable=False),
        sa.Column("keywords", text(), nullable=False),
        sa.Column("author", text(), nullable=False),
        sa.Column("classifiers", text(), nullable=False),
        sa.Column("text", text(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "name", name=op.f("pk_summaries")),
    )
    op.create_index("ix_summaries_uploaded_at", "summaries", ["repository", "uploaded_at"])
    op.create_table(
        "dependencies",
        sa.Column("repository", text(64), nullable=False),
        sa.Column("project", text(255), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.PrimaryKeyConstraint("repository", "project", "name", name=op.f("pk_dependencies")),
    )
    op.create_index("ix_dependencies_name", "dependencies", ["repository", "name", "project"])
    op.create_table(
        "downloads",
        sa.Column("repository", text(64), nullable=False),
        sa.Column("project", text(255), nullable=False),
        sa.Column("filename", text(255), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository", "project", "filename", "day", name=op.f("pk_downloads")),
    )


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("downloads")
    op.drop_table("dependencies")
    op.drop_table("summaries")
    op.drop_index(op.f("ix_files_metadata_sha256"), "files")
