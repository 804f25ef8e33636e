"""A provider that is away: it is asked seldom, its people are told once, its jobs wait, and others go on."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import circuits
from engine.circuits import OPENS_AFTER, Circuit, Circuits, CircuitState, answered, asks, failed, probe_wait_s, unasked
from engine.errors import ProviderError, RateLimited, Refused, Unavailable, Unconfirmed
from engine.job_model import Job, JobState
from engine.model import Create, ShotOptions
from engine.providers.base import Prepared, Progress, Taken
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import ANA, BEN, House, opened_house

NOW = datetime(2026, 1, 1, tzinfo=UTC)
S = CircuitState


def opened(at: datetime = NOW) -> Circuit:
    circuit = Circuit()
    for number in range(OPENS_AFTER):
        circuit = failed(circuit, f"a1-{number % 2}", at)
    return circuit


# --- the table --------------------------------------------------------------------------------------------------------


def test_failures_of_several_jobs_open_it() -> None:
    """In a row and close together; not those of one job alone."""
    assert opened().state is S.OPEN
    alone = Circuit()
    for _ in range(20):
        alone = failed(alone, "a1-1", NOW)
    assert alone.state is S.CLOSED
    slow = Circuit()
    for number in range(20):
        slow = failed(slow, f"a1-{number}", NOW + number * timedelta(minutes=1))
    assert slow.state is S.CLOSED
    mixed = Circuit()
    for number in range(20):
        mixed = answered(mixed) if number % OPENS_AFTER == 4 else failed(mixed, f"a1-{number}", NOW)
    assert mixed.state is S.CLOSED


def test_one_probe_at_a_time_goes_after_growing_waits() -> None:
    """Until one is answered."""
    circuit, now, waits = opened(), NOW, []
    for number in range(8):
        assert circuit.probe_at is not None
        waits.append((circuit.probe_at - now).total_seconds())
        assert asks(circuit, "a1-1", circuit.probe_at - timedelta(seconds=1)) is None
        now = circuit.probe_at
        probing = asks(circuit, f"a1-{number}", now)
        assert probing is not None
        assert asks(probing, "a1-9", now) is None
        circuit = failed(probing, f"a1-{number}", now)
    assert waits == [15, 30, 60, 120, 240, 300, 300, 300]
    probing = asks(circuit, "a1-1", now + timedelta(seconds=300))
    assert probing is not None
    assert answered(probing) == Circuit()
    assert probe_wait_s(10**6) == 300


def test_a_probe_that_asked_nothing_leaves_it_to_another() -> None:
    """Its step was cut off, or it was not its turn; somebody else's end changes nothing."""
    circuit = opened()
    later = NOW + timedelta(seconds=15)
    probing = asks(circuit, "a1-1", later)
    assert probing is not None
    assert unasked(probing, "a1-2", later) == probing
    again = unasked(probing, "a1-1", later)
    assert (again.state, again.probe_at) == (S.OPEN, later)
    assert unasked(Circuit(), "a1-1", later) == Circuit()


def test_what_is_answered_late_closes_it() -> None:
    """It was asked before; a failure that comes late changes nothing."""
    assert failed(opened(), "a1-7", NOW) == opened()
    assert answered(opened()).state is S.CLOSED


def test_few_wait_for_the_probe_and_the_others_look_much_later() -> None:
    """Ten thousand jobs are not stepped at each probe."""
    known = Circuits()
    for number in range(OPENS_AFTER):
        known.failed("away", f"a1-{number}", NOW)
    holds = [known.hold("away", f"a1-{number}", NOW) for number in range(1_000)]
    waits = [(hold.until - NOW).total_seconds() for hold in holds if hold is not None]
    assert len(waits) == 1_000
    assert 4 <= sum(wait <= 20 for wait in waits) <= 30
    assert max(waits) <= 15 + circuits.WAIT_MOST_S
    assert known.hold("other", "a1-1", NOW) is None
    assert known.states(["other"]) == {"other": S.CLOSED, "away": S.OPEN}


def test_a_pause_holds_everybody_and_is_not_believed_for_ever() -> None:
    """A shorter one does not end a longer one."""
    known = Circuits()
    known.limited("busy", 30, NOW)
    known.limited("busy", 5, NOW)
    holds = [known.hold("busy", "a1-1", NOW) for _ in range(50)]
    untils = [hold.until for hold in holds if hold is not None and not hold.trouble]
    assert len(set(untils)) == 50
    assert NOW + timedelta(seconds=30) <= min(untils) <= max(untils) <= NOW + timedelta(seconds=40)
    assert known.hold("busy", "a1-1", NOW + timedelta(seconds=30)) is None
    known.limited("busy", 10**9, NOW)
    assert known.paused_until("busy") == NOW + timedelta(seconds=circuits.PAUSE_MOST_S)


# --- in the house -----------------------------------------------------------------------------------------------------


