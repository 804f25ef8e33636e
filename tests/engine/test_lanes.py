"""What is rendered is saved, however many renders there are to be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from engine import job_stepper
from engine.abilities import Pace
from engine.driver import Driver, EmbeddedDriver, Stepper
from engine.job_model import Job, JobState
from engine.job_stepper import JobStepper
from engine.model import Asked, Create
from engine.news import News
from engine.open import open_studio
from engine.providers.base import Progress
from engine.studio import Studio
from storage import LocalFiles, opened_store
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import ANA, HOME, House, opened_house

PATIENCE_S = 30


@dataclass
class SlowService(ScriptedProvider):
    """Some of its checks never come back."""

    hanging: set[str] = field(default_factory=set)
    """Task ids."""
    hangs: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    """Released by each check that hangs."""

    async def check(self, task_id: str) -> Progress:
        if task_id in self.hanging:
            self.hangs.release()
            await asyncio.Event().wait()
        return await super().check(task_id)


async def test_looks_that_hang_leave_room_for_what_is_rendered(tmp_path: Path, clock: FakeClock) -> None:
    """A slow service holds every slot for looks; a clip that is ready to be fetched is fetched all the same."""
    service = SlowService(pace=Pace(first_s=0.5, every_s=0.5, give_up_s=600, in_flight=9))
    async with opened_house(tmp_path, clock, service) as house:
        rendered = await _until(house, JobState.SAVING)
        later = replace(rendered, due_at=clock() + timedelta(seconds=300))
        await house.store.write(lambda tx: tx.save_job(later, detail=""))
        others = [await _until(house, JobState.RENDERING) for _ in range(4)]
        service.hanging = {str(job.task_id) for job in others}
        clock.advance(60)
        world = house.stepper._world
        lanes = [JobStepper(world, looks=looks, slots=2) for looks in (True, False)]
        driver = EmbeddedDriver(lanes, tick_s=0.01)
        with house.news.changes_of(rendered.id) as changed:
            await driver.start()
            try:
                async with asyncio.timeout(PATIENCE_S):
                    for _ in range(2):
                        await service.hangs.acquire()
                await asyncio.sleep(0.1)  # any lane that would take a look has taken one
                clock.advance(300)
                await _reaches(house.studio, rendered, JobState.READY, changed)
            finally:
                await driver.stop(0)


async def test_what_is_rendered_is_fetched_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """From the look that finds it done to the clip no tick is waited for; looks have a lane of their own, behind the others."""
    drivers: list[tuple[Driver, list[str]]] = []

    def seldom(steppers: Sequence[Stepper]) -> Driver:
        drivers.append((EmbeddedDriver(steppers, tick_s=3_600), [each.name for each in steppers]))
        return drivers[0][0]

    news = News()
    async with opened_store("sqlite://", clock) as store:
        files, service = LocalFiles(tmp_path), ScriptedProvider(finishes_at_check=1)
        async with open_studio(store, files, [service], news=news, clock=clock, driver_of=seldom) as studio:
            (driver, names) = drivers[0]
            assert names == ["job", "look"]
            job = await studio.create(Create(asked=Asked("update-1", HOME, ANA), prompt="a lamp"))
            with news.changes_of(job.id) as changed:
                await _reaches(studio, job, JobState.RENDERING, changed)
                clock.advance(60)
                driver.wake()
                await _reaches(studio, job, JobState.READY, changed)


async def test_a_step_that_lasts_too_long_ends_and_is_done_again(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its slot is free again, whatever its service does, and its lease is kept no longer."""
    monkeypatch.setattr(job_stepper, "LEASE_S", 0.03)
    monkeypatch.setattr(job_stepper, "STEP_S", {**job_stepper.STEP_S, JobState.RENDERING: 0.05})
    service = SlowService()
    async with opened_house(tmp_path, clock, service) as house:
        job = await _until(house, JobState.RENDERING)
        service.hanging = {str(job.task_id)}
        clock.advance(60)
        (claimed,) = await house.stepper.claim(9)
        async with asyncio.timeout(PATIENCE_S):
            await house.stepper.step(claimed)
        job = await house.job(job.id)
        assert (job.state, job.tries) == (JobState.RENDERING, 1)
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("lease of")]


async def _until(house: House, state: JobState) -> Job:
    """A new render, stepped by hand as far as this."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    while job.state is not state:
        for claimed in await house.stepper.claim(100):
            if claimed.id == job.id:
                await house.stepper.step(claimed)
        house.clock.advance(1)
        job = await house.job(job.id)
    return job


async def _reaches(studio: Studio, job: Job, state: JobState, changed: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            changed.clear()
            now = await studio.job(job.id)
            if now is not None and now.state is state:
                return
            await changed.wait()
