"""Places: what every store promises of what they chose, and of conversations that go on under another name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.job_model import Job, JobState, SayKind, SayState
from engine.model import FileKey, ShotOptions, Story, Take
from engine.new_rows import NewJob
from engine.ports import Writer
from storage import SqlStore, Transcript
from storage.tables import METADATA
from tests.databases import ANA, HOME, add_clip, add_render

GROUP, SUPERGROUP = "telegram:-77", "telegram:-10077"
EVERYTHING = ShotOptions(
    seconds=7.5, ratio="9:16", resolution="720p", style="Kohle 🪔\0", provider="animatic", model="animatic-1"
)


async def options_of(store: SqlStore, place: str) -> ShotOptions:
    return await store.read(lambda tx: tx.place_options(place))


async def choose(store: SqlStore, place: str, options: ShotOptions) -> None:
    await store.write(lambda tx: tx.set_place_options(place, options))


async def move(store: SqlStore, old: str = GROUP, new: str = SUPERGROUP) -> None:
    await store.write(lambda tx: tx.move_place(old, new))


async def rows(store: SqlStore) -> dict[str, list[Any]]:
    """All that is in the database, by table."""

    async def work(connection: AsyncConnection) -> dict[str, list[Any]]:
        tables = METADATA.tables.items()
        return {name: list(await connection.execute(select(table).order_by(table.c.id))) for name, table in tables}

    return await store.database.read(work)


async def begin(store: SqlStore, place: str, key: str = "update-1") -> tuple[Story, Take, Job]:
    """A story with a clip, and a live job that owes its status and its result."""

    async def work(tx: Writer) -> tuple[Story, Take, Job]:
        story = await tx.add_story(place, ANA, "The lamp")
        take = await add_clip(tx, story)
        _, _, job = await add_render(tx, story, key, place=place)
        await tx.owe(job.id, SayKind.STATUS)
        await tx.owe(job.id, SayKind.RESULT)
        return story, take, job

    return await store.write(work)


async def test_a_place_chooses_for_its_new_stories(store: SqlStore) -> None:
    """All of it comes back; another choice replaces it; nothing is what a place has that never chose, or that chose nothing."""
    assert await options_of(store, HOME) == ShotOptions()
    await choose(store, HOME, EVERYTHING)
    assert await options_of(store, HOME) == EVERYTHING
    assert await options_of(store, "local:away") == ShotOptions()
    await choose(store, HOME, ShotOptions(ratio="1:1"))
    assert await options_of(store, HOME) == ShotOptions(ratio="1:1")
    await choose(store, HOME, ShotOptions())
    assert await options_of(store, HOME) == ShotOptions()


async def test_frames_and_seed_are_not_chosen_for_a_place(store: SqlStore) -> None:
    """They belong to one shot."""
    frame = FileKey("f" * 64 + ".png")
    await choose(store, HOME, replace(EVERYTHING, seed=7, first_frame=frame, last_frame=frame))
    assert await options_of(store, HOME) == EVERYTHING


async def test_a_conversation_goes_on_under_another_name(store: SqlStore) -> None:
    """Stories, history, jobs, messages and choices are the new place's; the old one is empty."""
    story, take, job = await begin(store, GROUP)
    await choose(store, GROUP, EVERYTHING)
    post = await Transcript(store).add(GROUP, author="", body={}, nonce="1")
    await move(store)
    moved = replace(story, place=SUPERGROUP)
    assert await store.read(lambda tx: tx.current_story(SUPERGROUP)) == moved
    assert await store.read(lambda tx: tx.stories(SUPERGROUP)) == [moved]
    (item,) = (await store.read(lambda tx: tx.history(place=SUPERGROUP, person=None, before=None, limit=9))).items
    assert (item.take_number, item.shot_code) == (take.number, f"{story.code}-1")
    assert await store.read(lambda tx: tx.job(job.id)) == replace(job, place=SUPERGROUP)
    assert await options_of(store, SUPERGROUP) == EVERYTHING
    assert await Transcript(store).posts(SUPERGROUP) == [replace(post, place=SUPERGROUP)]
    says = await store.read(lambda tx: tx.says(job.id))
    assert [say.place for say in says] == [SUPERGROUP, SUPERGROUP]

    assert await store.read(lambda tx: tx.current_story(GROUP)) is None
    assert await store.read(lambda tx: tx.stories(GROUP)) == []
    assert await store.read(lambda tx: tx.newest_shot(GROUP)) is None
    assert (await store.read(lambda tx: tx.history(place=GROUP, person=None, before=None, limit=9))).items == ()
    assert await store.read(lambda tx: tx.jobs_of_place(GROUP, frozenset(JobState))) == []
    assert await options_of(store, GROUP) == ShotOptions()
    assert await Transcript(store).posts(GROUP) == []


