"""A render that is cancelled while it is being handed over is stopped as soon as that is over, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot import texts
from engine.abilities import Price
from engine.errors import NotFound, RateLimited, Unconfirmed
from engine.job_model import MAY_STILL_COST, Job, JobState
from engine.ledger import Balances
from engine.model import Create, Retake, ShotOptions
from engine.providers.base import Recovery
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import House, opened_house

PRICE = Decimal("0.40")
DEAR = {"one": replace(ABILITIES, price=Price(usd_per_second={"": PRICE}))}


def provider(**changes: object) -> ScriptedProvider:
    """One that costs money and whose renders last."""
    made = {"models": dict(DEAR), "finishes_at_check": 99, **changes}
    return ScriptedProvider(**made)  # type: ignore[arg-type]  # by name


@asynccontextmanager
async def handing_over(house: House) -> AsyncIterator[tuple[Job, Callable[[], object]]]:
    """A job whose request is under way, and what ends its process right there; else it is answered when the block is left."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    gate = house.provider.gate = asyncio.Event()
    house.provider.asked.clear()
    (claimed,) = await house.stepper.claim(1)
    step = asyncio.create_task(house.stepper.step(claimed))
    await asyncio.wait_for(house.provider.asked.wait(), 20)
    try:
        yield job, step.cancel
    finally:
        house.provider.gate = None
        gate.set()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(step, 20)


async def books(house: House, job: Job) -> Balances:
    return await house.store.read(lambda tx: tx.job_balances(job.id))


async def check_cancelled(house: House, job: Job) -> Job:
    """It ended so, its place was told, and no clip comes."""
    ended = await house.job(job.id)
    assert (ended.state, ended.due_at) == (JobState.CANCELLED, None)
    assert house.chat.videos == []
    assert "cancelled" in "\n".join(house.chat.seen)
    assert await house.live() == 0
    return ended


