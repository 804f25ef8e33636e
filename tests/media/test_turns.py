"""No more children at once than there is memory for, whatever the number of cores."""

from __future__ import annotations

import asyncio

import pytest

from engine.media import turns
from engine.media.runner import Limits, run
from engine.media.turns import Memory, machine_bytes, needed_bytes, turn

FULL_HD, FOUR_K = 1920 * 1080, 4096 * 2160
CHILD = "tests.media.misbehaving"


async def _most_at_once(
    monkeypatch: pytest.MonkeyPatch, *, cores: int, machine: int, is_long: bool, pixels: int
) -> int:
    """How many of eight that ask at the same time work together at the most."""
    monkeypatch.setattr(turns, "_CORES", cores)
    monkeypatch.setattr(turns, "machine_bytes", lambda: machine)
    monkeypatch.setattr(turns, "_turns", {})
    working = most = 0

    async def work() -> None:
        nonlocal working, most
        async with turn(is_long=is_long) as own:
            own.told(pixels)
            working += 1
            most = max(most, working)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            working -= 1

    await asyncio.gather(*(work() for _ in range(8)))
    return most


@pytest.mark.parametrize(
    ("cores", "machine", "is_long", "pixels", "most"),
    [
        (4, 1 << 30, False, FULL_HD, 3),
        (4, 1 << 30, False, FOUR_K, 3),
        (8, 1 << 30, True, FULL_HD, 1),
        (4, 256 << 20, True, FOUR_K, 1),
        (4, 16 << 30, False, FULL_HD, 4),
        (8, 16 << 30, True, FULL_HD, 4),
    ],
    ids=["1 GB", "1 GB, large", "1 GB, long", "less than one needs", "16 GB", "16 GB, long"],
)
async def test_a_small_machine_runs_fewer_at_once(
    monkeypatch: pytest.MonkeyPatch, *, cores: int, machine: int, is_long: bool, pixels: int, most: int
) -> None:
    """One always works; on a large machine the cores are the bound."""
    assert await _most_at_once(monkeypatch, cores=cores, machine=machine, is_long=is_long, pixels=pixels) == most


async def test_large_pictures_make_those_wait_who_come_later() -> None:
    """What was taken is all given back in the end, and nobody who waits is overtaken or forgotten."""
    memory = Memory(1000)
    first = await memory.take(400)
    memory.change(400)
    later = [asyncio.create_task(memory.take(wanted)) for wanted in (600, 300, 100)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in later)  # 200 are left, but the first in line wants more
    later[0].cancel()
    memory.change(-(first + 400))
    assert [await task for task in later[1:]] == [300, 100]
    memory.change(-400)
    assert await asyncio.wait_for(memory.take(5000), 5) == 1000


async def test_a_turn_is_given_back_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also by a child that crashes, and by a caller who is gone while waiting."""
    monkeypatch.setattr(turns, "machine_bytes", lambda: 2)
    monkeypatch.setattr(turns, "_turns", {})
    with pytest.raises(Exception, match="broke off"):
        await run("crash", {}, child=CHILD)
    holder = asyncio.create_task(run("hang", {}, child=CHILD, limits=Limits(wall_s=30)))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(run("tell", {}, child=CHILD))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    waiting.cancel()
    holder.cancel()
    await asyncio.gather(holder, waiting, return_exceptions=True)
    assert (await run("tell", {}, child=CHILD))["session"]


def test_estimates_are_sober() -> None:
    """A 4K picture needs more than a small one, and this machine has room for one piece of work."""
    assert (
        needed_bytes(FOUR_K, is_long=True) > needed_bytes(FULL_HD, is_long=True) > needed_bytes(FULL_HD, is_long=False)
    )
    assert machine_bytes() > needed_bytes(FULL_HD, is_long=True)
