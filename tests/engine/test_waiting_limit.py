"""How many shots of one person may wait: one more is refused in a sentence, and nothing is made of it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from engine.errors import RequestError
from engine.job_model import JobState
from engine.ledger import Limits
from engine.line import FlightLimits
from engine.model import Create, Person, Retake
from engine.money_rules import MoneyRules
from tests.engine.test_money import Dear
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import ANA, BEN, HOME, House, opened_house

TWO = FlightLimits(waiting_per_person=2)


async def begin(house: House, person: Person = ANA, place: str = HOME) -> None:
    await house.studio.create(Create(asked=house.asked(person, place), prompt="a lamp"))


async def rows(house: House) -> list[int]:
    """How many there are of whatever a command makes."""
    tables = ("story", "shot", "take", "job", "outbox", "entry")
    union = " UNION ALL ".join(f"SELECT count(*) FROM {table}" for table in tables)  # noqa: S608  # names from here
    found = await house.store.database.read(lambda connection: connection.execute(text(union)))
    return [row[0] for row in found]


async def test_one_shot_more_than_may_wait_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    """Wherever the others wait; nothing is made, others may, and as soon as one is rendered so may they."""
    provider = ScriptedProvider(finishes_at_check=99)
    async with opened_house(tmp_path, clock, provider, limits=TWO) as house:
        await begin(house)
        await begin(house, place="local:away")
        before = await rows(house)
        reply = await house.say("/create a boat")
        assert reply is not None
        assert reply.text == (
            "2 of your shots wait already, and no more may; try again when one is being rendered, or /cancel one."
        )
        assert (reply.is_error, await rows(house)) == (True, before)
        await begin(house, BEN)
        await house.run(2)  # two of them are rendered at a time
        await begin(house)
        with pytest.raises(RequestError):
            await begin(house)
        await house.press("cancel", "d1-1")
        await begin(house)


async def test_the_same_update_is_answered_with_its_job_however_many_wait(tmp_path: Path, clock: FakeClock) -> None:
    """It is no new one."""
    async with opened_house(tmp_path, clock, limits=FlightLimits(waiting_per_person=1)) as house:
        asked = house.asked()
        job = await house.studio.create(Create(asked=asked, prompt="a lamp"))
        assert await house.studio.create(Create(asked=asked, prompt="a lamp")) == job
        with pytest.raises(RequestError, match="1 of your shots waits already"):
            await begin(house)


async def test_what_waits_for_a_word_waits_too(tmp_path: Path, clock: FakeClock) -> None:
    """Also a retake counts."""
    asks = MoneyRules(place=Limits(ask_above_usd=Decimal(0)))
    async with opened_house(tmp_path, clock, Dear(), rules=asks, limits=TWO) as house:
        await begin(house)
        await house.studio.agree(house.asked(), "a1-1")
        await house.run(20)
        await begin(house)
        await house.studio.retake(Retake(asked=house.asked(), shot="a1-1"))
        jobs = await house.studio.jobs(HOME)
        assert [job.state for job in jobs] == [JobState.ASKING, JobState.ASKING]
        with pytest.raises(RequestError, match="2 of your shots wait"):
            await begin(house)


async def test_zero_begins_nothing_new(tmp_path: Path, clock: FakeClock) -> None:
    """And says so without blaming anybody."""
    async with opened_house(tmp_path, clock, limits=FlightLimits(waiting_per_person=0)) as house:
        with pytest.raises(RequestError, match="Nothing new is begun here"):
            await begin(house)
        assert await rows(house) == [0] * 6
