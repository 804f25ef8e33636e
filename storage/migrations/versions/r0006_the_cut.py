"""Films as they are wanted: the options of a stitch. And where shots begin and end: their seams, and on which frame they go on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "film_order",
        sa.Column("id", _ID, autoincrement=True, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("music", sa.Text(), nullable=True),
        sa.Column("voice", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_film_order_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_film_order")),
        sa.UniqueConstraint("job_id", name=op.f("uq_film_order_job_id")),
    )
    for column in ("music", "voice"):
        condition = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_film_order_{column}", "film_order", [column], sqlite_where=condition, postgresql_where=condition
        )
    op.add_column("shot", sa.Column("from_s", sa.Float(precision=53), nullable=True))
    op.add_column("clip", sa.Column("seam", sa.JSON(), nullable=True))
    op.add_column("clip", sa.Column("ending", sa.JSON(), nullable=True))
