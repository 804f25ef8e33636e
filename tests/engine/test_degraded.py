"""This machine at its worst, with real files and locks: a disk that is full, a database that is held, a clock that jumps."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.attempts import AttemptOutcome
from engine.errors import StorageUnavailable
from engine.job_model import Job, JobState
from engine.job_stepper import JobStepper
from engine.model import Asked, Create
from engine.news import News
from engine.open import SteadyClock
from engine.outcome import RETRY_MOST_S, World, backoff_s
from engine.providers.base import Recovery
from engine.studio import Studio
from storage import LocalFiles, SqlStore
from storage.sqlite import open_sqlite
from tests.databases import ANA, HOME
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import opened_house

SCRIPT = """
import asyncio, json, sys
from pathlib import Path
import engine.adding
from engine.errors import DiskFull
from engine.model import Create
from tests.fakes.clock import FakeClock
from tests.house import opened_house

engine.adding.DISK_LEAST_BYTES = 300_000  # of a disk of 1.5 MB
disk, ballast = Path(sys.argv[1]), Path(sys.argv[1]) / "ballast"
said = {}

def fill():
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass

async def main():
    async with opened_house(disk, FakeClock()) as house:
        create = lambda prompt: house.studio.create(Create(asked=house.asked(), prompt=prompt))
        house.provider.finishes_at_check = 1
        job = await create("a lamp")
        await house.tick()
        said["taken"] = (await house.job(job.id)).state
        fill()
        try:
            await create("a boat")
        except DiskFull as error:
            said["refused"] = str(error)
        troubles = set()
        for _ in range(30):  # longer than any outage of a service is waited for
            house.clock.advance(3_600)
            await house.tick()
            now = await house.job(job.id)
            troubles.add(now.trouble)
        said["failure"] = str(now.failure)
        said["waits"], said["troubles"] = now.state, sorted(map(str, troubles))
        ballast.unlink()
        house.clock.advance(3_600)
        await house.run(30)
        done = await house.job(job.id)
        said["done"], said["trouble"], said["submits"] = done.state, done.trouble, house.provider.submits
        said["videos"] = sum(1 for message in house.chat.messages.values() if "video" in repr(message).lower())
    print(json.dumps(said))

