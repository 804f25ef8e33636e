"""Who steps what is due, and when. Safety is in the rows (lease, fence); a driver only brings liveness.

The embedded driver is one APScheduler interval job: every tick claims what is due through a partial index and steps it in tasks
of its own. There is never one scheduled job per clip: measured, that collapses at some ten thousand and forgets at a restart.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from engine.errors import StorageError
from engine.paid_steps import is_paying

log = logging.getLogger(__name__)

CUT_OFF_S = 0.5
"""How long a step that is cut off may take to end."""
REFILLED_AT_ONCE = 8
"""Such a part of the places of a full lane is filled before its time, and not each by itself: a claim is a commit."""
OVERDUE_S = 1.0
"""How late a tick may be before it is called for."""
PAID_MORE_S = 1.0
"""How much longer than others a step may take whose paid request is under way: cut off there, its person has to be asked."""


class Stepper(Protocol):
    """A kind of work that becomes due: claims some and does one step of each."""

    @property
    def name(self) -> str: ...

    @property
    def slots(self) -> int:
        """How many steps may run at a time."""
        ...

    async def claim(self, limit: int) -> Sequence[Any]: ...

    async def step(self, item: Any) -> None:
        """One bounded step. Handles its own errors; what it raises is a defect and is logged."""
        ...


class Driver(Protocol):
    """Makes due work happen."""

    async def start(self) -> None: ...

    def wake(self) -> None:
        """There is new work: look now."""
        ...

    async def stop(self, grace_s: float) -> None:
        """Claim nothing more, give what runs `grace_s` in all to end, cancel the rest. What was cut off is due again later."""
        ...


@dataclass(slots=True)
class _Lane:
    stepper: Stepper
    running: set[asyncio.Task[None]]


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """So long after the last time, whenever that was.

    APScheduler's interval lists every time that was missed: where the clock is set on by a month, as on a Raspberry Pi that comes
    to know the time, those are ten million.
    """

    def __init__(self, seconds: float) -> None:
        self._apart = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:  # noqa: ARG002  # its name for it
        return now + self._apart


class EmbeddedDriver:
    """The driver inside one process."""

    def __init__(self, steppers: Sequence[Stepper], *, tick_s: float = 0.25) -> None:
        self._lanes = [_Lane(stepper, set()) for stepper in steppers]
        self._tick_s = tick_s
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._stopping = False
        self._ticking = asyncio.Lock()
        self._woken = False
        self._ticked_s = 0.0
        """When the last tick began, on the loop's clock."""
        self._watching: asyncio.TimerHandle | None = None
        self._database_is_down = False

    async def start(self) -> None:
        self._ticked_s = asyncio.get_running_loop().time()
        self._scheduler.add_job(
            self._tick,
            _Every(self._tick_s),
            id="tick",
            max_instances=1,  # a slow claim delays the next one instead of doubling it
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
        # its INFO line for each of four ticks a second, and its warning when one is skipped, are noise
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.start()
        self._watch()

    def wake(self) -> None:
        self._woken = True
        # a tick that is under way looks again by itself; the scheduler would skip a second one beside it
        if not self._ticking.locked() and not self._stopping and self._scheduler.running:
            self._scheduler.modify_job("tick", next_run_time=datetime.now(UTC))

    def _watch(self) -> None:
        """The scheduler goes by the clock on the wall: where that is set back, its next tick would be as far away."""
        loop = asyncio.get_running_loop()
        late_s = self._tick_s + OVERDUE_S
        if loop.time() - self._ticked_s > late_s:
            self.wake()
        self._watching = loop.call_later(late_s, self._watch)

    async def stop(self, grace_s: float, paid_more_s: float = PAID_MORE_S) -> None:
        self._stopping = True
        loop = asyncio.get_running_loop()
        if self._watching is not None:
            self._watching.cancel()
        ends_at_s = loop.time() + grace_s
        if self._scheduler.running:
            self._scheduler.pause()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(ends_at_s), self._ticking:
                    pass  # a claim that is cut off would be logged as a crash, and its rows would wait for their leases
            self._scheduler.shutdown(wait=False)
        running = {task for lane in self._lanes for task in lane.running}
        if running:
            _, late = await asyncio.wait(running, timeout=max(0.0, ends_at_s - loop.time()))
            paying = {task for task in late if is_paying(task)}
            for task in late - paying:
                task.cancel()
            _, cut_off = await asyncio.wait(paying, timeout=paid_more_s) if paying else (paying, paying)
            for task in cut_off:
                log.warning("paid request cut off: %s", task.get_name())
                task.cancel()
            late = {task for task in late if not task.done()}
            _, stuck = await asyncio.wait(late, timeout=CUT_OFF_S) if late else (late, late)
            for task in stuck:
                log.warning("step does not end: %s", task.get_name())

    async def _tick(self) -> None:
        async with self._ticking:
            self._ticked_s = asyncio.get_running_loop().time()
            again = True
            while again and not self._stopping:
                self._woken = False
                # together: the claims of one moment are one commit
                full = await asyncio.gather(*(self._fill(lane) for lane in self._lanes))
                again = any(full) or self._woken

    async def _fill(self, lane: _Lane) -> bool:
        """Start what is due; True if there may be more."""
        free = lane.stepper.slots - len(lane.running)
        if free <= 0 or self._stopping:
            return False
        try:
            items = await lane.stepper.claim(free)
        except StorageError as error:
            if not self._database_is_down:  # an outage is one line, and so is its end
                log.warning("claim failed stepper=%s: %s", lane.stepper.name, error)
            self._database_is_down = True
            return False
        if self._database_is_down:
            log.warning("claim works again stepper=%s", lane.stepper.name)
            self._database_is_down = False
        name, done = f"{lane.stepper.name} step", partial(self._done, lane)
        for item in items:
            task = asyncio.create_task(lane.stepper.step(item), name=name)
            lane.running.add(task)
            task.add_done_callback(done)
        return len(items) == free

    def _done(self, lane: _Lane, task: asyncio.Task[None]) -> None:
        lane.running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("step crashed stepper=%s", lane.stepper.name, exc_info=error)
        slots = lane.stepper.slots
        if not self._stopping and len(lane.running) == slots - max(1, slots // REFILLED_AT_ONCE):
            self.wake()  # it was full: somebody may be waiting for these places
