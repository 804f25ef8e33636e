"""Many writes share a transaction, and each of them is still its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import Defect, NotFound, StorageUnavailable
from engine.ports import Writer
from storage import SqlStore, group_commit, open_store, opened_store
from storage.one_trip import connect
from storage.sqlite import SqliteDatabase
from tests.databases import ANA, HOME
from tests.fakes.clock import FakeClock


@pytest.fixture
async def store(tmp_path: Path, clock: FakeClock) -> AsyncIterator[SqlStore]:
    async with opened_store(f"sqlite:///{tmp_path / 'nextshot.db'}", clock) as opened:
        yield opened


def database_of(store: SqlStore) -> SqliteDatabase:
    assert isinstance(store.database, SqliteDatabase)
    return store.database


async def titles(store: SqlStore) -> set[str]:
    return {story.title for story in await store.read(lambda tx: tx.stories(HOME, 1000))}


async def write(store: SqlStore, title: str) -> None:
    await store.write(lambda tx: tx.add_story(HOME, ANA, title))


async def fail(tx: Writer) -> None:
    await tx.add_story(HOME, ANA, "undone")
    raise NotFound("It is not there.")


async def refer_to_nothing(tx: Writer) -> None:
    await tx.add_story(HOME, ANA, "undone too")
    await tx.add_take(1_000_000, 1, None)


async def test_many_writers_share_few_commits(store: SqlStore) -> None:
    """A hundred writes at once wait for the disk a few times, not a hundred."""
    commits = database_of(store).group.commits
    await asyncio.gather(*(write(store, str(number)) for number in range(100)))
    assert database_of(store).group.commits - commits <= 3
    assert len(await titles(store)) == 100


async def test_one_that_fails_undoes_only_itself(store: SqlStore) -> None:
    """Its neighbours in the same transaction are written, and it hears what it raised."""
    results = await asyncio.gather(
        write(store, "before"),
        store.write(fail),
        store.write(refer_to_nothing),
        write(store, "after"),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), NotFound, NotFound, type(None)]
    assert await titles(store) == {"before", "after"}
    assert database_of(store).group.commits == 1


async def test_one_that_comes_alone_and_fails_undoes_itself(store: SqlStore) -> None:
    """It needs no savepoint for that, and the next one begins anew."""
    for work in (fail, refer_to_nothing):
        with pytest.raises(NotFound):
            await store.write(work)
        await write(store, work.__name__)
    assert await titles(store) == {"fail", "refer_to_nothing"}


async def test_nobody_hears_before_the_commit(store: SqlStore) -> None:
    """Neither a value nor a failure is told while the transaction is open."""
    at_commit: list[list[bool]] = []
    writes: list[asyncio.Task[None]] = []

    @event.listens_for(database_of(store)._engine.sync_engine, "commit")
    def look(_: object) -> None:
        at_commit.append([one.done() for one in writes])

    async def fail(_: Writer) -> None:
        raise NotFound("It is not there.")

    writes += [asyncio.create_task(write(store, "a")), asyncio.create_task(store.write(fail))]
    await asyncio.wait(writes)
    assert at_commit == [[False, False]]
    assert writes[1].exception() is not None


async def test_a_commit_that_fails_is_told_to_all(store: SqlStore) -> None:
    """Nothing of the transaction is there, everybody hears the same, and the next one is written."""

    @event.listens_for(database_of(store)._engine.sync_engine, "commit", once=True)
    def pull_the_plug(_: object) -> None:
        raise OSError(5, "Input/output error")

    results = await asyncio.gather(write(store, "a"), write(store, "b"), return_exceptions=True)
    assert [type(result) for result in results] == [StorageUnavailable, StorageUnavailable]
    assert await titles(store) == set()
    await write(store, "c")
    assert await titles(store) == {"c"}


async def test_a_caller_who_is_gone_hurts_nobody(store: SqlStore) -> None:
    """Cancelled before its turn, nothing of it is written; cancelled during it, the others go on."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Writer) -> None:
        inside.set()
        await go_on.wait()
        await tx.add_story(HOME, ANA, "begun")

    begun = asyncio.create_task(store.write(slow))
    await inside.wait()
    queued = asyncio.create_task(write(store, "not begun"))
    other = asyncio.create_task(write(store, "other"))
    await asyncio.sleep(0)
    begun.cancel()
    queued.cancel()
    go_on.set()
    await asyncio.gather(begun, queued, return_exceptions=True)
    await other
    assert await titles(store) == {"begun", "other"}


async def test_a_transaction_that_nobody_waits_for_any_more_is_not_left_open(tmp_path: Path) -> None:
    """Whoever began it was cancelled before it had begun; the next one on this connection finds none."""
    with closing(sqlite3.connect(tmp_path / "nextshot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        connection = await connect(tmp_path / "nextshot.db")
        beginning = asyncio.create_task(connection.run("execute", "BEGIN IMMEDIATE", ()))
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.gather(beginning, return_exceptions=True)
        undoing = asyncio.create_task(connection.rollback())
        await asyncio.sleep(0)
        other.execute("COMMIT")
        await asyncio.wait_for(undoing, 20)
        await connection.run("execute", "SELECT 1", ())
        assert not connection.in_transaction
        await connection.close()


async def test_who_waits_too_long_is_told_and_the_writer_goes_on(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever came first and whoever came later, each in its time; what was only queued is not written behind their back."""
    monkeypatch.setattr(group_commit, "ANSWER_S", 0.1)
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def hang(_: Writer) -> None:
        inside.set()
        await go_on.wait()

    hanging = asyncio.create_task(store.write(hang))
    await inside.wait()
    queued = asyncio.create_task(write(store, "queued"))
    for waiting in (hanging, queued):
        with pytest.raises(StorageUnavailable, match="did not answer"):
            await asyncio.wait_for(waiting, 20)
    monkeypatch.undo()
    go_on.set()
    await write(store, "next")
    assert await titles(store) == {"next"}


async def test_a_write_whose_own_wait_was_cancelled_hurts_nobody(store: SqlStore) -> None:
    """The writer does not take somebody's cancelled future for its own end."""

    async def wait_in_vain(tx: Writer) -> None:
        await tx.add_story(HOME, ANA, "undone")
        gone = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    with pytest.raises(Defect, match="cancelled"):
        await store.write(wait_in_vain)
    await write(store, "next")
    assert await titles(store) == {"next"}


async def test_closing_writes_what_is_queued_and_ends_the_writer(tmp_path: Path, clock: FakeClock) -> None:
    """No task and no connection stays; afterwards every call says that the database is closed."""
    url = f"sqlite:///{tmp_path / 'nextshot.db'}"
    store = await open_store(url, clock)
    writes = [asyncio.create_task(write(store, str(number))) for number in range(5)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*writes)
    with pytest.raises(StorageUnavailable, match="closed"):
        await write(store, "late")
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("storage")]
    await store.close()
    async with opened_store(url, clock) as again:
        assert await titles(again) == {"0", "1", "2", "3", "4"}


async def test_readers_cannot_write(store: SqlStore) -> None:
    """The pool of readers is read-only in the database itself."""

    async def sneak(connection: AsyncConnection) -> None:
        await connection.exec_driver_sql("DELETE FROM story")

    with pytest.raises(StorageUnavailable, match="read-only"):
        await store.database.read(sneak)


async def test_the_disk_is_waited_for_and_rows_refer_to_rows(store: SqlStore) -> None:
    """The pragmas that the promises rest on hold on the connection that writes."""

    async def ask(connection: AsyncConnection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]

    assert await store.database.write(ask) == ["wal", 2, 1, 10_000]
