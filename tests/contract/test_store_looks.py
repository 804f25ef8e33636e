"""Looks at renders: what every store promises of the write that is made most often, many at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.errors import StaleFence
from engine.job_model import Job, JobState
from engine.outcome import Outcome, is_only_a_look
from storage import SqlStore
from tests.contract.test_store_jobs import LEASE_S, add_job, again, claimed, events, saved
from tests.fakes.clock import FakeClock


async def rendering(store: SqlStore, clock: FakeClock, count: int) -> list[Job]:
    """So many renders that were just claimed to be looked at."""
    for number in range(count):
        job = await add_job(store, f"update-{number}")
        await saved(store, replace(job, state=JobState.RENDERING, task_id=f"task-{number}", started_at=clock()))
    return list(await store.claim_jobs(count, LEASE_S))


async def test_many_looks_are_saved_at_once(store: SqlStore, clock: FakeClock) -> None:
    """Each with its own percent and its own next look; the leases are given back, and no event tells of it."""
    jobs = await rendering(store, clock, 5)
    before = await events(store)
    seen = [
        replace(job, percent=10.0 * job.id, tries=0, due_at=clock() + timedelta(seconds=10 + job.id)) for job in jobs
    ]
    await asyncio.gather(*(store.save_look(job) for job in seen))
    assert [await again(store, job) for job in jobs] == seen
    assert await events(store) == before
    assert await claimed(store) == []
    clock.advance(60)
    assert await claimed(store) == [job.id for job in jobs]


async def test_one_look_that_is_void_does_not_hold_up_the_others(store: SqlStore, clock: FakeClock) -> None:
    """Only whoever lost its job hears of it."""
    first, lost, last = await rendering(store, clock, 3)
    taken = await store.write(lambda tx: tx.take_over(lost.id))
    seen = [replace(job, percent=50.0) for job in (first, lost, last)]
    told = await asyncio.gather(*(store.save_look(job) for job in seen), return_exceptions=True)
    assert [type(each) for each in told] == [type(None), StaleFence, type(None)]
    assert [(await again(store, job)).percent for job in (first, lost, last)] == [50.0, None, 50.0]
    assert taken is not None
    assert (await again(store, lost)).fence == taken.fence


async def test_a_look_does_not_bring_back_a_render_that_is_over(store: SqlStore, clock: FakeClock) -> None:
    """Whatever its fence says: a look never changes a state."""
    (job,) = await rendering(store, clock, 1)
    await saved(store, replace(job, state=JobState.READY, due_at=None))
    with pytest.raises(StaleFence):
        await store.save_look(replace(job, percent=50.0))
    assert (await again(store, job)).state is JobState.READY


async def test_news_during_a_look_lets_it_be_looked_at_again_at_once(store: SqlStore, clock: FakeClock) -> None:
    """A webhook may have come a moment after the service was asked."""
    (job,) = await rendering(store, clock, 1)
    await store.write(lambda tx: tx.make_task_due("animatic", "task-0"))
    await store.save_look(replace(job, due_at=clock() + timedelta(seconds=60)))
    assert await claimed(store) == [job.id]
    await store.save_look(replace(await again(store, job), due_at=clock() + timedelta(seconds=60)))
    assert await claimed(store) == []


async def test_only_a_render_that_stays_as_it_is_was_only_looked_at(store: SqlStore, clock: FakeClock) -> None:
    """Everything else is settled: what is owed, other cells, other states."""
    (job,) = await rendering(store, clock, 1)
    seen = replace(job, percent=50.0, preview="a.png", trouble="slow", tries=3, due_at=clock() + timedelta(seconds=9))
    assert is_only_a_look(job, Outcome(job=seen))
    for other in (
        Outcome(job=replace(seen, state=JobState.SAVING)),
        Outcome(job=replace(seen, due_at=None)),
        Outcome(job=replace(seen, notes=("a",))),
        Outcome(job=seen, detail="Unavailable"),
        Outcome(job=seen, is_taken=True),
    ):
        assert not is_only_a_look(job, other)
    assert not is_only_a_look(replace(job, state=JobState.SUBMITTING), Outcome(job=seen))
