"""What happens when two things happen at once: a person's word against a step under way, one job against another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.errors import NotFound, NotPossible, RequestError, StorageUnavailable, Unavailable
from engine.film_options import StitchOptions
from engine.job_model import Job, JobState
from engine.jobs import move
from engine.model import Continue, Create, Retake, ShotOptions, Stitch
from engine.open import SteadyClock
from engine.ports import Reader
from engine.providers.base import Recovery
from engine.views import ShotView
from tests.fakes.clock import FakeClock
from tests.house import ANA, House, opened_house


async def unconfirmed(house: House) -> int:
    """A render of which nobody knows whether it was taken."""
    house.provider.lose_answers = [TimeoutError()]
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(5)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED
    return job.id


async def cut_off(house: House) -> None:
    """The process ends while the request of the one due job is under way."""
    house.provider.gate = asyncio.Event()
    house.provider.asked.clear()
    (claimed,) = await house.stepper.claim(1)
    step = asyncio.create_task(house.stepper.step(claimed))
    await house.provider.asked.wait()
    step.cancel()
    await asyncio.wait([step])
    house.provider.gate = None


async def test_a_render_that_is_sent_again_is_told_of_to_its_end(house: House) -> None:
    """Its progress and its second failure are said as if it were the first time."""
    job_id = await unconfirmed(house)
    house.provider.finishes_at_check = 9
    house.provider.lose_answers = [TimeoutError()]
    await house.studio.again(house.asked(), "a1-1")
    await house.run(5)
    assert (await house.job(job_id)).state is JobState.UNCONFIRMED
    assert len(house.chat.messages) == 3, house.chat.seen
    await house.studio.again(house.asked(), "a1-1")
    await house.run(2)
    status = next(iter(house.chat.messages.values())).reply
    assert "rendering" in status.text, house.chat.seen
    await house.run(20)
    assert (await house.job(job_id)).state is JobState.DELIVERED
    assert len(house.chat.videos) == 1


async def test_an_unconfirmed_render_that_is_left_is_told_so(house: House) -> None:
    """The status message says that it was cancelled."""
    job_id = await unconfirmed(house)
    await house.studio.cancel(house.asked(), "a1-1")
    await house.run(5)
    assert (await house.job(job_id)).state is JobState.CANCELLED
    assert "cancelled" in next(iter(house.chat.messages.values())).reply.text, house.chat.seen


async def test_a_shot_that_was_deleted_is_not_sent_again(house: House) -> None:
    """The question about its render may still stand in the chat."""
    await unconfirmed(house)
    await house.studio.delete(house.asked(), "a1-1")
    with pytest.raises(NotFound, match="deleted"):
        await house.studio.again(house.asked(), "a1-1")


async def test_a_shot_is_rendered_by_one_job_at_a_time(house: House) -> None:
    """A retake that runs already makes the older render wait."""
    job_id = await unconfirmed(house)
    await house.studio.retake(Retake(asked=house.asked(), shot="a1-1"))
    with pytest.raises(RequestError, match="begun anew"):
        await house.studio.again(house.asked(), "a1-1")
    assert (await house.job(job_id)).state is JobState.UNCONFIRMED


async def test_a_render_that_cannot_be_looked_up_is_asked_about(tmp_path: Path, clock: FakeClock) -> None:
    """A provider that stays silent long enough has not said that nothing was taken: it may have been charged."""
    async with opened_house(tmp_path, clock) as house:
        house.provider.recovery = Recovery.LOOKUP
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await cut_off(house)
        house.provider.find_errors = [Unavailable("It does not answer.")] * 99
        await house.store.release_leases()
        await house.run(3_000)
        after = await house.job(job.id)
        assert (after.state, after.failure and after.failure.billed.value) == (JobState.UNCONFIRMED, "unknown")


async def test_what_was_cut_off_while_it_was_sent_is_looked_at_at_the_next_start(house: House) -> None:
    """Not a minute later: nobody else can hold it then."""
    house.provider.recovery = Recovery.SAME_KEY
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await cut_off(house)
    await house.store.release_leases()
    await house.tick()
    assert (await house.job(job.id)).state is JobState.RENDERING


async def test_a_step_that_failed_writes_nothing_over_whoever_has_its_job_now(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one took the job over and found the render, between the failed step's last look and its word."""
    read, reads = house.store.read, 0
    others: list[Job] = []

    async def take_over(job: Job) -> None:
        if job.state is JobState.SUBMITTING and not others:
            house.clock.advance(200)
            others.extend(await house.stepper.claim(1))
            monkeypatch.setattr(house.store, "read", read_once)

    async def read_once(work: Callable[[Reader], Awaitable[Any]]) -> Any:
        nonlocal reads
        reads += 1
        if reads == 1:
            raise StorageUnavailable("The disk is away.")
        seen = await read(work)
        if reads == 2:
            found = move(others[0], JobState.RENDERING, task_id="task-9", due_at=house.clock())
            await house.store.write(lambda tx: tx.save_job(found))
        return seen

    house.news.listen(take_over)
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (claimed,) = await house.stepper.claim(1)
    await house.stepper.step(claimed)
    after = await house.job(job.id)
    assert (after.state, after.task_id, reads > 1) == (JobState.RENDERING, "task-9", True)


