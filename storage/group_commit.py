"""One writer for one SQLite connection: many writes share a transaction, and so one wait for the disk.

Each write runs inside a savepoint of its own where there are several, so that one which fails undoes only itself. Nobody hears of
a result, good or bad, before the commit: a failure may rest on rows that another write of the same transaction has put there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import Defect, StorageUnavailable
from storage.database import JoinedWork, Work, begun, refuse_inside
from storage.faults import told

T = TypeVar("T")
log = logging.getLogger(__name__)

TOGETHER = 500
"""The most writes in one transaction."""
ANSWER_S = 60.0
"""The longest that a caller waits for its write."""
CLOSE_S = 30.0
"""The longest that closing waits for the writes that are queued."""


@dataclass(slots=True)
class _Asked:
    work: Work[Any]
    answer: asyncio.Future[Any]


class GroupCommit:
    """Takes writes from anybody and makes them in one task, which is started by the first write and ended by `close`."""

    def __init__(self, begin: Callable[[], AbstractAsyncContextManager[AsyncConnection]], where: str) -> None:
        self._begin = begin
        self._where = where
        self._queue: asyncio.Queue[_Asked | None] = asyncio.Queue()
        self._closed = False
        self._waiting: dict[asyncio.Future[Any], float] = {}
        """Until when each caller waits, by the loop's clock: whoever came first is told first."""
        self._telling: asyncio.TimerHandle | None = None
        self._writer = asyncio.create_task(self._write_all(), name=f"storage writer of {where}")
        self.commits = 0
        """How many transactions were committed."""

    async def write(self, work: Work[T]) -> T:
        """The value of `work` once it is on the disk. A caller that is cancelled hears no more; its write may still be made."""
        refuse_inside()
        self.refuse_closed()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._queue.put_nowait(_Asked(work, answer))
        self._waiting[answer] = loop.time() + ANSWER_S
        if self._telling is None:  # one timer for all who wait: one for each write costs as much as the rest of it
            self._telling = loop.call_later(ANSWER_S, self._tell_late)
        try:
            return await answer
        finally:
            del self._waiting[answer]

    def _tell_late(self) -> None:
        """Tell those who have waited too long; come back when the next one has."""
        loop = asyncio.get_running_loop()
        self._telling = None
        for answer, until_s in self._waiting.items():
            if until_s > loop.time():
                self._telling = loop.call_at(until_s, self._tell_late)
                return
            if not answer.done():
                late = f"The database {self._where} did not answer in {ANSWER_S:.0f} s; try again."
                answer.set_exception(StorageUnavailable(late))

    def refuse_closed(self) -> None:
        """Raises StorageUnavailable once `close` was called."""
        if self._closed or self._writer.done():
            raise StorageUnavailable(f"The database {self._where} is closed.")

    async def close(self) -> None:
        """Make the writes that are queued, then end. Refuses every later one."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.shield(self._writer)
        finally:
            if self._telling is not None and not self._waiting:
                self._telling.cancel()

    async def _write_all(self) -> None:
        going_on = True
        while going_on:
            asked = [await self._queue.get()]
            while len(asked) < TOGETHER and not self._queue.empty():
                asked.append(self._queue.get_nowait())
            going_on = None not in asked
            batch = [one for one in asked if one is not None and not one.answer.done()]
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: list[_Asked]) -> None:
        results: list[tuple[_Asked, Any, Exception | None]] = []
        try:
            async with self._begin() as connection:
                groups = _joined(batch)
                for together in groups:
                    results += await self._make(together, connection, is_alone=len(groups) == 1)
        except Exception as error:  # noqa: BLE001  # whatever it is, everybody who waits is told
            log.warning("commit failed writes=%d error=%s", len(batch), type(error).__name__)
            results = [(asked, None, told(error, self._where)) for asked in batch]
        else:
            self.commits += 1
        for asked, value, failure in results:
            if asked.answer.done():  # cancelled meanwhile
                continue
            if failure is None:
                asked.answer.set_result(value)
            else:
                asked.answer.set_exception(failure)

    async def _make(
        self, together: list[_Asked], connection: AsyncConnection, *, is_alone: bool
    ) -> list[tuple[_Asked, Any, Exception | None]]:
        """One write, or several that are joined: they share a savepoint, and what it raises. `is_alone`: it shares nothing."""
        works = [asked.work for asked in together]
        first = works[0]
        if not isinstance(first, JoinedWork) or len(works) == 1:
            return [(together[0], *await self._try(first, connection, is_alone=is_alone))]
        joined = partial(type(first).together, works=works)
        values, failure = await self._try(joined, connection, is_alone=is_alone)
        if failure is not None:
            return [(asked, None, failure) for asked in together]
        return [
            (asked, None, value) if isinstance(value, Exception) else (asked, value, None)
            for asked, value in zip(together, values, strict=True)
        ]

    async def _try(
        self, work: Work[Any], connection: AsyncConnection, *, is_alone: bool
    ) -> tuple[Any, Exception | None]:
        savepoint = await connection.begin_nested() if not is_alone else None
        undo = savepoint or connection  # alone, its transaction is undone
        try:
            with begun():
                value = await work(connection)
        except asyncio.CancelledError:
            if self._writer.cancelling():
                raise
            await undo.rollback()
            return None, Defect(
                "A write waited for something of its caller's that was cancelled; nothing of it was written."
            )
        except Exception as error:  # noqa: BLE001  # it is handed to the caller
            # Some failures (a full disk) end the whole transaction: then this raises, and the whole batch has failed.
            await undo.rollback()
            return None, told(error, self._where)
        if savepoint is not None:
            await savepoint.commit()
        return value, None


def _joined(batch: list[_Asked]) -> list[list[_Asked]]:
    """The batch in its order; those that can be joined are, where the first of them stands."""
    groups: dict[object, list[_Asked]] = {}
    for asked in batch:
        work = asked.work
        groups.setdefault(type(work) if isinstance(work, JoinedWork) else asked.answer, []).append(asked)
    return list(groups.values())
