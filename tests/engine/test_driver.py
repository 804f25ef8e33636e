"""The embedded driver steps what is due, soon, a bounded number at a time, and stops when it is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import apscheduler.schedulers.base
import pytest

import engine.driver
from engine.driver import EmbeddedDriver
from engine.errors import StorageUnavailable
from tests.fakes.clock import datetime_ahead


@dataclass
class Queue:
    """A stepper over a list; each step takes as long as the test says."""

    items: list[int]
    name: str = "queue"
    slots: int = 3
    step_s: float = 0.0
    stepped: list[int] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    claim_errors: int = 0
    claim_s: float = 0.0
    claiming: asyncio.Event = field(default_factory=asyncio.Event)
    stepping: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, limit: int) -> Sequence[int]:
        if self.claim_errors:
            self.claim_errors -= 1
            raise StorageUnavailable("The database is locked.")
        self.claiming.set()
        await asyncio.sleep(self.claim_s)
        taken, self.items = self.items[:limit], self.items[limit:]
        return taken

    async def step(self, item: int) -> None:
        self.running += 1
        self.stepping.set()
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.step_s)
            if item < 0:
                raise ValueError("a defect")
            self.stepped.append(item)
        finally:
            self.running -= 1
            if not self.items and not self.running:
                self.done.set()


async def test_everything_is_stepped_and_never_more_than_the_slots_at_once() -> None:
    """Places that become free are filled without waiting for the next tick."""
    queue = Queue(list(range(20)), step_s=0.01)
    driver = EmbeddedDriver([queue], tick_s=30)
    await driver.start()
    await asyncio.wait_for(queue.done.wait(), 10)
    await driver.stop(1)
    assert sorted(queue.stepped) == list(range(20))
    assert queue.most_running == 3


async def test_a_wake_is_quicker_than_the_tick() -> None:
    """New work does not wait for its turn."""
    queue = Queue([])
    driver = EmbeddedDriver([queue], tick_s=30)
    await driver.start()
    await asyncio.sleep(0.1)
    queue.items = [1]
    driver.wake()
    await asyncio.wait_for(queue.done.wait(), 5)
    await driver.stop(1)
    assert queue.stepped == [1]


async def test_a_wake_while_a_claim_is_under_way_is_not_lost() -> None:
    """What came too late for that claim is found by the next one, long before the next tick."""

    class Late(Queue):
        async def claim(self, limit: int) -> Sequence[int]:
            taken = await super().claim(limit)
            if not self.stepped and not self.items and not taken:
                self.items = [1]
                driver.wake()
            return taken

    queue = Late([])
    driver = EmbeddedDriver([queue], tick_s=30)
    await driver.start()
    await asyncio.wait_for(queue.done.wait(), 5)
    await driver.stop(1)
    assert queue.stepped == [1]


async def test_work_that_becomes_due_by_itself_is_found_by_the_tick() -> None:
    """Without any wake."""
    queue = Queue([])
    driver = EmbeddedDriver([queue], tick_s=0.05)
    await driver.start()
    await asyncio.sleep(0.1)
    queue.items = [1]
    await asyncio.wait_for(queue.done.wait(), 5)
    await driver.stop(1)


@pytest.mark.parametrize("leap", [timedelta(hours=-1), timedelta(days=10)])
async def test_a_clock_that_is_set_stops_nothing(leap: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Back by an hour, or on by days as where a machine comes to know the time: ticks go on, and none is made up for."""
    is_set = False

    wall = datetime_ahead(lambda: leap if is_set else timedelta(0))
    for room in (engine.driver, apscheduler.schedulers.base):
        monkeypatch.setattr(room, "datetime", wall)
    queue = Queue([])
    driver = EmbeddedDriver([queue], tick_s=0.1)
    await driver.start()
    await asyncio.wait_for(queue.claiming.wait(), 5)
    is_set, began_s = True, time.monotonic()
    await asyncio.sleep(0.3)  # a claim that was under way is over
    queue.items = [1]
    await asyncio.wait_for(queue.done.wait(), 5)
    queue.claiming.clear()
    await asyncio.wait_for(queue.claiming.wait(), 1)
    await driver.stop(1)
    assert time.monotonic() - began_s < 6  # counted one by one they would hold up the loop for longer


async def test_a_step_that_crashes_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """A defect is logged with its trace, and the rest goes on."""
    queue = Queue([1, -1, 2])
    driver = EmbeddedDriver([queue], tick_s=0.05)
    await driver.start()
    await asyncio.wait_for(queue.done.wait(), 5)
    await driver.stop(1)
    assert sorted(queue.stepped) == [1, 2]
    assert "step crashed stepper=queue" in caplog.text


async def test_a_database_that_is_away_is_one_line_and_work_goes_on_after_it(caplog: pytest.LogCaptureFixture) -> None:
    """An outage is told once, its end too."""
    queue = Queue([1], claim_errors=4)
    driver = EmbeddedDriver([queue], tick_s=0.02)
    await driver.start()
    await asyncio.wait_for(queue.done.wait(), 5)
    await driver.stop(1)
    assert caplog.text.count("claim failed") == 1
    assert caplog.text.count("claim works again") == 1


async def test_a_stop_waits_for_its_grace_and_then_cuts_off() -> None:
    """Short steps end, long ones are cancelled, nothing new begins."""
    short, long = Queue([1], step_s=0.1), Queue([1, 2, 3, 4], slots=1, step_s=60, name="long")
    driver = EmbeddedDriver([short, long], tick_s=0.02)
    await driver.start()
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await driver.stop(0.5)
    assert time.monotonic() - began < 5
    assert short.stepped == [1]
    assert long.stepped == []
    assert len(long.items) == 3


async def test_one_grace_is_for_all_that_runs() -> None:
    """A claim that hangs and a step that hangs do not each get the whole of it."""
    long, stuck = Queue([1], step_s=60), Queue([2], claim_s=60, name="stuck")
    driver = EmbeddedDriver([long, stuck], tick_s=0.02)
    await driver.start()
    async with asyncio.timeout(5):
        await stuck.claiming.wait()
        await long.stepping.wait()
    began = time.monotonic()
    await driver.stop(1)
    assert 0.9 < time.monotonic() - began < 1.9
    assert long.running == 0
    assert stuck.stepped == []
