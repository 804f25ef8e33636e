"""Who is whom: what every store promises of identities that are joined to one person, and of the codes that join them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.job_model import Job, SayKind
from engine.model import Person, Story, Take
from engine.new_rows import NewJob
from engine.ports import Writer
from storage import SqlStore
from storage.tables import METADATA, PERSON
from tests.databases import HOME, add_clip, add_render, new_clip
from tests.fakes.clock import FakeClock

TELE, DISCORD, MATRIX = Person("telegram:1", "Tea"), Person("discord:2", "Dee"), Person("matrix:3", "May")
EVE = Person("discord:9", "Eve")
WHOSE = {"story": 1, "shot": 2, "clip": 1, "film": 1, "job": 2}
"""How many rows `begin` makes in the tables that name a person."""


async def begin(store: SqlStore, person: Person, place: str = HOME) -> tuple[Story, Take, Job]:
    """A story with a clip and a film, a live job, and a stitch."""

    async def work(tx: Writer) -> tuple[Story, Take, Job]:
        story = await tx.add_story(place, person, "The lamp")
        take = await add_clip(tx, story, person=person)
        await tx.add_film(story.id, person, (f"{story.code}-1",), new_clip("b"))
        _, _, job = await add_render(tx, story, f"{person.key} {story.code}", person=person, place=place)
        await tx.add_job(
            NewJob(kind="stitch", request_key=f"{job.request_key} f", place=place, person=person, story_id=story.id)
        )
        await tx.owe(job.id, SayKind.STATUS)
        return story, take, job

    return await store.write(work)


async def join(store: SqlStore, one: Person, other: Person) -> None:
    await store.write(lambda tx: tx.join_persons(one, other))


async def owned(store: SqlStore) -> dict[str, dict[str, int]]:
    """How many rows each identity has, by table."""

    async def work(connection: AsyncConnection) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for name, table in METADATA.tables.items():
            if "person_id" in table.c:
                whose = PERSON.c.id == table.c.person_id
                counted = select(PERSON.c.key, func.count()).where(whose).group_by(PERSON.c.key)
                for key, number in await connection.execute(counted):
                    found.setdefault(key, {})[name] = number
        return found

    return await store.database.read(work)


async def cells(store: SqlStore) -> dict[str, list[dict[str, Any]]]:
    """All that is in the database but whose it is."""

    async def work(connection: AsyncConnection) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for name, table in METADATA.tables.items():
            rows = (await connection.execute(select(table).order_by(table.c.id))).mappings()
            found[name] = [{key: cell for key, cell in row.items() if key != "person_id"} for row in rows]
        del found["person"]
        return found

    return await store.database.read(work)


async def history(store: SqlStore, key: str | None) -> list[tuple[int, str]]:
    page = await store.read(lambda tx: tx.history(place=None, person=key, before=None, limit=50))
    return [(item.id, item.person.key) for item in page.items]


async def test_a_join_gives_everything_to_the_one_person(store: SqlStore) -> None:
    """Stories, shots, clips, films and jobs of both are its; nothing is lost, nothing else changes, nobody else is touched."""
    for person in (TELE, DISCORD, EVE):
        await begin(store, person)
    before = await cells(store)
    assert await owned(store) == {person.key: WHOSE for person in (TELE, DISCORD, EVE)}
    await join(store, TELE, DISCORD)
    assert await owned(store) == {
        TELE.key: {table: 2 * number for table, number in WHOSE.items()},
        EVE.key: WHOSE,
    }
    assert await cells(store) == before


async def test_both_keys_have_one_history(store: SqlStore) -> None:
    """Whichever is asked, and in any place."""
    for person in (TELE, DISCORD, EVE):
        await begin(store, person, place=f"{person.key}/room")
    everything = await history(store, None)
    await join(store, TELE, DISCORD)
    mine = await history(store, TELE.key)
    assert mine == await history(store, DISCORD.key)
    assert [key for _, key in mine] == [TELE.key, TELE.key]
    assert sorted(mine + await history(store, EVE.key)) == sorted(
        (number, TELE.key if key == DISCORD.key else key) for number, key in everything
    )
    here = await store.read(lambda tx: tx.history(place="discord:2/room", person=TELE.key, before=None, limit=5))
    assert [item.person for item in here.items] == [TELE]


async def test_what_is_written_under_a_joined_key_is_the_one_person_s(store: SqlStore) -> None:
    """A step that was claimed before the join writes its film so; the name is the one that was written last."""
    await begin(store, TELE)
    await join(store, TELE, DISCORD)
    story, _, job = await begin(store, DISCORD)
    assert (story.director, job.person) == (Person(TELE.key, "Dee"), Person(TELE.key, "Dee"))
    assert set(await owned(store)) == {TELE.key}
    await store.write(lambda tx: tx.know(HOME, Person(TELE.key, "Tea again")))
    found = await store.read(lambda tx: tx.story(story.code))
    assert found is not None
    assert found.director.name == "Tea again"


async def test_an_identity_is_known_as_its_person(store: SqlStore) -> None:
    """Nobody else, and who was never seen, is known as anybody but themselves."""
    assert await store.read(lambda tx: tx.known_as("telegram:77")) == "telegram:77"
    assert list(await store.read(lambda tx: tx.identities("telegram:77"))) == ["telegram:77"]
    await join(store, TELE, DISCORD)
    await store.write(lambda tx: tx.know(HOME, EVE))
    for key, one in ((TELE.key, TELE.key), (DISCORD.key, TELE.key), (EVE.key, EVE.key), ("telegram:1", TELE.key)):
        assert await store.read(lambda tx, key=key: tx.known_as(key)) == one  # type: ignore[misc]
    for person in (TELE, DISCORD):
        keys = await store.read(lambda tx, key=person.key: tx.identities(key))  # type: ignore[misc]
        assert list(keys) == [TELE.key, DISCORD.key]


async def test_a_person_of_two_identities_is_joined_whole(store: SqlStore) -> None:
    """All of them lead to the one person straight, however it was reached."""
    for person in (TELE, DISCORD, MATRIX):
        await begin(store, person)
    await join(store, DISCORD, MATRIX)
    await join(store, TELE, MATRIX)
    assert list(await store.read(lambda tx: tx.identities(MATRIX.key))) == [TELE.key, DISCORD.key, MATRIX.key]
    assert await owned(store) == {TELE.key: {table: 3 * number for table, number in WHOSE.items()}}
    assert await store.read(lambda tx: tx.known_as(MATRIX.key)) == TELE.key


async def test_a_second_join_changes_nothing(store: SqlStore) -> None:
    """In either direction."""
    for person in (TELE, DISCORD):
        await begin(store, person)
    await join(store, TELE, DISCORD)
    before = await owned(store)
    await join(store, TELE, DISCORD)
    await join(store, DISCORD, TELE)
    assert await owned(store) == before
    assert list(await store.read(lambda tx: tx.identities(TELE.key))) == [TELE.key, DISCORD.key]


async def test_a_parted_identity_begins_anew(store: SqlStore) -> None:
    """What was made stays with the one person, and what it makes from now on is its own."""
    for person in (TELE, DISCORD):
        await begin(store, person)
    await join(store, TELE, DISCORD)
    before = await owned(store)
    await store.write(lambda tx: tx.part_identities([DISCORD.key]))
    assert await owned(store) == before
    assert list(await store.read(lambda tx: tx.identities(TELE.key))) == [TELE.key]
    assert await store.read(lambda tx: tx.known_as(DISCORD.key)) == DISCORD.key
    assert await history(store, DISCORD.key) == []
    await begin(store, DISCORD)
    assert (await owned(store))[DISCORD.key] == WHOSE
    assert [key for _, key in await history(store, DISCORD.key)] == [DISCORD.key]


async def test_a_step_under_way_goes_on(store: SqlStore) -> None:
    """A job that was claimed before the join is saved, and is the one person's."""
    _, _, job = await begin(store, DISCORD)
    held = next(one for one in await store.claim_jobs(9, 30) if one.id == job.id)
    await join(store, TELE, DISCORD)
    await store.write(lambda tx: tx.save_job(held, detail="on"))
    found = await store.read(lambda tx: tx.job(job.id))
    assert found is not None
    assert found.person.key == TELE.key


