"""Who renders next: round-robin by person, nobody starves, no limit is passed, and the place that is told is true."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import admission, submit
from engine.errors import Unavailable
from engine.job_model import Job, JobKind, JobState
from engine.line import Flight, FlightLimits, Line, Waiting, admitted, gives_way, next_up, places
from engine.model import Create, Person
from engine.providers.base import Rendered
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider
from tests.house import ANA, BEN, House, opened_house

EVE = Person("local:eve", "Eve")
START = datetime(2026, 1, 1, tzinfo=UTC)
HERE = "here"


# --- the pure order ---------------------------------------------------------------------------------------------------


@dataclass
class Studio:
    """A provider with a line, moved by hand. Every change takes a second."""

    room: int
    limits: FlightLimits = field(default_factory=FlightLimits)
    waiting: list[Waiting] = field(default_factory=list)
    flying: list[Waiting] = field(default_factory=list)
    served: dict[int, datetime] = field(default_factory=dict)
    order: list[Waiting] = field(default_factory=list)
    """Everybody who was served, in order."""
    now: datetime = START
    made: int = 0

    @property
    def line(self) -> Line:
        return Line(self.waiting, self.served, [Flight(HERE, each.person, each.place) for each in self.flying])

    @property
    def free(self) -> int:
        return self.room - len(self.flying)

    def come(self, person: int, place: int = 0) -> Waiting:
        self.made += 1
        self.now += timedelta(seconds=1)
        came = Waiting(self.made, person, place, self.now)
        self.waiting.append(came)
        return came

    def serve(self) -> None:
        """Let go whoever may."""
        for each in admitted(self.line, self.free, self.limits):
            self.now += timedelta(seconds=1)
            self.waiting.remove(each)
            self.flying.append(each)
            self.order.append(each)
            self.served[each.person] = self.now

    def end(self, nth: int = 0) -> None:
        if self.flying:
            self.flying.pop(nth % len(self.flying))

    def places(self) -> dict[int, int]:
        return places(self.line, self.free, self.limits, HERE)

    def check(self) -> None:
        """No limit is passed."""
        assert len(self.flying) <= self.room
        for most, counts in (
            (self.limits.per_person, Counter(each.person for each in self.flying)),
            (self.limits.per_place, Counter(each.place for each in self.flying)),
        ):
            assert most is None or max(counts.values(), default=0) <= most


PEOPLE = st.integers(0, 3)
ARRIVAL = st.tuples(st.just("come"), PEOPLE, st.integers(0, 2))
STEPS = st.lists(ARRIVAL | st.tuples(st.just("end"), st.integers(0, 5), st.just(0)), max_size=40)
LIMITS = st.builds(FlightLimits, st.none() | st.integers(1, 3), st.none() | st.integers(1, 3))


def played(studio: Studio, steps: list[tuple[str, int, int]]) -> Studio:
    for what, one, two in steps:
        if what == "come":
            studio.come(one, two)
        else:
            studio.end(one)
        studio.serve()
        studio.check()
    return studio


@given(STEPS, st.integers(1, 4), st.lists(st.integers(0, 9), min_size=60, max_size=60))
@settings(max_examples=60, deadline=None)
def test_a_place_in_line_is_true_whatever_ends_first(
    steps: list[tuple[str, int, int]], room: int, ends: list[int]
) -> None:
    """Without limits: whoever was told to be the third of those that wait leaves as the third."""
    studio = played(Studio(room), steps)
    told, before = studio.places(), len(studio.order)
    for nth in ends:
        studio.end(nth)
        studio.serve()
    assert {each.job_id: number for number, each in enumerate(studio.order[before:], 1)} == told


@given(STEPS, st.integers(1, 4), LIMITS)
@settings(max_examples=60, deadline=None)
def test_with_limits_a_place_is_true_if_the_oldest_end_first(
    steps: list[tuple[str, int, int]], room: int, limits: FlightLimits
) -> None:
    """Nobody is above a limit, a person at a limit holds up nobody else, and all are served in the end."""
    studio = played(Studio(room, limits), steps)
    told, before = studio.places(), len(studio.order)
    for _ in range(len(studio.waiting) + len(studio.flying) + 1):
        studio.end()
        studio.serve()
        studio.check()
    assert studio.waiting == []
    assert {each.job_id: number for number, each in enumerate(studio.order[before:], 1)} == told


@given(STEPS, st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_between_two_turns_everybody_who_waits_has_one(steps: list[tuple[str, int, int]], room: int) -> None:
    """Round-robin: nobody is served twice while somebody waits all the time, however many jobs or newcomers there are."""
    studio, waits_since = Studio(room), dict[int, int]()
    for what, one, two in steps:
        if what == "come":
            studio.come(one, two)
        else:
            studio.end(one)
        served = len(studio.order)
        for each in studio.waiting:
            waits_since.setdefault(each.person, served)
        studio.serve()
        for number, each in enumerate(studio.order[served:], served):
            waits_since.pop(each.person)
            if any(other.person == each.person for other in studio.waiting):
                waits_since[each.person] = number + 1
        for since in waits_since.values():
            turns = Counter(each.person for each in studio.order[since:])
            assert max(turns.values(), default=0) <= 1 + room  # who came with free places took them at once


def test_a_flood_of_one_person_does_not_hold_up_another() -> None:
    """One place, and twenty jobs before the other's first."""
    studio = Studio(1)
    for person in (1,) * 20 + (2, 2):
        studio.come(person)
        studio.serve()
    assert studio.places()[21] == 2
    for _ in range(21):
        studio.end()
        studio.serve()
    assert [each.person for each in studio.order[:6]] == [1, 1, 2, 1, 2, 1]


