"""Writes a second with group commit, beside one commit for each write and beside the disk alone: `python -m bench.store`.

The write is a poll's: read the job, save it under its fence.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.job_model import Job
from engine.model import Person
from engine.new_rows import NewJob
from engine.ports import Writer
from storage import SqlStore, opened_store

ANA = Person("local:ana", "Ana")
JOBS = 200
FOR_S = 4.0


def utc_now() -> datetime:
    return datetime.now(UTC)


async def add_jobs(tx: Writer) -> list[Job]:
    story = await tx.add_story("local:home", ANA, "The lamp")
    jobs = [
        NewJob(kind="stitch", request_key=str(number), place="local:home", person=ANA, story_id=story.id)
        for number in range(JOBS)
    ]
    return [await tx.add_job(job) for job in jobs]


async def save(store: SqlStore, job: Job) -> None:
    await store.write(lambda tx: tx.save_job(job))


async def rate(store: SqlStore, jobs: list[Job], tasks: int) -> tuple[float, float, float, float]:
    """Writes a second, their median and 99th percentile in ms, and CPU time of each in ms, with that many writers at once."""
    until = time.perf_counter() + FOR_S
    times: list[float] = []
    cpu = time.process_time()

    async def poll(number: int) -> None:
        job = jobs[number]
        percent = 0.0
        while time.perf_counter() < until:
            percent = (percent + 1) % 100
            began = time.perf_counter()
            await save(store, replace(job, percent=percent))
            times.append((time.perf_counter() - began) * 1000)

    await asyncio.gather(*(poll(number) for number in range(tasks)))
    cpu_ms = (time.process_time() - cpu) * 1000 / len(times)
    return len(times) / FOR_S, statistics.median(times), statistics.quantiles(times, n=100)[98], cpu_ms


def disk_alone(directory: Path) -> float:
    """How often a second this disk takes 4 KiB and says that they are there."""
    descriptor = os.open(directory / "probe", os.O_WRONLY | os.O_CREAT, 0o600)
    until, done = time.perf_counter() + 2.0, 0
    while time.perf_counter() < until:
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
        done += 1
    os.close(descriptor)
    return done / 2.0


async def with_store(url: str, work: Callable[[SqlStore, list[Job]], Awaitable[None]]) -> None:
    async with opened_store(url, utc_now) as store:
        await work(store, await store.write(add_jobs))


async def run(directory: Path) -> None:
    limit = disk_alone(directory)
    print(f"{'the disk alone (4 KiB, fdatasync)':44}{limit:>9.0f} /s")

    async def show(store: SqlStore, jobs: list[Job]) -> None:
        base = 0.0
        for tasks in (1, 10, 50, 200):
            writes, median, p99, cpu_ms = await rate(store, jobs, tasks)
            base = base or writes
            name = "one write at a time: a commit each" if tasks == 1 else f"group commit, {tasks} writers"
            slow = f"p50 {median:6.1f} ms   p99 {p99:6.1f} ms   {cpu_ms:4.2f} ms CPU each"
            print(f"{name:44}{writes:>9.0f} /s   {slow}   {writes / base:5.1f} x")

    await with_store(f"sqlite:///{directory / 'nextshot.db'}", show)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as where:
        asyncio.run(run(Path(where)))
