"""Updates are kept before they are acknowledged, given out once, and found again after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import StorageUnavailable
from storage import Inbox, Kept, SqlStore, opened_store
from storage.database import Database, T, Work
from storage.tables import INBOX
from tests.databases import KINDS, empty, fresh_database, shared_database
from tests.fakes.clock import FakeClock

TELEGRAM = "telegram"


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of each kind, for all tests of the file."""
    with shared_database(request.param, tmp_path_factory.mktemp("database")) as shared:
        yield shared


@pytest.fixture
async def store(url: str, clock: FakeClock) -> AsyncIterator[SqlStore]:
    """An empty store on it."""
    async with opened_store(url, clock) as opened:
        yield opened
    empty(url)


@pytest.fixture
def inbox(store: SqlStore) -> Inbox:
    return Inbox(store)


def updates(*numbers: int) -> list[tuple[str, dict[str, Any]]]:
    return [(f"telegram:{number}", {"update_id": number}) for number in numbers]


def keys(kept: Any) -> list[int]:
    return [one.body["update_id"] for one in kept]


async def bodies(store: SqlStore) -> list[str]:
    """What is written in the table."""

    async def work(connection: AsyncConnection) -> list[str]:
        return list((await connection.execute(select(INBOX.c.body).order_by(INBOX.c.id))).scalars())

    return await store.database.read(work)


async def test_an_update_is_given_out_once(inbox: Inbox) -> None:
    """In the order in which they came; twice in one batch, in another batch, or after it was done: not again."""
    first = await inbox.keep(TELEGRAM, updates(3, 1, 3, 2))
    assert keys(first) == [3, 1, 2]
    assert [one.key for one in first] == ["telegram:3", "telegram:1", "telegram:2"]
    await inbox.done([first[1].id])
    assert keys(await inbox.keep(TELEGRAM, updates(1, 2, 4, 3))) == [4]
    assert await inbox.keep(TELEGRAM, updates(1, 2, 3, 4)) == []
    assert await inbox.keep(TELEGRAM, []) == []


async def test_what_is_not_done_waits(inbox: Inbox) -> None:
    """Oldest first, of its platform only; done twice, or of nothing, is done."""
    kept = await inbox.keep(TELEGRAM, updates(9, 7, 8))
    (other,) = await inbox.keep("discord", [("discord:1", {"update_id": 1})])
    assert await inbox.waiting(TELEGRAM) == kept
    for ids in ([kept[0].id, other.id], [kept[0].id], [], [12_345]):
        await inbox.done(ids)
    assert keys(await inbox.waiting(TELEGRAM)) == [7, 8]
    assert await inbox.waiting("discord") == []


async def test_many_at_once_are_given_out_once(inbox: Inbox) -> None:
    """The same hundred from several askers: each asker gets what the others did not."""
    batch = updates(*range(100))
    given_out = await asyncio.gather(*(inbox.keep(TELEGRAM, batch) for _ in range(4)))
    assert sorted(number for kept in given_out for number in keys(kept)) == list(range(100))
    assert keys(await inbox.waiting(TELEGRAM)) == list(range(100))


