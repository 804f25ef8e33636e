"""Who renders next at a provider: round-robin by person, within what may be in flight. Pure: it is told who waits and who renders.

The persons stand in a row by when they began to wait: when their latest render here began, or when the first of their jobs that
wait came, if that is later. Whoever is served goes to the end of the row. Nothing in flight changes that order, so a place that
is told is true whatever ends first; only new jobs, cancelled ones and limits move it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from engine.job_model import Job, JobState
from engine.jobs import IN_FLIGHT

EXACT_MOST = 100
"""Where a person's or a place's limit holds jobs back, so many places are counted out; those after them are told as without it."""


@dataclass(frozen=True, slots=True)
class FlightLimits:
    """How many jobs of one person, or of one place, may be handed over or rendering at a time, everywhere together. None: any."""

    per_person: int | None = None
    per_place: int | None = None
    waiting_per_person: int | None = None
    """How many of one person's may wait before that; 0: none, so that nothing new is begun."""

    @property
    def are_set(self) -> bool:
        """Whether there is any on what is in flight."""
        return self.per_person is not None or self.per_place is not None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A QUEUED job that waits for no shot. `person` and `place` are opaque."""

    job_id: int
    person: int
    place: int
    since: datetime
    """When it was made."""
    is_due: bool = False
    """It is looked at soon by itself."""
    is_resting: bool = False
    """Its last try failed, and it is not yet time for the next one: it holds nobody up."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A job that takes one of its provider's places."""

    provider: str
    person: int
    place: int


@dataclass(frozen=True, slots=True)
class LineMark:
    """As long as it is the same, the line is. `waiting` counts those that wait for a shot, too."""

    waiting: int
    waiting_ids: int
    """Their sum."""
    flying: int


@dataclass(frozen=True, slots=True)
class Line:
    """Everybody at one provider."""

    waiting: Sequence[Waiting]
    served: Mapping[int, datetime] = field(default_factory=dict)
    """By person: when their latest render here began."""
    flights: Sequence[Flight] = ()
    """Oldest first: those at every provider, where limits are set. Without limits they change nothing."""


def fair_order(line: Line) -> list[Waiting]:
    """All that wait in the order in which they are served, were there no limits."""
    rows = _rows(line)
    rank = {row[0].person: number for number, row in enumerate(rows)}
    numbered = [(nth, rank[each.person], each) for row in rows for nth, each in enumerate(row)]
    return [each for _, _, each in sorted(numbered, key=lambda entry: entry[:2])]


def next_up(line: Line) -> Waiting | None:
    """The first that could leave, were there no limits. None: nobody waits."""
    ready = [each for each in line.waiting if not each.is_resting]
    return _rows(Line(ready, line.served))[0][0] if ready else None


def admitted(line: Line, room: int, limits: FlightLimits) -> list[Waiting]:
    """Those that may leave now, in order: as many as there is room for, none above a limit."""
    if room <= 0:
        return []
    ready = Line([each for each in line.waiting if not each.is_resting], line.served, line.flights)
    if not limits.are_set:
        return fair_order(ready)[:room]
    row = _Row(ready, limits)
    chosen = (row.take() for _ in range(room))
    return [each for each in chosen if each is not None]


def places(line: Line, room: int, limits: FlightLimits, provider: str) -> dict[int, int]:
    """By job: how manieth it will be to leave. 1: it is the next, or leaves now. Told as if the oldest in flight ended first."""
    order = fair_order(line)
    if limits.are_set:
        order = _simulated(line, room, limits, provider, order)
    at_once = len(admitted(line, room, limits))
    return {each.job_id: max(1, number - at_once) for number, each in enumerate(order, 1)}


def gives_way(was: JobState, job: Job) -> bool:
    """Whether what a step came to lets somebody else go: a place is free, or whoever's turn it was does not take it.

    For jobs that are not over; those that are always do.
    """
    if job.state is JobState.QUEUED:
        return was in IN_FLIGHT and job.tries > 0
    return (was in IN_FLIGHT and job.state not in IN_FLIGHT) or (
        was is JobState.QUEUED and job.state is JobState.ASKING
    )


def _rows(line: Line) -> list[list[Waiting]]:
    """Each person's jobs in order, the persons in order."""
    by_person: dict[int, list[Waiting]] = {}
    for each in sorted(line.waiting, key=lambda waiting: waiting.job_id):
        by_person.setdefault(each.person, []).append(each)

    def waits_since(row: list[Waiting]) -> tuple[datetime, bool, int]:
        first, served_at = row[0], line.served.get(row[0].person)
        return max(first.since, served_at or first.since), served_at is not None, first.job_id

    return sorted(by_person.values(), key=waits_since)


class _Row:
    """The row of persons while jobs leave one by one within the limits."""

    def __init__(self, line: Line, limits: FlightLimits) -> None:
        self._persons = _rows(line)
        self._limits = limits
        self._by_person = Counter(flight.person for flight in line.flights)
        self._by_place = Counter(flight.place for flight in line.flights)

    def take(self) -> Waiting | None:
        """The next that may leave. None: nobody may."""
        for at, jobs in enumerate(self._persons):
            if self._is_full(self._by_person[jobs[0].person], self._limits.per_person):
                continue
            found = next(
                (job for job in jobs if not self._is_full(self._by_place[job.place], self._limits.per_place)), None
            )
            if found is None:
                continue
            jobs.remove(found)
            del self._persons[at]
            if jobs:
                self._persons.append(jobs)
            self._by_person[found.person] += 1
            self._by_place[found.place] += 1
            return found
        return None

    def land(self, flight: Flight) -> None:
        """One in flight ends."""
        self._by_person[flight.person] -= 1
        self._by_place[flight.place] -= 1

    @staticmethod
    def _is_full(count: int, most: int | None) -> bool:
        return most is not None and count >= most


def _simulated(line: Line, room: int, limits: FlightLimits, provider: str, order: Iterable[Waiting]) -> list[Waiting]:
    """The order in which they leave where limits hold some back, for the first `EXACT_MOST`; then as they stand."""
    row, flying, served = _Row(line, limits), deque(line.flights), dict[int, Waiting]()
    while len(served) < min(EXACT_MOST, len(line.waiting)):
        found = row.take() if room > 0 else None
        if found is not None:
            served[found.job_id] = found
            flying.append(Flight(provider, found.person, found.place))
            room -= 1
        elif flying:
            landed = flying.popleft()
            row.land(landed)
            room += landed.provider == provider
        else:
            break
    return [*served.values(), *(each for each in order if each.job_id not in served)]
