"""Stories, shots, takes, clips and films: what every store promises of what is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from engine.codes import story_code
from engine.errors import Defect, NotFound
from engine.model import Ending, FileKey, Person, SeamMeasure, Shot, Story
from engine.ports import Reader, Writer
from storage import SqlStore
from tests.databases import ANA, BEN, HOME, KINDS, add_clip, new_clip, new_shot, postgres_server
from tests.fakes.clock import FakeClock


async def add_story(store: SqlStore, place: str = HOME, title: str = "The lamp") -> Story:
    return await store.write(lambda tx: tx.add_story(place, ANA, title))


async def add_shot(store: SqlStore, story: Story, parent: Shot | None = None) -> Shot:
    return await store.write(lambda tx: tx.add_shot(new_shot(story, parent=parent)))


def test_postgresql_is_tested_too() -> None:
    """All of this file and its neighbours runs on PostgreSQL as well, where there is a server; else this one says so."""
    postgres_server()
    assert "postgresql" in KINDS


async def test_a_new_story_is_current_and_can_be_typed(store: SqlStore, clock: FakeClock) -> None:
    """Its code is made from its id, and it comes back as it was given."""
    story = await add_story(store)
    assert story == Story(
        id=story.id,
        code=story_code(story.id),
        place=HOME,
        director=ANA,
        title="The lamp",
        tip_id=None,
        created_at=clock(),
    )
    assert await store.read(lambda tx: tx.story(story.code)) == story
    assert await store.read(lambda tx: tx.current_story(HOME)) == story


async def test_each_place_has_its_own_current_story(store: SqlStore) -> None:
    """A new story replaces the place's current one, and an older one can be made current again."""
    first, elsewhere, second = [await add_story(store, place) for place in (HOME, "local:away", HOME)]
    assert await store.read(lambda tx: tx.current_story(HOME)) == second
    await store.write(lambda tx: tx.set_current(HOME, first.id))
    assert await store.read(lambda tx: tx.current_story(HOME)) == first
    assert await store.read(lambda tx: tx.current_story("local:away")) == elsewhere
    assert await store.read(lambda tx: tx.current_story("local:nowhere")) is None
    assert await store.read(lambda tx: tx.stories(HOME)) == [second, first]
    assert await store.read(lambda tx: tx.stories(HOME, 1)) == [second]


async def test_a_shot_comes_back_as_it_was_given(store: SqlStore, clock: FakeClock) -> None:
    """Every option, the author, and the parent."""
    story = await add_story(store)
    root = await add_shot(store, story)
    asked = new_shot(story, parent=root, person=BEN, prompt="Лампа 🪔 灯", first_frame=FileKey("b" * 64 + ".png"))
    shot = await store.write(lambda tx: tx.add_shot(asked))
    assert shot == Shot(
        id=shot.id,
        story_id=story.id,
        story_code=story.code,
        number=2,
        parent_id=root.id,
        person=BEN,
        prompt="Лампа 🪔 灯",
        seconds=3.5,
        ratio="16:9",
        resolution="480p",
        style="default",
        provider="animatic",
        model="animatic-1",
        first_frame=FileKey("b" * 64 + ".png"),
        last_frame=None,
        chosen_take_id=None,
        created_at=clock(),
        deleted_at=None,
    )
    assert await store.read(lambda tx: tx.shot(shot.id)) == shot
    assert await store.read(lambda tx: tx.shot_by_code(story.code, 2)) == shot
    assert await store.read(lambda tx: tx.shots(story.id)) == [root, shot]


async def test_a_shot_is_rendered_otherwise_from_now_on(store: SqlStore) -> None:
    """Whatever says how comes back as it was given, first and after a change; its place in the tree and its words stay."""
    story = await add_story(store)
    how: dict[str, Any] = {"references": (FileKey("c" * 64 + ".png"),), "negative": "fog, 霧", "is_silent": True}
    how |= {"work": "extend", "is_unseeded": True, "still": "paint paint-1", "later_s": 60.5, "from_s": 4.25}
    shot = await store.write(lambda tx: tx.add_shot(new_shot(story, **how)))
    assert {name: getattr(shot, name) for name in how} == how
    other = replace(shot, provider="there", model="there-2", seconds=8.0, references=(), negative="", later_s=None)
    await store.write(lambda tx: tx.change_shot(replace(other, prompt="never this")))
    assert await store.read(lambda tx: tx.shot(shot.id)) == other


