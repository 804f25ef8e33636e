"""What two steps of one job write, where the first one overslept its lease with its machine."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import Unavailable
from engine.job_model import JobState
from engine.model import Create
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import opened_house


@dataclass
class SlowToFetch(ScriptedProvider):
    """Both files are whole in the end, or would be; the first one goes on from its half when its gate is opened."""

    into: list[Path] = field(default_factory=list)
    gates: list[asyncio.Event] = field(default_factory=lambda: [asyncio.Event(), asyncio.Event()])

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        number = len(self.into)
        self.into.append(into)
        await super().fetch(task_id, where, into)
        with await asyncio.to_thread(into.open, "r+b") as file:
            await self.gates[number].wait()
            if number == 0:
                file.truncate(100)
                raise Unavailable("The line broke off.", provider=self.name)


async def test_two_steps_fetch_one_clip_into_files_of_their_own(tmp_path: Path, clock: FakeClock) -> None:
    """A download goes on after a sleep, beside the one that took its place: what is kept is whole, and no half is left."""
    provider = SlowToFetch()
    async with opened_house(tmp_path, clock, provider=provider) as house:
        made = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        while (await house.job(made.id)).state is not JobState.SAVING:
            for job in await house.stepper.claim(9):
                await house.stepper.step(job)
            house.clock.advance(1)
        steps = []
        for number in range(2):
            house.clock.advance(40)
            (job,) = await house.stepper.claim(9)
            steps.append(asyncio.create_task(house.stepper.step(job), name=f"step {number}"))
            async with asyncio.timeout(20):
                while len(provider.into) <= number:  # noqa: ASYNC110  # a list rings no bell
                    await asyncio.sleep(0.01)
        provider.gates[1].set()
        await steps[1]
        provider.gates[0].set()
        await steps[0]
        assert (await house.job(made.id)).state is JobState.READY
        (kept,) = [path for path in (tmp_path / "files" / "files").glob("??/*") if path.suffix == ".mp4"]
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == kept.stem
        await house.run(5)
        assert list((tmp_path / "files" / "work").glob("job-*")) == []