async def test_a_join_that_is_broken_off_changes_nothing(store: SqlStore) -> None:
    """It is one transaction with everything else."""
    for person in (TELE, DISCORD):
        await begin(store, person)
    before = await owned(store)

    async def fails(tx: Writer) -> None:
        await tx.join_persons(TELE, DISCORD)
        raise LookupError("on the way")

    with pytest.raises(LookupError):
        await store.write(fails)
    assert await owned(store) == before
    assert await store.read(lambda tx: tx.known_as(DISCORD.key)) == DISCORD.key


async def test_what_is_made_during_a_join_is_the_one_person_s(store: SqlStore) -> None:
    """Commands under both keys beside the join: no row is the joined identity's in the end, and none is missing."""
    await store.write(lambda tx: tx.know(HOME, TELE))
    await begin(store, DISCORD)
    await asyncio.gather(
        *(begin(store, person, f"room {number}") for number in range(3) for person in (TELE, DISCORD)),
        join(store, TELE, DISCORD),
    )
    assert await owned(store) == {TELE.key: {table: 7 * number for table, number in WHOSE.items()}}


async def test_an_identity_has_one_code(store: SqlStore, clock: FakeClock) -> None:
    """The newest, as it was given; a code of somebody else is not taken over."""
    end = clock() + timedelta(seconds=600)
    assert await store.write(lambda tx: tx.put_link_code(TELE, "h1", end))
    assert await store.write(lambda tx: tx.put_link_code(TELE, "h2", end))
    assert await store.read(lambda tx: tx.link_code("h1")) is None
    assert await store.read(lambda tx: tx.link_code("h2")) == (TELE.key, end)
    assert not await store.write(lambda tx: tx.put_link_code(DISCORD, "h2", end))
    assert await store.read(lambda tx: tx.link_code("h2")) == (TELE.key, end)
    await store.write(lambda tx: tx.drop_link_codes([DISCORD.key, TELE.key]))
    assert await store.read(lambda tx: tx.link_code("h2")) is None