async def test_a_take_may_be_an_edit_or_begin_on_a_painting(store: SqlStore) -> None:
    """By which words of which take it was changed, and what was painted for it."""
    story = await add_story(store)
    shot = await add_shot(store, story)
    one = await store.write(lambda tx: tx.add_take(shot.id, 1, None))
    two = await store.write(lambda tx: tx.add_take(shot.id, 1, None, edit="more fog", edited_take_id=one.id))
    assert (one.edit, one.edited_take_id, two.edit, two.edited_take_id) == ("", None, "more fog", one.id)
    await store.write(lambda tx: tx.paint_take(two.id, FileKey("d" * 64 + ".png")))
    assert await store.read(lambda tx: tx.take(two.id)) == replace(two, first_frame=FileKey("d" * 64 + ".png"))


async def test_numbers_are_given_once(store: SqlStore) -> None:
    """Many shots added at once get 1, 2, … and a number is not given again after its shot was deleted."""
    story = await add_story(store)
    shots = await asyncio.gather(*(add_shot(store, story) for _ in range(20)))
    assert sorted(shot.number for shot in shots) == list(range(1, 21))
    newest = max(shots, key=lambda shot: shot.number)
    await store.write(lambda tx: tx.delete_shot(newest.id))
    assert (await add_shot(store, story)).number == 21


async def test_the_tip_is_remembered(store: SqlStore) -> None:
    """The end of the canon is set and unset."""
    story = await add_story(store)
    shot = await add_shot(store, story)
    for tip in (shot.id, None):
        await store.write(lambda tx, tip=tip: tx.set_tip(story.id, tip))  # type: ignore[misc]  # a lambda's default
        assert await store.read(lambda tx: tx.story(story.code)) == replace(story, tip_id=tip)


async def test_the_newest_shot_is_a_living_one_of_the_current_story(store: SqlStore) -> None:
    """Deleted shots and other stories are passed over."""
    story = await add_story(store)
    first, second = await add_shot(store, story), await add_shot(store, story)
    assert await store.read(lambda tx: tx.newest_shot(HOME)) == second
    await store.write(lambda tx: tx.delete_shot(second.id))
    assert await store.read(lambda tx: tx.newest_shot(HOME)) == first
    await add_story(store)
    assert await store.read(lambda tx: tx.newest_shot(HOME)) is None


async def test_takes_are_numbered_within_their_shot(store: SqlStore) -> None:
    """They come by shot and number, with a clip as soon as they have one."""
    story = await add_story(store)
    first, second = await add_shot(store, story), await add_shot(store, story)
    one = await store.write(lambda tx: tx.add_take(second.id, 2**31 - 1, None))
    two = await store.write(lambda tx: tx.add_take(first.id, 5, None))
    three = await store.write(lambda tx: tx.add_take(second.id, 6, two.id))
    assert [one.number, two.number, three.number] == [1, 1, 2]
    assert (one.seed, one.clip, three.parent_take_id) == (2**31 - 1, None, two.id)
    seam = SeamMeasure(score=76.4, lightness=0.03, colour=0.01, depth=3, line_lightness=0.06, line_colour=0.02)
    cut = replace(new_clip(), is_cut=True, seam=seam, ending=Ending(fault="black", sharpest_s=5.7083))
    await store.write(lambda tx: tx.add_clip(three.id, cut))
    three = replace(three, clip=cut)
    assert await store.read(lambda tx: tx.takes([second.id, first.id])) == [two, one, three]
    assert await store.read(lambda tx: tx.take(three.id)) == three
    assert await store.read(lambda tx: tx.takes([])) == []


async def test_a_take_learns_where_it_starts(store: SqlStore) -> None:
    """Its parent take may be set when its render begins, also one that is younger than itself."""
    story = await add_story(store)
    shot = await add_shot(store, story)
    take = await store.write(lambda tx: tx.add_take(shot.id, 1, None))
    younger = await store.write(lambda tx: tx.add_take(shot.id, 2, None))
    await store.write(lambda tx: tx.start_take(take.id, younger.id))
    assert await store.read(lambda tx: tx.take(take.id)) == replace(take, parent_take_id=younger.id)


async def test_a_take_is_chosen(store: SqlStore) -> None:
    """The chosen take is the shot's."""
    story = await add_story(store)
    shot = await add_shot(store, story)
    take = await store.write(lambda tx: tx.add_take(shot.id, 1, None))
    await store.write(lambda tx: tx.choose_take(shot.id, take.id))
    assert await store.read(lambda tx: tx.shot(shot.id)) == replace(shot, chosen_take_id=take.id)


