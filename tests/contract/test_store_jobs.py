"""Jobs, attempts and owed messages: what every store promises of what is being done."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from engine.attempts import AttemptFor, AttemptOutcome
from engine.errors import Billed, Defect, StaleFence
from engine.job_model import Failure, Job, JobKind, JobState, Say, SayKind, SayState
from engine.jobs import LIVE, finish, move
from engine.new_rows import NewJob
from engine.ports import Writer
from storage import SqlStore
from storage.tables import EVENT
from tests.databases import ANA, BEN, HOME, add_render, new_clip
from tests.fakes.clock import FakeClock

LEASE_S = 30.0


async def add_job(store: SqlStore, key: str = "update-1", place: str = HOME, provider: str = "animatic") -> Job:
    """A queued render in a story of its own."""

    async def work(tx: Writer) -> Job:
        story = await tx.current_story(place) or await tx.add_story(place, ANA, "The lamp")
        return (await add_render(tx, story, key, place=place, provider=provider))[2]

    return await store.write(work)


async def saved(store: SqlStore, job: Job, detail: str = "") -> Job:
    await store.write(lambda tx: tx.save_job(job, detail=detail))
    return await again(store, job)


async def again(store: SqlStore, job: Job) -> Job:
    found = await store.read(lambda tx: tx.job(job.id))
    assert found is not None
    return found


async def claimed(store: SqlStore, limit: int = 10) -> list[int]:
    return [job.id for job in await store.claim_jobs(limit, LEASE_S)]


async def events(store: SqlStore) -> list[tuple[str, str, str]]:
    async def work(connection):  # type: ignore[no-untyped-def]  # SQLAlchemy's connection, as storage sees it
        rows = await connection.execute(select(EVENT.c.from_state, EVENT.c.to_state, EVENT.c.detail))
        return [tuple(row) for row in rows]

    return await store.database.read(work)


async def test_a_new_job_is_queued_and_due(store: SqlStore, clock: FakeClock) -> None:
    """It comes back whole, by id and by the update that made it."""
    job = await add_job(store)
    assert (job.kind, job.state, job.due_at, job.created_at) == (JobKind.RENDER, JobState.QUEUED, clock(), clock())
    assert (job.place, job.person, job.subject, job.fence) == (HOME, ANA, f"{job.story_code}-1", 0)
    assert await store.read(lambda tx: tx.job(job.id)) == job
    assert await store.read(lambda tx: tx.job_by_request("update-1")) == job
    assert await store.read(lambda tx: tx.job_by_request("update-2")) is None


async def test_a_job_that_is_read_is_whole(store: SqlStore) -> None:
    """It is made without its constructor, and has all that this one sets."""
    job = await add_job(store)
    assert vars(job).keys() == {each.name for each in fields(Job)}
    assert replace(job) == job == Job(**vars(job))


async def test_a_stitch_has_a_plan_and_no_shot(store: SqlStore) -> None:
    """The takes to join come back in their order."""
    job = await add_job(store)
    stitch = NewJob(kind="stitch", request_key="s", place=HOME, person=BEN, story_id=job.id, plan=(3, 1, 2))
    made = await store.write(lambda tx: tx.add_job(stitch))
    assert (made.kind, made.plan, made.shot_code, made.subject) == (JobKind.STITCH, (3, 1, 2), None, made.story_code)


async def test_a_job_remembers_the_message_that_asked(store: SqlStore) -> None:
    """Through every step, which knows nothing of it and may change nothing of it."""
    story = await store.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
    stitch = NewJob(kind="stitch", request_key="s", place=HOME, person=BEN, story_id=story.id, asked_receipt="local:7")
    made = await store.write(lambda tx: tx.add_job(stitch))
    assert made.asked_receipt == "local:7"
    (held,) = await store.claim_jobs(1, LEASE_S)
    assert (await saved(store, replace(held, asked_receipt=None))).asked_receipt == "local:7"
    assert (await add_job(store)).asked_receipt is None


async def test_an_update_is_acted_on_once(store: SqlStore) -> None:
    """However close together it arrives; another one is another one."""
    firsts = await asyncio.gather(*(store.write(lambda tx: tx.first_time("update-7")) for _ in range(8)))
    assert sorted(firsts) == [False] * 7 + [True]
    assert await store.write(lambda tx: tx.first_time("update-8"))


async def test_an_update_that_failed_may_come_again(store: SqlStore) -> None:
    """The note that it was acted on is undone with what it did."""

    async def fails(tx: Writer) -> None:
        assert await tx.first_time("update-7")
        raise LookupError("on the way")

    for _ in range(2):
        with pytest.raises(LookupError):
            await store.write(fails)
    assert await store.write(lambda tx: tx.first_time("update-7"))


async def test_old_updates_are_forgotten(store: SqlStore, clock: FakeClock) -> None:
    """Those that are as old as that or older, however many, and no younger ones."""

    async def many(tx: Writer) -> None:
        for number in range(1_500):
            await tx.first_time(f"old {number}")

    await store.write(many)
    clock.advance(100)
    assert await store.write(lambda tx: tx.first_time("young"))
    assert await store.sweep(101) == 0
    assert await store.sweep(100) == 1_500
    assert await store.sweep(100) == 0
    assert not await store.write(lambda tx: tx.first_time("young"))
    assert await store.write(lambda tx: tx.first_time("old 7"))


async def test_the_same_update_makes_one_job(store: SqlStore) -> None:
    """However often and however close together it arrives."""

    async def once(tx: Writer) -> Job:
        found = await tx.job_by_request("update-7")
        if found is not None:
            return found
        story = await tx.add_story(HOME, ANA, "The lamp")
        return (await add_render(tx, story, "update-7"))[2]

    jobs = await asyncio.gather(*(store.write(once) for _ in range(8)))
    assert len({job.id for job in jobs}) == 1
    assert len(await store.read(lambda tx: tx.stories(HOME))) == 1


async def test_a_second_job_for_an_update_undoes_its_transaction(store: SqlStore) -> None:
    """Where a use case forgets to look, the database does not."""
    await add_job(store)
    with pytest.raises(Defect):
        await add_job(store)
    assert len(await store.read(lambda tx: tx.jobs_of_place(HOME, frozenset(JobState)))) == 1


async def test_a_job_is_saved_with_every_field(store: SqlStore, clock: FakeClock) -> None:
    """What a step changes is there afterwards."""
    job = await add_job(store)
    changed = replace(
        job,
        state=JobState.RENDERING,
        task_id="task-1",
        percent=12.5,
        preview="preview.jpg",
        waits_for="a1-9",
        tries=3,
        failure=Failure("RateLimited", "Too many requests.", Billed.UNKNOWN),
        receipt="message-1",
        due_at=clock() + timedelta(milliseconds=1),
        started_at=clock(),
        finished_at=clock() + timedelta(days=1),
        quoted_usd=Decimal("0.8400"),
        cost_usd=Decimal("1E+1"),
        notes=("The picture was made smaller.", "Лампа 🪔"),
    )
    assert await saved(store, changed) == changed
    film = await store.write(lambda tx: tx.add_film(job.id, ANA, (), new_clip()))
    over = finish(move(changed, JobState.SAVING), JobState.READY, clock(), film_id=film.id, failure=None)
    assert await saved(store, over) == over


async def test_a_step_that_knows_no_receipt_leaves_it(store: SqlStore) -> None:
    """The status message may be sent while a step is under way that began before."""
    job = await add_job(store)
    await saved(store, replace(job, receipt="message-1"))
    assert (await saved(store, replace(job, percent=1.0))).receipt == "message-1"


async def test_events_tell_changes_of_state_and_details_only(store: SqlStore) -> None:
    """A thousand polls leave no trace in a table that only grows."""
    job = move(await add_job(store), JobState.SUBMITTING)
    await saved(store, job)
    job = move(job, JobState.RENDERING)
    for percent in (0.0, 20.0, 40.0):
        await saved(store, replace(job, percent=percent))
    await saved(store, job, detail="a rate limit")
    assert await events(store) == [
        ("queued", "submitting", ""),
        ("submitting", "rendering", ""),
        ("rendering", "rendering", "a rate limit"),
    ]


async def test_a_claim_takes_what_is_due_earliest_first(store: SqlStore, clock: FakeClock) -> None:
    """Each with a lease, and with a fence that is one higher."""
    jobs = [await add_job(store, str(number)) for number in range(4)]
    for job, wait_s in zip(jobs, (3, 1, 60, 2), strict=True):
        await saved(store, replace(job, due_at=clock() + timedelta(seconds=wait_s)))
    clock.advance(10)
    first = await store.claim_jobs(2, LEASE_S)
    assert [job.id for job in first] == [jobs[1].id, jobs[3].id]
    assert first[0] == replace(jobs[1], fence=1, due_at=clock() + timedelta(seconds=LEASE_S))
    assert await claimed(store) == [jobs[0].id]
    assert await claimed(store) == []


async def test_looks_and_all_else_are_claimed_apart(store: SqlStore, clock: FakeClock) -> None:
    """So that each can have room of its own: a render that is overdue does not stand before a clip that is to be saved."""
    looked, saving = [await add_job(store, str(number)) for number in range(2)]
    for state in (JobState.SUBMITTING, JobState.RENDERING):
        looked = await saved(store, move(looked, state, due_at=clock()))
        saving = await saved(store, move(saving, state, due_at=clock()))
    saving = await saved(store, move(saving, JobState.SAVING, due_at=clock()))
    assert [job.id for job in await store.claim_jobs(9, LEASE_S, looks=True)] == [looked.id]
    assert await store.claim_jobs(9, LEASE_S, looks=True) == []
    assert [job.id for job in await store.claim_jobs(9, LEASE_S, looks=False)] == [saving.id]
    assert await claimed(store) == []


async def test_racing_claimers_never_hold_the_same_job(store: SqlStore) -> None:
    """Sixteen claimers at once over sixty jobs: each job once."""

    async def many(tx: Writer) -> None:
        story = await tx.add_story(HOME, ANA, "The lamp")
        for number in range(60):
            await add_render(tx, story, str(number))

    await store.write(many)
    found = [job for batch in await asyncio.gather(*(claimed(store, 5) for _ in range(16))) for job in batch]
    while more := await claimed(store):
        found += more
    assert len(found) == len(set(found)) == 60


async def test_a_lease_that_ran_out_is_due_again(store: SqlStore, clock: FakeClock) -> None:
    """The next claimer gets it, and the first one's save is void and writes nothing."""
    job = await add_job(store)
    (first,) = await store.claim_jobs(1, LEASE_S)
    clock.advance(LEASE_S)
    (second,) = await store.claim_jobs(1, LEASE_S)
    assert (first.id, second.fence) == (job.id, first.fence + 1)

    async def late(tx: Writer) -> None:
        await tx.add_attempt(first.id, "late")
        await tx.save_job(move(first, JobState.SUBMITTING), detail="late")

    with pytest.raises(StaleFence):
        await store.write(late)
    assert await again(store, job) == second
    assert await store.read(lambda tx: tx.attempts(job.id)) == []
    assert await events(store) == []