async def test_the_same_key_means_the_same_request(house: House) -> None:
    """Also when the shot before it was rendered again in the meantime."""
    house.provider.recovery = Recovery.SAME_KEY
    first = await house.shot()
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="the boat"))
    await cut_off(house)
    retake = await house.studio.retake(Retake(asked=house.asked(), shot="a1-1"))
    await house.run(10)
    assert (await house.job(retake.id)).state is JobState.DELIVERED
    await house.run(150)
    order = list(house.provider.renders.values())[-1].order
    clip = await house.store.read(lambda tx: tx.take(first.take_id or 0))
    assert clip is not None
    assert clip.clip is not None
    assert order.first_frame is not None
    assert order.first_frame.parent.name == clip.clip.file.partition(".")[0]


async def test_the_canon_falls_back_to_a_shot_that_is_being_rendered(house: House) -> None:
    """Who cancels the newest shot goes on after the one before it, also while that has no clip yet."""
    await house.shot()
    house.provider.finishes_at_check = 99
    for prompt in ("second", "third"):
        await house.studio.continue_story(Continue(asked=house.asked(), prompt=prompt))
    await house.run(2)
    await house.studio.cancel(house.asked(), "a1-3")
    job = await house.studio.continue_story(Continue(asked=house.asked(), prompt="instead"))
    shot = await house.studio.show(job.place, "a1-4")
    assert isinstance(shot, ShotView)
    assert shot.parent_code == "a1-2"


@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.SAVING])
async def test_a_cancel_during_a_step_leaves_no_work_directory(house: House, state: JobState) -> None:
    """The step comes back to a job that is over, and takes away what it made."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    while (await house.job(job.id)).state is not state:
        await house.tick()
        house.clock.advance(1)
    (claimed,) = await house.stepper.claim(1)
    await house.studio.cancel(house.asked(), "a1-1")
    await house.stepper.step(claimed)
    assert (await house.job(job.id)).state is JobState.CANCELLED
    assert [name for name in await house.files.works() if name.startswith("job-")] == []


async def test_a_picture_of_a_refused_command_is_not_held(house: House, tmp_path: Path) -> None:
    """Housekeeping may take it away again."""
    picture = tmp_path / "given.png"
    await asyncio.to_thread(Image.new("RGB", (96, 96), "red").save, picture)
    key = await house.studio.keep_picture(picture)
    options = ShotOptions(seconds=900, first_frame=key)
    with pytest.raises(NotPossible):
        await house.studio.create(Create(asked=house.asked(ANA), prompt="a lamp", options=options))
    assert await house.files.delete(key)


def test_the_clock_never_goes_back() -> None:
    """Where the machine's is set back, the time goes on from where it was, so that nothing due waits for hours."""
    wall, monotonic = FakeClock(), [100.0]
    clock = SteadyClock(wall, lambda: monotonic[0])
    began = clock()
    wall.advance(-3_600)
    monotonic[0] += 5
    assert clock() == began + timedelta(seconds=5)
    wall.advance(7_200)
    assert clock() == wall()


async def test_a_cancelled_stitch_stops_its_work_at_once(house: House) -> None:
    """The child process is killed, not left to finish a film that nobody wants."""
    await house.shot()
    cards = StitchOptions(card="a film that takes a while", credits=True)
    job = await house.studio.stitch(Stitch(asked=house.asked(), options=cards))
    await house.tick()
    house.clock.advance(1)
    (claimed,) = await house.stepper.claim(1)
    step = asyncio.create_task(house.stepper.step(claimed))
    async with asyncio.timeout(30):
        while f"job-{job.id}" not in await house.files.works():  # noqa: ASYNC110  # a directory tells nobody
            await asyncio.sleep(0.01)
    assert not step.done()
    await house.studio.cancel(house.asked(), None)
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(step, 5)
    assert (await house.job(job.id)).state is JobState.CANCELLED
    assert f"job-{job.id}" not in await house.files.works()


async def test_a_shot_whose_parent_was_deleted_meanwhile_says_so(house: House) -> None:
    """A retake of something that is gone would be no way out."""
    await house.shot()
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="a boat"))
    await house.studio.delete(house.asked(), "a1-1")
    await house.run(20)
    assert house.chat.seen[-1] == (
        "a1-2 · by Ana\na1-1, which a1-2 continues, was deleted; /continue another shot. Nothing was charged."
    )


async def test_a_shot_with_a_picture_of_its_own_waits_for_nobody(house: House, tmp_path: Path) -> None:
    """It continues the story, and starts on the given picture."""
    Image.new("RGB", (128, 72), "red").save(tmp_path / "red.png")
    house.provider.finishes_at_check = 50
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    options = ShotOptions(first_frame=await house.studio.keep_picture(tmp_path / "red.png"))
    job = await house.studio.continue_story(Continue(asked=house.asked(), prompt="red", options=options))
    await house.run(3)
    assert (await house.job(job.id)).state is JobState.RENDERING