async def test_a_code_is_the_identity_s_that_asked(store: SqlStore, clock: FakeClock) -> None:
    """Also where it is joined to another, and not the one person's."""
    await join(store, TELE, DISCORD)
    await store.write(lambda tx: tx.put_link_code(DISCORD, "h1", clock()))
    await store.write(lambda tx: tx.put_link_code(TELE, "h2", clock()))
    assert await store.read(lambda tx: tx.link_code("h1")) == (DISCORD.key, clock())


async def test_wrong_codes_are_counted_by_identity(store: SqlStore, clock: FakeClock) -> None:
    """Those after a time."""
    await store.write(lambda tx: tx.miss_link_code(EVE))
    begun = clock()
    clock.advance(60)
    await store.write(lambda tx: tx.miss_link_code(EVE))
    await store.write(lambda tx: tx.miss_link_code(TELE))
    assert await store.read(lambda tx: tx.link_misses(EVE.key, begun - timedelta(seconds=1))) == 2
    assert await store.read(lambda tx: tx.link_misses(EVE.key, begun)) == 1
    assert await store.read(lambda tx: tx.link_misses("discord:77", begun)) == 0


async def test_expired_codes_are_forgotten(store: SqlStore, clock: FakeClock) -> None:
    """And wrong ones that are as old as that; a living code stays."""
    await store.write(lambda tx: tx.put_link_code(TELE, "h1", clock() + timedelta(seconds=10)))
    await store.write(lambda tx: tx.put_link_code(EVE, "h2", clock() + timedelta(seconds=600)))
    await store.write(lambda tx: tx.miss_link_code(EVE))
    clock.advance(100)
    await store.write(lambda tx: tx.miss_link_code(EVE))
    await store.sweep(100)
    assert await store.read(lambda tx: tx.link_code("h1")) is None
    assert await store.read(lambda tx: tx.link_code("h2")) is not None
    counted = await store.database.read(lambda connection: connection.scalar(text("SELECT count(*) FROM link_miss")))
    assert counted == 1
