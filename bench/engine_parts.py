"""The measurements of `bench.engine`, each for a process of its own, so that none sees what another one left in memory."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bench.engine_house import EARLIER, Flight, Service, duration_s, fill, make_clip, opened_house, rss_mb
from engine.job_model import JobState
from engine.open import utc_now
from engine.providers.base import Rendering
from storage import opened_store

T = TypeVar("T")

WARM_S = 15.0
"""Longer than one round of checks, so that what the start left behind is over."""
NEAR_END_S = 20.0
MANY, STARTED_S = 1_000, 45.0
"""With so many in flight a start is over after so long."""
SETTLE_S = 5.0
"""How long the peer may take to end what it has begun."""


@dataclass(frozen=True)
class Steady:
    """A window in which nothing but checks happens."""

    cpu: float
    """Of one core, 0 to 1."""
    mb: float
    """More than the same process with no job."""
    checks_per_s: float
    edits_per_s: float
    late_s: Sequence[float]


@dataclass(frozen=True)
class Finished:
    """From the service's done to the chat, in seconds, one for each render."""

    due_s: Sequence[float]
    """Until the next look was due: the service's interval and rate, and what is known of the model."""
    late_s: Sequence[float]
    """From there until it was looked at."""
    ours_s: Sequence[float]
    """From there until it was in the chat."""
    missing: int
    interval_s: float
    """The shortest between two looks that the service allows, with so many in flight."""


def spread(jobs: int, every_s: float) -> list[Flight]:
    """Renders that began at any time lately and are due at any time soon."""
    pick, now = random.Random(9), time.time()
    return [Flight(now - pick.uniform(0, duration_s(pick)), now + pick.uniform(0, every_s)) for _ in range(jobs)]


async def _new(directory: Path) -> None:
    async with opened_store(f"sqlite:///{directory / 'nextshot.db'}", utc_now):
        pass


def ours(jobs: int, seconds: float, what: Literal["alone", "with chat"]) -> Steady:
    """Our driver. The renders never end: what a finished one costs is not a check's."""

    async def run(directory: Path) -> Steady:
        idle = Service(clip=make_clip(directory))
        await _new(directory)
        async with opened_house(directory, idle):
            await asyncio.sleep(1.0)
            before_mb = rss_mb()
        service = Service(clip=idle.clip)
        flights = spread(jobs, service.pace.every_s)
        await asyncio.to_thread(fill, directory / "nextshot.db", flights, earlier=0)
        service.due_at = {f"task-{number}": flight.due_at for number, flight in enumerate(flights, 1)}
        async with opened_house(directory, service, with_chat=what == "with chat") as house:
            gc.freeze()  # as `nextshot run` does at its start
            await asyncio.sleep(WARM_S)
            service.late_s.clear()
            service.checks = 0
            edits, cpu_s, began_s = house.chat.edits, time.process_time(), time.perf_counter()
            await asyncio.sleep(seconds)
            cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - began_s
            late_s = list(service.late_s)
            return Steady(
                cpu_s / took_s,
                rss_mb() - before_mb,
                service.checks / took_s,
                (house.chat.edits - edits) / took_s,
                late_s,
            )

    return _in_directory(run)


def peer(jobs: int, seconds: float) -> Steady:
    """One APScheduler job for each render, kept in memory; the same check, and the same row written."""

    async def run(directory: Path) -> Steady:
        service = Service(clip=make_clip(directory))
        await _new(directory)
        flights = spread(jobs, service.pace.every_s)
        async with opened_store(f"sqlite:///{directory / 'nextshot.db'}", utc_now) as store:
            before_mb = rss_mb()
            at_once = [replace(flight, due_at=0.001) for flight in flights]
            await asyncio.to_thread(fill, directory / "nextshot.db", at_once, earlier=0)
            logging.getLogger("apscheduler").setLevel(
                logging.CRITICAL
            )  # a line for each check that it skips, and there are many
            scheduler = AsyncIOScheduler(timezone=UTC)
            rows = {job.id: job for job in await store.claim_jobs(jobs, 0.0)}
            every_s = service.pace.every_s

            async def look(number: int) -> None:
                job = rows[number]
                progress = await service.check(job.task_id or "")
                assert isinstance(progress, Rendering)
                due_at = utc_now() + timedelta(seconds=every_s)
                job = replace(job, percent=progress.percent, due_at=due_at, state=JobState.RENDERING)
                await store.save_look(job)
                service.due_at[job.task_id or ""] = next_at(number)

            def next_at(number: int) -> float:
                return float(scheduler.get_job(str(number)).next_run_time.timestamp())

            for number, flight in enumerate(flights, 1):
                at = datetime.fromtimestamp(flight.due_at, UTC)
                scheduler.add_job(
                    look,
                    "interval",
                    (number,),
                    seconds=every_s,
                    id=str(number),
                    next_run_time=at,
                    misfire_grace_time=None,
                    coalesce=True,
                )
            service.due_at = {f"task-{number}": flight.due_at for number, flight in enumerate(flights, 1)}
            scheduler.start()
            gc.freeze()
            await asyncio.sleep(WARM_S)
            service.late_s.clear()
            service.checks = 0
            cpu_s, began_s = time.process_time(), time.perf_counter()
            await asyncio.sleep(seconds)
            cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - began_s
            late_s = list(service.late_s)
            found = Steady(cpu_s / took_s, rss_mb() - before_mb, service.checks / took_s, 0.0, late_s)
            scheduler.pause()
            await asyncio.sleep(SETTLE_S)
            scheduler.shutdown(wait=False)
            return found

    return _in_directory(run)


def finished(jobs: int, ending: int, seconds: float, seed: int = 11) -> Finished:
    """So many renders in flight, of which some end within that time; earlier ones tell how long one usually takes."""

    async def run(directory: Path) -> Finished:
        pick = random.Random(seed)
        pace = replace(Service().pace, first_s=2, every_s=2)
        interval_s = max(pace.every_s, jobs / pace.checks_per_s)
        service = Service(clip=make_clip(directory), pace=pace)
        await _new(directory)
        now = time.time()
        rest = spread(jobs - ending, interval_s)
        # after what a start brings: a look at each, and an edit of each status message
        begin = now + (3.0 if jobs < MANY else STARTED_S)
        ends = {f"task-{number}": begin + pick.uniform(0.0, seconds) for number in range(1, ending + 1)}
        flights = [Flight(at - duration_s(pick), now + pick.uniform(0.0, interval_s)) for at in ends.values()] + rest
        await asyncio.to_thread(fill, directory / "nextshot.db", flights, earlier=EARLIER)
        service.done_at = ends
        async with opened_house(directory, service) as house:
            house.chat.awaited = ending
            with suppress(TimeoutError):
                async with asyncio.timeout(begin - now + seconds + 2 * NEAR_END_S):
                    await house.chat.is_done.wait()
            delivered = {
                f"task-{receipt.removeprefix('local:r')}": at for receipt, at in house.chat.delivered_at.items()
            }
            due_at = {task: max(ends[task], service.looked_due_at[task]) for task in delivered}
            return Finished(
                [due_at[task] - ends[task] for task in delivered],
                [max(0.0, service.seen_at[task] - due_at[task]) for task in delivered],
                [at - service.seen_at[task] for task, at in delivered.items()],
                ending - len(delivered),
                interval_s,
            )

    return _in_directory(run)


def _in_directory(run: Callable[[Path], Coroutine[Any, Any, T]]) -> T:
    with tempfile.TemporaryDirectory() as where:
        return asyncio.run(run(Path(where)))
