"""aiosqlite connections whose statements take one trip to the database's thread, where SQLAlchemy would make four.

To open a cursor, execute, fetch and close are a trip each, and on a busy machine the trips cost several times what SQLite does.
Here `execute` does all four, and the rest answers from what it brought back. What begins and ends a savepoint travels with the
statement after it, or with the commit: it brings nothing back, and does not fail.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import aiosqlite

Found = tuple[Any, list[Any], int, int | None]
"""Description, rows, count of rows and last row id."""
_SAVEPOINTS = ("SAVEPOINT ", "RELEASE SAVEPOINT ")


class OneTripConnection(aiosqlite.Connection):
    """As its base, with cursors for SQLAlchemy: every row is fetched at once."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._before: list[str] = []
        """Said to it, and not yet said to SQLite."""
        self._is_under_way = False
        """Somebody who was cancelled has asked for something that may not be done yet: it may begin a transaction any moment."""

    def cursor(self) -> Any:
        return OneTripCursor(self)

    async def run(self, method: str, sql: str, parameters: Any) -> Found:
        """What a cursor's `execute` or `executemany` gave: description, rows, count of rows and last row id."""
        if sql.startswith(_SAVEPOINTS):
            self._before.append(sql)
            return None, [], -1, None
        found: Found = await self._trip(_run, method, sql, parameters)
        return found

    async def commit(self) -> None:
        await self._trip(_commit)

    async def rollback(self) -> None:
        self._before.clear()  # its savepoints end with the transaction
        if self._is_under_way or self.in_transaction:  # the pool says it after every commit too
            await super().rollback()
            self._is_under_way = False

    async def _trip(self, do: Callable[..., Any], *given: Any) -> Any:
        before, self._before = self._before, []
        trip: Any = self._execute  # untyped there
        try:
            return await trip(do, self._conn, before, *given)
        except asyncio.CancelledError:
            self._is_under_way = True
            raise

    async def image(self) -> bytes:
        """All that the database holds, as a file would hold it."""
        trip: Any = self._execute  # untyped there
        held: bytes = await trip(self._conn.serialize)
        return held


def _run(connection: sqlite3.Connection, before: Sequence[str], method: str, sql: str, parameters: Any) -> Found:
    with closing(connection.cursor()) as cursor:
        for words in before:
            cursor.execute(words)
        getattr(cursor, method)(sql, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return cursor.description, rows, cursor.rowcount, cursor.lastrowid


def _commit(connection: sqlite3.Connection, before: Sequence[str]) -> None:
    for words in before:
        connection.execute(words)
    connection.commit()


class OneTripCursor:
    """The part of aiosqlite.Cursor that SQLAlchemy asks for."""

    def __init__(self, connection: OneTripConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        return await self._run("execute", sql, parameters)

    async def executemany(self, sql: str, parameters: Any) -> Self:
        return await self._run("executemany", sql, parameters)

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        self._rows = []

    async def _run(self, method: str, sql: str, parameters: Any) -> Self:
        self.description, self._rows, self.rowcount, self.lastrowid = await self._connection.run(
            method, sql, parameters
        )
        return self


async def connect(path: Path | str, image: bytes | None = None) -> OneTripConnection:
    """An open connection that begins no transaction by itself. Its thread ends with the program, whoever forgets to close it.

    `image` is what a memory holds at its beginning: the `image` of another one.
    """

    def open_it() -> sqlite3.Connection:
        opened = sqlite3.connect(path, isolation_level=None)
        if image is not None:
            opened.deserialize(image)
        return opened

    connection = OneTripConnection(open_it, iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001  # as SQLAlchemy sets it on the connections that it makes itself
    return await connection  # type: ignore[return-value]  # its base says that it gives its base
