"""What video services can do: references, negatives, sound, extending, editing, painted frames; and what renders cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("shot", sa.Column("reference_keys", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("shot", sa.Column("negative", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("shot", sa.Column("is_silent", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("shot", sa.Column("work", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("shot", sa.Column("is_unseeded", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("shot", sa.Column("still", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("shot", sa.Column("later_s", sa.Float(precision=53), nullable=True))
    op.create_index(
        "ix_shot_reference_keys",
        "shot",
        ["id"],
        unique=False,
        sqlite_where=sa.text("reference_keys IS NOT NULL"),
        postgresql_where=sa.text("reference_keys IS NOT NULL"),
    )

    op.add_column("take", sa.Column("edit", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("take", sa.Column("edited_take_id", sa.BigInteger(), nullable=True))
    op.add_column("take", sa.Column("first_frame", sa.Text(), nullable=True))
    op.create_index(
        "ix_take_first_frame",
        "take",
        ["first_frame"],
        unique=False,
        sqlite_where=sa.text("first_frame IS NOT NULL"),
        postgresql_where=sa.text("first_frame IS NOT NULL"),
    )

    op.add_column("clip", sa.Column("is_cut", sa.BigInteger(), server_default=sa.text("0"), nullable=False))

    op.add_column("attempt", sa.Column("what", sa.Text(), server_default=sa.text("'render'"), nullable=False))

    op.add_column("attempt", sa.Column("usd", sa.Text(), nullable=True))

    op.add_column("job", sa.Column("quoted_usd", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("cost_usd", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("notes", sa.JSON(none_as_null=True), nullable=True))
