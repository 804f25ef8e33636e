"""Money: what every store promises of pots and of what is posted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.attempts import AttemptOutcome
from engine.errors import Defect
from engine.job_model import Job, Payer
from engine.ledger import HOUSE, Balances, Bucket, Entry, Limits, Move, Pot, PotKey, Why, entries
from engine.ledger_ports import Spending
from engine.model import Person
from engine.ports import Writer
from storage import SqlStore
from storage.tables import ENTRY, JOB
from tests.databases import ANA, BEN, HOME, add_render
from tests.fakes.clock import FakeClock

B = Bucket
AWAY = "local:away"
PLACE, PERSON = PotKey(Payer.PLACE, HOME), PotKey(Payer.PERSON, ANA.key)
DAY_S = 86_400


def usd(text: str) -> Decimal:
    return Decimal(text)


def top_up(pot: PotKey, amount: str, key: str | None = None) -> tuple[Entry, ...]:
    return entries(pot, (Move(B.OUTSIDE, B.LEFT, usd(amount)),), key=key)


async def post(store: SqlStore, lines: Sequence[Entry]) -> bool:
    return await store.write(lambda tx: tx.post(lines))


async def move(store: SqlStore, pot: PotKey, job: Job, way: tuple[Bucket, Bucket], amount: str) -> None:
    assert await post(store, entries(pot, (Move(*way, usd(amount)),), job_id=job.id))


async def pot(store: SqlStore, key: PotKey) -> Pot:
    return await store.read(lambda tx: tx.pot(key))


async def render(store: SqlStore, key: str = "u1", person: Person = ANA, place: str = HOME) -> Job:
    async def work(tx: Writer) -> Job:
        story = await tx.add_story(place, person, "The lamp")
        _, _, job = await add_render(tx, story, key, person=person, place=place)
        return job

    return await store.write(work)


async def test_an_untouched_pot_is_empty_and_closed(store: SqlStore) -> None:
    """Whosever, and it makes no row."""
    for key in (HOUSE, PLACE, PERSON, PotKey(Payer.PERSON, "telegram:nobody")):
        assert await pot(store, key) == Pot(key=key)
    assert await store.read(lambda tx: tx.pots()) == []


@pytest.mark.parametrize("key", [PLACE, PERSON])
async def test_a_filled_pot_is_open_and_holds_each_millionth(store: SqlStore, key: PotKey) -> None:
    """Also one of a place or a person that never said anything."""
    assert await post(store, top_up(key, "0.1"))
    assert await post(store, top_up(key, "0.2"))
    assert await post(store, top_up(key, "9007199254.740993"))
    found = await pot(store, key)
    assert found == Pot(key=key, balances=Balances(left=usd("9007199255.040993")), is_open=True)
    assert await pot(store, HOUSE) == Pot(key=HOUSE)


async def test_the_same_payment_comes_in_once(store: SqlStore) -> None:
    """Its key was posted before, so nothing is."""
    assert await post(store, top_up(PLACE, "5", "stars:1"))
    assert not await post(store, top_up(PLACE, "5", "stars:1"))
    assert not await post(store, top_up(PERSON, "7", "stars:1"))
    assert await post(store, top_up(PLACE, "5", "stars:2"))
    assert (await pot(store, PLACE)).balances.left == 10
    assert not (await pot(store, PERSON)).is_open


async def test_what_does_not_sum_to_zero_is_posted_by_nobody(store: SqlStore) -> None:
    """A line without its other half is a defect of ours."""
    job = await render(store)
    with pytest.raises(Defect, match="zero"):
        await post(store, entries(PLACE, (Move(B.LEFT, B.HELD, usd("1")),), job_id=job.id)[:1])
    assert await store.read(lambda tx: tx.entries()) == []


async def test_a_jobs_balances_are_its_own(store: SqlStore) -> None:
    """What it took from its pot is negative; the pot has the sums of all."""
    one, other = await render(store, "u1"), await render(store, "u2")
    await post(store, top_up(PLACE, "5"))
    await move(store, PLACE, one, (B.LEFT, B.HELD), "1.25")
    await move(store, PLACE, other, (B.LEFT, B.HELD), "0.50")
    await move(store, PLACE, one, (B.HELD, B.SPENT), "1.00")
    await move(store, PLACE, one, (B.HELD, B.LEFT), "0.25")
    await move(store, PLACE, other, (B.HELD, B.UNKNOWN), "0.50")
    assert await store.read(lambda tx: tx.job_balances(one.id)) == Balances(left=usd("-1"), spent=usd("1"))
    assert await store.read(lambda tx: tx.job_balances(other.id)) == Balances(left=usd("-0.5"), unknown=usd("0.5"))
    assert await store.read(lambda tx: tx.job_balances(99)) == Balances()
    assert (await pot(store, PLACE)).balances == Balances(left=usd("3.5"), spent=usd("1"), unknown=usd("0.5"))


async def test_entries_are_told_newest_first(store: SqlStore) -> None:
    """Of a job, of a pot, or of everything, with what they mean."""
    job = await render(store)
    await post(store, top_up(PERSON, "5", "cli:1"))
    await move(store, PLACE, job, (B.LEFT, B.HELD), "1")
    of_job = await store.read(lambda tx: tx.entries(job_id=job.id))
    assert of_job == [
        Entry(pot=PLACE, bucket=B.HELD, usd=usd("1"), why=Why.HOLD, job_id=job.id),
        Entry(pot=PLACE, bucket=B.LEFT, usd=usd("-1"), why=Why.HOLD, job_id=job.id),
    ]
    of_pot = await store.read(lambda tx: tx.entries(pot=PERSON))
    assert [(line.bucket, line.key, line.why) for line in of_pot] == [
        (B.LEFT, None, Why.TOP_UP),
        (B.OUTSIDE, "cli:1", Why.TOP_UP),
    ]
    assert await store.read(lambda tx: tx.entries(limit=1)) == of_job[:1]
    assert await store.read(lambda tx: tx.entries(pot=PotKey(Payer.PLACE, AWAY))) == []


async def test_what_is_committed_is_counted_by_whatever_it_is_asked_for(store: SqlStore) -> None:
    """By place, person, story, shot and any of them together, whichever pot pays; what was given back does not count."""
    one = await render(store, "u1")
    two = await render(store, "u2", person=BEN)
    three = await render(store, "u3", place=AWAY)
    await move(store, PLACE, one, (B.LEFT, B.HELD), "1")
    await move(store, HOUSE, two, (B.LEFT, B.SPENT), "2")
    await move(store, HOUSE, three, (B.LEFT, B.UNKNOWN), "4")
    await move(store, HOUSE, three, (B.LEFT, B.HELD), "8")
    await move(store, HOUSE, three, (B.HELD, B.LEFT), "8")
    story = await store.read(lambda tx: tx.story(two.story_code))
    assert story is not None

    async def committed(**by: object) -> Decimal:
        return await store.read(lambda tx: tx.committed(**by))  # type: ignore[arg-type]  # by name

    assert await committed() == 7
    assert [await committed(place=place) for place in (HOME, AWAY, "local:none")] == [3, 4, 0]
    assert [await committed(person=person.key) for person in (ANA, BEN)] == [5, 2]
    assert await committed(person=ANA.key, place=HOME) == 1
    assert await committed(story_id=story.id) == 2
    assert await committed(shot_id=three.shot_id) == 4


async def test_a_jobs_money_counts_on_the_day_on_which_it_left_its_pot(store: SqlStore, clock: FakeClock) -> None:
    """What is given back tomorrow gives room today, and none tomorrow."""
    job = await render(store)
    first = clock.now.date()
    await move(store, HOUSE, job, (B.LEFT, B.HELD), "3")
    clock.advance(DAY_S)
    await move(store, HOUSE, job, (B.HELD, B.SPENT), "1")
    await move(store, HOUSE, job, (B.HELD, B.LEFT), "2")
    other = await render(store, "u2")
    await move(store, HOUSE, other, (B.LEFT, B.HELD), "5")

    async def on(day: date) -> Decimal:
        return await store.read(lambda tx: tx.committed(place=HOME, day=day))

    assert [await on(day) for day in (first, clock.now.date(), date(1999, 1, 1))] == [1, 5, 0]


async def test_each_part_of_a_jobs_money_keeps_its_own_day(store: SqlStore, clock: FakeClock) -> None:
    """What is sent again today counts today; what goes on or comes back does so for the day that it was taken on, oldest first."""
    job = await render(store)
    first = clock.now.date()
    await move(store, HOUSE, job, (B.LEFT, B.HELD), "3")
    await move(store, HOUSE, job, (B.HELD, B.UNKNOWN), "3")
    clock.advance(DAY_S)
    today = clock.now.date()

    async def both() -> list[Decimal]:
        return [await store.read(lambda tx, on=on: tx.committed(day=on)) for on in (first, today)]  # type: ignore[misc]  # a default is not inferred

    again = (Move(B.UNKNOWN, B.SPENT, usd("1")), Move(B.LEFT, B.UNKNOWN, usd("2")))
    assert await post(store, entries(HOUSE, again, job_id=job.id))
    assert await both() == [3, 2]
    clock.advance(DAY_S)
    back = (
        Move(B.UNKNOWN, B.SPENT, usd("0.5")),
        Move(B.UNKNOWN, B.LEFT, usd("2.5")),
        Move(B.SPENT, B.LEFT, usd("0.75")),
    )
    assert await post(store, entries(HOUSE, back, job_id=job.id))
    assert await both() == [usd("0.75"), 1]
    assert await store.read(lambda tx: tx.committed(day=clock.now.date())) == 0
    have = Balances(left=usd("-1.75"), spent=usd("0.75"), unknown=usd("1"))
    assert await store.read(lambda tx: tx.job_balances(job.id)) == have


async def test_spending_is_told_by_person_and_by_story(store: SqlStore) -> None:
    """Of one place, the most committed first."""
    one, two = await render(store, "u1"), await render(store, "u2", person=BEN)
    away = await render(store, "u3", place=AWAY)
    await move(store, PLACE, one, (B.LEFT, B.SPENT), "1")
    await move(store, HOUSE, two, (B.LEFT, B.HELD), "2")
    await move(store, HOUSE, away, (B.LEFT, B.HELD), "9")
    by_person, by_story = await store.read(lambda tx: tx.spending(HOME))
    mine, bens = Balances(left=usd("-1"), spent=usd("1")), Balances(left=usd("-2"), held=usd("2"))
    assert list(by_person) == [Spending(name="Ben", balances=bens), Spending(name="Ana", balances=mine)]
    assert list(by_story) == [
        Spending(name=two.story_code, balances=bens),
        Spending(name=one.story_code, balances=mine),
    ]
    assert await store.read(lambda tx: tx.spending("local:none")) == ([], [])


async def attempted(
    store: SqlStore, job: Job, quoted: str | None, outcome: AttemptOutcome, cost: str | None = None
) -> None:
    """A request of this job, and what became of it; its render was done at once."""

    async def work(tx: Writer) -> None:
        priced = None if quoted is None else usd(quoted)
        attempt = await tx.add_attempt(job.id, f"key of {job.id}", quoted_usd=priced)
        task_id = f"task of {job.id}" if outcome is AttemptOutcome.ACCEPTED else None
        await tx.close_attempt(attempt.id, outcome, task_id, usd=None if cost is None else usd(cost))
        if task_id is not None:
            now = job.created_at + timedelta(seconds=job.id)
            await tx.save_job(replace(job, task_id=task_id, started_at=now, rendered_at=now))

    await store.write(work)


async def test_what_a_models_renders_cost_beside_what_was_told_is_read_newest_first(store: SqlStore) -> None:
    """As many as are asked for of its newest; what was not told before, or not after, says nothing."""
    jobs = [await render(store, f"u{number}") for number in range(5)]
    told = [("1", "1.25"), (None, "3"), ("2", None), ("4", "3.5"), ("0.1", "0.1")]
    for job, (quoted, cost) in zip(jobs, told, strict=True):
        await attempted(store, job, quoted, AttemptOutcome.ACCEPTED, cost)
    model = jobs[0].provider, jobs[0].model
    pairs = [(usd("0.1"), usd("0.1")), (usd("4"), usd("3.5")), (usd("1"), usd("1.25"))]
    assert await store.read(lambda tx: tx.told_costs(*model)) == pairs
    assert await store.read(lambda tx: tx.told_costs(*model, limit=4)) == pairs[:2]
    assert await store.read(lambda tx: tx.told_costs(jobs[0].provider, "another")) == []


async def test_requests_without_a_price_that_may_be_in_doubt_are_found(store: SqlStore) -> None:
    """Of one place or of all, the oldest first; what has a price is in the ledger."""
    lost, away = await render(store, "u1"), await render(store, "u2", place=AWAY)
    priced, done, rejected = [await render(store, key) for key in ("u3", "u4", "u5")]
    await attempted(store, lost, None, AttemptOutcome.UNKNOWN)
    await attempted(store, away, None, AttemptOutcome.UNKNOWN)
    await attempted(store, priced, "1", AttemptOutcome.UNKNOWN)
    await attempted(store, done, None, AttemptOutcome.ACCEPTED)
    await attempted(store, rejected, None, AttemptOutcome.REJECTED)
    assert [job.id for job in await store.read(lambda tx: tx.jobs_in_doubt(limit=2))] == [lost.id, away.id]
    assert lost.id in [job.id for job in await store.read(lambda tx: tx.jobs_in_doubt(HOME))]
    assert not {priced.id, done.id, away.id} & {job.id for job in await store.read(lambda tx: tx.jobs_in_doubt(HOME))}
    (attempt,) = await store.read(lambda tx: tx.attempts(lost.id))
    await store.write(lambda tx: tx.settle_attempt(attempt.id, usd("0")))
    assert lost.id not in [job.id for job in await store.read(lambda tx: tx.jobs_in_doubt())]


async def test_what_nobody_knows_is_listed_until_somebody_does(store: SqlStore) -> None:
    """The oldest first."""
    one, two, three = [await render(store, key) for key in ("u1", "u2", "u3")]
    for job in (two, one):
        await move(store, HOUSE, job, (B.LEFT, B.UNKNOWN), "2")
    await move(store, HOUSE, three, (B.LEFT, B.HELD), "2")
    found = await store.read(lambda tx: tx.jobs_with_unknown())
    owed = Balances(left=usd("-2"), unknown=usd("2"))
    assert [(job.id, balances) for job, balances in found] == [(one.id, owed), (two.id, owed)]
    assert [job.id for job, _ in await store.read(lambda tx: tx.jobs_with_unknown(1))] == [one.id]
    await move(store, HOUSE, one, (B.UNKNOWN, B.LEFT), "2")
    assert [job.id for job, _ in await store.read(lambda tx: tx.jobs_with_unknown())] == [two.id]


async def test_limits_are_replaced_as_a_whole_and_0_is_one(store: SqlStore) -> None:
    """A limit that is not set is none; a pot with limits alone is not open."""
    fixed = frozenset({"shot_usd", "day_usd"})
    limits = Limits(ask_above_usd=usd("0.5"), shot_usd=usd("0"), day_usd=usd("12.345678"), fixed=fixed)
    await store.write(lambda tx: tx.set_limits(PLACE, limits))
    assert await pot(store, PLACE) == Pot(key=PLACE, limits=limits)
    await store.write(lambda tx: tx.set_limits(PLACE, Limits(story_usd=usd("1"))))
    assert (await pot(store, PLACE)).limits == Limits(story_usd=usd("1"))


async def test_all_pots_are_listed_in_order(store: SqlStore) -> None:
    """The house's, places', persons'."""
    job = await render(store)
    await post(store, top_up(PERSON, "1"))
    await post(store, top_up(PLACE, "2"))
    await move(store, HOUSE, job, (B.LEFT, B.HELD), "3")
    found = await store.read(lambda tx: tx.pots())
    assert [each.key for each in found] == [HOUSE, PLACE, PERSON]
    assert [each.balances.left for each in found] == [-3, 2, 1]


