"""How long a model's renders usually take, and when it is worth looking at one again. The arithmetic is pure.

A look is worth it when a tenth of the renders that have lasted this long would be done since the last one. Nobody sees a render
end: what is learned lies half-way between the last look before and the first one after, and the looks have jitter, so that a
service that got faster is found out.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_right, insort
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.abilities import Pace

LEAST = 8
"""With fewer renders nothing is known."""
KEPT = 200
"""Of the newest renders of a model and length."""
STEP = 0.1
STEP_MOST_S = 60.0
"""Longer nobody waits for a look, whatever was usual."""
AWAKE_S = 60.0
"""A render is given up as too slow only where it was to be looked at within this time, or within four of its intervals: else it
was we who were away."""


def step_s(durations: Sequence[float], elapsed_s: float) -> float | None:
    """How long until a tenth of those that last longer than this are done. None: too few are known, or none lasted that long.

    Once the first may be done, no longer than a tenth of what it has lasted. `durations`: in seconds, ascending.
    """
    before = bisect_right(durations, elapsed_s)
    left = len(durations) - before
    if len(durations) < LEAST or not left:
        return None
    step = durations[before + math.ceil(left * STEP) - 1] - elapsed_s
    return min(step, elapsed_s * STEP) if before >= len(durations) * STEP else min(step, STEP_MOST_S)


def next_look_s(pace: Pace, *, elapsed_s: float, durations: Sequence[float], live: int, is_counted: bool) -> float:
    """How long to wait before the next look at a render.

    `live`: renders at the same provider, which share its looks. `is_counted`: its service tells a percent or shows a preview, and
    people watch it.
    """
    floor_s = max(pace.every_s, live / pace.checks_per_s)
    step = None if is_counted else step_s(durations, elapsed_s)
    return floor_s if step is None else max(floor_s, step)


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a render, by this process."""

    provider: str
    model: str
    seconds: float
    """Of the shot."""
    elapsed_s: float
    """How long it had rendered."""
    awake_until: datetime
    """Until then the next look is one of somebody who was awake all the time."""


class Looks:
    """What this process renders just now, and when it looked."""

    def __init__(self) -> None:
        self._by_job: dict[int, Look] = {}
        self._live: Counter[str] = Counter()

    def last(self, job_id: int) -> Look | None:
        """The last look; None: this process has never looked."""
        return self._by_job.get(job_id)

    def live(self, provider: str) -> int:
        """How many renders of this provider are looked at."""
        return self._live[provider]

    def saw(self, job_id: int, look: Look) -> None:
        """It was looked at, and renders."""
        self.drop(job_id)
        self._by_job[job_id] = look
        self._live[look.provider] += 1

    def drop(self, job_id: int) -> None:
        """It does not render any more."""
        look = self._by_job.pop(job_id, None)
        if look is not None:
            self._live[look.provider] -= 1


def awake_until(now: datetime, next_s: float) -> datetime:
    """See `AWAKE_S`."""
    return now + timedelta(seconds=max(AWAKE_S, 4 * next_s))


class Usual:
    """What is known of each model: read once, then learned from what this process sees."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str, float], deque[float]] = {}
        self._ascending: dict[tuple[str, str, float], list[float]] = {}
        self._begun: set[tuple[str, str]] = set()

    def durations(self, provider: str, model: str, seconds: float) -> Sequence[float]:
        """How long shots of this length rendered, in seconds, ascending; empty: nothing is known."""
        return self._ascending.get((provider, model, seconds), ())

    def usual_s(self, provider: str, model: str, seconds: float) -> float | None:
        """How long one usually takes. None: too few are known."""
        durations = self.durations(provider, model, seconds)
        return statistics.median(durations) if len(durations) >= LEAST else None

    def is_new(self, provider: str, model: str) -> bool:
        """Whether its earlier renders are to be read. Says so once: one reads, nobody waits for it."""
        if (provider, model) in self._begun:
            return False
        self._begun.add((provider, model))
        return True

    def learn(self, provider: str, model: str, seconds: float, took_s: float) -> None:
        """A render of a shot of this length took so long."""
        key = provider, model, seconds
        newest, ascending = self._newest.setdefault(key, deque()), self._ascending.setdefault(key, [])
        newest.append(took_s)
        insort(ascending, took_s)
        if len(newest) > KEPT:
            ascending.remove(newest.popleft())
