"""An extended clip shows its own part alone, whatever the service gives of it, and what was cut is not what the service has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.extended import NewPart, new_part
from engine.job_model import JobState
from engine.views import ShotView
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ABILITIES, ScriptedProvider, write_clip
from tests.house import HOME, House, opened_house

GOES_ON = replace(ABILITIES, extend=True, edit=True)


@pytest.mark.parametrize(
    ("gives", "whole_s", "asked_s", "before_s", "part"),
    [
        ("whole", 4.0, 2, 2.0, NewPart(2.0)),
        ("whole", 15.0, 7, 8.1, NewPart(8.1)),
        ("whole", 4.0, 2, None, NewPart(2.0)),
        ("whole", 2.0, 2, None, NewPart(0.0)),
        ("whole", 2.0, 4, 6.0, NewPart(0.0)),
        ("new", 4.8, 4, 1.0, NewPart(0.0)),
        ("unknown", 4.8, 4, 1.0, NewPart(0.0, is_sure=False)),
        ("unknown", 2.1, 2, 6.0, NewPart(0.0)),
        ("unknown", 8.0, 2, 6.0, NewPart(6.0)),
        ("unknown", 3.0, 1, 2.0, NewPart(2.0)),
        ("unknown", 4.0, 2, None, NewPart(0.0, is_sure=False)),
        ("unknown", 7.0, 4, 6.0, NewPart(0.0, is_sure=False)),
    ],
)
def test_where_the_new_part_begins(
    gives: str, whole_s: float, asked_s: float, before_s: float | None, part: NewPart
) -> None:
    """The catalog says it; else the length does, and where that could be either, nothing that is paid is cut off."""
    assert new_part(gives=gives, whole_s=whole_s, asked_s=asked_s, before_s=before_s) == part


@pytest.fixture
def provider() -> ScriptedProvider:
    return ScriptedProvider(models={"one": replace(GOES_ON, extend_gives="whole")}, gives_whole=True)


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock, provider: ScriptedProvider) -> AsyncIterator[House]:
    async with opened_house(tmp_path, clock, provider) as opened:
        yield opened


async def done(house: House, said: str, for_s: float = 10) -> None:
    assert await house.say(said) is None
    await house.run(for_s)


async def seconds(house: House, code: str) -> float:
    seen = await house.studio.show(HOME, code)
    assert isinstance(seen, ShotView)
    assert seen.clip is not None
    return seen.clip.seconds


async def test_an_extension_of_an_extension_is_its_own_part(house: House, provider: ScriptedProvider) -> None:
    """The service's render of the second shows the first too: it gets the clip as it is here, and no task."""
    await done(house, "/create a lamp --seconds 2")
    await done(house, "/continue a boat --extend --seconds 2")
    await done(house, "/continue a storm --extend --seconds 2")
    sources = [render.order.source for render in provider.renders.values()]
    assert [(each.seconds, each.task_id) for each in sources if each] == [(2.0, "task-1"), (2.0, None)]
    assert [await seconds(house, f"a1-{number}") for number in (1, 2, 3)] == [2.0, 2.0, 2.0]


async def test_an_edit_of_an_extension_changes_what_is_shown(house: House, provider: ScriptedProvider) -> None:
    """Not the whole that its service has."""
    await done(house, "/create a lamp --seconds 2")
    await done(house, "/continue a boat --extend --seconds 1")
    await done(house, "/edit a1-2 at night")
    source = list(provider.renders.values())[-1].order.source
    assert source is not None
    assert (source.seconds, source.task_id) == (1.0, None)


async def test_the_shot_before_may_be_deleted_meanwhile(house: House, provider: ScriptedProvider) -> None:
    """What was asked for is as long as before."""
    provider.finishes_at_check = 6
    await done(house, "/create a lamp --seconds 2", 20)
    await done(house, "/continue a boat --extend --seconds 1", 1)
    await house.studio.delete(house.asked(), "a1-1")
    await house.run(20)
    assert await seconds(house, "a1-2") == pytest.approx(1.0, abs=0.05)


async def test_what_may_be_all_new_is_kept_whole_and_said(tmp_path: Path, clock: FakeClock) -> None:
    """A service of which nothing is known gave a little more than was asked."""
    provider = ScriptedProvider(models={"one": GOES_ON})

    async def fetch(task_id: str, where: str, into: Path) -> None:
        await asyncio.to_thread(write_clip, into, seconds=4.8 if task_id == "task-2" else 1, colour=3)

    provider.fetch = fetch  # type: ignore[method-assign]  # it gives what it likes
    async with opened_house(tmp_path, clock, provider) as house:
        await done(house, "/create a lamp --seconds 1")
        await done(house, "/continue a boat --extend --seconds 4")
        assert await seconds(house, "a1-2") == pytest.approx(4.8, abs=0.05)
        job = await house.job(2)
        assert job.state is JobState.DELIVERED
        assert job.notes == ("This clip may begin with the shot before it: its length does not tell.",)
