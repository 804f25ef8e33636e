"""When it is worth looking at a render again: learned from those that were, and never later than that is worth."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.abilities import Pace
from engine.job_model import Job, JobState
from engine.model import Create
from engine.providers.base import Progress, Rendering
from engine.usual import KEPT, LEAST, STEP_MOST_S, Look, Looks, Usual, awake_until, next_look_s, step_s
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import House, opened_house

PACE = Pace(first_s=2, every_s=3, give_up_s=900, in_flight=9, checks_per_s=5)
TEN = [float(number) for number in range(10, 110, 10)]


def wait_s(elapsed_s: float, *, durations: list[float] = TEN, live: int = 1, is_counted: bool = False) -> float:
    return next_look_s(PACE, elapsed_s=elapsed_s, durations=durations, live=live, is_counted=is_counted)


def test_the_next_look_comes_when_a_tenth_of_those_left_are_done() -> None:
    """The first of ten, then the next one; of many, more at once. Then no later than a tenth of what it has lasted."""
    assert [step_s(TEN, elapsed_s) for elapsed_s in (0, 5, 95, 99, 100, 500)] == [10, 5, 5, 1, None, None]
    assert step_s(TEN, 10) == 1
    assert step_s([float(number) for number in range(1, 101)], 0) == 10
    assert step_s(TEN[: LEAST - 1], 0) is None


def test_it_comes_no_sooner_than_the_service_allows() -> None:
    """Neither than its own pace, nor than its rate leaves for so many renders; and no later than a minute."""
    assert wait_s(9) == 3
    assert wait_s(0) == 10
    assert wait_s(9, live=100) == 20
    assert wait_s(0, durations=[500.0] * 20) == STEP_MOST_S
    assert wait_s(0, durations=[]) == 3
    assert wait_s(400) == 3


def test_where_a_percent_is_told_people_watch_it() -> None:
    """It is looked at as often as the service allows."""
    assert wait_s(0, is_counted=True) == 3
    assert wait_s(0, is_counted=True, live=100) == 20


@given(st.lists(st.floats(0.1, 1_000), max_size=60), st.floats(0, 2_000), st.integers(0, 500))
def test_a_wait_is_never_shorter_than_allowed_nor_endless(durations: list[float], elapsed_s: float, live: int) -> None:
    """Whatever was learned."""
    found = wait_s(elapsed_s, durations=sorted(durations), live=live)
    assert max(3, live / 5) <= found <= max(3, live / 5, STEP_MOST_S, elapsed_s / 10)


@pytest.mark.parametrize(("before_s", "takes_s"), [(90, 30), (30, 90)])
def test_a_service_that_got_faster_or_slower_is_found_out(before_s: float, takes_s: float) -> None:
    """Though nobody sees when a render ends, only that it has."""
    dice, usual = random.Random(7), Usual()
    for _ in range(50):
        usual.learn("p", "one", 5, before_s)
    for _ in range(400):
        last_s = elapsed_s = 0.0
        while elapsed_s < takes_s:
            last_s = elapsed_s
            step = wait_s(elapsed_s, durations=list(usual.durations("p", "one", 5)))
            elapsed_s += step * dice.uniform(0.9, 1.1)
        usual.learn("p", "one", 5, (last_s + elapsed_s) / 2)
    assert usual.usual_s("p", "one", 5) == pytest.approx(takes_s, rel=0.15)


def test_looks_count_what_renders() -> None:
    """Each once, by provider, until it does not any more."""
    looks, at = Looks(), awake_until(FakeClock()(), 1)
    for job_id, provider in ((1, "a"), (1, "a"), (2, "a"), (3, "b")):
        looks.saw(job_id, Look(provider, "one", 5, 1.0, at))
    looks.drop(2)
    looks.drop(99)
    assert (looks.live("a"), looks.live("b"), looks.live("c")) == (1, 1, 0)
    assert looks.last(2) is None


def test_what_was_learned_is_kept_by_model_and_length() -> None:
    """What was before is read once; of many renders the newest count."""
    usual = Usual()
    assert [usual.is_new("p", "one"), usual.is_new("p", "one"), usual.is_new("p", "two")] == [True, False, True]
    for _ in range(KEPT):
        usual.learn("p", "one", 5, 60)
    for _ in range(LEAST - 1):
        usual.learn("p", "one", 10, 120)
    assert (usual.usual_s("p", "one", 5), usual.usual_s("p", "one", 10), usual.usual_s("p", "two", 5)) == (
        60,
        None,
        None,
    )
    for _ in range(KEPT):
        usual.learn("p", "one", 5, 30)
    assert usual.durations("p", "one", 5) == [30] * KEPT


# --- in the house -----------------------------------------------------------------------------------------------------


class Silent(ScriptedProvider):
    """Tells no percent; a render is done `takes_s` after its first check."""

    def __init__(self, clock: FakeClock, takes_s: float) -> None:
        super().__init__(pace=Pace(first_s=1, every_s=1, give_up_s=300, in_flight=50))
        self.clock, self.takes_s, self.checks = clock, takes_s, 0
        self.began: dict[str, float] = {}

    async def check(self, task_id: str) -> Progress:
        self.checks += 1
        now = self.clock().timestamp()
        if now - self.began.setdefault(task_id, now) < self.takes_s:
            return Rendering()
        self.renders[task_id].checks = self.finishes_at_check
        return await super().check(task_id)


async def ask(house: House) -> Job:
    return await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))


async def test_a_model_s_renders_are_learned_and_save_checks(tmp_path: Path, clock: FakeClock) -> None:
    """The first ones are asked every second; later ones a few times, and are seen as soon; how long it takes can be told."""
    provider = Silent(clock, 20)
    async with opened_house(tmp_path, clock, provider) as house:
        first = [await ask(house) for _ in range(LEAST)]
        assert await house.studio.usual_s(first[0]) is None
        await house.run(30)
        one = await house.job(first[0].id)
        assert one.rendered_at is not None
        assert one.started_at is not None
        assert 20 <= (one.rendered_at - one.started_at).total_seconds() <= 24
        assert provider.checks >= LEAST * 16
        provider.checks = 0
        again = await ask(house)
        await house.run(60)
        done = await house.job(again.id)
        assert done.rendered_at is not None
        assert done.started_at is not None
        assert (done.rendered_at - done.started_at).total_seconds() <= 30
        assert provider.checks <= 8
        usual_s = await house.studio.usual_s(again)
        assert usual_s == pytest.approx(21, abs=3)


async def test_a_render_is_given_up_though_it_is_looked_at_seldom(tmp_path: Path, clock: FakeClock) -> None:
    """Four of the intervals that there were in fact, not of the provider's pace: it was watched all the time."""
    provider = Silent(clock, 10**6)
    provider.pace = replace(provider.pace, checks_per_s=0.02)
    async with opened_house(tmp_path, clock, provider) as house:
        jobs = [await ask(house) for _ in range(3)]
        await house.run(1_500)
        assert [(await house.job(job.id)).state for job in jobs] == [JobState.FAILED] * 3
