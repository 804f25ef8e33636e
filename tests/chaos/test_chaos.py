"""A real `nextshot run` that is killed at every crash point, and a short rough run."""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot_process import CHECKOUT
from tests.chaos.clock import HOW, library
from tests.chaos.found import look
from tests.chaos.house import House, People, opened
from tests.chaos.points import BEGIN, END, INSIDE, POINTS, WALKED, At, table
from tests.chaos.rough import Rough
from tests.fakes.telegram import Message

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found and forked as on Linux"),
    pytest.mark.timeout(600),  # its own limits say what was waited for
]

REACHED_S = 90.0
RESTS_S = 120.0
DELIVERED_S = 45.0
"""On a busy machine. Where a leap of the clock were waited out it would be an hour."""
KILLS = 6
CI_SEED = 6
"""Where nobody looks on, the same faults every time; `make chaos` and `make test` by hand draw new ones."""
LEAST_JOBS = 8
ROUGH_S = 120.0
"""After which no further life begins, on a machine that is very busy."""
AT_ONCE: tuple[tuple[str, str], ...] = (
    ("heard", "comfyui"),
    ("status", "xai"),
    ("status-sent", "openai"),
    ("claimed", "comfyui"),
    ("intent", "xai"),
    ("arrives", "xai"),
    ("accepted", "openai"),
    ("accepted", "xai"),
    ("answered", "fal"),
    ("noted", "xai"),
    ("check", "openai"),
    ("download", "xai"),
    ("kept", "openai"),
    ("ready", "comfyui"),
    ("upload", "openai"),
    ("uploaded", "comfyui"),
    ("update", "openai"),
)
"""Every point with the service at which its job renders; the last one holds up whatever is said after it."""


def test_every_point_that_can_be_held_is_walked() -> None:
    """A new line of the table is walked here, or says where it is."""
    assert {point for point, _ in AT_ONCE} == set(WALKED)


async def test_killed_at_every_crash_point(tmp_path: Path) -> None:
    """One job stands at each of them, everything dies, and after one start every job is whole, paid once and told once."""
    async with opened(tmp_path) as house:
        await walk(house)


async def walk(house: House) -> None:
    """Hold, kill, start, compare."""
    telegram = house.telegram
    inside, said = dict[str, str](), []
    for number, (point, service) in enumerate(AT_ONCE):
        person = telegram.person(f"P{number:02d}")
        chat = telegram.private(person)
        match WALKED[point].at:
            case At.INSIDE:
                inside[point] = f"telegram:{chat.id}"
            case At.SERVICE:
                house.services[service].door.holds[point] = f"of {person.name}"
            case _ if point != "update":
                telegram.door.holds[point] = str(chat.id)
        said.append((person, chat, f"/create scene {number} of {person.name} --provider {service}"))

    def is_held(point: str, service: str) -> bool:
        match WALKED[point].at:
            case At.SERVICE:
                return point in house.services[service].door.reached
            case At.CHAT:
                return point in telegram.door.reached
            case _:
                return point in house.reached

    people = asyncio.create_task(People(house, random.Random(1), cancels=0, leaves=0).run(), name="people")
    try:
        await house.start(holds=inside)
        messages = [telegram.says(*each) for each in said[:-1]]
        await house.until(lambda: all(is_held(*each) for each in AT_ONCE[:-1]), REACHED_S, "All but the last")
        people.cancel()  # what is pressed now would be the update that is held
        telegram.door.holds["update"] = ""
        messages.append(telegram.says(*said[-1]))
        await house.until(lambda: is_held("update", ""), REACHED_S, "update")
        await house.kill()
        people = asyncio.create_task(People(house, random.Random(1), cancels=0, leaves=0).run(), name="people")
        await house.start()
        await house.until(house.is_at_rest, RESTS_S, "Rest")
        await house.terminate()
    finally:
        people.cancel()
    sys.stdout.write(f"{house.cpu_s:.1f} s of processor time in {len(house.starts_s)} lives\n")
    found = look(house, messages)
    assert found.wrong == [], "\n".join(found.wrong)
    assert found.states == {"delivered": len(AT_ONCE)}
    assert found.agains >= 3  # only what nobody could look up was asked about
    assert found.accepted == len(AT_ONCE) + 1  # taken, and the answer lost, at a service that tells nothing
    assert found.marked == 1  # the upload that had arrived


async def test_a_short_rough_run(tmp_path: Path) -> None:
    """Six lives of a seed that is printed: kills, freezes, cuts, lies. `make chaos` is the long one."""
    seed = CI_SEED if os.environ.get("CI") else random.randrange(1_000_000)
    sys.stdout.write(f"seed {seed}\n")
    async with opened(tmp_path, ("xai",)) as house:
        rough = Rough(house, seed, people=6)
        await rough.run(jobs=LEAST_JOBS, kills=KILLS, until_s=time.monotonic() + ROUGH_S, tell=print, is_short=True)
        found = look(house, rough.said)
        sys.stdout.write(
            f"{house.cpu_s:.1f} s of processor time in {len(house.starts_s)} lives, rest {rough.rests_s:.1f} s\n"
        )
    assert found.wrong == [], f"seed {seed}\n" + "\n".join(found.wrong)
    assert house.kills >= 1
    assert found.states["delivered"] > 0


@pytest.mark.skipif(library() is None, reason=HOW)
async def test_a_clock_that_is_set_while_it_works_and_while_it_is_dead(tmp_path: Path) -> None:
    """Back by an hour, on by two days, and back by those before the next start: each is delivered within seconds, and paid once."""
    async with opened(tmp_path, ("openai",)) as house:
        house.services["openai"].renders_s = (2.0, 2.5)
        people = asyncio.create_task(People(house, random.Random(1), cancels=0, leaves=0).run(), name="people")
        said: list[Message] = []

        def say() -> None:
            person = house.telegram.person(f"P{len(said):02d}")
            said.append(house.telegram.says(person, house.telegram.private(person), f"/create scene {len(said)}"))

        async def renders() -> None:
            await house.until(lambda: states().count("rendering") == 1, REACHED_S, "A render")

        async def delivered() -> None:
            await house.until(lambda: states() == ["delivered"] * len(said), DELIVERED_S, "The clip")

        def states() -> list[str]:
            return [state for (state,) in house.rows("SELECT state FROM job ORDER BY id")]

        try:
            await house.start()
            for leap in (timedelta(hours=-1), timedelta(days=2)):
                say()
                await renders()
                house.clock.leap(leap)
                await asyncio.sleep(1.5)  # until it is seen
                await delivered()
            say()
            await renders()
            await house.kill()
            house.clock.leap(timedelta(days=-2))
            await house.start()
            await delivered()
            await house.until(house.is_at_rest, RESTS_S, "Rest")
            await house.terminate()
        finally:
            people.cancel()
        found = look(house, said)
    assert found.wrong == [], "\n".join(found.wrong)
    assert found.accepted == len(said)


def test_the_page_has_the_table() -> None:
    """`python -m tests.chaos.points` prints it."""
    page = (CHECKOUT / "docs" / "design.md").read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == table()


def test_who_walks_a_point_is_there() -> None:
    """Every test and function that the table names exists."""
    for point in POINTS:
        for place in point.walked_by.replace(" (long run)", "").split(", "):
            assert (CHECKOUT / place).exists(), point
    for at in INSIDE.values():
        owner: object = importlib.import_module(at.module)
        for name in at.function.split("."):
            owner = getattr(owner, name)
        assert callable(owner), at
