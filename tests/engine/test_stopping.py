"""An end gives a paid request longer than other work: fewer are cut off where nobody knows whether they were taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from engine.driver import EmbeddedDriver
from engine.job_model import Job, JobState
from engine.model import Create
from tests.fakes.clock import FakeClock
from tests.house import House, opened_house


class Hanging:
    """Free work that does not end by itself."""

    name, slots = "hanging", 1

    def __init__(self) -> None:
        self.items, self.cut_off = [1], asyncio.Event()

    async def claim(self, limit: int) -> Sequence[int]:
        claimed, self.items = self.items[:limit], []
        return claimed

    async def step(self, item: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.cut_off.set()


async def sending(house: House) -> tuple[Job, EmbeddedDriver, Hanging]:
    """A driver at work, with a paid request under way beside work that is free."""
    house.provider.gate = asyncio.Event()
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    hanging = Hanging()
    driver = EmbeddedDriver([hanging, house.stepper], tick_s=0.05)
    await driver.start()
    await asyncio.wait_for(house.provider.asked.wait(), 30)
    return job, driver, hanging


async def test_a_paid_request_may_end_where_other_work_is_cut_off(tmp_path: Path, clock: FakeClock) -> None:
    """Its answer comes after the grace of all others, and is written: nobody has to be asked."""
    async with opened_house(tmp_path, clock) as house:
        job, driver, hanging = await sending(house)
        stopping = asyncio.create_task(driver.stop(0.01, paid_more_s=60))
        await asyncio.wait_for(hanging.cut_off.wait(), 30)
        assert not stopping.done()
        assert house.provider.gate is not None
        house.provider.gate.set()
        await asyncio.wait_for(stopping, 30)
        assert (await house.job(job.id)).state is JobState.RENDERING
        assert (house.provider.submits, len(house.provider.renders)) == (1, 1)


async def test_a_paid_request_that_does_not_end_is_cut_off_and_asked_about(tmp_path: Path, clock: FakeClock) -> None:
    """The end waits no longer than it may, and the next start sends nothing again."""
    async with opened_house(tmp_path, clock) as house:
        job, driver, _ = await sending(house)
        await asyncio.wait_for(driver.stop(0.01, paid_more_s=0.01), 30)
        assert (await house.job(job.id)).state is JobState.SUBMITTING
        house.provider.gate = None
        await house.store.release_leases()
        await house.run(30)
        assert (await house.job(job.id)).state is JobState.UNCONFIRMED
        assert house.provider.submits == 1
