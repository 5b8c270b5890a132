"""Owners and maintainers of projects."""

import sqlalchemy as sa
from alembic import op

from pyramid_pypi.catalog.tables import text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "roles",
        sa.Column("repository", text(64), nullable=False),
        sa.Column("project", text(255), nullable=False),
        sa.Column("principal", text(300), nullable=False),
        sa.Column("role", text(16), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("granted_by", text(255), nullable=False),
        sa.PrimaryKeyConstraint("repository", "project", "principal", name=op.f("pk_roles")),
    )
    op.create_index("ix_roles_principal", "roles", ["repository", "principal"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("roles")
