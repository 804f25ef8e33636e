"""The tables of the money: pots and what was posted to them. Money is whole micro-dollars here, so that SQL adds it up exactly."""

from __future__ import annotations

from sqlalchemy import Index, Table, UniqueConstraint

from storage.columns import Row, where_set
from storage.columns import id_column as _id
from storage.columns import number_column as _number
from storage.columns import pointer_to as _to
from storage.columns import text_column as _text


class PotRow(Row, table=True):
    """The budget of a place or a person; the house's has neither. A limit that is NULL is not set, and 0 is none at all."""

    __tablename__ = "pot"
    __table_args__ = (
        UniqueConstraint("key"),
        where_set("uq_pot_place_id", "place_id", unique=True),
        where_set("uq_pot_person_id", "person_id", unique=True),
    )
    id: int = _id()
    key: str = _text()
    """`house`, or `place <id>`, or `person <id>`, with the id of that row: names change."""
    place_id: int | None = _to("place", nullable=True)
    person_id: int | None = _to("person", nullable=True)
    ask_above: int | None = _number(nullable=True)
    shot_most: int | None = _number(nullable=True)
    story_most: int | None = _number(nullable=True)
    day_most: int | None = _number(nullable=True)
    fixed: str = _text(start="")
    """The names of the limits that the operator set where nobody else can, with spaces between them."""
    created_at: int = _number()


class EntryRow(Row, table=True):
    """One line of the ledger: so much more in one bucket of a pot. Only ever added to; those of one job sum to zero.

    `day` is when this money left its pot, in days since the epoch, and stays with it wherever it goes from there: what a day may
    cost is counted by it. `key` is set on one line of what came from outside, so that the same payment is posted once.
    """

    __tablename__ = "entry"
    __table_args__ = (
        where_set("uq_entry_key", "key", unique=True),
        Index(None, "pot_id", "bucket"),
        where_set("ix_entry_job_id", "job_id"),
        where_set("ix_entry_story_id", "story_id"),
        Index(None, "day"),
    )
    id: int = _id()
    pot_id: int = _to("pot")
    job_id: int | None = _to("job", nullable=True)
    story_id: int | None = _to("story", nullable=True)
    bucket: str = _text()
    micros: int = _number()
    why: str = _text()
    day: int = _number()
    at: int = _number()
    note: str = _text(start="")
    key: str | None = _text(nullable=True)


POT: Table = Row.metadata.tables["pot"]
ENTRY: Table = Row.metadata.tables["entry"]
