"""Identities that were joined to one person, the codes that join them, and whose row is whose by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("joined_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_person_joined_id",
        "person",
        ["joined_id"],
        unique=False,
        sqlite_where=sa.text("joined_id IS NOT NULL"),
        postgresql_where=sa.text("joined_id IS NOT NULL"),
    )
    for table in ("story", "shot", "film", "job"):
        op.create_index(op.f(f"ix_{table}_person_id"), table, ["person_id"], unique=False)

    op.create_table(
        "link_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_link_code_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_code")),
        sa.UniqueConstraint("person_id", name=op.f("uq_link_code_person_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_link_code_hash")),
    )
    op.create_index(op.f("ix_link_code_expires_at"), "link_code", ["expires_at"], unique=False)

    op.create_table(
        "link_miss",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_link_miss_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_miss")),
    )
    op.create_index(op.f("ix_link_miss_person_id_created_at"), "link_miss", ["person_id", "created_at"], unique=False)
    op.create_index(op.f("ix_link_miss_created_at"), "link_miss", ["created_at"], unique=False)