class Failing(ScriptedProvider):
    """It can be away, or refuse to say more than "too many", for all verbs at once."""

    def __init__(self, name: str = "scripted", in_flight: int = 4) -> None:
        super().__init__(name=name)
        self.pace = replace(self.pace, in_flight=in_flight, give_up_s=90_000)
        self.finishes_at_check = 3
        self.says: ProviderError | None = None
        self.calls = 0

    async def check(self, task_id: str) -> Progress:
        self._say()
        return await super().check(task_id)

    async def submit(self, prepared: Prepared) -> Taken:
        self._say()
        return await super().submit(prepared)

    def _say(self) -> None:
        self.calls += 1
        if self.says is not None:
            raise self.says


async def ask(house: House, provider: str = "scripted") -> Job:
    options = ShotOptions(provider=provider)
    person = BEN if provider != "scripted" else ANA
    return await house.studio.create(Create(asked=house.asked(person), prompt="a lamp", options=options))


async def test_people_are_told_once_the_others_go_on_and_recovery_is_noticed(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Four renders that are paid and two that wait: nothing is failed in an hour, and all of it comes."""
    caplog.set_level(logging.INFO, "engine.circuits")
    away, other = Failing(), ScriptedProvider(name="other")
    async with opened_house(tmp_path, clock, away, others=[other]) as house:
        jobs = [await ask(house) for _ in range(6)]
        await house.tick()
        away.says, away.calls = Unavailable("It is away.", provider="scripted"), 0
        await house.run(60)
        states = [await house.job(job.id) for job in jobs]
        assert [job.state for job in states] == [JobState.RENDERING] * 4 + [JobState.QUEUED] * 2
        told = "scripted does not answer; this goes on by itself as soon as it does"
        assert [job.trouble for job in states] == [told] * 6
        assert house.studio.circuits()["scripted"] is not S.CLOSED
        assert [text.count(told) for text in house.chat.seen[:6]] == [1] * 6
        fine = await ask(house, "other")
        await house.run(20)
        assert (await house.job(fine.id)).state is JobState.DELIVERED
        before = away.calls
        await house.run(3_600)
        assert away.calls - before <= 3_600 / 300 + 8
        away.says = None
        await house.run(700)
        assert [(await house.job(job.id)).state for job in jobs] == [JobState.DELIVERED] * 6
        assert [(await house.job(job.id)).trouble for job in jobs] == [None] * 6
        assert house.studio.circuits()["scripted"] is S.CLOSED
    turns = [text for text in caplog.messages if text.startswith(("circuit opened", "circuit closed"))]
    assert [text.split()[:3] for text in turns] == [
        ["circuit", "opened", "provider=scripted"],
        ["circuit", "closed", "provider=scripted"],
    ]


async def test_lost_answers_stop_more_paid_requests(tmp_path: Path, clock: FakeClock) -> None:
    """A service that breaks at every request is not asked by everybody whether it took theirs."""
    away = Failing(in_flight=30)
    away.says = Unconfirmed("It broke.", provider="scripted")
    async with opened_house(tmp_path, clock, away) as house:
        for _ in range(12):
            await ask(house)
            await house.tick()
        assert away.calls == OPENS_AFTER


async def test_a_no_is_an_answer(tmp_path: Path, clock: FakeClock) -> None:
    """Refusals in a row open nothing."""
    away = Failing(in_flight=30)
    away.says = Refused("No.", provider="scripted")
    async with opened_house(tmp_path, clock, away) as house:
        for _ in range(8):
            await ask(house)
            await house.tick()
        assert house.studio.circuits()["scripted"] is S.CLOSED
        assert away.calls == 8


async def test_too_many_requests_pause_every_check_and_submit(tmp_path: Path, clock: FakeClock) -> None:
    """Of that provider, until it takes more; then not all at the same moment, and nothing is told of it."""
    busy, other = Failing(in_flight=9), ScriptedProvider(name="other")
    async with opened_house(tmp_path, clock, busy, others=[other]) as house:
        jobs = [await ask(house) for _ in range(6)]
        await house.tick()
        busy.says = RateLimited("Too many.", retry_after_s=100, provider="scripted")
        clock.advance(0.5)
        (first,) = await house.stepper.claim(1)
        await house.stepper.step(first)
        busy.says, busy.calls = None, 0
        late, fine = await ask(house), await ask(house, "other")
        await house.run(98)
        assert busy.calls == 0
        assert (await house.job(late.id)).state is JobState.QUEUED
        assert (await house.job(fine.id)).state is JobState.DELIVERED
        waits = {(await house.job(job.id)).due_at for job in jobs}
        assert len(waits) == 6
        assert {(await house.job(job.id)).trouble for job in jobs} == {None}
        await house.run(60)
        assert (await house.job(late.id)).state is JobState.DELIVERED
        assert [(await house.job(job.id)).state for job in jobs] == [JobState.DELIVERED] * 6