async def test_a_clip_is_added_once(store: SqlStore) -> None:
    """A second clip for the same take changes nothing, and a take that is not there is said."""
    story = await add_story(store)
    take = await store.write(lambda tx: add_clip(tx, story, "a"))
    await store.write(lambda tx: tx.add_clip(take.id, new_clip("b")))
    found = await store.read(lambda tx: tx.take(take.id))
    assert found is not None
    assert found.clip == new_clip("a")
    with pytest.raises(NotFound):
        await store.write(lambda tx: tx.add_clip(take.id + 99, new_clip()))


async def test_a_deleted_shot_keeps_its_place_and_loses_its_clips(store: SqlStore, clock: FakeClock) -> None:
    """It can still be found by its code; its files are named once each, and its clips leave takes and history."""
    story = await add_story(store)
    asked = new_shot(story, first_frame=FileKey("f" * 64 + ".png"), last_frame=FileKey("f" * 64 + ".png"))
    shot = await store.write(lambda tx: tx.add_shot(asked))

    async def two_takes(tx: Writer) -> None:
        for name in "ab":
            take = await tx.add_take(shot.id, 1, None)
            await tx.add_clip(take.id, new_clip(name))

    await store.write(two_takes)
    files = await store.write(lambda tx: tx.delete_shot(shot.id))
    assert sorted(files) == ["a" * 64 + ".mp4", "b" * 64 + ".mp4", "f" * 64 + ".png"]
    assert await store.read(lambda tx: tx.shot_by_code(story.code, 1)) == replace(shot, deleted_at=clock())
    assert [take.clip for take in await store.read(lambda tx: tx.takes([shot.id]))] == [None, None]
    page = await store.read(lambda tx: tx.history(place=HOME, person=None, before=None, limit=10))
    assert page.items == ()
    assert await store.write(lambda tx: tx.delete_shot(shot.id)) == []


async def test_a_film_lives_until_it_is_deleted(store: SqlStore, clock: FakeClock) -> None:
    """It has a number of its own, lists its shots, and is gone from every look-up afterwards."""
    story = await add_story(store)
    films = [await store.write(lambda tx: tx.add_film(story.id, BEN, ("a1-1", "a1-3"), new_clip())) for _ in "12"]
    assert [film.code for film in films] == [f"{story.code}-f1", f"{story.code}-f2"]
    first, second = films
    assert (first.person, first.shots, first.clip, first.created_at) == (BEN, ("a1-1", "a1-3"), new_clip(), clock())
    assert await store.read(lambda tx: tx.films(story.id)) == films
    assert await store.read(lambda tx: tx.film_by_code(story.code, 2)) == second
    assert await store.write(lambda tx: tx.delete_film(second.id)) == [new_clip().file]
    assert await store.write(lambda tx: tx.delete_film(second.id)) == []
    assert await store.read(lambda tx: tx.film(second.id)) is None
    assert await store.read(lambda tx: tx.film_by_code(story.code, 2)) is None
    assert await store.read(lambda tx: tx.films(story.id)) == [first]
    assert (await store.write(lambda tx: tx.add_film(story.id, BEN, (), new_clip()))).number == 3


@pytest.mark.parametrize("who", ["clip", "film", "first frame", "last frame", "references", "painting"])
async def test_a_file_is_used_while_something_living_refers_to_it(store: SqlStore, who: str) -> None:
    """By a take, a film or a shot's given frame, and no longer once that was deleted."""
    story = await add_story(store)
    file = new_clip().file
    assert not await store.read(lambda tx: tx.file_is_used(file))
    if who == "film":
        film = await store.write(lambda tx: tx.add_film(story.id, ANA, (), new_clip()))
        assert await store.read(lambda tx: tx.file_is_used(file))
        await store.write(lambda tx: tx.delete_film(film.id))
    else:
        asked = new_shot(story)
        if who not in ("clip", "painting"):
            frames: dict[str, Any] = {who.replace(" ", "_"): (FileKey("9.png"), file) if who == "references" else file}
            asked = replace(asked, **frames)
        shot = await store.write(lambda tx: tx.add_shot(asked))
        if who == "clip":
            take = await store.write(lambda tx: tx.add_take(shot.id, 1, None))
            await store.write(lambda tx: tx.add_clip(take.id, new_clip()))
        if who == "painting":
            take = await store.write(lambda tx: tx.add_take(shot.id, 1, None))
            await store.write(lambda tx: tx.paint_take(take.id, file))
        assert await store.read(lambda tx: tx.file_is_used(file))
        assert file in await store.write(lambda tx: tx.delete_shot(shot.id))
    assert not await store.read(lambda tx: tx.file_is_used(file))