async def test_a_request_is_settled_at_what_the_operator_found_out(store: SqlStore) -> None:
    """0 is an amount."""
    job = await render(store)
    one = await store.write(lambda tx: tx.add_attempt(job.id, "k1", quoted_usd=usd("0.40")))
    await store.write(lambda tx: tx.close_attempt(one.id, AttemptOutcome.UNKNOWN))
    await store.write(lambda tx: tx.settle_attempt(one.id, usd("0")))
    (found,) = await store.read(lambda tx: tx.attempts(job.id))
    assert (found.outcome, found.quoted_usd, found.settled_usd) == (AttemptOutcome.UNKNOWN, usd("0.40"), usd("0"))


# --- who moves, and who is joined --------------------------------------------------------------------------------------


async def test_a_place_takes_its_pot_along(store: SqlStore) -> None:
    """Under its new name it is the same pot, and jobs go on to be paid from it."""
    job = await render(store)
    await post(store, top_up(PLACE, "5", "k"))
    await store.write(lambda tx: tx.set_limits(PLACE, Limits(day_usd=usd("3"))))
    await move(store, PLACE, job, (B.LEFT, B.HELD), "1")
    await store.write(lambda tx: tx.move_place(HOME, AWAY))
    moved = PotKey(Payer.PLACE, AWAY)
    assert await pot(store, moved) == Pot(
        key=moved,
        limits=Limits(day_usd=usd("3")),
        balances=Balances(left=usd("4"), held=usd("1")),
        is_open=True,
    )
    assert await pot(store, PLACE) == Pot(key=PLACE)
    await move(store, moved, job, (B.HELD, B.SPENT), "1")
    await post(store, top_up(PLACE, "7"))  # the old name may begin anew
    assert (await pot(store, moved)).balances == Balances(left=usd("4"), spent=usd("1"))


