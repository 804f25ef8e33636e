"""The columns and indexes that tables are made of, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, Integer, MetaData, Text, text
from sqlmodel import Field, SQLModel

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits everywhere: SQLite makes an alias of its rowid only of a column called INTEGER."""


class Row(SQLModel):
    """What all tables share: one set of metadata, whose constraint names are the same in every database."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def id_column() -> Any:
    """The table's own id, given by the database."""
    return Field(default=None, sa_column=Column(BIG, primary_key=True, autoincrement=True))


def number_column(*, nullable: bool = False, start: int | None = None) -> Any:
    """64 bits. `start` is given to rows that say nothing, and to those that were there before the column."""
    given = None if start is None else text(str(start))
    return Field(default=start, sa_column=Column(BigInteger(), nullable=nullable, server_default=given))


def real_column(*, nullable: bool = False) -> Any:
    """Double precision."""
    return Field(default=None, sa_column=Column(Float(53), nullable=nullable))


def text_column(*, nullable: bool = False, start: str | None = None) -> Any:
    """Text of any length. `start`, a word of ours, is given to rows that say nothing, and to those before the column."""
    given = None if start is None else text(f"'{start}'")
    return Field(default=start, sa_column=Column(Text(), nullable=nullable, server_default=given))


def json_column(*, nullable: bool = False) -> Any:
    """A list or a dict."""
    return Field(default=None, sa_column=Column(JSON(none_as_null=nullable), nullable=nullable))


def pointer_to(table: str, *, nullable: bool = False) -> Any:
    """The id of a row of another table, which has to be there."""
    return Field(default=None, sa_column=Column(BigInteger(), ForeignKey(f"{table}.id"), nullable=nullable))


def where_set(name: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows where its last column is set, and of no others: a million finished jobs cost it nothing."""
    condition = text(f"{columns[-1]} IS NOT NULL")
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
