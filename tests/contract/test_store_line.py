"""Who waits for a provider, who renders there, and how long that takes: what every store promises of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.job_model import Job, JobState
from engine.line import Flight, LineMark
from engine.model import Person
from engine.ports import Writer
from storage import SqlStore
from tests.databases import ANA, BEN, HOME, add_render
from tests.fakes.clock import FakeClock

LEASE_S = 30.0
AWAY = "local:away"


async def add_job(
    store: SqlStore, key: str, person: Person = ANA, place: str = HOME, provider: str = "animatic"
) -> Job:
    """A queued render in a story of its own."""

    async def work(tx: Writer) -> Job:
        story = await tx.current_story(place) or await tx.add_story(place, person, "The lamp")
        return (await add_render(tx, story, key, person=person, place=place, provider=provider))[2]

    return await store.write(work)


async def saved(store: SqlStore, job: Job) -> JobState:
    return await store.write(lambda tx: tx.save_job(job))


async def claimed(store: SqlStore) -> list[int]:
    return [job.id for job in await store.claim_jobs(100, LEASE_S)]


async def put_off(store: SqlStore, clock: FakeClock, *jobs: Job) -> None:
    for job in jobs:
        await saved(store, replace(job, due_at=clock() + timedelta(seconds=600)))


async def test_a_line_is_those_who_wait_for_a_place(store: SqlStore, clock: FakeClock) -> None:
    """Of this provider, and not those that wait for a shot; with who was served when."""
    began = clock()
    first, second = await add_job(store, "1"), await add_job(store, "2", BEN, AWAY)
    for_shot, elsewhere = await add_job(store, "3"), await add_job(store, "4", provider="other")
    over, flying = await add_job(store, "5", BEN), await add_job(store, "6")
    await saved(store, replace(for_shot, waits_for="a1-9"))
    await saved(store, replace(over, state=JobState.DELIVERED, started_at=began + timedelta(seconds=5), due_at=None))
    await saved(store, replace(flying, state=JobState.RENDERING, started_at=began + timedelta(seconds=7)))
    line = await store.read(lambda tx: tx.line("animatic"))
    assert [each.job_id for each in line.waiting] == [first.id, second.id]
    ana, ben = line.waiting
    assert (ana.person != ben.person, ana.place != ben.place, ana.since) == (True, True, began)
    assert line.served == {ana.person: began + timedelta(seconds=7), ben.person: began + timedelta(seconds=5)}
    other = await store.read(lambda tx: tx.line("other"))
    assert [each.job_id for each in other.waiting] == [elsewhere.id]
    assert other.served == {}
    mark = await store.read(lambda tx: tx.line_mark("animatic"))
    assert mark == LineMark(waiting=3, waiting_ids=first.id + second.id + for_shot.id, flying=1)
    assert await store.read(lambda tx: tx.line_mark("nobody")) == LineMark(0, 0, 0)


async def test_who_is_just_handed_over_was_served_now(store: SqlStore, clock: FakeClock) -> None:
    """Though nobody has taken it yet."""
    leaving = await add_job(store, "1")
    clock.advance(9)
    await add_job(store, "2")
    await saved(store, replace(leaving, state=JobState.SUBMITTING))
    line = await store.read(lambda tx: tx.line("animatic"))
    assert list(line.served.values()) == [clock()]


async def test_a_line_tells_who_rests_and_who_is_due(store: SqlStore, clock: FakeClock) -> None:
    """A failed try rests until it is due again; one that is being stepped does not rest."""
    jobs = [await add_job(store, str(number)) for number in range(4)]
    await put_off(store, clock, jobs[1])
    await saved(store, replace(jobs[2], tries=1, due_at=clock() + timedelta(seconds=60)))
    await saved(store, replace(jobs[3], tries=1))
    seen = (await store.read(lambda tx: tx.line("animatic"))).waiting
    assert [(each.is_due, each.is_resting) for each in seen] == [
        (True, False),
        (False, False),
        (False, True),
        (True, False),
    ]
    assert await claimed(store) == [jobs[0].id, jobs[3].id]
    seen = (await store.read(lambda tx: tx.line("animatic"))).waiting
    assert [(each.is_due, each.is_resting) for each in seen][3] == (False, False)


async def test_flights_are_told_oldest_first(store: SqlStore, clock: FakeClock) -> None:
    """At the providers that are asked about; one that is being handed over is the newest."""
    jobs = [await add_job(store, str(number), person) for number, person in enumerate((ANA, BEN, ANA))]
    elsewhere = await add_job(store, "9", BEN, provider="other")
    await saved(store, replace(jobs[0], state=JobState.SUBMITTING))
    await saved(store, replace(jobs[1], state=JobState.RENDERING, started_at=clock() - timedelta(seconds=5)))
    await saved(store, replace(jobs[2], state=JobState.RENDERING, started_at=clock() - timedelta(seconds=9)))
    await saved(store, replace(elsewhere, state=JobState.RENDERING, started_at=clock() - timedelta(seconds=7)))
    both = await store.read(lambda tx: tx.flights(["animatic", "other"]))
    ana, ben = both[0].person, both[1].person
    assert [(flight.provider, flight.person) for flight in both] == [
        ("animatic", ana),
        ("other", ben),
        ("animatic", ben),
        ("animatic", ana),
    ]
    place = both[0].place
    assert await store.read(lambda tx: tx.flights(["other"])) == [Flight("other", ben, place)]
    assert await store.read(lambda tx: tx.flights([])) == []


async def test_where_else_a_person_or_a_place_waits_is_told(store: SqlStore) -> None:
    """A limit of theirs may have held a job back there."""
    job = await add_job(store, "1")
    await add_job(store, "2", ANA, AWAY, provider="hers")
    await add_job(store, "3", BEN, HOME, provider="theirs")
    await add_job(store, "4", BEN, AWAY, provider="foreign")
    over = await add_job(store, "5", provider="over")
    await saved(store, replace(over, state=JobState.FAILED, due_at=None))
    assert sorted(await store.read(lambda tx: tx.lines_of(job))) == ["animatic", "hers", "theirs"]


async def test_waiting_jobs_are_made_due(store: SqlStore, clock: FakeClock) -> None:
    """Those that are named and wait; a save gives the state before."""
    jobs = [await add_job(store, str(number)) for number in range(3)]
    await put_off(store, clock, *jobs)
    rendering = replace(jobs[2], state=JobState.RENDERING, due_at=clock() + timedelta(seconds=600))
    assert await saved(store, rendering) is JobState.QUEUED
    assert await saved(store, rendering) is JobState.RENDERING
    await store.write(lambda tx: tx.make_due([jobs[1].id, jobs[2].id]))
    assert await claimed(store) == [jobs[1].id]
    await store.write(lambda tx: tx.make_due([]))
    assert await claimed(store) == []


async def test_one_that_is_being_looked_at_is_looked_at_again(store: SqlStore, clock: FakeClock) -> None:
    """It may have looked a moment before there was room; its step is not voided."""
    await add_job(store, "1")
    (held,) = await store.claim_jobs(10, LEASE_S)
    await store.write(lambda tx: tx.make_due([held.id]))
    assert await claimed(store) == []
    await put_off(store, clock, held)
    assert await claimed(store) == [held.id]


async def test_the_jobs_of_a_provider_are_spread(store: SqlStore, clock: FakeClock) -> None:
    """All that rest and none that is being handed over or stepped; not all at the same moment."""
    jobs = [await add_job(store, str(number)) for number in range(40)]
    sent = replace(jobs[0], state=JobState.SUBMITTING, due_at=clock() + timedelta(seconds=600))
    await put_off(store, clock, *jobs[2:])
    (held,) = [job for job in await store.claim_jobs(10, LEASE_S) if job.id == jobs[1].id]
    await saved(store, replace(sent, fence=1))
    await store.write(lambda tx: tx.spread_due("animatic", 100))
    moments = []
    for job in jobs[2:]:
        found = await store.read(lambda tx, job=job: tx.job(job.id))  # type: ignore[misc]  # a default is not inferred
        assert found is not None
        assert found.due_at is not None
        moments.append((found.due_at - clock()).total_seconds())
    assert len(set(moments)) == len(moments)
    assert 0 <= min(moments) < max(moments) <= 100
    untouched = await store.read(lambda tx: tx.job(sent.id))
    assert untouched is not None
    assert untouched.due_at == sent.due_at
    assert await saved(store, held) is JobState.QUEUED


async def test_durations_are_told_newest_first(store: SqlStore, clock: FakeClock) -> None:
    """Of one model, with the length of the shot; not those of which nobody saw the end."""
    for number, took_s in enumerate((60, 90, None)):
        job = await add_job(store, str(number))
        began = clock.advance(1_000)
        rendered_at = began + timedelta(seconds=took_s) if took_s else None
        await saved(store, replace(job, state=JobState.SAVING, started_at=began, rendered_at=rendered_at))
    assert await store.read(lambda tx: tx.durations("animatic", "animatic-1")) == [(3.5, 90.0), (3.5, 60.0)]
    assert await store.read(lambda tx: tx.durations("animatic", "animatic-1", limit=1)) == [(3.5, 90.0)]
    assert await store.read(lambda tx: tx.durations("animatic", "another")) == []
