"""Owners and maintainers of projects."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "roles",
        sa.Column("repository", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=255), nullable=False),
        sa.Column("principal", sa.String(length=300), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("repository", "project", "principal", name=op.f("pk_roles")),
    )
    op.create_index("ix_roles_principal", "roles", ["repository", "principal"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("roles")
