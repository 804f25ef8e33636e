"""SQLite: one writer connection with group commit, and a pool of readers that cannot write.

WAL with synchronous=FULL, because a lost intent is a second bill; BEGIN IMMEDIATE, because a read that turns into a write fails
at once whatever the busy timeout is. https://sqlite.org/wal.html · https://sqlite.org/pragma.html
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from engine.forget_ports import SCRUB_EVERY_S
from storage.backup_before import drop_copies, keep_copy
from storage.database import T, Work, begun, refuse_inside
from storage.faults import telling
from storage.group_commit import GroupCommit
from storage.migrate import bring_up_to_date
from storage.one_trip import connect
from storage.tables import SCHEMA

READERS = 4
BUSY_MS = 10_000
CACHE_KIB = 65_536
VACUUM_MOST_BYTES = 200_000_000
"""A larger file is not written anew to scrub it: every write would wait for that."""
SCRUBS = 3


class SqliteDatabase:
    """A database in one file, of one process."""

    def __init__(self, writer: AsyncEngine, readers: AsyncEngine, where: str) -> None:
        self._engine = writer
        self._readers = readers
        self._where = where
        self._vacuumed_at_s: float | None = None
        self.group = GroupCommit(writer.begin, where)

    async def read(self, work: Work[T]) -> T:
        refuse_inside()
        self.group.refuse_closed()
        with telling(self._where):
            async with self._readers.connect() as connection:
                with begun():
                    return await work(connection)

    async def write(self, work: Work[T]) -> T:
        return await self.group.write(work)

    async def claim(self, work: Work[T]) -> T:
        return await self.group.write(work)

    async def scrub(self) -> None:
        """Write the file anew where it is small enough, at most once an hour, and empty its WAL. Best effort: a reader may be in
        the way.

        What is removed is overwritten at once (`secure_delete`); what a program before this one removed is not, nor is the rest
        of a page whose rows were moved elsewhere.
        """
        self.group.refuse_closed()
        with telling(self._where):
            await asyncio.to_thread(drop_copies, Path(self._where))
            async with self._engine.connect() as connection:  # the one that writes, so nobody else does meanwhile
                driver = (await connection.get_raw_connection()).driver_connection
                if driver is None:
                    return
                size = await asyncio.to_thread(lambda: Path(self._where).stat().st_size)
                now_s = time.monotonic()
                is_time = self._vacuumed_at_s is None or now_s - self._vacuumed_at_s >= SCRUB_EVERY_S
                if size <= VACUUM_MOST_BYTES and is_time:
                    self._vacuumed_at_s = now_s
                    await driver.execute("VACUUM")
                for _ in range(SCRUBS):
                    cursor = await driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    is_busy = (await cursor.fetchall())[0][0]
                    await cursor.close()
                    if not is_busy:
                        return

    async def close(self) -> None:
        try:
            await self.group.close()
        finally:
            await self._readers.dispose()
            await self._engine.dispose()


class MemoryDatabase(SqliteDatabase):
    """A database that ends with its process: one connection, on which reads and writes take turns."""

    def __init__(self, only: AsyncEngine) -> None:
        super().__init__(only, only, "in memory")

    async def read(self, work: Work[T]) -> T:
        return await self.group.write(work)

    async def scrub(self) -> None:
        """Nothing: what it had ends with its process."""


async def open_sqlite(path: Path, busy_ms: int = BUSY_MS) -> SqliteDatabase:
    """Open the file, made new where there is none, and bring its tables up to date.

    Raises:
        DiskFull, StorageUnavailable
    """
    where = str(path)
    with telling(where):
        await asyncio.to_thread(_try, path, busy_ms)
        await asyncio.to_thread(keep_copy, path)
    writer = _engine(path, pool_size=1, max_overflow=0)
    _prepare(writer, "BEGIN IMMEDIATE", f"busy_timeout={busy_ms}", "journal_mode=wal", "synchronous=full", *_WRITING)
    readers = _engine(path, pool_size=READERS, max_overflow=0)
    _prepare(readers, "BEGIN", f"busy_timeout={busy_ms}", "query_only=on", *_EVERYWHERE)
    try:
        with telling(where):
            await bring_up_to_date(writer, where)
    except BaseException:
        await writer.dispose()
        raise
    return SqliteDatabase(writer, readers, where)


async def open_memory() -> MemoryDatabase:
    """A new and empty database in memory. The second one of a process begins as a copy of what the first one was."""
    only = create_async_engine(
        "sqlite+aiosqlite://",
        poolclass=StaticPool,
        async_creator=lambda: connect(":memory:", _empty.get(SCHEMA)),
        pool_reset_on_return=None,
    )
    _prepare(only, "BEGIN IMMEDIATE", *_EVERYWHERE)
    await bring_up_to_date(only, "in memory")
    if SCHEMA not in _empty:
        async with only.connect() as connection:
            _empty[SCHEMA] = await (await connection.get_raw_connection()).driver_connection.image()  # type: ignore[union-attr]  # ours
    return MemoryDatabase(only)


_empty: dict[str, bytes] = {}
"""By its version: a database that has its tables and no rows. To run all migrations takes fifty times as long as to copy one."""


def _try(path: Path, busy_ms: int) -> None:
    """Find out with a plain connection whether the file can be written; raises sqlite3.Error.

    A connection of aiosqlite that fails to open leaves its thread behind, which then complains to the person.
    """
    connection = sqlite3.connect(path, timeout=busy_ms / 1000, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def sqlite_has_wal_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite may lose commits when two connections write or checkpoint a WAL at the same instant.

    3.7.0 to 3.51.2 do, but for the mended 3.44.6 and 3.50.7 and what follows them in their lines. One writing connection in one
    process, as here, does not meet it. https://sqlite.org/wal.html#walresetbug
    """
    if version[:2] == (3, 44):
        return version < (3, 44, 6)
    if version[:2] == (3, 50):
        return version < (3, 50, 7)
    return (3, 7, 0) <= version < (3, 51, 3)


_EVERYWHERE = ("foreign_keys=on", f"cache_size=-{CACHE_KIB}", "temp_store=memory")
_WRITING = ("secure_delete=on", *_EVERYWHERE)


def _engine(path: Path, **pool: Any) -> AsyncEngine:
    url = URL.create("sqlite+aiosqlite", database=str(path))
    return create_async_engine(url, async_creator=lambda: connect(path), **pool)


def _prepare(engine: AsyncEngine, begin: str, *pragmas: str) -> None:
    """Set these pragmas on every new connection, and begin every transaction with these words."""

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(driver_connection: Any, _: Any) -> None:
        try:
            cursor = driver_connection.cursor()
            for pragma in pragmas:
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()
        except BaseException:  # the pool does not know this connection yet, and its thread would outlive the program
            driver_connection.close()
            raise

    @event.listens_for(engine.sync_engine, "begin")
    def say_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)
