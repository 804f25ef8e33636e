"""What every part of a transaction stands on: one connection, the time now, and three ways to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Executable, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.ports import Clock
from storage.rows import Cells, to_ms

V = TypeVar("V")


class Transaction:
    """One open transaction on one connection."""

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def _now(self) -> int:
        return to_ms(self._clock())

    async def _one(self, statement: Executable, **values: Any) -> Cells | None:
        return (await self._connection.execute(statement, values or None)).mappings().first()

    async def _all(self, statement: Executable, **values: Any) -> list[Cells]:
        return list((await self._connection.execute(statement, values or None)).mappings())

    async def _the(self, statement: Executable, **values: Any) -> Cells:
        """The row that this transaction has just written."""
        return (await self._connection.execute(statement, values or None)).mappings().one()

    async def _find(self, statement: Executable, make: Callable[[Cells], V], **values: Any) -> V | None:
        row = await self._one(statement, **values)
        return None if row is None else make(row)

    async def _list(self, statement: Executable, make: Callable[[Cells], V], **values: Any) -> list[V]:
        return [make(row) for row in await self._all(statement, **values)]

    async def _value(self, statement: Executable, **values: Any) -> Any:
        """The first column of the first row; None: no row."""
        return (await self._connection.execute(statement, values or None)).scalar()

    async def _change(self, statement: Executable, **values: Any) -> int:
        """How many rows it changed."""
        return (await self._connection.execute(statement, values or None)).rowcount

    async def _add(self, table: Table, **cells: Any) -> int:
        """The id of the new row."""
        return int(await self._value(table.insert().values(**cells).returning(table.c.id)))

    async def _add_once(self, table: Table, unique: tuple[str, ...], **cells: Any) -> int | None:
        """The id of the new row; None: there was one with the same unique columns, and nothing was changed."""
        insert: Any = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        statement: Insert = insert(table).values(**cells).on_conflict_do_nothing(index_elements=list(unique))
        found = await self._value(statement.returning(table.c.id))
        return None if found is None else int(found)
