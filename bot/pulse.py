"""The process feels its own pulse: whether the driver ticks, how late it claims what is due, how long the event loop is held up."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.logs import named
from engine.driver import Driver, EmbeddedDriver, Stepper
from engine.job_model import Job, Say
from engine.jobs import LIVE
from engine.ports import Clock

LOOK_EVERY_S = 0.5
"""Between two looks at the event loop."""
KEPT = 100_000
"""Jobs whose time is remembered until they are claimed."""

Observe = Callable[[float], None]


@dataclass(slots=True)
class Lane:
    """What one stepper does."""

    slots: int = 0
    running: int = 0
    claimed: int = 0
    """Since the start."""
    ticked_at_s: float = 0.0
    """When a claim last came back, by the monotonic clock, whatever it brought."""


@dataclass(slots=True, kw_only=True)
class Pulse:
    """What is felt. The observers are told as it happens."""

    clock: Clock
    late: Observe = lambda _: None
    """Told for each claimed job by how many seconds it was claimed too late."""
    lag: Observe = lambda _: None
    """Told every `LOOK_EVERY_S` for how many seconds the event loop was held up."""
    lanes: dict[str, Lane] = field(default_factory=dict)
    """By the name of the stepper."""
    _due: OrderedDict[int, datetime] = field(default_factory=OrderedDict)
    _began_s: float = field(default_factory=time.monotonic)

    def driver_of(self, steppers: Sequence[Stepper]) -> Driver:
        """The embedded driver, with a finger on it."""
        return EmbeddedDriver([Watched(stepper, self) for stepper in steppers])

    async def job_changed(self, job: Job) -> None:
        """A listener of the news: when the job will be due."""
        if job.due_at is None or job.state not in LIVE:
            self._due.pop(job.id, None)
            return
        self._due[job.id] = job.due_at
        if len(self._due) > KEPT:
            self._due.popitem(last=False)

    def claimed(self, name: str, items: Sequence[Any]) -> None:
        """A claim came back with these."""
        lane = self.lanes[name]
        lane.ticked_at_s = time.monotonic()
        lane.claimed += len(items)
        now = self.clock()
        for item in items:
            due_at = self._due.pop(item.id, None) if isinstance(item, Job) else None
            # one that was made due earlier than it said has no lateness that is known here
            if due_at is not None and due_at <= now:
                self.late((now - due_at).total_seconds())

    def silent_s(self) -> float:
        """For how long no stepper with room has claimed anything. 0: all are full, or nothing has begun yet."""
        free = [lane for lane in self.lanes.values() if lane.running < lane.slots]
        if not free:
            return 0.0
        return time.monotonic() - max(self._began_s, *(lane.ticked_at_s for lane in free))

    async def run(self) -> None:
        """Look at the event loop until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            await asyncio.sleep(LOOK_EVERY_S)
            self.lag(max(0.0, loop.time() - began_s - LOOK_EVERY_S))


class Watched:
    """`engine.driver.Stepper` in front of another: its claims are counted, and its steps are named in the log."""

    def __init__(self, stepper: Stepper, pulse: Pulse) -> None:
        self._stepper = stepper
        self._pulse = pulse
        self._lane = pulse.lanes.setdefault(stepper.name, Lane())
        self._lane.slots = stepper.slots

    @property
    def name(self) -> str:
        return self._stepper.name

    @property
    def slots(self) -> int:
        return self._stepper.slots

    async def claim(self, limit: int) -> Sequence[Any]:
        items: Sequence[Any] = ()
        try:
            items = await self._stepper.claim(limit)
        finally:  # one that the database refuses is a tick too: that it is away, is for it to tell
            self._pulse.claimed(self.name, items)
        return items

    async def step(self, item: Any) -> None:
        self._lane.running += 1
        try:
            with named(**names_of(item)):
                await self._stepper.step(item)
        finally:
            self._lane.running -= 1


def names_of(item: object) -> dict[str, object]:
    """What lines of the log carry that are written while it is stepped."""
    match item:
        case Job():
            return {"job": item.id, "provider": item.provider} if item.provider else {"job": item.id}
        case Say():
            return {"job": item.job_id, "platform": item.place.partition(":")[0]}
        case _:
            return {}
