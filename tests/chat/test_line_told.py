"""The line is told to those who wait in it, when it moves."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.job_model import Job, JobState
from engine.model import Create
from tests.fakes.clock import FakeClock
from tests.house import opened_house


async def test_who_leaves_the_line_moves_it_once(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not again with each step it does afterwards: ten thousand may wait, and each of them is looked at every time."""
    async with opened_house(tmp_path, clock) as house:
        progress = house.delivery.progress
        jobs = [await house.studio.create(Create(asked=house.asked(), prompt="a lamp")) for _ in range(3)]
        await progress.stop()
        told: Counter[int] = Counter()

        def count(job: Job) -> None:
            told[job.id] += 1

        monkeypatch.setattr(progress, "_show_soon", count)
        for job in jobs:
            await progress.job_changed(job)
        told.clear()
        first, *others = jobs
        for state in (JobState.SUBMITTING, JobState.RENDERING, JobState.SAVING, JobState.READY, JobState.DELIVERED):
            await progress.job_changed(replace(first, state=state))
        assert [told[other.id] for other in others] == [1, 1]
        await progress.job_changed(replace(others[0], state=JobState.CANCELLED))
        assert told[others[1].id] == 2
