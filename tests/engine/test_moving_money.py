"""Money stays in its pot and on its day, whatever a group, a person or a price does while a job runs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from engine.booking import book
from engine.errors import OverBudget, Unconfirmed
from engine.job_model import Job, JobState, Payer
from engine.jobs import move
from engine.ledger import Balances, PotKey
from engine.money_rules import MoneyRules
from engine.ports import Writer
from tests.engine.test_money import PLACE, Bank, Dear, bank, day, money
from tests.fakes.clock import FakeClock
from tests.house import ANA, BEN, HOME

SUPER = "local:super"
DAY_S = 86_400


async def stepped(it: Bank, job: Job, state: JobState) -> Job:
    """Step on until it is so far."""
    for _ in range(50):
        fresh = await it.house.job(job.id)
        if fresh.state is state:
            return fresh
        it.house.clock.advance(1)
        for claimed in await it.house.stepper.claim(10):
            await it.house.stepper.step(claimed)
    pytest.fail(f"{job.subject} never was {state}")


async def test_a_group_that_moves_during_a_step_is_settled_where_its_pot_went(tmp_path: Path, clock: FakeClock) -> None:
    """The step knows the old place; the new one pays, and nothing stays held there for ever."""
    async with bank(tmp_path, clock) as it:
        await it.fill("5")
        job = await it.begin(2)
        await stepped(it, job, JobState.SAVING)
        clock.advance(1)
        (claimed,) = await it.house.stepper.claim(10)
        await it.house.store.write(lambda tx: tx.move_place(HOME, SUPER))
        await it.house.stepper.step(claimed)
        assert (await it.house.job(job.id)).state is not JobState.SAVING
        (pot,) = await it.house.studio.pots()
        assert pot.key == PotKey(Payer.PLACE, SUPER)
        assert pot.balances == Balances(left=Decimal("4.20"), spent=Decimal("0.80"))


async def test_a_price_that_rises_while_the_group_moves_is_paid_by_its_pot(tmp_path: Path, clock: FakeClock) -> None:
    """It is not the house that pays because the old place has no pot any more."""
    async with bank(tmp_path, clock) as it:
        await it.fill("5")
        job = await it.begin(2)
        it.provider.price = Decimal("0.90")
        (claimed,) = await it.house.stepper.claim(10)
        await it.house.store.write(lambda tx: tx.move_place(HOME, SUPER))
        await it.house.stepper.step(claimed)
        fresh = await it.house.job(job.id)
        assert (fresh.payer, fresh.quoted_usd) == (Payer.PLACE, Decimal("0.90"))
        assert await it.left(PotKey(Payer.PLACE, SUPER)) == Decimal("4.10")


@pytest.mark.parametrize("is_parted", [False, True], ids=["joined", "parted"])
async def test_a_person_who_is_joined_during_a_step_pays_from_the_one_pot(
    tmp_path: Path, clock: FakeClock, is_parted: bool
) -> None:
    """Also where the two have parted again by then: what was held is where it went."""
    mine, bens = PotKey(Payer.PERSON, ANA.key), PotKey(Payer.PERSON, BEN.key)
    async with bank(tmp_path, clock) as it:
        await it.fill("5", bens)
        job = await it.begin(2, BEN)
        claimed = await it.house.job(job.id)
        await it.house.store.write(lambda tx: tx.join_persons(ANA, BEN))
        if is_parted:
            await it.house.store.write(lambda tx: tx.part_identities([BEN.key]))
        await it.house.store.write(lambda tx: book(tx, move(claimed, JobState.CANCELLED)))
        assert (await it.house.store.read(lambda tx: tx.pot(mine))).balances == Balances(left=Decimal(5))


async def lost_on_four_days(it: Bank) -> list[Job]:
    """Renders of $0.80 whose answers were lost, each on a day of its own; today is another one."""
    jobs = []
    for _ in range(4):
        job = await it.begin(2)
        await it.house.run(5)
        jobs.append(await it.house.job(job.id))
        it.house.clock.advance(DAY_S)
    assert {job.state for job in jobs} == {JobState.UNCONFIRMED}
    return jobs


async def test_what_is_sent_again_today_fills_the_cap_of_today(tmp_path: Path, clock: FakeClock) -> None:
    """Not that of the day on which it was sent first: four lost renders are four days, and only one fits into this one."""
    lost = Dear(lose_answers=[Unconfirmed("?")] * 4)
    async with bank(tmp_path, clock, lost, rules=MoneyRules(place=day("1.00"))) as it:
        jobs = await lost_on_four_days(it)
        await it.house.studio.again(it.house.asked(), jobs[0].subject)
        for job in jobs[1:]:
            with pytest.raises(OverBudget, match=r"\$0.20 of the \$1.00"):
                await it.house.studio.again(it.house.asked(), job.subject)
        await it.house.run(20)
        assert it.provider.submits == 5
        today = clock().date()
        assert await it.house.store.read(lambda tx: tx.committed(place=HOME, day=today)) == Decimal("0.80")


async def test_what_turns_out_to_be_free_gives_no_room_but_on_its_own_day(tmp_path: Path, clock: FakeClock) -> None:
    """The operator settles an old render at nothing: today is as full as before."""
    lost = Dear(lose_answers=[Unconfirmed("?")])
    async with bank(tmp_path, clock, lost, rules=MoneyRules(place=day("1.00"))) as it:
        job = await it.begin(2)
        await it.house.run(5)
        first = clock().date()
        clock.advance(DAY_S)
        await it.house.studio.again(it.house.asked(), job.subject)
        await it.house.run(20)
        today = clock().date()

        async def both_days() -> list[Decimal]:
            return [await it.house.store.read(lambda tx, on=on: tx.committed(day=on)) for on in (first, today)]  # type: ignore[misc]  # a default is not inferred

        assert await both_days() == list(money("0.80", "0.80"))
        await it.house.studio.resolve(job.id, Decimal(0))
        assert await both_days() == list(money("0", "0.80"))
        with pytest.raises(OverBudget):
            await it.begin(1)


async def test_a_price_that_is_agreed_to_tomorrow_counts_tomorrow(tmp_path: Path, clock: FakeClock) -> None:
    """What rose to above what is asked about was given back today, and is held anew on the day of the word."""
    rules = MoneyRules(place=replace(day("1.00"), ask_above_usd=Decimal("0.85")), ask_lasts_s=2 * DAY_S)
    async with bank(tmp_path, clock, rules=rules) as it:
        job = await it.begin(2)
        it.provider.price = Decimal("0.90")
        await it.house.run(3)
        assert (await it.house.job(job.id)).state is JobState.ASKING
        clock.advance(DAY_S)
        await it.house.studio.agree(it.house.asked(), job.subject)
        with pytest.raises(OverBudget, match=r"\$0.10 of the \$1.00"):
            await it.begin(1)


@pytest.mark.parametrize("said", ["again", "agree"])
async def test_what_is_free_by_now_is_booked_where_it_was_paid_before(
    tmp_path: Path, clock: FakeClock, said: str
) -> None:
    """Its first request may have cost something: who pays for that does not change with a price of nothing."""
    async with bank(tmp_path, clock, Dear(lose_answers=[Unconfirmed("?")])) as it:
        await it.fill("5")
        job = await it.begin(2)
        await it.house.run(5)
        studio = it.house.studio
        it.provider.price = Decimal(0)

        async def free(tx: Writer) -> None:
            fresh = await tx.job(job.id)
            assert fresh is not None
            state = {"again": fresh, "agree": replace(fresh, state=JobState.ASKING, failure=None, finished_at=None)}
            await tx.save_job(replace(state[said], quoted_usd=Decimal(0)))

        await it.house.store.write(free)
        if said == "again":
            await studio.again(it.house.asked(), job.subject)
        else:
            await studio.agree(it.house.asked(), job.subject)
        assert (await it.house.job(job.id)).payer is Payer.PLACE
        await it.house.run(20)
        await studio.resolve(job.id, Decimal("0.30"))
        assert (await it.has(job), await it.left(PLACE)) == (money("0", "0.30", "0"), Decimal("4.70"))
