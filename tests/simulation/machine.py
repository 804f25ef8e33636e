"""One process of the product: its own engine, studio and delivery on the shared database, put together as `engine.open` does it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bot.delivery import Delivery
from bot.fitting import Fitting
from engine.driver import EmbeddedDriver, Stepper
from engine.errors import EngineError, StorageError
from engine.housekeeping import tidy_up
from engine.job_stepper import JobStepper
from engine.line import FlightLimits
from engine.money_rules import MoneyRules
from engine.news import News
from engine.open import SteadyClock
from engine.outcome import World
from engine.sightings import Sightings
from engine.studio import Studio
from storage import LocalFiles, SqlStore
from storage.database import Database
from tests.simulation.chat import Chat, Mouth
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.service import Client, Service

log = logging.getLogger(__name__)

TICK_S = 0.25
LOOK_MOST_S = 20.0


class Machine:
    """A process that lives until it is killed."""

    def __init__(
        self,
        loop: VirtualLoop,
        name: str,
        *,
        database: Database,
        root: Path,
        services: Mapping[str, Service],
        chat: Chat,
        wall: Callable[[], datetime],
        next_due_ms: Callable[[str], int | None],
        rules: MoneyRules,
        limits: FlightLimits,
        chance: random.Random,
        crashed: Callable[[str], None],
    ) -> None:
        self.process = Process(loop, name)
        self.died: asyncio.Future[None] = loop.create_future()
        self._crashed = crashed
        self._next_due_ms = next_due_ms
        self._chance = chance
        self._woken = asyncio.Event()
        clock = SteadyClock(wall, loop.time)
        self.clock = clock
        self.store = SqlStore(database, clock)
        news = News()
        files = LocalFiles(root)
        self.world = World(
            store=self.store,
            files=files,
            providers={each: Client(service) for each, service in services.items()},
            clock=clock,
            announce=news.announce,
            rules=rules,
            limits=limits,
            sightings=Sightings(loop.time),
        )
        self.studio = Studio(self.world, news, default_provider=next(iter(services)), wake=self._woken.set)
        mouth = Mouth(chat)
        self.delivery = Delivery(self.store, self.studio, {mouth.platform: mouth}, clock, Fitting(files))
        self.jobs = JobStepper(self.world)
        news.listen(self.delivery.job_changed)
        news.listen(self.jobs.job_changed)
        # it never starts: when to look is said here, as its ticks are of real time. It ends as the product's does.
        self._driver = EmbeddedDriver([self.jobs, self.delivery])
        self._is_stopping = False

    @property
    def is_alive(self) -> bool:
        """Also while it is frozen."""
        return not self.process.is_dead

    def begin(self, *, is_alone: bool) -> None:
        """Start it. Alone, it takes up at once what another one held before."""
        self.process.start(self._live(is_alone=is_alone), "driver")

    def kill(self) -> None:
        self.process.die()
        if not self.died.done():
            self.died.set_result(None)

    async def stop(self, grace_s: float) -> None:
        """As on a SIGTERM: begin nothing more, let end what does within its time, cut off the rest."""
        self._is_stopping = True
        await self._driver.stop(grace_s)
        await self.delivery.stop()

    async def _live(self, *, is_alone: bool) -> None:
        if is_alone:
            while True:
                with suppress(StorageError):
                    await self.store.release_leases()
                    break
        if self._chance.random() < 0.3:
            asyncio.get_running_loop().create_task(self._tidy(), name="housekeeping")
        empty = 0
        while not self._is_stopping:
            self._woken.clear()
            found = 0
            for lane, table in zip(self._driver._lanes, ("job", "outbox"), strict=True):
                found += await self._claim(lane.stepper, lane.running, table)
            empty = 0 if found else empty + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s(empty)):
                    await self._woken.wait()

    def _wait_s(self, empty: int) -> float:
        """Until something is due; what is due and yet not there for us is looked at ever more seldom."""
        due_ms = self._next_due_ms("")
        wait_s = LOOK_MOST_S if due_ms is None else due_ms / 1000 - self.clock().timestamp()
        least_s = min(LOOK_MOST_S, TICK_S * 1.5 ** min(empty, 20)) if wait_s <= 0 else TICK_S
        return min(LOOK_MOST_S, max(wait_s, least_s)) + self._chance.uniform(0.0, TICK_S)

    async def _claim(self, stepper: Stepper, running: set[asyncio.Task[None]], table: str) -> int:
        due_ms = self._next_due_ms(table)
        if due_ms is None or due_ms / 1000 > self.clock().timestamp():
            return 0  # a claim would find nothing
        try:
            items = await stepper.claim(stepper.slots - len(running))
        except StorageError:
            return 0
        for item in items:
            task = asyncio.get_running_loop().create_task(stepper.step(item), name=f"{stepper.name} step")
            running.add(task)
            task.add_done_callback(lambda done: self._ended(running, done))
        return len(items)

    def _ended(self, running: set[asyncio.Task[None]], task: asyncio.Task[None]) -> None:
        running.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StorageError):  # delivery could not even note it; its lease runs out
            return
        if error is not None:
            self._crashed(f"a step raised {type(error).__name__}: {error}")

    async def _tidy(self) -> None:
        try:
            await tidy_up(self.world)
        except EngineError as error:
            log.info("housekeeping broke off: %s", error)
