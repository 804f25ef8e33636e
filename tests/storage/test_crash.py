"""Processes that die or race: what was acknowledged stays, and nothing is held twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert

from storage import Inbox, SqlStore, opened_store
from storage.tables import JOB
from tests.databases import ANA, HOME, ON_DISK, add_render, fresh_database
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parents[2]

WRITER = """
import asyncio, os, sys
from datetime import UTC, datetime
from engine.model import Person
from storage import opened_store

ANA = Person("local:ana", "Ana")

async def write(store, writer):
    for number in range(100_000):
        title = f"{os.getpid()}-{writer}-{number}"
        await store.write(lambda tx: tx.add_story("local:home", ANA, title))
        os.write(1, f"{title}\\n".encode())

async def main():
    async with opened_store(sys.argv[1], lambda: datetime.now(UTC)) as store:
        await asyncio.gather(*(write(store, writer) for writer in range(8)))

asyncio.run(main())
"""

CLAIMER = """
import asyncio, sys
from datetime import UTC, datetime
from storage import opened_store

async def claim(store):
    while jobs := await store.claim_jobs(3, 600):
        for job in jobs:
            print(job.id)

async def main():
    async with opened_store(sys.argv[1], lambda: datetime.now(UTC)) as store:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.gather(*(claim(store) for _ in range(4)))

asyncio.run(main())
"""

KEEPER = """
import asyncio, os, sys
from datetime import UTC, datetime
from storage import Inbox, opened_store

async def keep(inbox, keeper):
    for number in range(100_000):
        batch = [(f"{os.getpid()}-{keeper}-{number}-{part}", {"part": part}) for part in range(3)]
        kept = await inbox.keep("telegram", batch)
        os.write(1, "".join(f"kept {one.key}\\n" for one in kept).encode())
        await inbox.done([kept[0].id])
        os.write(1, f"done {kept[0].key}\\n".encode())

async def main():
    async with opened_store(sys.argv[1], lambda: datetime.now(UTC)) as store:
        await asyncio.gather(*(keep(Inbox(store), keeper) for keeper in range(4)))

asyncio.run(main())
"""


def start(script: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


async def titles(store: SqlStore) -> set[str]:
    return {story.title for story in await store.read(lambda tx: tx.stories(HOME, 1_000_000))}


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, clock: FakeClock) -> None:
    """Twice in a row on the same file, in the middle of many writes; and the file is whole."""
    url = f"sqlite:///{tmp_path / 'nextshot.db'}"
    acknowledged: set[str] = set()
    for turn in range(2):
        writer = start(WRITER, url)
        assert writer.stdout
        lines = [await asyncio.to_thread(writer.stdout.readline) for _ in range(40)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += await asyncio.to_thread(writer.stdout.readlines)
        writer.wait()
        writer.stdout.close()
        assert writer.stdin
        writer.stdin.close()
        acknowledged |= {line.strip() for line in lines if line.endswith("\n")}
        async with opened_store(url, clock) as store:
            found = await titles(store)
            assert acknowledged <= found, f"lost in turn {turn}: {acknowledged - found}"
            check = await store.database.read(lambda connection: connection.exec_driver_sql("PRAGMA integrity_check"))
            assert check.scalar() == "ok"


async def test_kill_9_loses_no_update_and_gives_none_out_twice(tmp_path: Path, clock: FakeClock) -> None:
    """What was kept waits after the crash unless it was done, and the platform may hand all of it over again."""
    url = f"sqlite:///{tmp_path / 'nextshot.db'}"
    keeper = start(KEEPER, url)
    assert keeper.stdout
    lines = [await asyncio.to_thread(keeper.stdout.readline) for _ in range(120)]
    os.kill(keeper.pid, signal.SIGKILL)
    lines += await asyncio.to_thread(keeper.stdout.readlines)
    keeper.wait()
    keeper.stdout.close()
    assert keeper.stdin
    keeper.stdin.close()
    said = [line.split() for line in lines if line.endswith("\n")]
    kept, done = ({key for word, key in said if word == which} for which in ("kept", "done"))
    async with opened_store(url, clock) as store:
        inbox = Inbox(store)
        waiting = {one.key for one in await inbox.waiting("telegram")}
        again = await inbox.keep("telegram", [(key, {}) for key in sorted(kept)])
    assert again == []
    assert done
    assert waiting.isdisjoint(done)
    # Between the commit and its line on stdout a process may die, so up to one update of each keeper is done and not said so.
    assert len(kept - done - waiting) <= 4


async def test_two_processes_never_claim_the_same_job(tmp_path: Path) -> None:
    """Four claimers in each of two processes over 900 jobs of one PostgreSQL database."""
    with fresh_database("postgresql", tmp_path) as url:
        async with opened_store(url, FakeClock()) as store:
            story = await store.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
            job = {"kind": "render", "state": "queued", "plan": [], "place_id": 1, "person_id": 1, "story_id": story.id}
            job |= {"provider": "animatic", "model": "", "due_at": 0, "created_at": 0}
            jobs = [job | {"request_key": str(number)} for number in range(900)]
            await store.database.write(lambda connection: connection.execute(insert(JOB), jobs))
        claimers = [start(CLAIMER, url) for _ in range(2)]
        for claimer in claimers:
            assert claimer.stdout
            assert await asyncio.to_thread(claimer.stdout.readline) == "ready\n"
        said = await asyncio.gather(*(asyncio.to_thread(claimer.communicate, "\n") for claimer in claimers))
    ids = [[int(line) for line in out.split()] for out, _ in said]
    assert all(ids), "one of them got nothing, so they did not race"
    claimed = ids[0] + ids[1]
    assert len(claimed) == len(set(claimed)) == 900


async def test_two_processes_count_as_one(tmp_path: Path) -> None:
    """Numbers stay unique when two processes of one PostgreSQL database add to the same place at once."""
    with fresh_database("postgresql", tmp_path) as url:
        async with opened_store(url, FakeClock()) as one, opened_store(url, FakeClock()) as two:
            story = await one.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))

            async def add(store: SqlStore, number: int) -> int:
                shot, _, _ = await store.write(lambda tx: add_render(tx, story, f"{number}"))
                return shot.number

            numbers = await asyncio.gather(*(add(store, n) for n, store in enumerate([one, two] * 8)))
            assert sorted(numbers) == list(range(1, 17))


@pytest.mark.parametrize("kind", ON_DISK)
async def test_processes_open_a_new_database_at_once(kind: str, tmp_path: Path) -> None:
    """The migrations run once, and everybody goes on."""
    with fresh_database(kind, tmp_path) as url:
        openers = [start(CLAIMER, url) for _ in range(2)]
        said = await asyncio.gather(*(asyncio.to_thread(opener.communicate, "\n") for opener in openers))
        assert [out for out, _ in said] == ["ready\n"] * 2