async def test_a_render_that_is_cancelled_in_the_handover_is_stopped_right_after(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Its service is told, nothing is delivered, and what was held is given back."""
    async with opened_house(tmp_path, clock, provider()) as house:
        async with handing_over(house) as (job, _):
            said = await house.studio.cancel(house.asked(), "a1-1")
            assert (said.state, said.is_unwanted) == (JobState.SUBMITTING, True)
            assert (await books(house, job)).held == PRICE
        await house.run(5)
        ended = await check_cancelled(house, job)
        assert (ended.notes, house.provider.submits) == ((), 1)
        assert house.provider.renders["task-1"].is_cancelled
        assert await books(house, job) == Balances()


async def test_nothing_is_fetched_of_one_that_is_done_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """It is stopped before it is looked at."""
    async with opened_house(tmp_path, clock, provider(finishes_at_check=1)) as house:
        async with handing_over(house) as (job, _):
            await house.studio.cancel(house.asked(), "a1-1")
        await house.run(5)
        await check_cancelled(house, job)
        assert house.provider.renders["task-1"].checks == 0


async def test_one_that_was_not_taken_is_not_sent_again(tmp_path: Path, clock: FakeClock) -> None:
    """Back in line it is over."""
    busy = provider(submit_errors=[RateLimited("Wait.", retry_after_s=5)])
    async with opened_house(tmp_path, clock, busy) as house:
        async with handing_over(house) as (job, _):
            await house.studio.cancel(house.asked(), "a1-1")
        await house.run(20)
        await check_cancelled(house, job)
        assert (house.provider.submits, house.provider.renders) == (1, {})
        assert await books(house, job) == Balances()


@pytest.mark.parametrize("is_before_the_answer", [True, False])
async def test_one_whose_answer_was_lost_is_not_asked_about(
    tmp_path: Path, clock: FakeClock, is_before_the_answer: bool
) -> None:
    """Whoever cancelled it is told that it may cost, and that is all."""
    loses = provider(lose_answers=[Unconfirmed("?")])
    async with opened_house(tmp_path, clock, loses) as house:
        async with handing_over(house) as (job, _):
            if is_before_the_answer:
                await house.studio.cancel(house.asked(), "a1-1")
        if not is_before_the_answer:
            await house.studio.cancel(house.asked(), "a1-1")
        await house.run(5)
        ended = await check_cancelled(house, job)
        assert (MAY_STILL_COST in ended.notes) is is_before_the_answer
        assert "may" in texts.failure(ended) or not is_before_the_answer
        assert (await books(house, job)).unknown == PRICE
        with pytest.raises(NotFound, match="waits for an answer"):
            await house.studio.again(house.asked(), "a1-1")


@pytest.mark.parametrize(
    ("recovery", "is_taken"),
    [(Recovery.LOOKUP, True), (Recovery.LOOKUP, False), (Recovery.NONE, True), (Recovery.SAME_KEY, True)],
)
async def test_a_process_that_dies_in_the_handover_keeps_the_word(
    tmp_path: Path, clock: FakeClock, recovery: Recovery, is_taken: bool
) -> None:
    """The next start finds what became of the request and stops it; it never begins another one."""
    async with opened_house(tmp_path, clock, provider(recovery=recovery)) as house:
        async with handing_over(house) as (job, kill):
            await house.studio.cancel(house.asked(), "a1-1")
            if is_taken:  # the service had it when we died
                house.provider.gate.set()  # type: ignore[union-attr]  # handing_over has set it
                house.provider.lose_answers = [asyncio.CancelledError()]  # type: ignore[list-item]  # as a kill does
            else:
                kill()
        await house.store.release_leases()
        await house.run(200)
        ended = await check_cancelled(house, job)
        assert len(house.provider.renders) == int(is_taken)
        if recovery is Recovery.NONE:
            assert ended.notes == (MAY_STILL_COST,)
            assert (await books(house, job)).unknown == PRICE
        else:
            assert all(render.is_cancelled for render in house.provider.renders.values())
            assert await books(house, job) == Balances()


async def test_after_it_the_shot_is_rendered_anew_when_somebody_asks(tmp_path: Path, clock: FakeClock) -> None:
    """The word was for that render alone."""
    async with opened_house(tmp_path, clock, provider()) as house:
        async with handing_over(house) as (job, _):
            await house.studio.cancel(house.asked(), "a1-1")
        await house.run(3)
        await check_cancelled(house, job)
        house.provider.finishes_at_check = 2
        again = await house.studio.retake(Retake(asked=house.asked(), shot="a1-1"))
        assert not again.is_unwanted
        await house.run(10)
        assert (await house.job(again.id)).state is JobState.DELIVERED


async def test_a_picture_that_is_unwanted_is_paid_and_not_rendered_on(tmp_path: Path, clock: FakeClock) -> None:
    """What was being painted is spent; no render follows."""
    painter = ScriptedPainter(gate=asyncio.Event())
    async with opened_house(tmp_path, clock, provider(), painters=[painter]) as house:
        job = await house.studio.create(
            Create(asked=house.asked(), prompt="a lamp", options=ShotOptions(still="brush"))
        )
        (claimed,) = await house.stepper.claim(1)
        step = asyncio.create_task(house.stepper.step(claimed))
        await asyncio.wait_for(painter.asked.wait(), 20)
        await house.studio.cancel(house.asked(), "a1-1")
        assert painter.gate is not None
        painter.gate.set()
        await asyncio.wait_for(step, 20)
        await house.run(5)
        ended = await check_cancelled(house, job)
        assert (ended.cost_usd, house.provider.submits) == (Decimal("0.06"), 0)
        assert await books(house, job) == Balances(left=Decimal("-0.06"), spent=Decimal("0.06"))


@pytest.mark.parametrize("still", [None, "brush"])
async def test_one_that_is_cancelled_before_its_request_leaves_is_never_asked_for(
    tmp_path: Path, clock: FakeClock, still: str | None
) -> None:
    """The last look right before the bytes leave sees it: nothing is sent, nothing is paid."""
    painter = ScriptedPainter()
    async with opened_house(tmp_path, clock, provider(), painters=[painter]) as house:

        async def cancel(job: Job) -> None:
            if job.state is JobState.SUBMITTING and not job.is_unwanted:
                await house.studio.cancel(house.asked(), "a1-1")

        house.news.listen(cancel)
        options = ShotOptions(still=still)
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp", options=options))
        await house.run(5)
        assert (await check_cancelled(house, job)).notes == ()
        assert (house.provider.submits, painter.calls) == (0, 0)
        assert await books(house, job) == Balances()