async def test_saving_gives_the_lease_back(store: SqlStore, clock: FakeClock) -> None:
    """A job that was saved as due now is claimed at once; one with nothing to do never."""
    await add_job(store)
    (job,) = await store.claim_jobs(1, LEASE_S)
    await saved(store, replace(job, due_at=clock()))
    (job,) = await store.claim_jobs(1, LEASE_S)
    await saved(store, replace(job, due_at=None))
    clock.advance(1_000_000)
    assert await claimed(store) == []


async def test_a_lease_is_renewed_by_its_holder_only(store: SqlStore, clock: FakeClock) -> None:
    """With the fence of an earlier claim, or after it was given back, nothing is held longer."""
    await add_job(store)
    (first,) = await store.claim_jobs(1, LEASE_S)
    clock.advance(20)
    assert await store.renew(first, LEASE_S)
    clock.advance(20)
    assert await claimed(store) == []
    clock.advance(10)
    (second,) = await store.claim_jobs(1, LEASE_S)
    assert not await store.renew(first, LEASE_S)
    await saved(store, second)
    assert not await store.renew(second, LEASE_S)


async def test_a_message_is_held_longer_by_its_sender_only(store: SqlStore, clock: FakeClock) -> None:
    """As a job: whoever died while sending holds it no longer than a lease."""
    job = await add_job(store)
    await store.write(lambda tx: tx.owe(job.id, SayKind.RESULT))
    (first,) = await store.claim_says(1, LEASE_S)
    clock.advance(20)
    assert await store.renew(first, LEASE_S)
    clock.advance(20)
    assert await store.claim_says(1, LEASE_S) == []
    clock.advance(10)
    (second,) = await store.claim_says(1, LEASE_S)
    assert second.id == first.id
    assert not await store.renew(first, LEASE_S)