async def test_what_is_under_way_goes_on_in_the_new_place(store: SqlStore) -> None:
    """A claimed job and a claimed message are saved as if nothing had happened, and receipts stay as they were."""
    story, _, _ = await begin(store, GROUP)
    asked = NewJob(
        kind="stitch", request_key="s", place=GROUP, person=ANA, story_id=story.id, asked_receipt=f"{GROUP}/8"
    )
    job = await store.write(lambda tx: tx.add_job(asked))
    await store.write(lambda tx: tx.owe(job.id, SayKind.STATUS))
    held = next(one for one in await store.claim_jobs(9, 30) if one.id == job.id)
    say = next(one for one in await store.claim_says(9, 30) if one.job_id == job.id)
    await move(store)
    await store.write(lambda tx: tx.save_job(replace(held, percent=40.0)))
    await store.write(lambda tx: tx.save_say(say, SayState.SENT, receipt=f"{GROUP}/9"))
    found = await store.read(lambda tx: tx.job(job.id))
    assert found is not None
    assert (found.place, found.percent, found.state) == (SUPERGROUP, 40.0, JobState.QUEUED)
    assert (found.receipt, found.asked_receipt) == (f"{GROUP}/9", f"{GROUP}/8")


async def test_what_the_new_place_has_already_stays(store: SqlStore) -> None:
    """Its current story and its own choices, which are not mixed with the other's; both places' stories are there."""
    old, _, _ = await begin(store, GROUP)
    new, _, _ = await begin(store, SUPERGROUP, "update-2")
    await choose(store, GROUP, EVERYTHING)
    await choose(store, SUPERGROUP, ShotOptions(ratio="1:1"))
    await move(store)
    assert await store.read(lambda tx: tx.current_story(SUPERGROUP)) == new
    assert await store.read(lambda tx: tx.stories(SUPERGROUP)) == [new, replace(old, place=SUPERGROUP)]
    assert await options_of(store, SUPERGROUP) == ShotOptions(ratio="1:1")


async def test_a_place_that_was_only_seen_takes_over_everything(store: SqlStore) -> None:
    """Somebody spoke there before the news of the move came."""
    story, _, _ = await begin(store, GROUP)
    await choose(store, GROUP, EVERYTHING)
    await store.write(lambda tx: tx.know(SUPERGROUP, ANA))
    await move(store)
    assert await store.read(lambda tx: tx.current_story(SUPERGROUP)) == replace(story, place=SUPERGROUP)
    assert await options_of(store, SUPERGROUP) == EVERYTHING


@pytest.mark.parametrize(
    ("old", "new"), [(GROUP, SUPERGROUP), (SUPERGROUP, SUPERGROUP), ("telegram:-5", SUPERGROUP), ("telegram:-5", "x:1")]
)
async def test_a_second_move_changes_nothing(store: SqlStore, old: str, new: str) -> None:
    """Nor one of a place that nobody knows, nor one to where it is."""
    await begin(store, GROUP)
    await choose(store, GROUP, EVERYTHING)
    await move(store)
    before = await rows(store)
    await move(store, old, new)
    assert await rows(store) == before


async def test_only_the_named_place_moves(store: SqlStore) -> None:
    """A topic of it and a longer number are other places."""
    others = [f"{GROUP}/4", f"{GROUP}7", "discord:-77"]
    for number, place in enumerate([*others, GROUP]):
        await begin(store, place, str(number))
        await choose(store, place, EVERYTHING)
    before = await rows(store)
    await move(store)
    after = await rows(store)
    for place in others:
        assert len(await store.read(lambda tx, place=place: tx.stories(place))) == 1  # type: ignore[misc]
        assert await options_of(store, place) == EVERYTHING
    assert {name: len(found) for name, found in after.items()} == {
        name: len(found) + (name == "place") for name, found in before.items()
    }


async def test_what_is_said_too_late_in_the_old_place_can_follow(store: SqlStore) -> None:
    """An update that was on its way begins a story there; the next move brings it along and changes no choice."""
    first, _, _ = await begin(store, GROUP)
    await move(store)
    late, _, _ = await begin(store, GROUP, "update-2")
    await move(store)
    assert await store.read(lambda tx: tx.current_story(SUPERGROUP)) == replace(first, place=SUPERGROUP)
    both = [replace(late, place=SUPERGROUP), replace(first, place=SUPERGROUP)]
    assert await store.read(lambda tx: tx.stories(SUPERGROUP)) == both
