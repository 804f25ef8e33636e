"""What a film is to be, from what was chosen and what there is."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import RequestError
from engine.film_options import (
    Captions,
    Fill,
    FilmFormat,
    StitchOptions,
    Transition,
    options_from_json,
)
from engine.films import check_film, credit_names, script_of
from engine.media.script import Script
from engine.model import Clip, FileKey, Person, Shot, Stitch, Story
from engine.ports import Writer
from tests.house import ANA, BEN, HOME, House

NOW = datetime(2026, 11, 22, tzinfo=UTC)
STORY = Story(id=1, code="k7", place=HOME, director=BEN, title="The lamp", tip_id=3, created_at=NOW)


def piece(number: int, author: Person = ANA) -> tuple[Shot, Clip]:
    shot = Shot(
        id=number,
        story_id=1,
        story_code="k7",
        number=number,
        parent_id=None,
        person=author,
        prompt=f"shot {number}",
        seconds=4,
        ratio="16:9",
        resolution="720p",
        style="",
        provider="animatic",
        model="",
        first_frame=None,
        last_frame=None,
        chosen_take_id=number,
        created_at=NOW,
        deleted_at=None,
    )
    return shot, Clip(file=FileKey(f"{number}.mp4"), bytes=1, seconds=4, width=64, height=36, fps=24)


def script(options: StitchOptions, count: int = 3) -> Script:
    return script_of(STORY, [piece(number) for number in range(1, count + 1)], options, lambda key: Path("/kept") / key)


OPTIONS = st.builds(
    StitchOptions,
    transition=st.sampled_from(Transition),
    transition_s=st.floats(0.1, 3),
    seams=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(Transition)), max_size=3).map(tuple),
    levels=st.booleans(),
    card=st.none() | st.text(max_size=20),
    credits=st.booleans(),
    captions=st.sampled_from(Captions),
    caption_texts=st.lists(st.text(max_size=9), max_size=3).map(tuple),
    music=st.none() | st.just("a.sound"),
    voice=st.none() | st.just("b.sound"),
    ratio=st.none() | st.sampled_from(["16:9", "1:1"]),
    fill=st.sampled_from(Fill),
    format=st.sampled_from(FilmFormat),
    limit_bytes=st.none() | st.integers(1, 10**12),
    is_preview=st.booleans(),
)


@given(OPTIONS)
def test_options_come_back_from_the_database_as_they_were(options: StitchOptions) -> None:
    """Through JSON, and also where a later program has added one of which this one knows nothing."""
    kept = json.loads(json.dumps(asdict(options)))
    assert options_from_json({**kept, "added_later": 1}) == options


@given(OPTIONS)
def test_a_script_reaches_the_child_as_it_is(options: StitchOptions) -> None:
    """Through JSON, with every text final and every file a path."""
    made = script(options)
    assert Script.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_seam_that_is_named_has_its_own_transition() -> None:
    """All others have the film's."""
    options = StitchOptions(transition=Transition.DISSOLVE, seams=((2, Transition.WIPE),))
    assert script(options).transitions == (Transition.DISSOLVE, Transition.WIPE)
    assert script(StitchOptions()).transitions == (Transition.CUT, Transition.CUT)
    assert script(options, count=1).transitions == ()


def test_a_card_says_what_it_is_told_or_the_title() -> None:
    """And without a word there is none."""
    assert [script(StitchOptions(card=card)).card for card in (None, "", "Fog")] == ["", "The lamp", "Fog"]


def test_captions_are_the_prompts_or_what_was_given() -> None:
    """Shots for which nothing was given have none; where no captions are wanted there are no texts at all."""
    burned = StitchOptions(captions=Captions.BURNED)
    assert script(burned).caption_texts == ("shot 1", "shot 2", "shot 3")
    assert script(replace(burned, caption_texts=("one", ""))).caption_texts == ("one", "", "")
    assert script(StitchOptions(caption_texts=("one",))).caption_texts == ()


def test_no_caption_is_drawn_over_a_draft_that_shows_its_words() -> None:
    """The subtitles have them all the same."""
    (drawn, clip), (shot, other) = piece(1), piece(2)
    both = StitchOptions(captions=Captions.BOTH)
    made = script_of(STORY, [(drawn, clip), (replace(shot, provider="fal"), other)], both, Path)
    assert (made.caption_texts, made.burned_texts) == (("shot 1", "shot 2"), ("", "shot 2"))
    assert script(StitchOptions(captions=Captions.TRACK)).burned_texts == ()


