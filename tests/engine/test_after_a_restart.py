"""What a process that is gone knew, or was about to say, does not hold up the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.attempts import AttemptOutcome
from engine.job_model import Job, JobState, SayKind, SayState
from engine.jobs import move
from engine.model import Create
from engine.outcome import Outcome
from engine.ports import Writer
from engine.providers.base import Recovery
from engine.settle import settle
from tests.house import House


async def claimed_job(house: House) -> Job:
    """A new one, claimed and not stepped."""
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (job,) = await house.stepper.claim(1)
    return job


async def test_who_waited_for_a_service_asks_it_at_the_next_start(house: House) -> None:
    """That it does not answer was known to a process that is gone."""
    job = await claimed_job(house)
    later = house.clock() + timedelta(seconds=900)
    waits = replace(job, due_at=later, trouble="scripted does not answer; it goes on when it does.")
    await house.store.write(lambda tx: tx.save_job(waits))
    assert await house.stepper.claim(1) == []
    await house.store.release_leases()
    (again,) = await house.stepper.claim(1)
    assert (again.id, again.trouble) == (job.id, None)


@pytest.mark.parametrize("back", [timedelta(seconds=30), timedelta(hours=1), timedelta(days=2)])
async def test_a_clock_that_was_set_back_in_between_holds_up_nothing(house: House, back: timedelta) -> None:
    """What was due in a moment is, and not when that time comes again; the result is told."""
    begun = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(0.5)
    job = await house.job(begun.id)
    assert job.state is JobState.RENDERING
    house.clock.now -= back
    await house.store.release_leases()
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_question_is_open_as_long_where_the_clock_was_set_back(house: House) -> None:
    """Nobody is told that nobody agreed."""
    job = await claimed_job(house)
    await house.store.write(
        lambda tx: tx.save_job(move(job, JobState.ASKING, due_at=house.clock() + timedelta(days=1)))
    )
    house.clock.now -= timedelta(days=2)
    await house.store.release_leases()
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.ASKING


async def test_a_request_that_never_left_is_made_anew_and_not_asked_about(house: House) -> None:
    """Its sender woke up too late to send it, said so of the request, and lost the job before it could say so of that."""
    house.provider.recovery = Recovery.NONE
    job = await claimed_job(house)

    async def as_it_stands(tx: Writer) -> None:
        attempt = await tx.add_attempt(job.id, "k")
        await tx.close_attempt(attempt.id, AttemptOutcome.ABSENT)
        await tx.save_job(move(job, JobState.SUBMITTING, due_at=house.clock()))

    await house.store.write(as_it_stands)
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


async def test_a_price_that_rises_where_the_status_message_was_lost_is_asked_about_in_a_new_one(house: House) -> None:
    """There is none to edit."""
    job = await claimed_job(house)
    asking = move(job, JobState.ASKING, due_at=house.clock() + timedelta(days=1))

    async def lose(tx: Writer) -> None:
        await tx.retract(job.id, SayKind.STATUS)

    await house.store.write(lose)
    await house.store.write(lambda tx: settle(tx, Outcome(job=asking)))
    (say,) = await house.store.read(lambda tx: tx.says(job.id))
    assert (say.kind, say.state) == (SayKind.STATUS, SayState.NEW)