asyncio.run(main())
"""


@pytest.mark.timeout(300)
def test_a_paid_clip_waits_for_room_on_a_disk_that_filled_meanwhile(tmp_path: Path) -> None:
    """However long: it is told why, nothing new is begun that costs money, and with room again it is saved, paid once."""
    unshare = shutil.which("unshare")
    mount = f"mount -t tmpfs -o size=1500k none '{tmp_path}'"
    if (
        unshare is None
        or subprocess.run([unshare, "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode
    ):
        pytest.skip("no small disk can be mounted here: it needs unshare and user namespaces")
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", f"{mount} && exec '{sys.executable}' -c \"$0\" '{tmp_path}'", SCRIPT],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["failure"] == "None"
    assert "nothing was started" in said["refused"]
    assert (said["taken"], said["waits"], said["done"]) == ("rendering", "saving", "delivered")
    assert "the disk here is full, so it is saved as soon as there is room" in said["troubles"]
    assert (said["trouble"], said["submits"]) == (None, 1)


def test_the_pause_between_two_tries_stays_a_minute() -> None:
    """After days of a full disk, too."""
    assert [backoff_s(tries) for tries in (0, 1, 4, 5, 1_024, 5_000)] == [2, 4, 32, *[RETRY_MOST_S] * 3]


# --- a database that somebody else holds -----------------------------------------------------------------------------------


@asynccontextmanager
async def impatient(
    path: Path, provider: ScriptedProvider, clock: FakeClock
) -> AsyncIterator[tuple[Studio, JobStepper, SqlStore]]:
    """A studio on an SQLite file that waits for a lock for an instant only."""
    store, news = SqlStore(await open_sqlite(path, busy_ms=20), clock), News()
    files = LocalFiles(path.parent / "files")
    world = World(store=store, files=files, providers={"scripted": provider}, clock=clock, announce=news.announce)
    try:
        yield Studio(world, news, default_provider="scripted", wake=lambda: None), JobStepper(world), store
    finally:
        await store.close()


async def test_a_database_that_is_locked_for_long_loses_nothing_and_pays_once(tmp_path: Path, clock: FakeClock) -> None:
    """Locked by another program right while a paid request is out: commands are refused, and the task is written afterwards."""
    provider = ScriptedProvider(gate=asyncio.Event(), recovery=Recovery.NONE)
    path = tmp_path / "nextshot.db"
    async with impatient(path, provider, clock) as (studio, stepper, store):
        job = await studio.create(Create(asked=Asked("one", HOME, ANA), prompt="a lamp"))
        (claimed,) = await stepper.claim(9)
        step = asyncio.create_task(stepper.step(claimed))
        await asyncio.wait_for(provider.asked.wait(), 20)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert provider.gate is not None
            provider.gate.set()
            with pytest.raises(StorageUnavailable, match="locked by another program"):
                await stepper.claim(9)
            with pytest.raises(StorageUnavailable, match="locked by another program"):
                await studio.create(Create(asked=Asked("two", HOME, ANA), prompt="a boat"))
            assert (await read(store, job)).state is JobState.SUBMITTING  # it can still be looked at
            other.execute("ROLLBACK")
        await asyncio.wait_for(step, 30)
        assert (await read(store, job)).state is JobState.RENDERING
        attempts = await store.read(lambda tx: tx.attempts(job.id))
        assert [(each.outcome, each.task_id) for each in attempts] == [(AttemptOutcome.ACCEPTED, "task-1")]
        await studio.create(Create(asked=Asked("two", HOME, ANA), prompt="a boat"))
    assert provider.submits == 1


async def read(store: SqlStore, job: Job) -> Job:
    found = await store.read(lambda tx: tx.job(job.id))
    assert found is not None
    return found


# --- a clock that jumps ------------------------------------------------------------------------------------------------------


class Wall:
    """A clock on the wall that somebody sets, and a steady one beside it."""

    def __init__(self) -> None:
        self.wall, self.steady_s = datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.steady_s += seconds

    @property
    def clock(self) -> SteadyClock:
        return SteadyClock(lambda: self.wall, lambda: self.steady_s)


@pytest.mark.parametrize("hours", [-26, 5, 24 * 30])
async def test_a_clock_that_jumps_gives_nothing_up_and_sends_nothing_twice(hours: int, tmp_path: Path) -> None:
    """Back: the time goes on. Forward, by a month: a render under way is looked at, not given up as late."""
    wall = Wall()
    clock = wall.clock
    async with opened_house(tmp_path, clock) as house:  # type: ignore[arg-type]  # it is called as the other one is
        rendering = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        waiting = await house.studio.create(Create(asked=house.asked(), prompt="a boat"))
        before = clock()
        wall.wall += timedelta(hours=hours)
        assert clock() >= before
        for _ in range(60):
            wall.passes(2)
            await house.tick()
        states = [(await house.job(job.id)).state for job in (rendering, waiting)]
        assert states == [JobState.DELIVERED, JobState.DELIVERED]
        assert house.provider.submits == 2


async def test_an_intent_that_grew_old_by_a_jump_is_not_sent(tmp_path: Path) -> None:
    """Between the commit and the request the clock is set forward: who knows how long it lay? The next one is."""
    wall = Wall()
    async with opened_house(tmp_path, wall.clock) as house:  # type: ignore[arg-type]  # as above
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))

        async def jump(seen: Job) -> None:
            if seen.state is JobState.SUBMITTING and wall.wall.hour == 12:
                wall.wall += timedelta(hours=3)

        house.news.listen(jump)
        await house.tick()
        attempts = await house.store.read(lambda tx: tx.attempts(job.id))
        assert [each.outcome for each in attempts] == [AttemptOutcome.ABSENT]
        assert house.provider.submits == 0
        for _ in range(20):
            wall.passes(2)
            await house.tick()
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert house.provider.submits == 1
