"""The same update handled twice (a crash between our commit and the note that it was handled) does nothing a second time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.errors import NotFound, Unconfirmed
from engine.housekeeping import UPDATES_KEPT_S, tidy_up
from engine.job_model import JobState
from engine.model import Create
from engine.ports import Writer
from tests.house import ANA, BEN, HOME, House


async def test_a_cancel_that_comes_again_stops_no_second_job(house: House) -> None:
    """It gives the job that it stopped; the other one goes on."""
    house.provider.finishes_at_check = 100
    first = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    second = await house.studio.create(Create(asked=house.asked(), prompt="a fox"))
    await house.run(2)
    asked = house.asked()
    assert (await house.studio.cancel(asked, None)).id == second.id
    again = await house.studio.cancel(asked, None)
    assert (again.id, again.state) == (second.id, JobState.CANCELLED)
    assert (await house.job(first.id)).state is JobState.RENDERING
    assert (await house.studio.cancel(house.asked(), None)).id == first.id
    assert (await house.studio.cancel(asked, "b1")).id == second.id


async def test_a_cancel_that_was_refused_may_come_again(house: House) -> None:
    """Only what was done is noted."""
    asked = house.asked()
    with pytest.raises(NotFound, match="Nothing of yours is running here"):
        await house.studio.cancel(asked, None)
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    assert (await house.studio.cancel(asked, None)).state is JobState.CANCELLED


async def test_a_render_is_sent_again_once_per_update(house: House) -> None:
    """Each time may cost money."""
    house.provider.lose_answers = [Unconfirmed("lost"), Unconfirmed("lost")]
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(5)
    asked = house.asked()
    await house.studio.again(asked, "a1-1")
    await house.run(5)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED
    assert (await house.studio.again(asked, "a1-1")).state is JobState.UNCONFIRMED
    assert (await house.studio.again(asked, "a1")).id == job.id
    await house.run(5)
    assert house.provider.submits == 2


async def test_a_deletion_that_comes_again_says_the_same(house: House) -> None:
    """Not that there is nothing to delete."""
    await house.shot()
    asked = house.asked()
    assert [await house.studio.delete(asked, "A1-1") for _ in range(2)] == ["a1-1", "a1-1"]
    with pytest.raises(NotFound, match="a1-1 was deleted"):
        await house.studio.delete(house.asked(), "a1-1")


async def test_a_choice_that_comes_again_does_not_undo_a_later_one(house: House) -> None:
    """Neither the tip, nor the take, nor the current story."""
    await house.shot()
    for said in ("/continue a boat", "/continue a1-1 a storm", "/create a fox", "/retake a1-1"):
        await house.say(said)
        await house.run(10)
    tip, take, story = house.asked(), house.asked(), house.asked()
    await house.studio.choose(tip, "a1-3")
    await house.studio.choose(house.asked(BEN), "a1-2")
    assert not (await house.studio.choose(tip, "a1-3")).on_canon
    await house.studio.choose(take, "a1-1", 1)
    newer = await house.studio.choose(house.asked(BEN), "a1-1", 2)
    assert (await house.studio.choose(take, "a1-1", 1)).shot.chosen_take_id == newer.shot.chosen_take_id
    await house.studio.open_story(story, "a1")
    await house.studio.open_story(house.asked(BEN), "b1")
    assert not (await house.studio.open_story(story, "a1")).is_current


async def test_old_notes_are_forgotten(house: House) -> None:
    """Once no platform hands the update over again; newer ones stay."""
    await house.shot()
    await house.shot("a fox")
    old, new = house.asked(), house.asked()
    await house.studio.open_story(old, "a1")
    house.clock.now += timedelta(seconds=UPDATES_KEPT_S + 1)
    await house.studio.open_story(new, "b1")
    await tidy_up(house.stepper._world)
    first_times = await house.store.write(lambda tx: _first_times(tx, old.key, new.key))
    assert first_times == [True, False]


async def _first_times(tx: Writer, *keys: str) -> list[bool]:
    return [await tx.first_time(key) for key in keys]


async def test_the_message_that_asks_is_kept_with_its_job(house: House) -> None:
    """So that what is said about the job can stand under it."""
    assert await house.say("/create a lamp", ANA, receipt="local:41") is None
    await house.run(10)
    assert await house.say("/continue a boat", BEN, receipt="local:42") is None
    assert await house.press("stitch", "a1", receipt="local:43") is not None  # a1-2 has no clip yet
    await house.run(10)
    assert await house.press("stitch", "a1", receipt="local:44") is None
    assert [job.asked_receipt for job in await house.studio.jobs(HOME)] == ["local:44"]
    receipts = [(await house.job(number)).asked_receipt for number in (1, 2, 3)]
    assert receipts == ["local:41", "local:42", "local:44"]