async def test_history_is_newest_first_and_paged(store: SqlStore) -> None:
    """Of a place, of a person, or of both; each page says where the next one begins, the last one that it is the last."""
    home, away = await add_story(store), await add_story(store, "local:away")

    async def eight(tx: Writer) -> None:
        for turn, name in enumerate("abcdef01"):
            await add_clip(tx, away if turn == 3 else home, name, person=BEN if turn % 2 else ANA)

    await store.write(eight)

    async def names(place: str | None, person: Person | None, limit: int) -> list[str]:
        """What all pages together show, by the letter of the file."""
        found, before = "", None
        pages = []
        while True:
            page = await store.read(
                lambda tx, before=before: tx.history(  # type: ignore[misc]  # a lambda's default
                    place=place, person=person and person.key, before=before, limit=limit
                )
            )
            assert len(page.items) <= limit
            found = "".join(item.clip.file[0] for item in page.items)
            pages.append(found)
            before = page.next_before
            if before is None:
                return pages

    assert await names(HOME, None, 3) == ["10f", "ecb", "a"]
    assert await names(HOME, ANA, 2) == ["0e", "ca"]
    assert await names(None, BEN, 10) == ["1fdb"]
    assert await names("local:away", ANA, 10) == [""]
    assert await names("local:nowhere", None, 10) == [""]
    assert await names(None, Person("local:nobody", "?"), 10) == [""]


async def test_a_history_item_says_what_it_is(store: SqlStore, clock: FakeClock) -> None:
    """The shot's code, the take, the author and the prompt."""
    story = await add_story(store)
    await store.write(lambda tx: add_clip(tx, story, person=BEN))
    (item,) = (await store.read(lambda tx: tx.history(place=HOME, person=BEN.key, before=None, limit=1))).items
    assert (item.shot_code, item.take_number, item.person) == (f"{story.code}-1", 1, BEN)
    assert (item.prompt, item.clip, item.created_at) == ("a lamp", new_clip(), clock())


async def test_a_person_has_the_name_that_they_have_now(store: SqlStore) -> None:
    """A rename shows in everything that they ever did."""
    story = await add_story(store)
    await store.write(lambda tx: tx.know("local:away", Person(ANA.key, "Ana Maria")))
    found = await store.read(lambda tx: tx.story(story.code))
    assert found is not None
    assert found.director == Person(ANA.key, "Ana Maria")
    await asyncio.gather(*(store.write(lambda tx: tx.know("local:new", Person("local:new", "New"))) for _ in range(5)))


async def test_a_failed_write_leaves_nothing(store: SqlStore) -> None:
    """Raising anything undoes all of the transaction, and the caller gets what was raised."""

    async def half(tx: Writer) -> None:
        await tx.add_story(HOME, ANA, "half")
        raise LookupError("on the way")

    with pytest.raises(LookupError, match="on the way"):
        await store.write(half)
    assert await store.read(lambda tx: tx.stories(HOME)) == []


async def test_what_a_write_decides_on_what_it_read_holds(store: SqlStore) -> None:
    """Eight at once each count the stories and add one named after the count: as if one had come after the other."""

    async def count_and_add(tx: Writer) -> None:
        count = len(await tx.stories(HOME))
        await tx.add_story(HOME, ANA, str(count))

    await asyncio.gather(*(store.write(count_and_add) for _ in range(8)))
    titles = [story.title for story in await store.read(lambda tx: tx.stories(HOME))]
    assert sorted(titles) == list("01234567")


async def test_a_read_is_one_snapshot(store: SqlStore) -> None:
    """What is written meanwhile is not seen by a read that has begun."""
    await add_story(store)

    async def look_twice(tx: Reader) -> tuple[int, int]:
        before = len(await tx.stories(HOME))
        began.set()
        await asyncio.wait({writing}, timeout=0.2)
        return before, len(await tx.stories(HOME))

    began = asyncio.Event()

    async def write_meanwhile() -> None:
        await began.wait()
        await add_story(store)

    writing = asyncio.create_task(write_meanwhile())
    assert await store.read(look_twice) == (1, 1)
    await writing
    assert len(await store.read(lambda tx: tx.stories(HOME))) == 2


async def test_a_transaction_inside_a_transaction_is_refused(store: SqlStore) -> None:
    """It would wait for itself for ever, so it is a defect on every database."""

    async def nested(tx: Reader) -> None:
        await store.read(lambda inner: inner.stories(HOME))

    for begin in (store.read, store.write):
        with pytest.raises(Defect, match="inside a transaction"):
            await begin(nested)
    assert await store.read(lambda tx: tx.stories(HOME)) == []
