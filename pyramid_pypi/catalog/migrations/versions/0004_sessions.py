"""Sessions of browsers, and what plugins keep."""

import sqlalchemy as sa
from alembic import op

from pyramid_pypi.catalog.tables import text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "sessions",
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("user", text(255), nullable=False),
        sa.Column("principals", text(), nullable=True),
        sa.Column("source", text(64), nullable=False),
        sa.Column("state", text(64), nullable=False),
        sa.Column("address", text(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user"), "sessions", ["user"])
    op.create_index(op.f("ix_sessions_used_at"), "sessions", ["used_at"])
    op.create_table(
        "notes",
        sa.Column("owner", text(64), nullable=False),
        sa.Column("key", text(255), nullable=False),
        sa.Column("value", text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_expires_at"), "notes", ["expires_at"])


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("notes")
    op.drop_table("sessions")