async def test_two_places_that_become_one_have_one_pot(store: SqlStore) -> None:
    """What both hold is together, and the stricter limits hold."""
    there = PotKey(Payer.PLACE, AWAY)
    await post(store, top_up(PLACE, "5"))
    await post(store, top_up(there, "2"))
    await store.write(lambda tx: tx.set_limits(PLACE, Limits(day_usd=usd("3"), shot_usd=usd("1"))))
    mine = Limits(day_usd=usd("9"), story_usd=usd("0"), fixed=frozenset({"story_usd"}))
    await store.write(lambda tx: tx.set_limits(there, mine))
    await store.write(lambda tx: tx.move_place(HOME, AWAY))
    (only,) = await store.read(lambda tx: tx.pots())
    assert only == Pot(
        key=there,
        limits=Limits(day_usd=usd("3"), shot_usd=usd("1"), story_usd=usd("0"), fixed=frozenset({"story_usd"})),
        balances=Balances(left=usd("7")),
        is_open=True,
    )


async def test_a_person_of_two_identities_has_one_pot(store: SqlStore) -> None:
    """Found by either, with what both had; and who parts again leaves it where it is."""
    mae, tom = Person("telegram:1", "Mae"), Person("discord:2", "Tom")
    keys = [PotKey(Payer.PERSON, person.key) for person in (mae, tom)]
    job = await render(store, person=tom)
    await post(store, top_up(keys[1], "5"))
    await move(store, keys[1], job, (B.LEFT, B.HELD), "1")
    await store.write(lambda tx: tx.join_persons(mae, tom))
    both = Pot(key=keys[0], balances=Balances(left=usd("4"), held=usd("1")), is_open=True)
    assert [await pot(store, key) for key in keys] == [both, both]
    assert await store.read(lambda tx: tx.committed(person=tom.key)) == 1
    await post(store, top_up(keys[1], "2"))
    assert (await pot(store, keys[0])).balances.left == 6
    await store.write(lambda tx: tx.part_identities([tom.key]))
    assert (await pot(store, keys[0])).balances.left == 6
    assert await pot(store, keys[1]) == Pot(key=keys[1])