async def test_a_person_takes_a_job_over_from_a_step(store: SqlStore) -> None:
    """The step under way finds its fence too old; there is nothing to take over where there is no job."""
    await add_job(store)
    (step,) = await store.claim_jobs(1, LEASE_S)
    taken = await store.write(lambda tx: tx.take_over(step.id))
    assert taken is not None
    assert taken.fence == step.fence + 1
    await saved(store, move(taken, JobState.CANCELLED))
    with pytest.raises(StaleFence):
        await saved(store, move(step, JobState.SUBMITTING))
    assert await store.write(lambda tx: tx.take_over(step.id + 99)) is None


async def test_leases_are_given_back_at_the_start(store: SqlStore, clock: FakeClock, url: str) -> None:
    """Jobs and messages that a dead process held are due at once; what nobody held is left alone.

    Where other processes may be alive, each keeps its leases until they run out.
    """
    is_alone = not url.startswith("postgresql")
    job, waiting = await add_job(store, "1"), await add_job(store, "2")
    await saved(store, replace(waiting, due_at=clock() + timedelta(seconds=5)))
    await store.write(lambda tx: tx.owe(job.id, SayKind.STATUS))
    (held,), (say,) = await store.claim_jobs(5, LEASE_S), await store.claim_says(5, LEASE_S)
    assert await store.release_leases() == (2 if is_alone else 0)
    if not is_alone:
        assert await claimed(store) == []
        assert await store.renew(held, LEASE_S)
        clock.advance(LEASE_S)
    assert job.id in await claimed(store)
    with pytest.raises(StaleFence):
        await saved(store, held)
    assert [found.id for found in await store.claim_says(5, LEASE_S)] == [say.id]


