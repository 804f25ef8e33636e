"""A service that calls makes us look sooner, and whatever comes from outside breaks nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.job_model import Job, JobState
from engine.model import Create, ShotOptions
from engine.providers.base import Hook
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import House, opened_house


async def begun(house: House, **options: object) -> Job:
    return await house.studio.create(
        Create(asked=house.asked(), prompt="a lamp", options=ShotOptions(**options))  # type: ignore[arg-type]  # by name
    )


async def test_calls_that_come_again_and_again_do_not_starve_a_render(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look under way goes on and counts; right after it there is another."""
    job = await begun(house)
    await house.tick()
    house.clock.advance(1)
    check = house.provider.check

    async def called_meanwhile(task_id: str) -> object:
        await house.store.write(lambda tx: tx.make_task_due("scripted", task_id))
        assert not await house.stepper.claim(10)
        return await check(task_id)

    monkeypatch.setattr(house.provider, "check", called_meanwhile)
    (claimed,) = await house.stepper.claim(10)
    await house.stepper.step(claimed)
    after = await house.job(job.id)
    assert after.percent == 50
    assert after.due_at == house.clock()
    (again,) = await house.stepper.claim(10)
    await house.stepper.step(again)
    assert (await house.job(job.id)).state is JobState.SAVING


async def test_a_call_comes_while_nobody_looks(house: House) -> None:
    """Then the render is due at once."""
    job = await begun(house)
    await house.tick()
    await house.store.write(lambda tx: tx.make_task_due("scripted", "task-1"))
    assert [each.id for each in await house.stepper.claim(10)] == [job.id]


async def test_a_call_that_breaks_its_reader_is_only_not_believed(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever sends it."""

    class Broken(ScriptedProvider):
        async def heard(self, hook: Hook) -> str | None:
            raise ZeroDivisionError

    async with opened_house(tmp_path, clock, Broken()) as house:
        assert not await house.studio.heard("scripted", Hook({}, b"{}"))
        assert "hook crashed provider=scripted" in caplog.text