def test_newcomers_do_not_starve_whoever_was_served_once() -> None:
    """A stream of people who come once each."""
    studio = Studio(1)
    mine = [studio.come(1), studio.come(1)]
    studio.serve()
    for person in range(2, 12):
        studio.come(person)
        studio.end()
        studio.serve()
    assert studio.order.index(mine[1]) <= 2


def test_who_rests_holds_nobody_up() -> None:
    """Its last try failed, and it is not yet time for the next one."""
    studio = Studio(1)
    first, second = studio.come(1), studio.come(2)
    studio.waiting[0] = replace(first, is_resting=True)
    assert admitted(studio.line, 1, FlightLimits()) == [second]
    assert next_up(studio.line) == second
    assert next_up(Line([])) is None
    assert admitted(studio.line, 0, FlightLimits()) == []


def test_ten_thousand_that_a_limit_holds_back_are_told_in_time() -> None:
    """The first ones exactly, all others as they stand, each place once."""
    line = Line([Waiting(number, number % 500, number % 7, START) for number in range(10_000)], {}, [])
    told = places(line, 0, FlightLimits(1, 2), HERE)
    assert sorted(told.values()) == list(range(1, 10_001))


@pytest.mark.parametrize(
    ("was", "to", "tries", "gives"),
    [
        (JobState.RENDERING, JobState.RENDERING, 0, False),
        (JobState.RENDERING, JobState.SAVING, 0, True),
        (JobState.SUBMITTING, JobState.RENDERING, 0, False),
        (JobState.SUBMITTING, JobState.QUEUED, 1, True),
        (JobState.SUBMITTING, JobState.QUEUED, 0, False),
        (JobState.QUEUED, JobState.QUEUED, 0, False),
        (JobState.QUEUED, JobState.QUEUED, 2, False),
        (JobState.QUEUED, JobState.ASKING, 0, True),
        (JobState.SAVING, JobState.SAVING, 1, False),
    ],
)
def test_whoever_leaves_a_place_or_lets_a_turn_pass_gives_way(
    was: JobState, to: JobState, tries: int, gives: bool
) -> None:
    """A painted first frame does not: its job goes on at once."""
    job = Job(
        id=1,
        kind=JobKind.RENDER,
        state=to,
        request_key="",
        place="",
        person=ANA,
        story_code="a1",
        created_at=START,
        tries=tries,
    )
    assert gives_way(was, job) is gives


# --- in the house -----------------------------------------------------------------------------------------------------


async def ask(house: House, person: Person = ANA, place: str = "local:home") -> Job:
    house.clock.advance(1)
    return await house.studio.create(Create(asked=house.asked(person, place), prompt=f"a lamp of {person.name}"))


def rendering(provider: ScriptedProvider, in_flight: int, finishes: int = 4) -> ScriptedProvider:
    provider.pace = replace(provider.pace, in_flight=in_flight, give_up_s=3_600)
    provider.finishes_at_check = finishes
    return provider


def taken(house: House) -> list[str]:
    return [render.order.prompt.rpartition(" ")[2] for render in house.provider.renders.values()]


async def test_persons_take_turns(tmp_path: Path, clock: FakeClock) -> None:
    """What each of them is told is what comes."""
    async with opened_house(tmp_path, clock, rendering(ScriptedProvider(), 1)) as house:
        jobs = [await ask(house, person) for person in (ANA, ANA, ANA, ANA, BEN, BEN, EVE)]
        await house.tick()
        told = [await house.studio.place_in_line(await house.job(job.id)) for job in jobs]
        await house.run(120)
    assert taken(house) == ["Ana", "Ben", "Eve", "Ana", "Ben", "Ana", "Ana"]
    assert told == [0, 3, 5, 6, 1, 4, 2]


