"""Many who spend at once never spend more than there is: what every store promises, to two programs on one database too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.abilities import Price
from engine.errors import OverBudget
from engine.job_model import Job, JobState, Payer
from engine.ledger import Limits, PotKey
from engine.model import Asked, Create, Retake, ShotOptions
from engine.money_rules import MoneyRules
from engine.news import News
from engine.outcome import World
from engine.studio import Studio
from storage import LocalFiles, SqlStore, opened_store
from tests.databases import ANA, BEN, HOME
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ABILITIES, ScriptedProvider

PRICE = Decimal("0.30")
DEAR = {"one": replace(ABILITIES, price=Price(usd_per_second={"": PRICE}))}
PLACE = PotKey(Payer.PLACE, HOME)
ASK = Limits(ask_above_usd=Decimal(0))
MANY = 12


@pytest.fixture
async def other(url: str, store: SqlStore, clock: FakeClock) -> AsyncIterator[SqlStore]:
    """The store of a second program on the same database; the very same one where that is in memory."""
    if url == "sqlite://":
        yield store
        return
    async with opened_store(url, clock) as opened:
        yield opened


def studio(store: SqlStore, tmp_path: Path, clock: FakeClock, rules: MoneyRules) -> Studio:
    provider = ScriptedProvider(models=dict(DEAR))
    news = News()
    world = World(
        store=store,
        files=LocalFiles(tmp_path / "files"),
        providers={provider.name: provider},
        clock=clock,
        announce=news.announce,
        rules=rules,
    )
    return Studio(world, news, default_provider=provider.name, wake=lambda: None)


def create(key: str) -> Create:
    person = ANA if key.endswith("1") else BEN
    return Create(asked=Asked(key, HOME, person), prompt="a lamp", options=ShotOptions(seconds=1))


async def all_at_once(*works: Any) -> tuple[list[Any], list[OverBudget]]:
    """What came of those that were let through, and the refusals; anything else is a failure of the test."""
    results = await asyncio.gather(*works, return_exceptions=True)
    refused = [result for result in results if isinstance(result, OverBudget)]
    done = [result for result in results if not isinstance(result, BaseException)]
    others = [result for result in results if isinstance(result, BaseException) and not isinstance(result, OverBudget)]
    assert others == []
    return done, refused


async def check_books(store: SqlStore, jobs: int, filled: Decimal) -> None:
    pot = await store.read(lambda tx: tx.pot(PLACE))
    assert (pot.balances.held, pot.balances.left) == (jobs * PRICE, filled - jobs * PRICE)
    assert pot.balances.left >= 0
    entries = await store.read(lambda tx: tx.entries(limit=1_000))
    assert sum(line.usd for line in entries) == 0
    assert len({line.job_id for line in entries if line.job_id}) == jobs


async def test_many_holds_at_once_never_overdraw_a_pot(
    store: SqlStore, other: SqlStore, tmp_path: Path, clock: FakeClock
) -> None:
    """Five fit, and five are let through; what was refused has left nothing."""
    filled = 5 * PRICE + Decimal("0.10")
    studios = [studio(each, tmp_path, clock, MoneyRules(pots_only=True)) for each in (store, other)]
    await studios[0].top_up(PLACE, filled, "k")
    done, refused = await all_at_once(*(studios[n % 2].create(create(f"u{n}")) for n in range(MANY)))
    assert (len(done), len(refused)) == (5, MANY - 5)
    await check_books(store, 5, filled)
    assert len(await studios[0].jobs(HOME)) == 5


async def test_many_holds_at_once_never_exceed_a_cap(
    store: SqlStore, other: SqlStore, tmp_path: Path, clock: FakeClock
) -> None:
    """Of a day, where the operator pays."""
    rules = MoneyRules(house=Limits(day_usd=4 * PRICE))
    studios = [studio(each, tmp_path, clock, rules) for each in (store, other)]
    done, refused = await all_at_once(*(studios[n % 2].create(create(f"u{n}")) for n in range(MANY)))
    assert (len(done), len(refused)) == (4, MANY - 4)
    assert await store.read(lambda tx: tx.committed(day=clock.now.date())) == 4 * PRICE


async def test_many_who_agree_at_once_never_overdraw_a_pot(
    store: SqlStore, other: SqlStore, tmp_path: Path, clock: FakeClock
) -> None:
    """Every price was asked about when the pot was full for one; the pot is looked at when the word is said."""
    rules = MoneyRules(pots_only=True, place=ASK)
    studios = [studio(each, tmp_path, clock, rules) for each in (store, other)]
    filled = 3 * PRICE
    await studios[0].top_up(PLACE, filled, "k")
    jobs: list[Job] = [await studios[0].create(create(f"u{n}")) for n in range(6)]
    assert {job.state for job in jobs} == {JobState.ASKING}
    words = (
        studios[n % 2].agree(Asked(f"yes {n} {job.id}", HOME, job.person), job.subject)
        for n in range(2)
        for job in jobs[n:]
    )
    results = await asyncio.gather(*words, return_exceptions=True)
    agreed = [job for result in results if isinstance(result, tuple) for job in result]
    assert len({job.id for job in agreed}) == len(agreed) == 3
    await check_books(store, 3, filled)


async def test_the_same_update_at_both_programs_is_held_once(
    store: SqlStore, other: SqlStore, tmp_path: Path, clock: FakeClock
) -> None:
    """One job, one hold; and a payment that arrives at both comes in once."""
    studios = [studio(each, tmp_path, clock, MoneyRules()) for each in (store, other)]
    await asyncio.gather(*(studios[n % 2].top_up(PLACE, Decimal(9), "stars:1") for n in range(8)))
    done, _ = await all_at_once(*(studios[n % 2].create(create("u1")) for n in range(8)))
    assert len({job.id for job in done}) == 1
    await check_books(store, 1, Decimal(9))
    cancelled = (studios[n % 2].cancel(Asked(f"no {n}", HOME, ANA), None) for n in range(4))
    await asyncio.gather(*cancelled, return_exceptions=True)
    await studios[0].retake(Retake(asked=Asked("u9", HOME, ANA)))
    assert (await store.read(lambda tx: tx.pot(PLACE))).balances.held == PRICE
