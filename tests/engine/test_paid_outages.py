"""What is paid is not lost when our own disk, our own clock or a service's slip is in the way, nor paid again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot import texts
from engine import job_stepper, media, painting, submit
from engine.abilities import Price
from engine.attempts import AttemptOutcome
from engine.errors import (
    Billed,
    Defect,
    DiskFull,
    MediaLimit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    StorageUnavailable,
    Unavailable,
    Unconfirmed,
)
from engine.job_model import Job, JobState
from engine.model import Continue, Create, ShotOptions
from engine.outcome import Outcome, World
from engine.providers.base import CancelOutcome, Queued, Recovery, Rendered, Rendering, Taken
from engine.settle import settle
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import House, opened_house

DEAR = {"one": replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.40")}))}


async def begun(house: House, **options: object) -> Job:
    return await house.studio.create(
        Create(asked=house.asked(), prompt="a lamp", options=ShotOptions(**options))  # type: ignore[arg-type]  # by name
    )


def told(job: Job) -> str:
    return texts.failure(job).split("\n", 1)[1]


# --- the answer is here, and our own disk is not -----------------------------------------------------------------------


async def test_a_render_whose_answer_was_noted_goes_on_whatever_its_service_can_look_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died between the note of the task and the job's own row."""
    job = await begun(house)

    async def dies(outcome: Outcome) -> Job:
        raise StorageUnavailable("The disk is away.")

    with monkeypatch.context() as patched:
        patched.setattr(house.stepper, "_settle", dies)
        await house.tick()
    assert (await house.job(job.id)).state is JobState.SUBMITTING
    await house.run(180)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


