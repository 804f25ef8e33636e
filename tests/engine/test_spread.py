"""A price is a range where renders of its model have cost something else than was told: the most is held, and shown last."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot import money_texts, replies
from engine.errors import OverBudget
from engine.job_model import Job, JobState
from engine.ledger import Limits
from engine.money_rules import MoneyRules
from engine.purse import Offer
from engine.spread import Spread, spread_of
from tests.engine.test_money import Bank, bank, money
from tests.fakes.clock import FakeClock

ASKS = MoneyRules(place=Limits(ask_above_usd=Decimal("0.50")))


def usd(*pairs: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(told), Decimal(cost)) for told, cost in pairs]


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        (usd(), "1", "1"),
        (usd(("1", "1")), "1", "1"),
        (usd(("1", "1.25")), "1", "1.25"),
        (usd(("2", "1")), "0.5", "1"),
        (usd(("1", "1.25"), ("2", "1"), ("4", "4")), "0.5", "1.25"),
        (usd(("0", "3"), ("3", "0")), "1", "1"),
    ],
)
def test_a_spread_holds_the_price_itself(told: list[tuple[Decimal, Decimal]], least: str, most: str) -> None:
    """The least and the most of what was seen, and 1; what was free on either side says nothing."""
    assert spread_of(told) == Spread(Decimal(least), Decimal(most))


def test_a_price_is_told_from_its_most_and_back() -> None:
    """To the millionth; what nobody knows stays unknown."""
    spread = Spread(Decimal("0.9"), Decimal("1.3"))
    assert spread.most_usd(Decimal("0.80")) == Decimal("1.04")
    assert spread.told_usd(Decimal("1.04")) == Decimal("0.80")
    assert spread.least_usd(Decimal("1.04")) == Decimal("0.72")
    assert spread.most_usd(None) is None
    assert str(Spread().most_usd(Decimal("0.80"))) == "0.80"


async def seen(it: Bank, *costs: str) -> None:
    """Shots of a second, told at $0.40 each, and what they cost."""
    for cost in costs:
        it.provider.rendered_usd = Decimal(cost)
        job = await it.begin(1)
        if job.state is JobState.ASKING:
            await it.house.studio.agree(it.house.asked(), job.subject)
        await it.house.run(10)
        assert (await it.house.job(job.id)).cost_usd == Decimal(cost)


async def question(it: Bank, job: Job) -> str:
    asked = await it.house.studio.question(job)
    return replies.price_question(job, asked, prompt="a lamp", drafted_by=None).text


async def test_what_a_model_has_cost_makes_a_price_a_range(tmp_path: Path, clock: FakeClock) -> None:
    """Asked about as one, held at its most, settled at what it cost; the request itself is noted at what its service told."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        await it.fill("5")
        await seen(it, "0.36", "0.48")
        job = await it.begin(2)
        assert (job.state, job.quoted_usd) == (JobState.ASKING, Decimal("0.96"))
        assert "about $0.72 to $0.96; the pot has $4.16. Render it?" in await question(it, job)
        offered = await it.house.studio.offer(it.house.asked(), job.subject)
        assert money_texts.offer(job.subject, offered) == f"{job.subject} costs about $0.72 to $0.96. Render it?"
        await it.house.studio.agree(it.house.asked(), job.subject, Offer(Decimal("0.96")))
        assert await it.has(job) == money("0.96", "0", "0")
        it.provider.finishes_at_check, it.provider.rendered_usd = 99, Decimal("0.90")
        await it.house.run(3)
        assert await it.has(job) == money("0.96", "0", "0")
        (attempt,) = await it.house.store.read(lambda tx: tx.attempts(job.id))
        assert attempt.quoted_usd == Decimal("0.80")
        it.provider.finishes_at_check = 1
        await it.house.run(10)
        assert await it.has(job) == money("0", "0.90", "0")


async def test_several_shots_are_asked_about_as_one_range(tmp_path: Path, clock: FakeClock) -> None:
    """The sum of the least, and of the most."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        await seen(it, "0.48")
        one = await it.begin(2)
        await it.house.say(f"/continue {one.subject} a boat --seconds 3")
        assert "2 shots wait, about $2.00 to $2.40 in all" in await question(it, one)


async def test_a_cap_counts_the_most(tmp_path: Path, clock: FakeClock) -> None:
    """What fits only if it stays cheap does not fit."""
    async with bank(tmp_path, clock, rules=MoneyRules(place=Limits(shot_usd=Decimal("0.90")))) as it:
        assert (await it.begin(2)).quoted_usd == Decimal("0.80")
        await it.house.run(10)
        await seen(it, "0.48")
        with pytest.raises(OverBudget, match=r"about \$0.96, and \$0.90"):
            await it.begin(2)


async def test_a_service_that_tells_no_costs_has_one_price(tmp_path: Path, clock: FakeClock) -> None:
    """Also beside another model's."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        await it.begin(1)
        await it.house.run(10)
        job = await it.begin(2)
        assert "about $0.80. Render it?" in await question(it, job)
        assert " to $" not in await question(it, job)


async def test_a_range_that_grew_since_the_word_is_asked_about_again(tmp_path: Path, clock: FakeClock) -> None:
    """Nothing is sent for more than what was agreed to."""
    async with bank(tmp_path, clock, rules=ASKS) as it:
        it.provider.finishes_at_check = 99
        it.provider.rendered_usd = Decimal("0.48")
        for _ in range(2):  # all the places that there are
            await it.begin(1)
        await it.house.run(2)
        job = await it.begin(2)
        await it.house.studio.agree(it.house.asked(), job.subject)
        it.provider.finishes_at_check = 1
        await it.house.run(10)
        fresh = await it.house.job(job.id)
        assert (fresh.state, fresh.quoted_usd, it.provider.submits) == (JobState.ASKING, Decimal("0.96"), 2)
