"""NEXTSHOT_KEEP_DAYS: words and clips of stories that nobody touches go, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from engine.erasing import empty_old_stories
from engine.job_model import JobState
from engine.model import Continue, Create
from engine.outcome import World
from storage import Transcript
from tests.house import ANA, HOME, House

KEEP = timedelta(days=30)


def keeping(house: House, keep: timedelta | None = KEEP) -> World:
    return replace(house.stepper._world, keep=keep)


async def test_an_untouched_story_loses_words_and_clips(house: House) -> None:
    """Its jobs and their sums stay; what was touched later is as it was."""
    old = await house.shot("a zebra")
    file = await house.studio.download(HOME, old.subject)
    house.clock.advance(20 * 86_400)
    young = await house.shot("a boat")
    house.clock.advance(11 * 86_400)
    assert await empty_old_stories(keeping(house)) == 1
    assert not file.exists()
    kept = await house.job(old.id)
    assert (kept.state, kept.quoted_usd) == (JobState.DELIVERED, old.quoted_usd)
    assert [item.prompt for item in (await house.studio.history(HOME, ANA.key)).items] == ["a boat"]
    assert (await house.studio.download(HOME, young.subject)).exists()
    assert await empty_old_stories(keeping(house)) == 0


async def test_without_the_setting_everything_stays(house: House) -> None:
    """For ever."""
    old = await house.shot("a zebra")
    house.clock.advance(5_000 * 86_400)
    assert await empty_old_stories(keeping(house, None)) == 0
    assert (await house.studio.download(HOME, old.subject)).exists()


async def test_a_story_goes_on_when_it_is_continued(house: House) -> None:
    """The days count anew from then, for all of it."""
    old = await house.shot("a zebra")
    house.clock.advance(29 * 86_400)
    await house.studio.continue_story(Continue(asked=house.asked(), prompt="and a boat"))
    await house.run(10)
    house.clock.advance(2 * 86_400)
    assert await empty_old_stories(keeping(house)) == 0
    assert (await house.studio.download(HOME, old.subject)).exists()


async def test_a_live_job_keeps_its_story(house: House) -> None:
    """However long it takes, until it is over."""
    house.provider.finishes_at_check = 10_000
    job = await house.studio.create(Create(asked=house.asked(), prompt="a zebra"))
    await house.tick()
    house.clock.advance(31 * 86_400)
    assert await empty_old_stories(keeping(house)) == 0
    assert (await house.job(job.id)).state is not JobState.CANCELLED


async def test_old_messages_of_the_web_page_go(house: House) -> None:
    """In whatever room."""
    transcript = Transcript(house.store)
    await transcript.add(HOME, author=ANA.key, body={"text": "hello"}, nonce="n")
    house.clock.advance(29 * 86_400)
    await empty_old_stories(keeping(house))
    assert len(await transcript.posts(HOME)) == 1
    house.clock.advance(2 * 86_400)
    await empty_old_stories(keeping(house))
    assert await transcript.posts(HOME) == []
