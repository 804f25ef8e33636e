"""What the operator sees of all places: what every store promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from engine.errors import Billed
from engine.job_model import Failure, Job, JobState, SayKind, SayState
from engine.jobs import finish, move
from engine.ledger import HOUSE, Bucket, Move, entries
from engine.oversight_ports import UNCONFIRMED_S
from engine.ports import Writer
from storage import SqlStore
from tests.databases import ANA, HOME, add_render
from tests.fakes.clock import FakeClock

AWAY = "telegram:-5"


async def add_job(store: SqlStore, key: str, place: str = HOME, provider: str = "animatic") -> Job:
    async def work(tx: Writer) -> Job:
        story = await tx.current_story(place) or await tx.add_story(place, ANA, "The lamp")
        return (await add_render(tx, story, key, place=place, provider=provider))[2]

    return await store.write(work)


async def moved(store: SqlStore, job: Job, *states: JobState, detail: str = "") -> Job:
    for state in states:
        job = move(job, state)
        await store.write(lambda tx, job=job: tx.save_job(job, detail=detail))  # type: ignore[misc]  # mypy cannot infer it
    return job


async def owe(
    store: SqlStore, job: Job, kind: SayKind, state: SayState, error: str | None = None, *, waits: bool
) -> int:
    await store.write(lambda tx: tx.owe(job.id, kind))
    (say,) = [each for each in await store.read(lambda tx: tx.says(job.id)) if each.kind is kind]
    if state is not SayState.NEW:
        await store.write(lambda tx: tx.save_say(say, state, error=error, again_in_s=60 if waits else None))
    return say.id


async def test_jobs_of_all_places_are_listed(store: SqlStore, clock: FakeClock) -> None:
    """Newest first, by state, with the time in it and the error that each ran into."""
    home, away, over = [await add_job(store, str(n), place) for n, place in enumerate((HOME, AWAY, HOME))]
    clock.advance(10)
    away = await moved(store, away, JobState.SUBMITTING, JobState.RENDERING)
    clock.advance(5)
    retried = replace(away, tries=1)
    await store.write(lambda tx: tx.save_job(retried, detail="Unavailable: it is down"))
    failure = Failure("Refused", "It does not want that.", Billed.NO)
    await store.write(lambda tx: tx.save_job(finish(over, JobState.FAILED, clock(), failure=failure)))

    lines = await store.read(lambda tx: tx.all_jobs(None, 10))
    assert [(line.job.id, line.job.place) for line in lines] == [(over.id, HOME), (away.id, AWAY), (home.id, HOME)]
    assert [line.last_error for line in lines] == ["It does not want that.", "Unavailable: it is down", None]
    assert [(clock() - line.since).total_seconds() for line in lines] == [0, 5, 15]
    live = await store.read(lambda tx: tx.all_jobs(frozenset({JobState.QUEUED, JobState.RENDERING}), 10))
    assert [line.job.id for line in live] == [away.id, home.id]
    assert len(await store.read(lambda tx: tx.all_jobs(None, 1))) == 1
    assert await store.read(lambda tx: tx.job_line(99)) is None
    found = await store.read(lambda tx: tx.events(away.id))
    assert [(event.to_state, event.detail) for event in found] == [
        ("submitting", ""),
        ("rendering", ""),
        ("rendering", "Unavailable: it is down"),
    ]


async def test_a_clip_that_could_not_be_shown_is_listed_with_why(store: SqlStore) -> None:
    """Its job stays READY."""
    job = await add_job(store, "1")
    job = await moved(store, job, JobState.SUBMITTING, JobState.RENDERING, JobState.SAVING, JobState.READY)
    await owe(store, job, SayKind.RESULT, SayState.FAILED, "kicked", waits=False)
    (line,) = await store.read(lambda tx: tx.all_jobs(frozenset({JobState.READY}), 10))
    assert (line.job.id, line.last_error) == (job.id, "kicked")


async def test_messages_are_listed_by_state(store: SqlStore, clock: FakeClock) -> None:
    """Waiting, unknown or given up, with the reason; and what is sent just now is held."""
    first, second = await add_job(store, "1"), await add_job(store, "2", AWAY)
    status = await owe(store, first, SayKind.STATUS, SayState.SENT, waits=False)
    result = await owe(store, first, SayKind.RESULT, SayState.FAILED, "too large", waits=False)
    waiting = await owe(store, second, SayKind.STATUS, SayState.UNKNOWN, "no answer", waits=True)
    doubt = frozenset({SayState.FAILED, SayState.UNKNOWN})
    found = await store.read(lambda tx: tx.messages(doubt, 10))
    assert [(each.say.id, each.is_given_up, each.say.error) for each in found] == [
        (waiting, False, "no answer"),
        (result, True, "too large"),
    ]
    assert found[0].subject == second.subject
    assert found[0].due_at == clock() + timedelta(seconds=60)
    of_job = await store.read(lambda tx: tx.messages_of(first.id))
    assert [(each.say.id, each.is_given_up) for each in of_job] == [(status, False), (result, True)]
    sent = await store.read(lambda tx: tx.messages(frozenset({SayState.SENT}), 10))
    assert [each.say.id for each in sent] == [status]
    clock.advance(61)
    assert [each.id for each in await store.claim_says(5, 30)] == [waiting]
    held = await store.read(lambda tx: tx.message(waiting))
    assert held is not None
    assert held.is_held
    assert await store.read(lambda tx: tx.message(99)) is None


async def test_how_everything_stands(store: SqlStore, clock: FakeClock) -> None:
    """Counts by state, provider and platform, each with its oldest; what is over or sent is not counted."""
    jobs = [await add_job(store, "1"), await add_job(store, "2", AWAY, "fal"), await add_job(store, "3", AWAY, "fal")]
    clock.advance(7)
    await moved(store, jobs[1], JobState.SUBMITTING)
    await moved(store, jobs[0], JobState.CANCELLED)
    await owe(store, jobs[0], SayKind.STATUS, SayState.SENT, waits=False)
    await owe(store, jobs[1], SayKind.STATUS, SayState.NEW, waits=True)
    await owe(store, jobs[2], SayKind.STATUS, SayState.NEW, waits=True)
    clock.advance(3)
    standing = await store.read(lambda tx: tx.standing())
    age_s = {(each.state, each.provider): (each.count, clock() - each.oldest_since) for each in standing.jobs}
    assert age_s == {
        (JobState.QUEUED, "fal"): (1, timedelta(seconds=10)),
        (JobState.SUBMITTING, "fal"): (1, timedelta(seconds=3)),
    }
    assert [(each.state, each.platform, each.count) for each in standing.messages] == [(SayState.NEW, "telegram", 2)]
    assert standing.due_jobs == 2
    assert standing.oldest_due_at == clock() - timedelta(seconds=10)
    await store.claim_jobs(10, 30)
    claimed = await store.read(lambda tx: tx.standing())
    assert (claimed.due_jobs, claimed.oldest_due_at) == (0, None)


async def test_passages_tell_how_long_a_job_was_in_a_state(store: SqlStore, clock: FakeClock) -> None:
    """Each once, since the last one that was read; an error after which it stays is none."""
    job = await add_job(store, "1", provider="fal")
    clock.advance(2)
    job = await moved(store, job, JobState.SUBMITTING)
    clock.advance(3)
    await store.write(lambda tx: tx.save_job(job, detail="Unavailable: x"))
    clock.advance(4)
    failure = Failure("Refused", "No.", Billed.NO)
    await store.write(lambda tx: tx.save_job(finish(job, JobState.FAILED, clock(), failure=failure)))
    first, second = await store.read(lambda tx: tx.passages(0, 10))
    assert (first.from_state, first.to_state, first.seconds, first.failure_kind) == (
        JobState.QUEUED,
        JobState.SUBMITTING,
        2.0,
        None,
    )
    assert (second.seconds, second.failure_kind, second.provider) == (7.0, "Refused", "fal")
    assert await store.read(lambda tx: tx.passages(first.event_id, 10)) == [second]
    assert [each.event_id for each in await store.read(lambda tx: tx.passages(0, 1))] == [first.event_id]
    assert (await store.read(lambda tx: tx.standing())).last_event_id == second.event_id


async def test_sums_and_troubles(store: SqlStore, clock: FakeClock) -> None:
    """Money by bucket and provider, added up from where one was; and what waits for the operator."""
    job = await add_job(store, "1", provider="fal")
    held = entries(HOUSE, [Move(Bucket.LEFT, Bucket.HELD, Decimal("0.25"))], job_id=job.id)
    await store.write(lambda tx: tx.post(held))
    last, sums = await store.read(lambda tx: tx.sums(0))
    assert {(each.bucket, each.provider): each.usd for each in sums} == {
        (Bucket.LEFT, "fal"): Decimal("-0.25"),
        (Bucket.HELD, "fal"): Decimal("0.25"),
    }
    lost = entries(HOUSE, [Move(Bucket.HELD, Bucket.UNKNOWN, Decimal("0.10"))], job_id=job.id)
    await store.write(lambda tx: tx.post(lost))
    _, more = await store.read(lambda tx: tx.sums(last))
    assert {each.bucket: each.usd for each in more} == {Bucket.HELD: Decimal("-0.1"), Bucket.UNKNOWN: Decimal("0.1")}

    job = await moved(store, job, JobState.SUBMITTING, JobState.UNCONFIRMED)
    await owe(store, job, SayKind.FAILURE, SayState.FAILED, "kicked", waits=False)
    await owe(store, job, SayKind.STATUS, SayState.UNKNOWN, "no answer", waits=False)
    clock.advance(UNCONFIRMED_S - 1)
    early = await store.read(lambda tx: tx.troubles())
    assert (early.given_up, early.unconfirmed, early.unknown_usd) == (1, 0, Decimal("0.1"))
    clock.advance(1)
    assert (await store.read(lambda tx: tx.troubles())).unconfirmed == 1


async def test_a_message_is_owed_anew(store: SqlStore, clock: FakeClock) -> None:
    """Due now under its own nonce or a new one, counted, and whoever still holds it writes nothing."""
    job = await add_job(store, "1")
    say_id = await owe(store, job, SayKind.RESULT, SayState.FAILED, "kicked", waits=False)
    (before,) = await store.read(lambda tx: tx.says(job.id))
    await store.write(lambda tx: tx.send_again(say_id, None))
    (claimed,) = await store.claim_says(5, 30)
    assert (claimed.state, claimed.nonce, claimed.tries, claimed.again) == (SayState.NEW, before.nonce, 0, 1)
    assert claimed.fence > before.fence
    await store.write(lambda tx: tx.send_again(say_id, "another"))
    (after,) = await store.read(lambda tx: tx.says(job.id))
    assert (after.nonce, after.again) == ("another", 2)
    await store.write(lambda tx: tx.save_say(after, SayState.NEW, again_in_s=100))
    assert await store.claim_says(5, 30) == []
    await store.write(lambda tx: tx.hasten_message(say_id))
    assert [each.id for each in await store.claim_says(5, 30)] == [say_id]