async def test_a_waiting_job_costs_nothing_until_it_is_its_turn(tmp_path: Path, clock: FakeClock) -> None:
    """Twenty wait: in five minutes none of them is looked at, and none is late when a place is free."""
    async with opened_house(tmp_path, clock, rendering(ScriptedProvider(), 2, finishes=10**6)) as house:
        jobs = [await ask(house) for _ in range(22)]
        await house.tick()
        await house.tick()
        looks = 0
        for _ in range(15):
            clock.advance(20)
            claimed = await house.stepper.claim(100)
            looks += sum(job.state is JobState.QUEUED for job in claimed)
            await asyncio.gather(*(house.stepper.step(job) for job in claimed))
        assert looks == 0
        house.provider.check_answers = [Rendered("scripted://task-1"), Rendered("scripted://task-2")]
        clock.advance(1)
        for _ in range(3):  # two are done and give their places free; two others take them
            await asyncio.gather(*(house.stepper.step(job) for job in await house.stepper.claim(100)))
        states = [(await house.job(job.id)).state for job in jobs]
        assert states.count(JobState.RENDERING) == 2


async def test_two_that_both_saw_a_free_place_do_not_both_leave(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two processes: whoever loses waits in line, unpaid, and is served later."""
    async with opened_house(tmp_path, clock, rendering(ScriptedProvider(), 1)) as house:
        monkeypatch.setattr(submit, "is_its_turn", always)
        jobs = [await ask(house) for _ in range(3)]
        await house.tick()
        assert house.provider.submits == 1
        assert [(await house.job(job.id)).state for job in jobs].count(JobState.QUEUED) == 2
        assert [len(await house.store.read(lambda tx, job=job: tx.attempts(job.id))) for job in jobs].count(0) == 2  # type: ignore[misc]
        monkeypatch.setattr(submit, "is_its_turn", admission.is_its_turn)
        await house.run(60)
        assert len(house.chat.videos) == 3


async def always(*_: object) -> bool:
    return True


@pytest.mark.parametrize("limits", [FlightLimits(per_person=1), FlightLimits(per_place=1)])
async def test_a_limit_holds_back_its_own_and_nobody_else(
    tmp_path: Path, clock: FakeClock, limits: FlightLimits
) -> None:
    """Also where two would pass it together, and at another provider: a place is given free there, too."""
    second = rendering(ScriptedProvider(name="second"), 4)
    most = Counter[str]()
    async with opened_house(tmp_path, clock, rendering(ScriptedProvider(), 4), others=[second], limits=limits) as house:
        for nth, (person, place) in enumerate(((ANA, "local:a"), (ANA, "local:a"), (BEN, "local:b"), (ANA, "local:a"))):
            options = replace(Create(asked=house.asked(), prompt="").options, provider="second" if nth == 3 else None)
            await house.studio.create(Create(asked=house.asked(person, place), prompt="a lamp", options=options))
        for _ in range(40):
            await house.run(1)
            flights = await house.store.read(lambda tx: tx.flights(["scripted", "second"]))
            for key in Counter(flight.person for flight in flights).items():
                most[str(key[0])] = max(most[str(key[0])], key[1])
        assert set(most.values()) == {1}
        assert len(house.provider.renders) + len(second.renders) == 4
        assert clock() - START < timedelta(days=2)


async def test_a_place_is_free_as_soon_as_a_render_is_done(tmp_path: Path, clock: FakeClock) -> None:
    """Though its download takes a while."""
    async with opened_house(tmp_path, clock, rendering(ScriptedProvider(), 1, finishes=1)) as house:
        house.provider.fetch_errors = [Unavailable("slow")] * 3
        first, second = await ask(house), await ask(house, BEN)
        await house.tick()
        clock.advance(1)
        await house.tick()
        await house.tick()
        assert (await house.job(first.id)).state is JobState.SAVING
        assert (await house.job(second.id)).state is JobState.RENDERING


@pytest.mark.parametrize("fails_at", ["submit_errors", "prepare_errors"])
async def test_who_cannot_be_handed_over_lets_the_next_one_go(tmp_path: Path, clock: FakeClock, fails_at: str) -> None:
    """It tries again later, and holds nobody up meanwhile."""
    async with opened_house(tmp_path, clock, rendering(ScriptedProvider(), 1)) as house:
        setattr(house.provider, fails_at, [Unavailable("not now")])
        first, second = await ask(house), await ask(house, BEN)
        await house.tick()
        await house.tick()
        assert (await house.job(first.id)).state is JobState.QUEUED
        assert (await house.job(second.id)).state is JobState.RENDERING
        await house.run(60)
        assert taken(house) == ["Ben", "Ana"]
        assert len(house.chat.videos) == 2