async def test_a_full_disk_right_after_the_answer_loses_no_task(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The job is written though its attempt could not be; the attempt is closed with it, and the task is in the log."""
    full = [DiskFull("It is full.")]
    close = submit._close

    async def close_once(*args: object) -> None:
        if full:
            raise full.pop()
        await close(*args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(submit, "_close", close_once)
    caplog.set_level("INFO", "engine.submit")
    job = await begun(house)
    await house.tick()
    assert (await house.job(job.id)).state is JobState.RENDERING
    (attempt,) = await house.store.read(lambda tx: tx.attempts(job.id))
    assert (attempt.outcome, attempt.task_id) == (AttemptOutcome.ACCEPTED, "task-1")
    assert f"render taken job={job.id} provider=scripted task_id=task-1" in caplog.text


async def test_a_task_is_written_as_soon_as_the_disk_is_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some tries within the same step."""
    away = [StorageUnavailable("It is away.")] * 4

    async def settle_later(*args: object) -> Job:
        if away:
            raise away.pop()
        return await settle(*args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(job_stepper, "TASK_WAITS_S", (0.0,) * 5)
    monkeypatch.setattr(job_stepper, "settle", settle_later)
    job = await begun(house)
    await house.tick()
    assert (await house.job(job.id)).state is JobState.RENDERING
    assert not away


async def test_a_job_that_the_database_refuses_to_write_is_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step survives, and nothing is sent twice."""
    broken = [Defect("The database was asked something wrong.")]

    async def settle_later(*args: object) -> Job:
        if broken:
            raise broken.pop()
        return await settle(*args)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(job_stepper, "settle", settle_later)
    job = await begun(house)
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


async def test_a_task_that_another_job_has_is_asked_about(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that ask for the same may be told the same task; one of them has it."""
    first = await begun(house)
    await house.tick()

    async def same(_: object) -> Taken:
        return Taken("task-1")

    monkeypatch.setattr(house.provider, "submit", same)
    second = await begun(house)
    await house.run(30)
    assert (await house.job(first.id)).state is JobState.DELIVERED
    other = await house.job(second.id)
    assert (other.state, other.task_id) == (JobState.UNCONFIRMED, None)


# --- we were away ------------------------------------------------------------------------------------------------------


async def test_one_blip_after_a_long_sleep_loses_no_paid_render(house: House) -> None:
    """It is given up when clock and tries both say so, not by the clock alone."""
    job = await begun(house)
    await house.tick()
    house.clock.advance(7 * 3_600)
    house.provider.check_answers = [Unavailable("No network yet.")]
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_render_that_slept_with_us_is_not_given_up_at_the_first_look(house: House) -> None:
    """Nobody could see whether it goes on."""
    house.provider.finishes_at_check = 3
    job = await begun(house)
    await house.tick()
    house.clock.advance(0.5)
    await house.tick()
    house.clock.advance(300)
    await house.run(10)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert not house.provider.renders["task-1"].is_cancelled


async def test_a_render_that_another_process_looked_at_is_not_given_up_at_the_first_look(
    tmp_path: Path, clock: FakeClock
) -> None:
    """After a restart nothing is known of when it was last seen."""
    provider, url = ScriptedProvider(finishes_at_check=3), f"sqlite:///{tmp_path / 'film.db'}"
    chat = FakeChat()
    async with opened_house(tmp_path, clock, provider, chat, url) as house:
        job = await begun(house)
        await house.tick()
        clock.advance(0.5)
        await house.tick()
    clock.advance(300)
    async with opened_house(tmp_path, clock, provider, chat, url) as house:
        await house.run(10)
        assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_render_is_not_given_up_because_the_clock_was_set_on(tmp_path: Path, clock: FakeClock) -> None:
    """By the clock on the wall it renders for days; it is paid, and was watched for some seconds."""
    provider, ahead = ScriptedProvider(finishes_at_check=12), timedelta(0)

    def unset() -> float:
        return (clock() - ahead).timestamp()

    async with opened_house(tmp_path, clock, provider, monotonic=unset) as house:
        job = await begun(house)
        await house.run(1)
        ahead = timedelta(days=2)
        clock.now += ahead
        await house.run(20)
        assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_service_that_fails_at_being_told_to_stop_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The render is given up all the same."""

    async def breaks(_: str) -> CancelOutcome:
        raise ZeroDivisionError

    monkeypatch.setattr(house.provider, "cancel", breaks)
    house.provider.finishes_at_check = 10**6
    job = await begun(house)
    await house.run(90)
    done = await house.job(job.id)
    assert done.failure is not None
    assert done.failure.kind == "DeadlinePassed"


# --- a finished clip ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [1, 5])
async def test_a_clip_that_cannot_be_read_is_fetched_again(
    house: House, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """A busy machine, or a download that broke off in silence."""
    busy = [MediaLimit("Reading the clip took too long.")] * times
    probe = media.probe

    async def slow(*args: Any, **kwargs: Any) -> Any:
        if busy:
            raise busy.pop()
        return await probe(*args, **kwargs)

    monkeypatch.setattr(media, "probe", slow)
    job = await begun(house)
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


@pytest.mark.parametrize("slip", [Rendering(99), Queued()])
async def test_a_finished_render_that_its_service_calls_unfinished_is_asked_for_again(
    house: House, slip: Rendering | Queued
) -> None:
    """Its pages do not always agree with each other."""
    house.provider.check_answers = [Rendered("scripted://task-1"), slip, slip]
    job = await begun(house)
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED


@pytest.mark.parametrize(
    ("error", "is_kept"), [(RenderFailed("?"), True), (RenderFailed("?", billed=Billed.NO), False)]
)
async def test_a_failed_render_that_may_be_paid_stays_at_its_service(
    tmp_path: Path, clock: FakeClock, error: ProviderError, *, is_kept: bool
) -> None:
    """Its operator may still fetch what is there."""
    provider = ScriptedProvider(models=DEAR, check_answers=[error])
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.run(10)
        assert (await house.job(job.id)).state is JobState.FAILED
        assert provider.renders["task-1"].is_forgotten is not is_kept


# --- again -------------------------------------------------------------------------------------------------------------


async def test_before_a_lost_render_is_paid_again_it_is_looked_for(tmp_path: Path, clock: FakeClock) -> None:
    """Its look-up was down when the person was asked, and is not any more."""
    provider = ScriptedProvider(
        recovery=Recovery.LOOKUP, lose_answers=[Unconfirmed("?")], find_errors=[Unavailable("?")] * 30
    )
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.run(1_500)
        assert (await house.job(job.id)).state is JobState.UNCONFIRMED
        provider.find_errors = [Unavailable("?")]
        await house.press("again", "a1-1")
        await house.run(30)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert provider.submits == 1


async def test_a_look_up_that_stays_down_does_not_keep_a_person_from_paying_twice(
    tmp_path: Path, clock: FakeClock
) -> None:
    """They said so, knowing it."""
    provider = ScriptedProvider(
        recovery=Recovery.LOOKUP, lose_answers=[Unconfirmed("?")], find_errors=[Unconfirmed("Several could be it.")]
    )
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.run(20)
        provider.find_errors = [Unavailable("?")] * 100
        await house.press("again", "a1-1")
        await house.run(200)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert provider.submits == 2


@pytest.mark.parametrize("error", [RateLimited("busy", retry_after_s=1), Unavailable("down")])
async def test_a_request_that_is_repeated_keeps_its_key(tmp_path: Path, clock: FakeClock, error: ProviderError) -> None:
    """That the second one was not taken says nothing of the first."""
    provider = ScriptedProvider(recovery=Recovery.SAME_KEY, lose_answers=[Unconfirmed("?")])
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.tick()
        provider.submit_errors = [error]
        await house.run(60)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert len(provider.renders) == 1


async def test_a_repeated_request_that_is_refused_may_have_been_charged_the_first_time(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A no to the second is none to the first."""
    provider = ScriptedProvider(recovery=Recovery.SAME_KEY, lose_answers=[Unconfirmed("?")])
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.tick()
        provider.submit_errors = [Refused("No.")]
        await house.run(60)
        assert told(await house.job(job.id)) == "No. It may have been charged."


async def test_only_requests_that_vanished_are_counted_as_such(tmp_path: Path, clock: FakeClock) -> None:
    """Four times busy and once lost is not five times lost."""
    errors = [RateLimited("busy", retry_after_s=1)] * 4
    provider = ScriptedProvider(recovery=Recovery.LOOKUP, submit_errors=[*errors, Unconfirmed("never taken")])
    async with opened_house(tmp_path, clock, provider) as house:
        job = await begun(house)
        await house.run(400)
        assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_shot_that_became_ready_to_be_painted_is_not_rendered_without(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shot before it ended between two looks."""
    painter = ScriptedPainter()
    async with opened_house(tmp_path, clock, painters=[painter]) as house:
        first = await house.shot()
        paint, late = painting.paint, [None]

        async def too_early(job: Job, world: World) -> Outcome | None:
            return late.pop() if late else await paint(job, world)

        monkeypatch.setattr(painting, "paint", too_early)
        options = ShotOptions(later_s=5.0, still="brush")
        wanted = Continue(asked=house.asked(), prompt="later", shot=first.shot_code, options=options)
        job = await house.studio.continue_story(wanted)
        await house.run(30)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert not late
        assert painter.calls == 1
        assert house.provider.submits == 2
