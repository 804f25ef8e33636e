"""What is offered while somebody types: what is there in this place, in time, and never an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.discord.choices import Choice
from bot.discord.markdown import units
from bot.discord.suggest import LISTS_KEPT, Suggestions
from engine.job_model import Job
from engine.model import Clip, Continue, Create, FileKey, Person
from engine.new_rows import NewShot
from engine.ports import Reader, Writer
from engine.views import ShotView
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.house import ANA, BEN, HOME, OPERATOR, House, opened_house

AWAY = "local:away"
LATE_S = 0.05
"""How long these wait for a database that does not answer."""


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    async with opened_house(tmp_path, clock) as opened:
        yield opened


@pytest.fixture
async def offers(house: House) -> AsyncIterator[Suggestions]:
    made = Suggestions(house.studio, 60)
    yield made
    await made.close()


async def offered(
    offers: Suggestions,
    command: str,
    field: str,
    typed: str = "",
    given: Mapping[str, str | float | bool] | None = None,
    *,
    place: str = HOME,
    person: str = ANA.key,
) -> list[Choice]:
    return await offers.suggest(place, person, command, field, typed, given or {})


async def codes(
    offers: Suggestions,
    command: str,
    field: str,
    typed: str = "",
    given: Mapping[str, str | float | bool] | None = None,
    *,
    place: str = HOME,
    person: str = ANA.key,
) -> list[str]:
    """The values alone."""
    return [each.value for each in await offered(offers, command, field, typed, given, place=place, person=person)]


async def begun(house: House, prompt: str, person: Person = ANA, place: str = HOME) -> None:
    """A story with one shot that waits for its render."""
    await house.studio.create(Create(asked=house.asked(person, place), prompt=prompt))


async def went_on(house: House, prompt: str, person: Person = ANA) -> None:
    """Another shot, that waits too."""
    await house.studio.continue_story(Continue(asked=house.asked(person), prompt=prompt))


async def rendered(house: House, only: str = "") -> None:
    """What waits here (with this code) has a clip now, as far as the database knows: nothing here looks into a file."""
    for job in reversed(await house.studio.jobs(HOME)):
        if only not in {"", job.subject}:
            continue
        await house.studio.cancel(house.asked(OPERATOR), job.subject)
        clip = Clip(file=FileKey(f"{job.id:064x}.mp4"), bytes=1, seconds=1, width=64, height=36, fps=24)

        async def work(tx: Writer, job: Job = job, clip: Clip = clip) -> None:
            assert job.take_id is not None
            assert job.shot_id is not None
            shot = await tx.shot(job.shot_id)
            assert shot is not None
            await tx.add_clip(job.take_id, clip)
            await tx.choose_take(shot.id, job.take_id)
            await tx.set_tip(shot.story_id, shot.id)

        await house.store.write(work)


async def filmed(house: House) -> None:
    """A film of the current story."""
    view = await house.studio.story(HOME)
    assert view is not None
    story, codes = view.story, tuple(each.shot.code for each in view.shots)
    clip = Clip(file=FileKey(f"{story.id:063x}f.mp4"), bytes=1, seconds=1, width=64, height=36, fps=24)
    await house.store.write(lambda tx: tx.add_film(story.id, ANA, codes, clip))


@asynccontextmanager
async def busy_database(house: House, readers: int = 1) -> AsyncIterator[None]:
    """Nothing else can be read meanwhile."""
    began, over = [asyncio.Event() for _ in range(readers)], asyncio.Event()

    async def hold(began: asyncio.Event) -> None:
        async def work(tx: Reader) -> None:
            began.set()
            await over.wait()

        await house.store.read(work)

    holders = [asyncio.create_task(hold(each), name="holder") for each in began]
    for each in began:
        await asyncio.wait_for(each.wait(), 5)
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*holders)


async def test_shots_come_newest_first_with_who_and_what(house: House, offers: Suggestions) -> None:
    """By code, person and prompt on one line."""
    await begun(house, "a lamp\nburns")
    await went_on(house, "a *boat* answers", BEN)
    assert await offered(offers, "show", "clip") == [
        Choice("a1-2 · Ben: a *boat* answers", "a1-2"),
        Choice("a1-1 · Ana: a lamp burns", "a1-1"),
    ]


async def test_the_code_goes_before_the_words_and_case_does_not_count(house: House, offers: Suggestions) -> None:
    """What begins with what was typed is offered; every word of it has to."""
    await begun(house, "the lamp of A1-2")
    await went_on(house, "A Boat, then Another")
    assert await codes(offers, "show", "clip", "A1-2") == ["a1-2", "a1-1"]
    assert await codes(offers, "show", "clip", "BOA ano") == ["a1-2"]
    assert await codes(offers, "show", "clip", "boat lamp") == []
    assert await codes(offers, "show", "clip", "oat") == []
    assert await codes(offers, "show", "clip", "-") == []


async def test_deleted_shots_are_not_offered(house: House, offers: Suggestions) -> None:
    """Nor films of that kind."""
    await begun(house, "a lamp")
    await rendered(house)
    await filmed(house)
    assert await codes(offers, "show", "clip") == ["a1-f1", "a1-1"]
    assert await codes(offers, "retake", "shot") == ["a1-1"]
    await house.studio.delete(house.asked(), "a1-f1")
    await house.studio.delete(house.asked(), "a1-1")
    assert await codes(offers, "show", "clip") == []


async def test_nothing_is_told_of_another_place(house: House, offers: Suggestions) -> None:
    """Not to its author either: others read along."""
    await begun(house, "a lamp")
    await begun(house, "a secret", place=AWAY)
    assert await codes(offers, "show", "clip", "b1-") == []
    assert await codes(offers, "story", "story", place=AWAY) == ["b1"]
    assert await codes(offers, "story", "story") == ["a1"]
    assert await codes(offers, "stitch", "shots", "", {"story": "b1"}) == []
    assert await codes(offers, "cancel", "shot") == ["a1-1"]
    assert await codes(offers, "cancel", "shot", place=AWAY) == ["b1-1"]


async def test_stories_are_offered_by_title(house: House, offers: Suggestions) -> None:
    """Newest first."""
    await begun(house, "a lamp")
    await begun(house, "a boat")
    assert await offered(offers, "story", "story") == [Choice("b1 · “a boat”", "b1"), Choice("a1 · “a lamp”", "a1")]
    assert await codes(offers, "stitch", "story", "LAMP") == ["a1"]


async def test_the_shots_of_another_story_of_the_place_are_offered_by_its_code(
    house: House, offers: Suggestions
) -> None:
    """Typed with its dash, or chosen in the field beside it."""
    await begun(house, "a lamp")
    await begun(house, "a boat")
    await rendered(house)
    assert await codes(offers, "show", "clip") == ["b1-1"]
    assert await codes(offers, "show", "clip", "A1-") == ["a1-1"]
    assert await codes(offers, "show", "clip", "a1-9") == []
    assert await codes(offers, "stitch", "shots", "", {"story": "A1"}) == ["a1-1"]
    assert await codes(offers, "stitch", "shots", "", {"story": "no such story"}) == []


async def test_a_list_of_shots_is_completed_word_by_word(house: House, offers: Suggestions) -> None:
    """Only the last word is being typed; what stands before it stays and is not offered again."""
    await begun(house, "a lamp")
    for prompt in ("a boat", "the fog"):
        await went_on(house, prompt)
    await rendered(house)
    assert await codes(offers, "stitch", "shots") == ["a1-3", "a1-2", "a1-1"]
    assert await codes(offers, "stitch", "shots", "A1-1, ") == ["a1-1 a1-3", "a1-1 a1-2"]
    assert await offered(offers, "stitch", "shots", "a1-1 boa") == [Choice("a1-1 a1-2 · Ana: a boat", "a1-1 a1-2")]
    many = " ".join(["c9-1"] * 14)
    assert await offered(offers, "stitch", "shots", f"{many} boat") == [
        Choice("14 shots, then a1-2 · Ana: a boat", f"{many} a1-2")
    ]
    assert await codes(offers, "stitch", "shots", " ".join(["c9-1"] * 20) + " boat") == []


async def test_only_what_the_command_can_use_is_offered(house: House, offers: Suggestions) -> None:
    """A shot without a clip cannot be downloaded, one that is being rendered cannot be retaken."""
    await begun(house, "a lamp")
    await went_on(house, "a boat")
    await rendered(house, only="a1-1")
    assert await codes(offers, "continue", "shot") == ["a1-2", "a1-1"]
    for command, field in (
        ("download", "clip"),
        ("retake", "shot"),
        ("choose", "shot"),
        ("stitch", "shots"),
        ("delete", "clip"),
    ):
        assert await codes(offers, command, field) == ["a1-1"]


async def test_a_given_video_is_not_offered_for_a_retake(house: House, offers: Suggestions) -> None:
    """Nothing renders it again; to show it is possible."""
    await begun(house, "a lamp")
    await rendered(house)
    view = await house.studio.show(HOME, "a1-1")
    assert isinstance(view, ShotView)
    shot = view.shot
    given = NewShot(
        story_id=shot.story_id,
        parent_id=shot.id,
        person=ANA,
        prompt="",
        seconds=1,
        ratio="16:9",
        resolution="480p",
        style="",
        provider="",
        model="",
        first_frame=None,
        last_frame=None,
    )
    await house.store.write(lambda tx: tx.add_shot(given))
    assert await offered(offers, "show", "clip", "a1-2") == [Choice("a1-2 · Ana", "a1-2")]
    assert await codes(offers, "retake", "shot") == ["a1-1"]


async def test_what_is_running_is_offered_to_be_cancelled_ones_own_first(house: House, offers: Suggestions) -> None:
    """And nothing that is over."""
    await begun(house, "a lamp")
    await rendered(house)
    for person, prompt in ((ANA, "a boat"), (BEN, "the fog")):
        await begun(house, prompt, person)
    assert await codes(offers, "cancel", "shot") == ["b1-1", "c1-1"]
    assert await offered(offers, "cancel", "shot", person=BEN.key) == [
        Choice("c1-1 · Ben: queued", "c1-1"),
        Choice("b1-1 · Ana: queued", "b1-1"),
    ]


async def test_ones_own_shots_are_the_first_to_be_deleted(house: House, offers: Suggestions) -> None:
    """Others' stay below: an admin may delete them."""
    await begun(house, "a lamp")
    await went_on(house, "a boat", BEN)
    await went_on(house, "the fog")
    await rendered(house)
    assert await codes(offers, "delete", "clip", person=BEN.key) == ["a1-2", "a1-3", "a1-1"]