async def test_two_persons_that_become_one_keep_the_stricter_limits(store: SqlStore) -> None:
    """And no entry is lost."""
    keys = [PotKey(Payer.PERSON, person.key) for person in (ANA, BEN)]
    await post(store, top_up(keys[0], "1"))
    await post(store, top_up(keys[1], "2"))
    await store.write(lambda tx: tx.set_limits(keys[0], Limits(day_usd=usd("3"))))
    await store.write(lambda tx: tx.set_limits(keys[1], Limits(day_usd=usd("2"))))
    await store.write(lambda tx: tx.join_persons(ANA, BEN))
    assert await store.read(lambda tx: tx.pots()) == [
        replace(Pot(key=keys[0]), limits=Limits(day_usd=usd("2")), balances=Balances(left=usd("3")), is_open=True)
    ]
    assert len(await store.read(lambda tx: tx.entries())) == 4


async def test_every_entry_names_the_story_of_its_job(store: SqlStore) -> None:
    """That is how a story's cap is counted without a look at its jobs."""
    job = await render(store)
    await move(store, HOUSE, job, (B.LEFT, B.HELD), "1")

    async def wrong(connection: AsyncConnection) -> int:
        pairs = select(func.count()).select_from(ENTRY.join(JOB, JOB.c.id == ENTRY.c.job_id))
        return int(await connection.scalar(pairs.where(ENTRY.c.story_id != JOB.c.story_id)) or 0)

    assert await store.database.read(wrong) == 0
