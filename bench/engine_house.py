"""Where `bench.engine` measures: a database full of renders, a service whose answers cost nothing, a chat that takes everything."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import random
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.delivery import Delivery
from bot.fitting import Fitting
from bot.message import Reply
from engine.abilities import Pace
from engine.driver import EmbeddedDriver, Stepper
from engine.job_model import Job, JobState
from engine.news import News
from engine.open import open_studio, utc_now
from engine.providers.base import Progress, Rendered, Rendering
from engine.studio import Studio
from storage import LocalFiles, SqlStore, opened_store
from tests.fakes.chat import FakeChat
from tests.fakes.provider import ScriptedProvider, write_clip

PLACES, PEOPLE = 500, 2_000
MEDIAN_S, SIGMA = 90.0, 0.4
"""How long a render takes, lognormal."""
SHOT_S = 8.0
EDIT_EVERY_S = 3.0
EARLIER = 200
"""Finished renders, from which is learned how long one usually takes."""


def duration_s(pick: random.Random) -> float:
    return pick.lognormvariate(math.log(MEDIAN_S), SIGMA)


@dataclass(frozen=True)
class Flight:
    """A render in flight; both times in seconds since the epoch."""

    started_at: float
    due_at: float


def fill(path: Path, flights: Sequence[Flight], *, earlier: int) -> None:
    """These jobs, RENDERING since then, with their shots, takes and status messages; and some that are over. Job 1 is the first."""
    pick = random.Random(7)
    now = time.time()
    connection = sqlite3.connect(path)
    add = connection.executemany
    add("INSERT INTO person (key, name, created_at) VALUES (?, ?, 0)", ((f"local:{n}", f"P{n}") for n in range(PEOPLE)))
    add("INSERT INTO place (key, created_at) VALUES (?, 0)", ((f"local:{n}",) for n in range(PLACES)))
    add(
        "INSERT INTO story (code, place_id, person_id, title, shot_count, created_at) VALUES (?, ?, 1, '', 0, 0)",
        ((f"a{n + 1}", n + 1) for n in range(PLACES)),
    )
    over = (("delivered", now - 5_000, None, now - 5_000 + duration_s(pick)) for _ in range(earlier))
    rows = [*(("rendering", flight.started_at, flight.due_at, None) for flight in flights), *over]
    for number, (state, started_at, due_at, rendered_at) in enumerate(rows, 1):
        place, person = 1 + number % PLACES, 1 + number % PEOPLE
        connection.execute(
            "INSERT INTO shot (story_id, number, person_id, prompt, seconds, ratio, resolution, style, provider, model, created_at)"
            " VALUES (?, ?, ?, 'a lighthouse keeper lights the lamp', ?, '16:9', '480p', 'plain', 'scripted', 'one', 0)",
            (place, number, person, SHOT_S),
        )
        connection.execute("INSERT INTO take (shot_id, number, seed, created_at) VALUES (?, 1, 7, 0)", (number,))
        connection.execute(
            "INSERT INTO job (kind, state, request_key, place_id, person_id, story_id, shot_id, take_id, plan, provider, model,"
            " task_id, receipt, due_at, created_at, started_at, rendered_at)"
            " VALUES ('render', ?, ?, ?, ?, ?, ?, ?, '[]', 'scripted', 'one', ?, ?, ?, ?, ?, ?)",
            (
                *(state, str(number), place, person, place, number, number, f"task-{number}", f"local:r{number}"),
                *(None if at is None else round(at * 1000) for at in (due_at, started_at, started_at, rendered_at)),
            ),
        )
    connection.commit()
    connection.close()


@dataclass
class Service(ScriptedProvider):
    """Knows when each render is done, and notes how late it is asked."""

    pace: Pace = Pace(first_s=10, every_s=10, give_up_s=36_000, in_flight=20_000, checks_per_s=1_000)  # noqa: RUF009  # frozen
    clip: Path = Path()
    done_at: dict[str, float] = field(default_factory=dict)
    """By task id, in seconds since the epoch. One that is not in it renders on and on."""
    due_at: dict[str, float] = field(default_factory=dict)
    seen_at: dict[str, float] = field(default_factory=dict)
    looked_due_at: dict[str, float] = field(default_factory=dict)
    """When the look was due that found it done."""
    late_s: list[float] = field(default_factory=list)
    checks: int = 0

    async def check(self, task_id: str) -> Progress:
        now = time.time()
        self.checks += 1
        due_at = self.due_at.pop(task_id, None)
        if due_at is not None:
            self.late_s.append(now - due_at)
        if now < self.done_at.get(task_id, math.inf):
            return Rendering(percent=None)
        if task_id not in self.seen_at:
            self.seen_at[task_id] = now
            self.looked_due_at[task_id] = now if due_at is None else due_at
        return Rendered(f"scripted://{task_id}", None)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        del task_id, where
        shutil.copyfile(self.clip, into)

    async def forget(self, task_id: str) -> None:
        del task_id

    async def job_changed(self, job: Job) -> None:
        """A listener of the news: when the job is to be looked at next."""
        if job.state is JobState.RENDERING and job.due_at is not None and job.task_id is not None:
            self.due_at[job.task_id] = job.due_at.timestamp()


@dataclass
class QuietChat(FakeChat):
    """Takes everything at once and keeps only when a video came."""

    edit_every_s: float = EDIT_EVERY_S
    edits: int = 0
    awaited: int = 0
    """After so many videos `is_done` is set."""
    is_done: asyncio.Event = field(default_factory=asyncio.Event)
    delivered_at: dict[str, float] = field(default_factory=dict)
    """By the receipt of the status message, in seconds since the epoch."""

    async def send(
        self,
        place: str,
        reply: Reply,
        *,
        nonce: str,
        reply_to: str | None = None,
        status: str | None = None,
        is_again: bool = False,
    ) -> str:
        del place, reply_to, is_again
        if reply.video is not None and status is not None:
            self.delivered_at[status] = time.time()
            if len(self.delivered_at) == self.awaited:
                self.is_done.set()
        return f"local:{nonce}"

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        del receipt, reply, is_progress
        self.edits += 1


@dataclass
class House:
    store: SqlStore
    studio: Studio
    chat: QuietChat


def make_clip(directory: Path) -> Path:
    clip = directory / "clip.mp4"
    write_clip(clip, seconds=0.5, colour=40)
    return clip


@asynccontextmanager
async def opened_house(directory: Path, service: Service, *, with_chat: bool = True) -> AsyncIterator[House]:
    """The product's own store, files, driver and delivery at work, with one provider."""
    news, chat = News(), QuietChat()
    news.listen(service.job_changed)
    made: list[Delivery] = []
    async with opened_store(f"sqlite:///{directory / 'nextshot.db'}", utc_now) as store:
        files = await LocalFiles.open(directory)

        def front_ends(studio: Studio) -> Sequence[Stepper]:
            if not with_chat:
                return []
            made.append(Delivery(store, studio, {"local": chat}, utc_now, Fitting(files)))
            news.listen(made[0].job_changed)
            return made

        async with open_studio(
            store, files, [service], news=news, more_steppers=front_ends, driver_of=EmbeddedDriver
        ) as studio:
            yield House(store, studio, chat)
            for delivery in made:
                await delivery.stop()


def rss_mb() -> float:
    """What this process has in memory now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
