"""A provider that its operator took out of the settings: nothing crashes, nothing paid is given up, everybody is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot import texts
from engine.job_model import Job, JobState
from engine.model import Create, ShotOptions
from engine.providers.base import Provider
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import House, opened_house


@pytest.fixture
def gone() -> ScriptedProvider:
    return ScriptedProvider(name="gone")


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock, gone: ScriptedProvider) -> AsyncIterator[House]:
    async with opened_house(tmp_path, clock, others=[gone]) as opened:
        yield opened


async def begun(house: House) -> Job:
    return await house.studio.create(Create(asked=house.asked(), prompt="a lamp", options=ShotOptions(provider="gone")))


def take_out(house: House) -> Provider:
    """As after a restart with other settings."""
    providers = house.stepper._world.providers
    assert isinstance(providers, dict)
    provider: Provider = providers.pop("gone")
    return provider


async def test_what_was_not_sent_yet_is_told_with_a_way_out(house: House) -> None:
    """Its status message too is said, and the end comes right after it."""
    job = await begun(house)
    take_out(house)
    await house.run(5)
    done = await house.job(job.id)
    assert done.state is JobState.FAILED
    assert texts.failure(done) == (
        "a1-1 · by Ana\ngone is not set up here any more; /retake a1-1 --provider scripted renders it there. "
        "Nothing was charged."
    )
    assert "gone is not set up here any more" in house.chat.seen[-1]


@pytest.mark.parametrize("checks", [0, 1])
async def test_what_is_paid_waits_for_its_provider(house: House, gone: ScriptedProvider, checks: int) -> None:
    """Rendering or to be fetched: it is delivered when the provider is set up again."""
    gone.finishes_at_check = 2 - checks
    job = await begun(house)
    await house.tick()
    if checks:
        house.clock.advance(1)
        await house.tick()
        assert (await house.job(job.id)).state is JobState.SAVING
    provider = take_out(house)
    await house.run(3_600)
    assert (await house.job(job.id)).state in {JobState.RENDERING, JobState.SAVING}
    house.stepper._world.providers["gone"] = provider  # type: ignore[index]  # a dict, as `take_out` has seen
    await house.run(600)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert gone.submits == 1


async def test_a_render_of_a_gone_provider_can_be_cancelled(house: House, gone: ScriptedProvider) -> None:
    """Nobody can tell its service."""
    gone.finishes_at_check = 99
    job = await begun(house)
    await house.run(3)
    take_out(house)
    await house.say("/cancel a1-1")
    await house.run(3)
    assert (await house.job(job.id)).state is JobState.CANCELLED
    assert house.chat.seen[-1].endswith("cancelled")


async def test_a_lost_answer_of_a_gone_provider_is_asked_about(house: House, gone: ScriptedProvider) -> None:
    """It cannot be looked up, so its person decides."""
    gone.lose_answers = [TimeoutError()]
    job = await begun(house)
    await house.tick()
    take_out(house)
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED


async def test_a_message_that_cannot_be_made_is_tried_again_and_holds_up_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect in saying how it stands must not keep the result back for the length of a lease."""
    place_in_line, breaks = house.studio.place_in_line, [ZeroDivisionError()]

    async def once(job: Job) -> int:
        if breaks:
            raise breaks.pop()
        return await place_in_line(job)

    monkeypatch.setattr(house.studio, "place_in_line", once)
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    for say in await house.delivery.claim(10):
        await house.delivery.step(say)
    assert f"message crashed job={job.id} kind=status" in caplog.text
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED
