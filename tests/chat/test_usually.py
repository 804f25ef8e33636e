"""Where no percent is told, a status message says how long a render takes already, and how long one like it usually takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import texts
from engine.job_model import JobState
from engine.model import Create
from engine.providers.base import Progress, Rendering
from engine.usual import LEAST
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import opened_house


class Silent(ScriptedProvider):
    """It tells no percent until `percent` is set."""

    percent: float | None = None

    async def check(self, task_id: str) -> Progress:
        told = await super().check(task_id)
        return Rendering(self.percent) if isinstance(told, Rendering) else told


@pytest.mark.parametrize(
    ("seconds", "says"),
    [(0.2, "1 s"), (8.4, "8 s"), (19.4, "19 s"), (43, "40 s"), (94, "90 s"), (110, "2 min"), (3_700, "62 min")],
)
def test_what_is_usual_is_told_roughly(seconds: float, says: str) -> None:
    """Nobody can say it to the second."""
    assert texts.about_s(seconds) == f"about {says}"


async def test_how_long_it_usually_takes_is_told_where_no_percent_is(tmp_path: Path, clock: FakeClock) -> None:
    """As soon as enough of that model are known; not beside a percent, nor where its service does not answer."""
    provider = Silent(finishes_at_check=999)
    async with opened_house(tmp_path, clock, provider) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.run(3)

        async def says() -> str:
            fresh = await house.job(job.id)
            assert fresh.state is JobState.RENDERING
            return (await house.delivery.progress.status(fresh)).text.splitlines()[2]

        assert "usually" not in await says()
        for _ in range(LEAST):
            house.studio._world.usual.learn(job.provider, job.model, 1.0, 118.0)
        started = (await house.job(job.id)).started_at
        assert started is not None
        clock.now = started + timedelta(seconds=48)
        assert await says() == "rendering · 0:48 · usually about 2 min"
        troubled = replace(await house.job(job.id), trouble="it does not answer")
        assert (await house.delivery.progress.status(troubled)).text.endswith("rendering · 0:48 · it does not answer")
        provider.percent = 40.0
        await house.run(1)
        assert "40 % · " in await says()
        assert "usually" not in await says()
