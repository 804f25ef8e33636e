"""The product's SQL on one SQLite in memory, for several processes: every transaction in one piece, some lost, some unheard of."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from typing import Any, Self

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from engine.errors import StorageUnavailable
from storage.database import T, Work, begun, refuse_inside
from storage.faults import telling
from storage.one_trip import OneTripConnection
from storage.sqlite import _EVERYWHERE, _prepare
from storage.tables import METADATA
from tests.simulation.faults import Faults
from tests.simulation.loop import VirtualLoop

WHERE = "in the simulation"


class InlineConnection(OneTripConnection):
    """Without a thread: what is asked is done before anybody else runs."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(lambda: connection, iter_chunk_size=64)
        self._connection = connection

    async def opened(self) -> Self:
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)

    def stop(self) -> None:
        """There is no thread to end."""

    async def close(self) -> None:
        return

    def __del__(self) -> None:
        return


class Shared:
    """The one database of a world, empty again for each seed. `committed` is called after every transaction that wrote."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._empty = sqlite3.connect(":memory:")
        made = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: self._empty)
        METADATA.create_all(made)
        connection = InlineConnection(self.raw)
        self.engine: AsyncEngine = create_async_engine(
            "sqlite+aiosqlite://", poolclass=StaticPool, async_creator=connection.opened, pool_reset_on_return=None
        )
        _prepare(self.engine, "BEGIN", *_EVERYWHERE)
        self._connection: AsyncConnection | None = None
        self.committed: Callable[[], None] = lambda: None

    def empty(self) -> None:
        """As new."""
        if self.raw.in_transaction:
            self.raw.execute("ROLLBACK")
        self._empty.backup(self.raw)

    def close(self) -> None:
        """Let go of it."""
        if self._connection is not None:
            loop = VirtualLoop()
            loop.run_until_complete(self._connection.close())
            loop.end()
        self.raw.close()
        self._empty.close()

    async def transact(self, work: Work[T]) -> T:
        """In one piece: nobody else runs meanwhile."""
        assert not self.raw.in_transaction, "a transaction waited for something else"
        connection = await self._opened()
        async with connection.begin():
            with begun():
                value = await work(connection)
        self.committed()
        return value

    async def rolled_back(self, work: Work[Any]) -> None:
        """As `transact`, undone."""
        connection = await self._opened()
        async with connection.begin() as transaction:
            with begun():
                await work(connection)
            await transaction.rollback()

    async def _opened(self) -> AsyncConnection:
        if self._connection is None:  # kept over all seeds: to begin on it anew costs a third of a transaction
            self._connection = await self.engine.connect()
        return self._connection


class ProcessDatabase:
    """storage.database.Database, as one process sees it."""

    def __init__(self, shared: Shared, faults: Faults, chance: random.Random) -> None:
        self._shared = shared
        self._faults = faults
        self._chance = chance

    async def read(self, work: Work[T]) -> T:
        refuse_inside()
        await self._way()
        if self._faults.happens("database down"):
            raise StorageUnavailable(f"The database {WHERE} is locked.")
        return await self._shared.transact(work)

    async def write(self, work: Work[T]) -> T:
        refuse_inside()
        await self._way()
        if self._faults.happens("database down"):
            raise StorageUnavailable(f"The database {WHERE} is locked.")
        with telling(WHERE):
            if self._faults.happens("transaction done twice"):  # as on a serialization failure
                await self._shared.rolled_back(work)
            value = await self._shared.transact(work)
        await self._way()
        if self._faults.happens("commit unheard"):
            raise StorageUnavailable(f"The database {WHERE} did not answer in 60 s; try again.")
        return value

    async def claim(self, work: Work[T]) -> T:
        return await self.write(work)

    async def scrub(self) -> None:
        return

    async def close(self) -> None:
        return

    async def _way(self) -> None:
        await asyncio.sleep(self._chance.uniform(0.001, 0.02))
