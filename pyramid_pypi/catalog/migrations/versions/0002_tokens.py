"""Tokens of users and of programs."""

import sqlalchemy as sa
from alembic import op

from pyramid_pypi.catalog.tables import text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "tokens",
        sa.Column("id", text(16), nullable=False),
        sa.Column("sha256", text(64), nullable=False),
        sa.Column("user", text(255), nullable=False),
        sa.Column("description", text(), nullable=False),
        sa.Column("permissions", text(), nullable=False),
        sa.Column("repositories", text(), nullable=False),
        sa.Column("projects", text(), nullable=False),
        sa.Column("networks", text(), nullable=False),
        sa.Column("groups", text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", text(255), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_tokens_sha256")),
    )
    op.create_index(op.f("ix_tokens_user"), "tokens", ["user"])
    op.create_index(op.f("ix_tokens_revoked_at"), "tokens", ["revoked_at"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("tokens")
