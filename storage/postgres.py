"""PostgreSQL through psycopg 3: pooled transactions that are serializable, tried again where two of them met."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from engine.errors import StorageUnavailable
from storage.database import T, Work, begun, refuse_inside
from storage.faults import telling
from storage.migrate import bring_up_to_date

log = logging.getLogger(__name__)

POOL = 10
PAUSE_S = 0.005
"""The mean pause before the second try; it doubles up to a hundredfold."""
STANDS_STILL_S = 60.0
"""After which the server ends a transaction in which nothing is asked: a process that is frozen in one would hold up all others,
by its locks and by what it has read.
"""
CLOCKS_APART_S = 5.0
"""How far the clocks of this machine and of the server may be apart without a word."""
_TRIES = {"40001": 30, "40P01": 30, "23505": 3}
"""How often a transaction is tried that met another one: a serialization failure, a deadlock, and the unique violation that may
stand for the first. https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html"""


class PostgresDatabase:
    """A database that several processes share."""

    def __init__(self, engine: AsyncEngine, where: str) -> None:
        self._engine = engine
        self._where = where
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._serial = engine.execution_options(isolation_level="SERIALIZABLE")
        self._plain = engine.execution_options(isolation_level="READ COMMITTED")
        self._closed = False

    async def read(self, work: Work[T]) -> T:
        return await self._run(self._snapshots, work)

    async def write(self, work: Work[T]) -> T:
        return await self._run(self._serial, work)

    async def claim(self, work: Work[T]) -> T:
        return await self._run(self._plain, work)

    async def scrub(self) -> None:
        """Nothing: the server's own vacuum overwrites what was removed, when it comes to it."""

    async def close(self) -> None:
        self._closed = True
        await self._engine.dispose()

    async def _run(self, engine: AsyncEngine, work: Work[T]) -> T:
        refuse_inside()
        if self._closed:
            raise StorageUnavailable(f"The database {self._where} is closed.")
        tries = 0
        with telling(self._where):
            while True:
                tries += 1
                try:
                    async with engine.begin() as connection:
                        with begun():
                            return await work(connection)
                except DBAPIError as error:
                    if tries >= _TRIES.get(getattr(error.orig, "sqlstate", None) or "", 1):
                        raise
                await asyncio.sleep(PAUSE_S * min(2**tries, 100) * random.random())


async def open_postgres(url: URL) -> PostgresDatabase:
    """Connect, and bring the tables up to date.

    Raises:
        StorageUnavailable
    """
    where = f"{url.host or 'localhost'}/{url.database or ''}"
    engine = create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=0,
        pool_timeout=30,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 10, "application_name": "nextshot"},
    )
    _end_what_stands_still(engine)
    try:
        with telling(where):
            await bring_up_to_date(engine, where)
            await _compare_clocks(engine, where)
    except BaseException:
        await engine.dispose()
        raise
    return PostgresDatabase(engine, where)


async def _compare_clocks(engine: AsyncEngine, where: str) -> None:
    """Leases and dates of several machines go by their own clocks. Nothing is lost where they disagree; it is only slow."""
    async with engine.connect() as connection:
        theirs = (await connection.execute(select(func.clock_timestamp()))).scalar_one()
    ahead_s = (datetime.now(UTC) - theirs).total_seconds()
    if abs(ahead_s) > CLOCKS_APART_S:
        word = "ahead of" if ahead_s > 0 else "behind"
        log.warning("this machine's clock is %.0f s %s that of %s; let NTP set both", abs(ahead_s), word, where)


def _end_what_stands_still(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def ask(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET idle_in_transaction_session_timeout = {STANDS_STILL_S * 1000:.0f}")
        cursor.close()
        connection.commit()  # a SET that is rolled back was none