class LossyLine:
    """A database behind a line that goes dead right after the commit, for as long as `is_dead`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_dead = True

    async def read(self, work: Work[T]) -> T:
        return await self._database.read(work)

    async def write(self, work: Work[T]) -> T:
        value = await self._database.write(work)
        if self.is_dead:
            raise StorageUnavailable("the line went dead")
        return value

    async def claim(self, work: Work[T]) -> T:
        return await self.write(work)

    async def scrub(self) -> None:
        await self._database.scrub()

    async def close(self) -> None:
        await self._database.close()


async def test_what_was_kept_without_our_hearing_of_it_is_given_out_later(store: SqlStore, clock: FakeClock) -> None:
    """The platform hands it over again, as nobody acknowledged it; once given, it is not given again."""
    line = LossyLine(store.database)
    inbox = Inbox(SqlStore(line, clock))
    seen = await Inbox(store).keep(TELEGRAM, updates(1, 2))
    await Inbox(store).done([seen[0].id])
    for _ in range(2):
        with pytest.raises(StorageUnavailable):
            await inbox.keep(TELEGRAM, updates(3, 4))
    line.is_dead = False
    assert keys(await inbox.keep(TELEGRAM, updates(1, 2, 4, 3, 4, 5))) == [4, 3, 5]
    assert await inbox.keep(TELEGRAM, updates(3, 4, 5)) == []
    assert keys(await inbox.waiting(TELEGRAM)) == [2, 3, 4, 5]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(st.text(st.characters()), JSON, max_size=4))
async def test_a_body_comes_back_as_it_came(inbox: Inbox, body: dict[str, Any]) -> None:
    """Whatever stands in it, and after a restart."""
    kept = await inbox.keep(TELEGRAM, [("telegram:1", body)])
    await inbox.done([one.id for one in await inbox.waiting(TELEGRAM) if one not in kept])
    if kept:
        assert await inbox.waiting(TELEGRAM) == [Kept(kept[0].id, "telegram:1", body)]
        await inbox.done([kept[0].id])
    await inbox.sweep(0)


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "🪔 лампа 灯", "\ud83e", "\udd94\ud83e", "\U0010ffff", "\\u0000", "👩‍👩‍👧"]
)
async def test_no_text_is_too_strange(inbox: Inbox, text: str) -> None:
    """NUL, halves of surrogate pairs, what lies outside of the basic plane: as a value and as a name."""
    body = {"text": text, text: {"deep": [text]}}
    (kept,) = await inbox.keep(TELEGRAM, [("telegram:1", body)])
    assert kept.body == body
    assert await inbox.waiting(TELEGRAM) == [Kept(kept.id, "telegram:1", body)]


async def test_a_done_update_keeps_its_key_and_loses_its_words(inbox: Inbox, store: SqlStore) -> None:
    """What people wrote is not kept longer than it is needed."""
    (kept,) = await inbox.keep(TELEGRAM, [("telegram:1", {"text": "a lamp"})])
    assert await bodies(store) == ['{"text": "a lamp"}']
    await inbox.done([kept.id])
    assert await bodies(store) == ["{}"]
    assert await inbox.keep(TELEGRAM, [("telegram:1", {"text": "a lamp"})]) == []


async def test_a_sentence_is_said_once(inbox: Inbox) -> None:
    """A note is there for good, for every asker, and is no update that waits."""
    firsts = await asyncio.gather(*(inbox.first_time("no rights in telegram:-7") for _ in range(4)))
    assert sorted(firsts) == [False, False, False, True]
    assert await inbox.first_time("no rights in telegram:-8")
    assert await inbox.waiting(TELEGRAM) == await inbox.waiting("") == []


async def test_done_updates_are_swept_by_age(inbox: Inbox, store: SqlStore, clock: FakeClock) -> None:
    """By when they were done; what waits and what is noted for good stay, however old."""
    kept = await inbox.keep(TELEGRAM, updates(*range(1_205)))
    assert await inbox.first_time("note")
    await inbox.done([one.id for one in kept[:1_203]])
    clock.advance(50)
    await inbox.done([kept[1_203].id])
    clock.advance(50)
    assert await inbox.sweep(101) == 0
    assert await inbox.sweep(100) == 1_203
    assert await store.sweep(50) == 1
    assert await store.sweep(0) == 0
    assert keys(await inbox.waiting(TELEGRAM)) == [1_204]
    assert not await inbox.first_time("note")
    assert keys(await inbox.keep(TELEGRAM, updates(7, 1_204))) == [7]


async def test_two_processes_share_an_inbox(clock: FakeClock, tmp_path: Path) -> None:
    """What one of them was given, the other one is not."""
    with fresh_database("postgresql", tmp_path) as shared:
        async with opened_store(shared, clock) as one, opened_store(shared, clock) as two:
            batches = [updates(*range(start, start + 10)) for start in range(0, 60, 5)]
            asked = [Inbox(store).keep(TELEGRAM, batch) for batch in batches for store in (one, two)]
            given_out = [number for kept in await asyncio.gather(*asked) for number in keys(kept)]
    assert sorted(given_out) == list(range(65))