async def test_who_paints_is_offered(tmp_path: Path, clock: FakeClock) -> None:
    """Painters with their models, as `--still` takes them."""
    async with opened_house(tmp_path, clock, painters=(ScriptedPainter(),)) as house:
        offers = Suggestions(house.studio, 60)
        assert await codes(offers, "create", "still") == ["brush fine", "brush rough"]
        assert await codes(offers, "continue", "still", "ro") == ["brush rough"]
        await offers.close()


async def test_models_providers_and_styles_are_those_that_are_there(offers: Suggestions) -> None:
    """Those of the chosen provider and model; a setting can be reset too."""
    assert await offered(offers, "create", "provider") == [Choice("scripted · one, blind", "scripted")]
    assert await codes(offers, "create", "model", "", {"provider": "scripted"}) == ["one", "blind"]
    assert await codes(offers, "create", "model", "BL") == ["blind"]
    assert await codes(offers, "create", "style") == ["plain", "ink", "default"]
    assert await codes(offers, "create", "style", "", {"model": "one"}) == ["plain", "ink"]
    assert await codes(offers, "create", "style", "in") == ["ink", "plain"]
    assert await codes(offers, "settings", "model") == ["default", "one", "blind"]
    assert await codes(offers, "settings", "seconds") == ["default", "1", "2", "0.5", "10"]