async def test_a_job_that_was_being_sent_is_due_at_the_next_start(store: SqlStore, clock: FakeClock, url: str) -> None:
    """It has no lease, since nobody is to touch it while it is sent; whoever sent it is void.

    Where its sender may be alive in another process, it keeps the time that its request may take.
    """
    is_alone = not url.startswith("postgresql")
    job = await add_job(store)
    (held,) = await store.claim_jobs(5, LEASE_S)
    await saved(store, replace(held, state=JobState.SUBMITTING, due_at=clock() + timedelta(seconds=125)))
    assert await claimed(store) == []
    assert await store.release_leases() == int(is_alone)
    if not is_alone:
        clock.advance(124)
        assert await claimed(store) == []
        clock.advance(1)
    assert await claimed(store) == [job.id]
    with pytest.raises(StaleFence):
        await saved(store, held)


async def test_those_who_wait_for_a_shot_are_made_due(store: SqlStore, clock: FakeClock) -> None:
    """All of them, and nobody else."""
    later = clock() + timedelta(seconds=60)
    jobs = [await add_job(store, str(number)) for number in range(3)]
    for job, code in zip(jobs, ("a1-1", "a1-2", "a1-1"), strict=True):
        await saved(store, replace(job, due_at=later, waits_for=code))
    await store.write(lambda tx: tx.make_waiters_due("a1-1"))
    assert sorted(await claimed(store)) == [jobs[0].id, jobs[2].id]


