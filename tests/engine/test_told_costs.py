"""What people are told of their money when a shot fails or is cancelled is what is known of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot import texts
from engine.abilities import Price
from engine.attempts import AttemptOutcome
from engine.errors import (
    BadShot,
    Billed,
    ProviderError,
    Refused,
    RenderFailed,
    Unconfirmed,
)
from engine.job_model import Job, JobState
from engine.model import Create, ShotOptions
from engine.providers.base import CancelOutcome
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import House, opened_house

DEAR = {"one": replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.40")}))}


async def begun(house: House, **options: object) -> Job:
    return await house.studio.create(
        Create(asked=house.asked(), prompt="a lamp", options=ShotOptions(**options))  # type: ignore[arg-type]  # by name
    )


async def outcomes(house: House, job: Job) -> list[AttemptOutcome]:
    return [attempt.outcome for attempt in await house.store.read(lambda tx: tx.attempts(job.id))]


def told(job: Job) -> str:
    return texts.failure(job).split("\n", 1)[1]


# --- what is said of the money -----------------------------------------------------------------------------------------


async def test_a_refusal_that_says_that_it_was_charged_is_believed(house: House) -> None:
    """The error knows better than the place where it is met."""
    house.provider.submit_errors = [Refused("No.", billed=Billed.YES)]
    job = await begun(house)
    await house.run(5)
    assert told(await house.job(job.id)) == "No. The render was charged."


async def test_a_refusal_after_a_lost_answer_may_have_been_charged(house: House) -> None:
    """The first one may have been taken."""
    house.provider.lose_answers = [Unconfirmed("?")]
    job = await begun(house)
    await house.run(5)
    house.provider.submit_errors = [Refused("No.")]
    await house.press("again", "a1-1")
    await house.run(5)
    assert told(await house.job(job.id)) == "No. It may have been charged."
    assert await outcomes(house, job) == [AttemptOutcome.UNKNOWN, AttemptOutcome.REJECTED]


@pytest.mark.parametrize("error", [RenderFailed("It broke."), Unconfirmed("It broke."), BadShot("It broke.")])
async def test_what_fails_before_anything_is_sent_costs_nothing(house: House, error: ProviderError) -> None:
    """Whatever its class thinks."""
    house.provider.prepare_errors = [error]
    job = await begun(house)
    await house.run(5)
    assert told(await house.job(job.id)) == "It broke. Nothing was charged."


@pytest.mark.parametrize(
    ("refusals", "checks", "says"),
    [
        ([Refused("No.")], [], "No. Its first frame was painted and charged ($0.06); the render was not."),
        (
            [],
            [RenderFailed("No.", billed=Billed.NO)],
            "No. Its first frame was painted and charged ($0.06); the render was not.",
        ),
        (
            [],
            [RenderFailed("No.")],
            "No. Its first frame was painted and charged ($0.06); the render may have been, too.",
        ),
        ([], [RenderFailed("No.", billed=Billed.YES)], "No. The render was charged."),
    ],
)
async def test_a_painted_first_frame_is_told_as_charged(
    tmp_path: Path,
    clock: FakeClock,
    refusals: list[Exception],
    checks: list[ProviderError],
    says: str,
) -> None:
    """Also where the render is not; and what the service said that the render would cost is left out of it."""
    provider = ScriptedProvider(submit_errors=refusals, check_answers=[*checks], says_usd=Decimal("0.80"))
    async with opened_house(tmp_path, clock, provider, painters=[ScriptedPainter()]) as house:
        job = await begun(house, still="brush")
        await house.run(20)
        assert told(await house.job(job.id)) == says


# --- cancel ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_free", "answer", "says"),
    [
        (False, CancelOutcome.STOPPED, "cancelled"),
        (False, CancelOutcome.MAY_STILL_COST, "cancelled; it may still be charged"),
        (False, TimeoutError(), "cancelled; it may still be charged"),
        (False, ZeroDivisionError(), "cancelled; it may still be charged"),
        (True, CancelOutcome.MAY_STILL_COST, "cancelled"),
    ],
)
async def test_who_cancels_hears_what_it_may_still_cost(
    tmp_path: Path,
    clock: FakeClock,
    answer: CancelOutcome | Exception,
    says: str,
    *,
    is_free: bool,
) -> None:
    """As its service answers, which may be nothing, or a defect of ours."""
    provider = ScriptedProvider(models={"one": ABILITIES} if is_free else DEAR, finishes_at_check=99)

    async def cancel(_: str) -> CancelOutcome:
        if isinstance(answer, Exception):
            raise answer
        return answer

    provider.cancel = cancel  # type: ignore[assignment]  # as a service of another kind would
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.run(3)
        await house.say("/cancel a1-1")
        await house.run(1)
        assert (await house.job(job.id)).state is JobState.CANCELLED
        assert told(await house.job(job.id)) == says
        assert house.chat.seen[-1] == f"a1-1 · by Ana\n{says}"


async def test_a_cancelled_render_is_told_of_after_its_service_has_answered(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or by itself, where we die before."""
    provider = ScriptedProvider(models=DEAR, finishes_at_check=99)

    async def dies(_: str) -> CancelOutcome:
        raise asyncio.CancelledError

    monkeypatch.setattr(provider, "cancel", dies)
    async with opened_house(tmp_path, clock, provider) as house:
        await begun(house)
        await house.run(3)
        with pytest.raises(asyncio.CancelledError):
            await house.studio.cancel(house.asked(), "a1-1")
        await house.tick()
        assert "cancelled" not in house.chat.seen[-1]
        await house.run(25)
        assert house.chat.seen[-1] == "a1-1 · by Ana\ncancelled; it may still be charged"


async def test_who_cancels_after_the_first_frame_hears_that_it_was_charged(tmp_path: Path, clock: FakeClock) -> None:
    """The render stopped; the picture is paid."""
    provider = ScriptedProvider(finishes_at_check=99, says_usd=Decimal("0.80"))
    async with opened_house(tmp_path, clock, provider, painters=[ScriptedPainter()]) as house:
        job = await begun(house, still="brush")
        await house.run(3)
        await house.say("/cancel a1-1")
        assert told(await house.job(job.id)) == "cancelled; its first frame was painted and charged ($0.06)"


async def test_who_cancels_while_it_is_painted_sees_at_once_that_it_is_heard(tmp_path: Path, clock: FakeClock) -> None:
    """And later what the picture cost: it cannot be called back."""
    painter = ScriptedPainter(gate=asyncio.Event())
    async with opened_house(tmp_path, clock, painters=[painter]) as house:
        job = await begun(house, still="brush")
        await house.delivery.step((await house.delivery.claim(1))[0])
        (claimed,) = await house.stepper.claim(1)
        step = asyncio.create_task(house.stepper.step(claimed))
        await asyncio.wait_for(painter.asked.wait(), 10)
        assert await house.say("/cancel a1-1") is None
        await house.tick()
        assert "cancelling, as soon as it is handed over" in house.chat.seen[-1]
        assert painter.gate is not None
        painter.gate.set()
        await asyncio.wait_for(step, 20)
        await house.run(3)
        assert told(await house.job(job.id)) == "cancelled; its first frame was painted and charged ($0.06)"
