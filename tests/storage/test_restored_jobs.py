"""What is put back from a backup sends nothing by itself that reality may have paid for since."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from engine.attempts import AttemptOutcome
from engine.job_model import Job, JobState, SayKind
from engine.job_stepper import JobStepper
from engine.jobs import LIVE, move
from engine.model import Asked, Continue, Create, ShotOptions
from engine.news import News
from engine.outcome import World
from engine.providers.base import Recovery
from engine.studio import Studio
from storage import Inbox, LocalFiles, SqlStore, opened_store
from storage.backup import back_up
from storage.backup_archive import Progress
from storage.backup_restore import restore
from storage.backup_rows import dump_rows
from tests.databases import ANA, HOME
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider

DRAWN = ShotOptions(provider="animatic", model="one")


@dataclass
class Working:
    """A data directory in which jobs are stepped by hand."""

    store: SqlStore
    studio: Studio
    stepper: JobStepper
    clock: FakeClock

    async def create(self, name: str, options: ShotOptions = ShotOptions()) -> Job:  # noqa: B008  # frozen
        return await self.studio.create(Create(asked=Asked(name, HOME, ANA), prompt=name, options=options))

    async def step(self, *which: Job) -> None:
        """One step of what is due of these."""
        for job in await self.stepper.claim(100):
            if job.id in {each.id for each in which}:
                await self.stepper.step(job)

    async def cut_off(self, job: Job, provider: ScriptedProvider) -> None:
        """Its process dies between the request and the answer."""
        provider.gate, provider.asked = asyncio.Event(), asyncio.Event()
        cut = asyncio.create_task(self.step(job))
        await asyncio.wait_for(provider.asked.wait(), 20)
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
        provider.gate = None

    async def start_again(self) -> None:
        """As a new process does; then until nothing more happens."""
        await self.store.release_leases()
        for _ in range(400):
            jobs = await self.stepper.claim(100)
            await asyncio.gather(*map(self.stepper.step, jobs))
            self.clock.advance(0 if jobs else 2)
            if not [job for job in await self.studio.jobs(HOME) if job.state in LIVE - {JobState.ASKING}]:
                return

    async def states(self, jobs: Sequence[Job]) -> list[str]:
        return [str(found.state) for job in jobs if (found := await self.studio.job(job.id))]


def working(store: SqlStore, root: Path, clock: FakeClock, *providers: ScriptedProvider) -> Working:
    news, by_name = News(), {each.name: each for each in providers}
    world = World(store=store, files=LocalFiles(root), providers=by_name, clock=clock, announce=news.announce)
    studio = Studio(world, news, default_provider=providers[0].name, wake=lambda: None)
    return Working(store, studio, JobStepper(world), clock)


@pytest.mark.parametrize("recovery", Recovery)
async def test_nothing_in_an_old_backup_is_paid_for_again(recovery: Recovery, tmp_path: Path, clock: FakeClock) -> None:
    """Reality went on: all was sent, rendered and forgotten. What is put back asks, checks and draws, and sends nothing."""
    paid, free = ScriptedProvider(recovery=recovery), ScriptedProvider(name="animatic")
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    async with opened_store(f"sqlite:///{old / 'nextshot.db'}", clock) as store:
        before = working(store, old, clock, paid, free)
        jobs = await live_jobs(before, paid)
        assert await before.states(jobs) == ["rendering", "submitting", "queued", "queued", "asking", "rendering"]
        await Inbox(store).keep("telegram", [("telegram:9", {"text": "/create once more"})])
        dump = lambda directory: dump_rows(store.database, directory)  # noqa: E731
        await back_up(dump, old / "files", tmp_path / "b.tar", Progress(), made_by="nextshot 9", clock=clock)
        await before.start_again()
        assert (await before.states(jobs))[0] == "ready"
    sent = paid.submits
    assert sent >= 3

    url = f"sqlite:///{new / 'nextshot.db'}"
    done = await restore(tmp_path / "b.tar", new, url, Progress(), free=frozenset({"animatic"}))
    assert (done.asked, done.live, done.unheard) == (4, 2, 1)
    async with opened_store(url, clock) as store:
        after = working(store, new, clock, paid, free)
        await after.start_again()
        assert paid.submits == sent
        assert free.submits == 2  # drawn again, for nothing
        assert await after.states(jobs) == ["ready", "unconfirmed", "unconfirmed", "unconfirmed", "asking", "ready"]
        asking = await after.studio.job(jobs[4].id)
        assert asking is not None
        assert "may exist already" in asking.notes[0]
        assert await Inbox(store).waiting("telegram") == []
        for job in jobs[1:4]:
            await assert_asked(store, job)


async def live_jobs(before: Working, paid: ScriptedProvider) -> list[Job]:
    """Jobs in every live state: taken, cut off in between, not sent, waiting for that one, asking, drawn here."""
    rendering = await before.create("rendering")
    await before.step(rendering)
    submitting = await before.create("submitting")
    await before.cut_off(submitting, paid)
    queued = await before.create("queued")
    waiting = await before.studio.continue_story(Continue(asked=Asked("w", HOME, ANA), prompt="waiting"))
    asking, drawn = await before.create("asking"), await before.create("drawn", DRAWN)

    async def ask(tx: Any) -> None:
        job = await tx.job(asking.id)
        await tx.save_job(move(job, JobState.ASKING, quoted_usd=Decimal("1.5"), due_at=None))

    await before.store.write(ask)
    await before.store.database.write(
        lambda connection: connection.execute(text("UPDATE job SET due_at = 1 WHERE due_at > 0"))
    )
    await before.step(drawn)
    return [rendering, submitting, queued, waiting, asking, drawn]


async def assert_asked(store: SqlStore, job: Job) -> None:
    attempts = await store.read(lambda tx: tx.attempts(job.id))
    assert [each.outcome for each in attempts] == [AttemptOutcome.UNKNOWN]
    says = await store.read(lambda tx: tx.says(job.id))
    assert SayKind.FAILURE in {say.kind for say in says}