async def test_jobs_are_found_by_shot_and_by_place(store: SqlStore) -> None:
    """The newest of each shot; those of a place in these states, newest first."""
    first, second, away = await add_job(store, "1"), await add_job(store, "2"), await add_job(store, "3", "local:away")
    retake = NewJob(
        kind="render", request_key="4", place=HOME, person=BEN, story_id=1, shot_id=first.shot_id, provider="animatic"
    )
    newest = await store.write(lambda tx: tx.add_job(retake))
    over = await saved(store, replace(second, state=JobState.FAILED, due_at=None))
    assert first.shot_id
    assert second.shot_id
    shots = [second.shot_id, first.shot_id]
    assert await store.read(lambda tx: tx.jobs_of_shots(shots)) == [newest, over]
    assert await store.read(lambda tx: tx.jobs_of_shots([])) == []
    assert await store.read(lambda tx: tx.jobs_of_place(HOME, LIVE)) == [newest, first]
    assert await store.read(lambda tx: tx.jobs_of_place("local:away", LIVE)) == [away]
    assert await store.read(lambda tx: tx.jobs_of_place(HOME, frozenset())) == []


async def test_attempts_are_numbered_and_closed(store: SqlStore, clock: FakeClock) -> None:
    """The intent is there with our key before anything is known; one key is used once."""
    job = await add_job(store)
    first = await store.write(lambda tx: tx.add_attempt(job.id, "key-1"))
    assert (first.number, first.intent_at, first.outcome, first.task_id) == (1, clock(), AttemptOutcome.INTENDED, None)
    await store.write(lambda tx: tx.close_attempt(first.id, AttemptOutcome.ACCEPTED, "task-1"))
    second = await store.write(lambda tx: tx.add_attempt(job.id, "key-2", AttemptFor.PICTURE))
    assert (second.number, first.what, second.what) == (2, AttemptFor.RENDER, AttemptFor.PICTURE)
    closed = replace(first, outcome=AttemptOutcome.ACCEPTED, task_id="task-1")
    assert await store.read(lambda tx: tx.attempts(job.id)) == [closed, second]
    with pytest.raises(Defect):
        await store.write(lambda tx: tx.add_attempt(job.id, "key-1"))


@pytest.mark.parametrize("late", [AttemptOutcome.UNKNOWN, AttemptOutcome.ABSENT])
async def test_what_is_known_of_a_request_is_not_forgotten(store: SqlStore, late: AttemptOutcome) -> None:
    """Who does not know, and comes later, changes nothing; nor does a word without a task's id or a cost take them away."""
    job = await add_job(store)
    taken = await store.write(lambda tx: tx.add_attempt(job.id, "key-1"))
    await store.write(lambda tx: tx.close_attempt(taken.id, AttemptOutcome.ACCEPTED, "task-1", usd=Decimal("0.4")))
    for outcome in (late, AttemptOutcome.ACCEPTED):
        await store.write(lambda tx, outcome=outcome: tx.close_attempt(taken.id, outcome))  # type: ignore[misc]  # a default is not inferred
        (found,) = await store.read(lambda tx: tx.attempts(job.id))
        assert (found.outcome, found.task_id, found.usd) == (AttemptOutcome.ACCEPTED, "task-1", Decimal("0.4"))
    lost = await store.write(lambda tx: tx.add_attempt(job.id, "key-2"))
    await store.write(lambda tx: tx.close_attempt(lost.id, late))
    assert (await store.read(lambda tx: tx.attempts(job.id)))[1].outcome is late


async def test_a_task_belongs_to_one_job(store: SqlStore) -> None:
    """The same task id of the same provider on two jobs is refused; jobs without one are many."""
    jobs = [await add_job(store, str(number)) for number in range(2)]
    elsewhere = await add_job(store, "2", provider="other")
    for job in (jobs[0], elsewhere):
        await saved(store, replace(job, task_id="task-1"))
    with pytest.raises(Defect):
        await saved(store, replace(jobs[1], task_id="task-1"))


# --- messages --------------------------------------------------------------------------------------------------------


async def owe(store: SqlStore, job: Job, *kinds: SayKind) -> None:
    for kind in kinds:
        await store.write(lambda tx, kind=kind: tx.owe(job.id, kind))  # type: ignore[misc]  # a lambda's default


