"""A render whose answer is lost, through the whole engine, over all services: adopted or asked about, never asked for twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.attempts import AttemptOutcome
from engine.job_model import JobState
from engine.providers.base import Provider, Recovery
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.fakes.services.base import FakeService, Shown
from tests.house import opened_house


@pytest.mark.parametrize("loss", ["the answer", "the process"])
async def test_a_lost_render_is_adopted_or_its_person_asked(
    provider: Provider, fake: FakeService, tmp_path: Path, loss: str
) -> None:
    """Through the whole engine: the connection is cut, or the process dies, between the request and its answer.

    Where the service can be asked, the render is found and delivered; else the person decides. Never a second request.
    """
    clock, chat = FakeClock(), FakeChat()
    url = f"sqlite:///{tmp_path / 'film.db'}"
    async with opened_house(tmp_path, clock, chat=chat, url=url, others=[provider]) as house:
        if loss == "the answer":
            fake.lose_answers = 1
            await house.say(f"/create a lamp --provider {provider.name}")
            await house.run(5)
        else:
            fake.hang_answers = 1
            await house.say(f"/create a lamp --provider {provider.name}")
            (claimed,) = await house.stepper.claim(1)
            step = asyncio.create_task(house.stepper.step(claimed))
            await asyncio.wait_for(fake.arrived.wait(), 10)
            step.cancel()
            await asyncio.gather(step, return_exceptions=True)
        (begun_job,) = await house.studio.jobs("local:home")
    fake.release.set()
    fake.put(Shown.DONE)
    clock.advance(300)
    async with opened_house(tmp_path, clock, chat=chat, url=url, others=[provider]) as house:
        await house.store.release_leases()
        await house.run(60)
        job = await house.job(begun_job.id)
        attempts = await house.store.read(lambda tx: tx.attempts(job.id))
    if provider.recovery is Recovery.NONE or not fake.tells_apart:
        assert job.state is JobState.UNCONFIRMED
        assert [attempt.outcome for attempt in attempts] == [AttemptOutcome.UNKNOWN]
    else:
        assert job.state is JobState.DELIVERED
        assert [attempt.outcome for attempt in attempts] == [AttemptOutcome.ACCEPTED]
    assert (fake.creates, len(fake.tasks)) == (1, 1)
