"""The product's SQL on one SQLite in memory, for several processes: every transaction in one piece, some lost, some unheard of."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from engine.errors import StorageUnavailable
from storage.database import T, Work, begun, refuse_inside
from storage.faults import telling
from storage.sqlite import _EVERYWHERE
from storage.tables import METADATA
from tests.simulation.direct import DirectConnection
from tests.simulation.faults import Faults

WHERE = "in the simulation"


class Shared:
    """The one database of a world, empty again for each seed. `committed` is called after every transaction that wrote."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=1_000)
        for pragma in _EVERYWHERE:
            self.raw.execute(f"PRAGMA {pragma}")
        self._empty = sqlite3.connect(":memory:")
        made = create_engine("sqlite://", poolclass=StaticPool, creator=lambda: self._empty)
        METADATA.create_all(made)
        self._connection: Any = DirectConnection(self.raw)
        self.committed: Callable[[], None] = lambda: None

    def empty(self) -> None:
        """As new."""
        if self.raw.in_transaction:
            self.raw.execute("ROLLBACK")
        self._empty.backup(self.raw)

    def close(self) -> None:
        """Let go of it."""
        self.raw.close()
        self._empty.close()

    async def transact(self, work: Work[T]) -> T:
        """In one piece: nobody else runs meanwhile."""
        assert not self.raw.in_transaction, "a transaction waited for something else"
        self.raw.execute("BEGIN")
        try:
            with begun():
                value = await work(self._connection)
        except BaseException:
            self.raw.execute("ROLLBACK")
            raise
        self.raw.execute("COMMIT")
        self.committed()
        return value

    async def rolled_back(self, work: Work[Any]) -> None:
        """As `transact`, undone."""
        self.raw.execute("BEGIN")
        try:
            with begun():
                await work(self._connection)
        finally:
            self.raw.execute("ROLLBACK")


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