@pytest.mark.parametrize(
    ("command", "field"),
    [("vanished", "shot"), ("create", "vanished"), ("create", "prompt"), ("create", "seed"), ("stitch", "pick")],
)
async def test_where_nothing_can_be_offered_nothing_is(offers: Suggestions, command: str, field: str) -> None:
    """A field of another version among them."""
    assert await offered(offers, command, field, "a1-1") == []


async def test_no_more_is_offered_than_is_shown(house: House, offers: Suggestions) -> None:
    """25 at most, each cut to 100 characters."""
    await begun(house, "🗼" * 300)
    for _ in range(30):
        await went_on(house, "🗼 " * 300)
    choices = await offered(offers, "show", "clip")
    assert len(choices) == 25
    assert choices[0].value == "a1-31"
    assert all(90 < units(each.name) <= 100 for each in choices)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///{}/house.db"])
async def test_a_late_database_is_answered_for_from_memory(url: str, tmp_path: Path, clock: FakeClock) -> None:
    """What was known last, narrowed to what is typed now; afterwards the database is asked as before."""
    async with opened_house(tmp_path, clock, url=url.format(tmp_path)) as house:
        offers = Suggestions(house.studio, 60)
        await begun(house, "a lamp")
        assert await codes(offers, "show", "clip") == ["a1-1"]
        offers._within_s = LATE_S
        async with busy_database(house, readers=1 if url == "sqlite://" else 4):
            assert await codes(offers, "show", "clip", "lam") == ["a1-1"]
            assert await codes(offers, "show", "clip", "boat") == []
        await went_on(house, "a boat")
        offers._within_s = 60
        await asyncio.gather(*offers._loading.values())
        assert await codes(offers, "show", "clip") == ["a1-2", "a1-1"]


