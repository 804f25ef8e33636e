"""The engine lives through seeded worlds of crashes, freezes and lost answers: nothing paid twice, nothing lost, no wrong cent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest

from tests.simulation.campaign import Figures, Runner, told
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.mutations import MUTATIONS, looked_up, looked_up_alone, unasked, unread
from tests.simulation.seeds import KEPT
from tests.simulation.world import Drawn

NEW_S = 5.0
"""How long new seeds are tried."""
FOUND_WITHIN = 60
"""In how many seeds a broken product is to be seen; each of these is in at most ten, as it comes."""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as opened:
        yield opened


def test_new_worlds_come_to_a_good_end(runner: Runner) -> None:
    """Other seeds every time; what fails is replayed with `python -m tests.simulation --seed N --trace` and kept."""
    first = int(time.time()) * 1_000
    figures = Figures()
    for report in runner.all(range(first, first + 1_000), most_s=NEW_S):
        figures.add(report)
    print(f"first seed {first}: {told(figures, NEW_S)}")
    assert not figures.violations, f"python -m tests.simulation --seed {figures.violations[0][0]} --trace"
    assert figures.jobs > 0


@pytest.mark.parametrize("seed", KEPT)
def test_a_world_that_once_failed_comes_to_a_good_end(runner: Runner, seed: int) -> None:
    """Each of these has shown something that was then mended."""
    assert runner.run(seed).violations == [], KEPT[seed]


def test_one_seed_is_one_run(runner: Runner) -> None:
    """What failed once fails again in the same way, so that it can be understood."""
    one, again = runner.run(5, is_traced=True), runner.run(5, is_traced=True)
    assert len(one.trace) > 20
    assert one.trace == again.trace


@pytest.mark.parametrize(
    ("name", "said", "world", "first"),
    [
        ("sent_again_at_a_restart", "was paid 2 times", unasked, 6),
        ("task_id_not_written", "was paid, is not its task", unasked, 0),
        ("nothing_booked_at_the_end", "something is still held", unasked, 0),
        ("no_fence", "went from", looked_up, 0),
        ("no_last_look", "was paid", looked_up, 63),
        ("absence_believed_too_early", "was paid", looked_up_alone, 0),
        ("sending_not_noted", "is shown 2 times, 0 of them marked", unread, 2),
    ],
)
def test_a_broken_product_is_seen(
    runner: Runner, name: str, said: str, world: Callable[[Drawn], Drawn], first: int
) -> None:
    """A simulation that finds nothing has to be one that could. It begins where it was seen when this was written."""
    with MUTATIONS[name]():
        for seed in range(first, first + FOUND_WITHIN):
            if any(said in what for what in runner.run(seed, redraw=world).violations):
                return
    pytest.fail(f"{name} was not seen in {FOUND_WITHIN} seeds")


def test_a_killed_process_does_nothing_more() -> None:
    """Not even what a `finally` would."""
    done = []

    async def live() -> None:
        async def work() -> None:
            try:
                await asyncio.sleep(10)
                done.append("went on")
            finally:
                done.append("tidied up")

        process.start(work(), "work")
        await asyncio.sleep(1)
        process.die()
        await asyncio.sleep(100)
        assert done == []

    loop = VirtualLoop()
    process = Process(loop, "p1")
    loop.run_until_complete(live())
    loop.end()


def test_a_frozen_process_goes_on_late() -> None:
    """With all that came meanwhile, and its clock has not stood still."""
    done = []

    async def live() -> None:
        async def work() -> None:
            await asyncio.sleep(10)
            done.append(loop.time())

        process.start(work(), "work")
        await asyncio.sleep(1)
        process.freeze()
        await asyncio.sleep(600)
        assert done == []
        process.wake(timers_first=True)
        await asyncio.sleep(1)

    loop = VirtualLoop()
    process = Process(loop, "p1")
    loop.run_until_complete(live())
    loop.end()
    assert done == [601]