async def claimed_says(store: SqlStore) -> list[Say]:
    return list(await store.claim_says(10, LEASE_S))


async def test_a_message_that_was_retracted_can_be_owed_anew(store: SqlStore) -> None:
    """With another nonce; whoever is just sending the first one may write nothing of it."""
    job = await add_job(store)
    await owe(store, job, SayKind.FAILURE)
    (sending,) = await claimed_says(store)
    await store.write(lambda tx: tx.retract(job.id, SayKind.FAILURE))
    await owe(store, job, SayKind.FAILURE)
    with pytest.raises(StaleFence):
        await store.write(lambda tx: tx.save_say(sending, SayState.SENT, receipt="local:1"))
    (anew,) = await claimed_says(store)
    assert (anew.state, anew.receipt) == (SayState.NEW, None)
    assert anew.nonce != sending.nonce


async def test_a_late_word_on_a_message_that_was_retracted_is_void(store: SqlStore) -> None:
    """Another message may have its id by now, and the same fence."""
    job = await add_job(store)
    await store.write(lambda tx: tx.retract(job.id, SayKind.STATUS))
    await store.write(lambda tx: tx.owe(job.id, SayKind.FAILURE))
    (question,) = await store.claim_says(9, LEASE_S)
    await store.write(lambda tx: tx.retract(job.id, SayKind.FAILURE))
    await store.write(lambda tx: tx.owe(job.id, SayKind.RESULT))
    (result,) = await store.claim_says(9, LEASE_S)
    with pytest.raises(StaleFence):
        await store.write(lambda tx: tx.save_say(question, SayState.SENT, receipt="local:1"))
    assert not await store.renew(question, LEASE_S)
    assert await store.renew(result, LEASE_S)
    assert [say.state for say in await store.read(lambda tx: tx.says(job.id))] == [SayState.NEW]


async def test_a_message_is_owed_once(store: SqlStore) -> None:
    """A second time changes nothing; each has a nonce of its own that every platform can take."""
    job = await add_job(store)
    await owe(store, job, SayKind.STATUS, SayKind.RESULT, SayKind.STATUS)
    says = await store.read(lambda tx: tx.says(job.id))
    assert [(say.kind, say.state, say.tries, say.place) for say in says] == [
        (SayKind.STATUS, SayState.NEW, 0, HOME),
        (SayKind.RESULT, SayState.NEW, 0, HOME),
    ]
    assert len({say.nonce for say in says}) == 2
    assert all(0 < len(say.nonce) <= 25 for say in says)
    with pytest.raises(Defect):
        await store.write(lambda tx: tx.owe(job.id + 99, SayKind.STATUS))


async def test_the_status_goes_before_the_result(store: SqlStore, clock: FakeClock) -> None:
    """Also while it waits to be sent again, and a job's messages go one at a time."""
    job, other = await add_job(store, "1"), await add_job(store, "2")
    await owe(store, job, SayKind.RESULT, SayKind.STATUS)
    await owe(store, other, SayKind.RESULT)
    says = await claimed_says(store)
    assert sorted((say.job_id, say.kind) for say in says) == [(job.id, SayKind.STATUS), (other.id, SayKind.RESULT)]
    status = next(say for say in says if say.kind is SayKind.STATUS)
    assert await claimed_says(store) == []
    await store.write(lambda tx: tx.save_say(status, SayState.NEW, error="no connection", again_in_s=5))
    assert await claimed_says(store) == []
    clock.advance(5)
    (status,) = await claimed_says(store)
    assert (status.kind, status.tries, status.error) == (SayKind.STATUS, 1, "no connection")
    await store.write(lambda tx: tx.save_say(status, SayState.SENT, receipt="message-1"))
    (result,) = await claimed_says(store)
    assert result.kind is SayKind.RESULT


async def test_a_status_owed_late_waits_for_the_message_under_way(store: SqlStore) -> None:
    """One message of a job at a time, whichever came first."""
    job = await add_job(store)
    await owe(store, job, SayKind.RESULT)
    (result,) = await claimed_says(store)
    await owe(store, job, SayKind.STATUS)
    assert await claimed_says(store) == []
    await store.write(lambda tx: tx.save_say(result, SayState.SENT, receipt="r"))
    assert [say.kind for say in await claimed_says(store)] == [SayKind.STATUS]