async def test_where_nothing_is_known_a_code_is_offered_as_it_was_typed(house: House) -> None:
    """A possible one, so that it can be sent; anything else is not."""
    offers = Suggestions(house.studio, LATE_S)
    async with busy_database(house):
        assert await offered(offers, "show", "clip", "K7-4") == [Choice("k7-4", "k7-4")]
        assert await codes(offers, "stitch", "shots", "k7-1, K7-2") == ["k7-1 k7-2"]
        assert await codes(offers, "show", "clip", "a lamp") == []
        assert await codes(offers, "show", "clip") == []
    await offers.close()


async def test_a_closed_database_is_no_error(house: House, offers: Suggestions) -> None:
    """While the process ends, somebody may still type."""
    await begun(house, "a lamp")
    before = await codes(offers, "show", "clip")
    await house.store.close()
    assert await codes(offers, "show", "clip") == before == ["a1-1"]


async def test_what_comes_late_is_good_for_the_next_letter(house: House) -> None:
    """And it is read once, however fast somebody types."""
    offers = Suggestions(house.studio, LATE_S)
    await begun(house, "a lamp")
    async with busy_database(house):
        assert await asyncio.gather(*(codes(offers, "show", "clip", "l") for _ in range(20))) == [[]] * 20
        assert len(offers._loading) == 1
    await asyncio.gather(*offers._loading.values())
    assert offers._loading == {}
    async with busy_database(house):
        assert await codes(offers, "show", "clip", "l") == ["a1-1"]
    await offers.close()


async def test_nothing_is_read_after_the_end(house: House) -> None:
    """What is still being read is given up."""
    offers = Suggestions(house.studio, LATE_S)
    async with busy_database(house):
        assert await codes(offers, "show", "clip") == []
        await offers.close()
        assert offers._loading == {}


async def test_what_is_remembered_stays_small(offers: Suggestions) -> None:
    """However many places there are."""
    places = [f"discord:{number}" for number in range(LISTS_KEPT + 20)]
    await asyncio.gather(*(codes(offers, "story", "story", place=place) for place in places))
    assert len(offers._known) == LISTS_KEPT