def test_everybody_is_named_once_in_the_order_in_which_they_came_in() -> None:
    """Who began the story is named too, and a name is one line."""
    cleo = Person("local:cleo", " Cleo\nthe  Great ")
    assert credit_names(STORY, [piece(1)[0], piece(2, cleo)[0], piece(3)[0]]) == ("Ana", "Cleo the Great", "Ben")
    assert script(StitchOptions()).credits == ()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (StitchOptions(transition_s=0), "takes 0.1 to 3 seconds, not 0"),
        (StitchOptions(transition_s=float("nan")), "takes 0.1 to 3 seconds"),
        (StitchOptions(volume=-1), "volume is 0 to 4"),
        (StitchOptions(volume=float("inf")), "volume is 0 to 4"),
        (StitchOptions(music_volume=5), "music volume is 0 to 4"),
        (StitchOptions(ratio="4:3"), "cannot be 4:3"),
        (StitchOptions(seams=((3, Transition.WIPE),)), "has seams 1 to 2; there is no seam 3"),
        (StitchOptions(seams=((0, Transition.WIPE),)), "there is no seam 0"),
        (StitchOptions(caption_texts=("a",) * 4), "4 captions and 3 shots"),
        (StitchOptions(card="a" * 201), "room for 200 letters"),
        (StitchOptions(limit_bytes=1), "at least 0.2 MB"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_made(options: StitchOptions, sentence: str) -> None:
    """In one sentence that says what can."""
    with pytest.raises(RequestError, match=sentence):
        check_film(options, 3)


async def told(house: House, *prompts: str) -> None:
    """A story of so many shots, each with a clip."""
    await house.shot(prompts[0])
    for prompt in prompts[1:]:
        await house.say(f"/continue {prompt}")
        await house.run(10)


async def test_what_was_wanted_is_kept_with_the_job(house: House) -> None:
    """A restart finds it; where nothing was wanted nothing is kept; a wrong wish makes no job."""
    await told(house, "a lamp", "a boat")
    options = StitchOptions(transition=Transition.FADE, credits=True)
    job = await house.studio.stitch(Stitch(asked=house.asked(), options=options))
    plain = await house.studio.stitch(Stitch(asked=house.asked()))
    assert await house.store.read(lambda tx: tx.stitch_options(job.id)) == options
    assert await house.store.read(lambda tx: tx.stitch_options(plain.id)) == StitchOptions()
    before = await house.live()
    wrong = StitchOptions(seams=((2, Transition.WIPE),))
    with pytest.raises(RequestError, match="there is no seam 2"):
        await house.studio.stitch(Stitch(asked=house.asked(), options=wrong))
    assert await house.live() == before


async def test_a_sound_is_kept_until_its_film_is_made(house: House) -> None:
    """Nobody sweeps away the music of a film that waits; afterwards nobody needs it."""
    await told(house, "a lamp")
    music = FileKey("a" * 64 + ".sound")
    job = await house.studio.stitch(Stitch(asked=house.asked(), options=StitchOptions(volume=0.5)))

    async def wish(tx: Writer) -> None:
        await tx.keep_stitch_options(job.id, StitchOptions(music=music))

    await house.store.write(wish)
    assert not await house.store.read(lambda tx: tx.file_is_used(music)), "the first wish is the one that counts"
    other = await house.studio.stitch(Stitch(asked=house.asked()))
    await house.store.write(lambda tx: tx.keep_stitch_options(other.id, StitchOptions(music=music)))
    assert await house.store.read(lambda tx: tx.file_is_used(music))
    await house.studio.cancel(house.asked(), other.story_code)
    await house.run(10)
    assert not await house.store.read(lambda tx: tx.file_is_used(music))


async def test_a_range_is_all_shots_between_its_ends(house: House) -> None:
    """Along the line that leads to the last one; of shots that do not follow each other there is no range."""
    await told(house, "a lamp", "a boat", "a storm")
    await house.say("/continue a1-1 a branch")
    await house.run(10)

    async def plan(*shots: str) -> tuple[int, ...]:
        return (await house.studio.stitch(Stitch(asked=house.asked(), shots=shots))).plan

    assert await plan("a1-2..3") == await plan("a1-2", "a1-3")
    assert await plan("a1-1..a1-4", "a1-2..a1-2") == await plan("a1-1", "a1-4", "a1-2")
    with pytest.raises(RequestError, match="a1-4 does not follow a1-2"):
        await plan("a1-2..4")