async def test_a_sent_status_is_its_jobs_receipt(store: SqlStore) -> None:
    """A job is found by the receipt of each of its messages, and only the status is its own."""
    job = await add_job(store)
    await owe(store, job, SayKind.STATUS, SayKind.RESULT)
    for receipt in ("message-1", "message-2"):
        (say,) = await claimed_says(store)
        await store.write(lambda tx, say=say, receipt=receipt: tx.save_say(say, SayState.SENT, receipt=receipt))  # type: ignore[misc]
        found = await store.read(lambda tx, receipt=receipt: tx.job_by_receipt(receipt))  # type: ignore[misc]
        assert found is not None
        assert (found.id, found.receipt) == (job.id, "message-1")
    assert await store.read(lambda tx: tx.job_by_receipt("message-3")) is None
    assert await claimed_says(store) == []


async def test_a_message_being_sent_keeps_its_lease(store: SqlStore, clock: FakeClock) -> None:
    """Noted before the bytes leave: whoever finds it after a crash knows that it may have arrived."""
    job = await add_job(store)
    await owe(store, job, SayKind.RESULT)
    (say,) = await claimed_says(store)
    await store.write(lambda tx: tx.save_say(say, SayState.SENDING))
    assert await claimed_says(store) == []
    clock.advance(LEASE_S)
    (found,) = await claimed_says(store)
    assert (found.state, found.tries) == (SayState.SENDING, 0)
    with pytest.raises(StaleFence):
        await store.write(lambda tx: tx.save_say(say, SayState.SENT, receipt="late"))
    await store.write(lambda tx: tx.save_say(found, SayState.SENDING, again_in_s=100))
    clock.advance(LEASE_S)
    assert await claimed_says(store) == []
    assert (await store.read(lambda tx: tx.says(job.id)))[0].receipt is None


async def test_a_message_of_which_nothing_is_known_can_be_looked_at_again(store: SqlStore, clock: FakeClock) -> None:
    """With a time it is claimed again then, as UNKNOWN, and what comes after it waits; without one it never is."""
    job = await add_job(store)
    await owe(store, job, SayKind.STATUS, SayKind.RESULT)
    (say,) = await claimed_says(store)
    await store.write(lambda tx: tx.save_say(say, SayState.SENDING, again_in_s=600))
    await store.write(lambda tx: tx.save_say(say, SayState.UNKNOWN, error="no answer", again_in_s=100))
    clock.advance(99)
    assert await claimed_says(store) == []
    clock.advance(1)
    (found,) = await claimed_says(store)
    assert (found.kind, found.state, found.error, found.tries) == (SayKind.STATUS, SayState.UNKNOWN, "no answer", 1)
    assert found.fence == say.fence + 1
    await store.write(lambda tx: tx.save_say(found, SayState.UNKNOWN, error="no answer"))
    assert [say.kind for say in await claimed_says(store)] == [SayKind.RESULT]
    clock.advance(1_000_000)
    assert [say.kind for say in await claimed_says(store)] == [SayKind.RESULT]


async def test_waiting_for_a_busy_place_is_no_try(store: SqlStore, clock: FakeClock) -> None:
    """It is due again as often as need be, and its tries are left for real ones."""
    job = await add_job(store)
    await owe(store, job, SayKind.RESULT)
    for _ in range(3):
        (say,) = await claimed_says(store)
        assert (say.state, say.tries) == (SayState.NEW, 0)
        await store.write(lambda tx, say=say: tx.save_say(say, SayState.NEW, again_in_s=3, is_try=False))  # type: ignore[misc]
        assert await claimed_says(store) == []
        clock.advance(3)
    (say,) = await claimed_says(store)
    await store.write(lambda tx: tx.save_say(say, SayState.NEW, again_in_s=3))
    assert (await store.read(lambda tx: tx.says(job.id)))[0].tries == 1
