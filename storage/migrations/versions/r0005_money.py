"""Money: pots and their entries; what was agreed to, who pays, and what requests were to cost. And jobs nobody wants any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "pot",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("ask_above", sa.BigInteger(), nullable=True),
        sa.Column("shot_most", sa.BigInteger(), nullable=True),
        sa.Column("story_most", sa.BigInteger(), nullable=True),
        sa.Column("day_most", sa.BigInteger(), nullable=True),
        sa.Column("fixed", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_pot_place_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_pot_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pot")),
        sa.UniqueConstraint("key", name=op.f("uq_pot_key")),
    )
    for column in ("place_id", "person_id"):
        _where_set(f"uq_pot_{column}", "pot", column, unique=True)
    op.create_table(
        "entry",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("pot_id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("story_id", sa.BigInteger(), nullable=True),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["pot_id"], ["pot.id"], name=op.f("fk_entry_pot_id")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_entry_job_id")),
        sa.ForeignKeyConstraint(["story_id"], ["story.id"], name=op.f("fk_entry_story_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
    )
    _where_set("uq_entry_key", "entry", "key", unique=True)
    _where_set("ix_entry_job_id", "entry", "job_id")
    _where_set("ix_entry_story_id", "entry", "story_id")
    op.create_index("ix_entry_pot_id_bucket", "entry", ["pot_id", "bucket"], unique=False)
    op.create_index("ix_entry_day", "entry", ["day"], unique=False)

    op.add_column("job", sa.Column("agreed_usd", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("payer", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("is_unwanted", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("job", sa.Column("trouble", sa.Text(), nullable=True))
    op.add_column("job", sa.Column("rendered_at", sa.BigInteger(), nullable=True))
    _where_set("ix_job_started_at", "job", "person_id", "provider", "started_at")
    _where_set("ix_job_rendered_at", "job", "provider", "model", "rendered_at")

    op.add_column("attempt", sa.Column("quoted_usd", sa.Text(), nullable=True))
    op.add_column("attempt", sa.Column("settled_usd", sa.Text(), nullable=True))

    op.add_column("outbox", sa.Column("again", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    not_sent = sa.text("state <> 'sent'")
    op.create_index("ix_outbox_not_sent", "outbox", ["state", "id"], sqlite_where=not_sent, postgresql_where=not_sent)


def _where_set(name: str, table: str, *columns: str, unique: bool = False) -> None:
    condition = sa.text(f"{columns[-1]} IS NOT NULL")
    op.create_index(name, table, [*columns], unique=unique, sqlite_where=condition, postgresql_where=condition)
