"""What a killed process left behind is found by the next one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.errors import Unavailable
from engine.housekeeping import OLD_S, tidy_up
from engine.job_model import Job, JobState
from engine.model import Create
from engine.outcome import World
from tests.house import HOME, House


def world_of(house: House) -> World:
    return house.stepper._world


def listed(house: House) -> list[str]:
    return sorted(path.name for path in (Path(house.files.work("x")).parent).iterdir() if path.name != "x")


async def test_the_leftovers_of_a_job_that_is_over_are_dropped(house: House) -> None:
    """Its work directory, and what the provider keeps for it."""
    job = await house.shot()
    house.files.work(f"job-{job.id}")
    house.provider.renders["task-1"].is_forgotten = False
    await tidy_up(world_of(house))
    assert listed(house) == []
    assert house.provider.renders["task-1"].is_forgotten


@pytest.mark.parametrize("error", [Unavailable("It is down."), TimeoutError(), TypeError("a defect of the adapter")])
async def test_a_service_that_does_not_forget_holds_up_no_news(house: House, error: Exception) -> None:
    """The clip is told of and delivered; what stayed is found at a later start."""
    told: list[JobState] = []

    async def hear(job: Job) -> None:
        told.append(job.state)

    house.news.listen(hear)
    house.provider.forget_errors = [error]
    job = await house.shot()
    assert JobState.READY in told
    assert listed(house) == [f"job-{job.id}"]
    await tidy_up(world_of(house))
    assert listed(house) == []


async def test_what_a_live_job_works_on_stays(house: House) -> None:
    """From before its intent until it is over; other rooms' directories are not ours to judge."""
    house.provider.finishes_at_check = 100
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.files.work("animatic")
    await tidy_up(world_of(house))
    assert listed(house) == ["animatic", f"job-{job.id}"]


async def test_the_directory_of_a_job_that_never_was_is_dropped(house: House) -> None:
    """As after a database that was put back from a copy."""
    house.files.work("job-777")
    await tidy_up(world_of(house))
    assert listed(house) == []


async def test_old_files_that_nothing_refers_to_are_swept_and_clips_stay(house: House, tmp_path: Path) -> None:
    """A picture that was sent and never used goes after a day."""
    await house.shot()
    stray = tmp_path / "stray.png"
    stray.write_bytes(b"a stray picture")
    key = await house.files.adopt(stray)
    house.files.release(key)
    await tidy_up(world_of(house))
    assert house.files.path(key).exists()
    cut_off = house.files.work("pictures") / "half.png"
    cut_off.write_bytes(b"half a picture")
    long_ago = time.time() - OLD_S - 60
    for path in [cut_off, *house.files.path(key).parents[1].glob("??/*")]:
        os.utime(path, (long_ago, long_ago))
    await tidy_up(world_of(house))
    assert not house.files.path(key).exists()
    assert not cut_off.exists()
    assert (await house.studio.download(HOME, "a1-1")).exists()
