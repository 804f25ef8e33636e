"""Whether a provider is asked at all just now: a circuit for each, and the pause after "too many requests".

After some failures in a row, of more than one job, a circuit opens: nothing is asked there but one probe at a time, after growing
waits; the first answer, whatever it says, closes it. It is known to this process alone: after a start all circuits are closed.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from engine.errors import IllegalMove

log = logging.getLogger(__name__)

OPENS_AFTER = 5
"""Failures in a row."""
OPENS_WITHIN = timedelta(minutes=2)
"""What failed longer ago is not counted."""
PROBE_FIRST_S = 15.0
PROBE_MOST_S = 300.0
PAUSE_MOST_S = 3_600.0
"""The longest that a service's "not before" is believed."""
PROBES_READY = 4
"""So many jobs come when a probe may go; one of them is it."""
WAIT_MOST_S = 900.0
"""After so long at most the others look by themselves."""
_PROBING = timedelta(seconds=PROBE_FIRST_S)
SPREAD = 0.25
"""Those who wait look again within so much of their wait, so that not all come at once."""


class CircuitState(StrEnum):
    CLOSED = "closed"
    """It is asked as ever."""
    OPEN = "open"
    """It does not answer and is not asked."""
    HALF_OPEN = "half open"
    """One job asks whether it answers again."""


S = CircuitState

MOVES: Mapping[CircuitState, frozenset[CircuitState]] = {
    S.CLOSED: frozenset({S.CLOSED, S.OPEN}),
    S.OPEN: frozenset({S.OPEN, S.HALF_OPEN, S.CLOSED}),
    S.HALF_OPEN: frozenset({S.HALF_OPEN, S.OPEN, S.CLOSED}),
}
"""OPEN → CLOSED: what was asked before it opened is answered after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """How it stands with one provider."""

    state: CircuitState = S.CLOSED
    failures: tuple[tuple[str, datetime], ...] = ()
    """In a row, while CLOSED: what was asked for, and when."""
    probes: int = 0
    """How many have failed since it opened."""
    probe_at: datetime | None = None
    """While OPEN: from when a probe may go."""
    probe: str = ""
    """While HALF_OPEN: for what it is asked."""


def failed(circuit: Circuit, subject: str, now: datetime) -> Circuit:
    """It could not be asked for this."""
    match circuit.state:
        case S.CLOSED:
            recent = (*(each for each in circuit.failures if now - each[1] <= OPENS_WITHIN), (subject, now))
            if len(recent) < OPENS_AFTER or len({each[0] for each in recent}) < 2:
                return _move(circuit, S.CLOSED, failures=recent[-OPENS_AFTER:])
            return _move(circuit, S.OPEN, failures=(), probes=0, probe_at=now + timedelta(seconds=probe_wait_s(0)))
        case S.OPEN:  # asked before it opened
            return circuit
        case S.HALF_OPEN:
            probes = circuit.probes + 1
            probe_at = now + timedelta(seconds=probe_wait_s(probes))
            return _move(circuit, S.OPEN, probes=probes, probe_at=probe_at, probe="")


def answered(circuit: Circuit) -> Circuit:
    """It said something, even if it was a no."""
    if circuit.state is S.CLOSED and not circuit.failures:
        return circuit
    return _move(circuit, S.CLOSED, failures=(), probes=0, probe_at=None, probe="")


def asks(circuit: Circuit, subject: str, now: datetime) -> Circuit | None:
    """The circuit if this may be asked now; None: it has to wait."""
    match circuit.state:
        case S.CLOSED:
            return circuit
        case S.OPEN if circuit.probe_at is not None and now >= circuit.probe_at:
            return _move(circuit, S.HALF_OPEN, probe=subject)
        case _:
            return None


def unasked(circuit: Circuit, subject: str, now: datetime) -> Circuit:
    """The step for this is over. Where it was the probe and asked nothing, another one may be it."""
    if circuit.state is not S.HALF_OPEN or circuit.probe != subject:
        return circuit
    return _move(circuit, S.OPEN, probe_at=now, probe="")


def probe_wait_s(probes: int) -> float:
    """15, 30, 60 … 300 s."""
    return min(PROBE_MOST_S, PROBE_FIRST_S * 2.0 ** min(probes, 16))


def _move(circuit: Circuit, to: CircuitState, **changes: object) -> Circuit:
    if to not in MOVES[circuit.state]:
        raise IllegalMove(f"a circuit cannot go from {circuit.state} to {to}")
    return replace(circuit, state=to, **changes)  # type: ignore[arg-type]  # named as its fields are


@dataclass(frozen=True, slots=True)
class Hold:
    """A job's step has to wait until then. `trouble`: what its person is told; empty: nothing, it is only a moment."""

    until: datetime
    trouble: str = ""


class Circuits:
    """The circuits and pauses of all providers, as this process knows them."""

    def __init__(self) -> None:
        self._circuits: dict[str, Circuit] = {}
        self._paused_until: dict[str, datetime] = {}
        self._turned: dict[str, None] = {}
        self._coming: dict[str, tuple[datetime, int]] = {}
        """By provider: the next moment for a probe, and how many jobs come for it."""

    def states(self, providers: Iterable[str] = ()) -> Mapping[str, CircuitState]:
        """By provider: of these, and of every one that was ever in trouble."""
        known = dict.fromkeys((*providers, *self._circuits))
        return {name: self._circuits.get(name, Circuit()).state for name in known}

    def paused_until(self, provider: str) -> datetime | None:
        """Until when it takes no more requests, by its own word. May be over."""
        return self._paused_until.get(provider)

    def hold(self, provider: str, subject: str, now: datetime) -> Hold | None:
        """Whether a step for this subject may ask the provider; None: it may, and while the circuit is open it is the probe."""
        pause = self._paused_until.get(provider)
        if pause is not None and now < pause:
            return Hold(_spread(now, pause))
        circuit = self._circuits.get(provider)
        if circuit is None:
            return None
        probing = asks(circuit, subject, now)
        if probing is not None:
            self._circuits[provider] = probing
            return None
        return Hold(self._look_at(provider, circuit, now), no_answer(provider))

    def is_closed(self, provider: str) -> bool:
        """Whether it is asked as ever."""
        circuit = self._circuits.get(provider)
        return circuit is None or circuit.state is S.CLOSED

    def _look_at(self, provider: str, circuit: Circuit, now: datetime) -> datetime:
        """When a job that waits for an open circuit looks again: some in time for the next probe, the others much later.

        When the circuit closes, all are looked at.
        """
        at = circuit.probe_at if circuit.probe_at is not None and circuit.probe_at > now else now + _PROBING
        last, coming = self._coming.get(provider, (at, 0))
        self._coming[provider] = at, coming + 1 if last == at else 1
        if last != at or coming < PROBES_READY:
            return _spread(now, at)
        return at + timedelta(seconds=WAIT_MOST_S * random.random())

    def failed(self, provider: str, subject: str, now: datetime) -> None:
        """It could not be asked."""
        before = self._circuits.get(provider, Circuit())
        after = self._circuits[provider] = failed(before, subject, now)
        if before.state is S.CLOSED and after.state is S.OPEN:
            log.warning("circuit opened provider=%s failures=%d", provider, OPENS_AFTER)
            self._turned[provider] = None
        elif before.state is S.HALF_OPEN:
            log.info("circuit stays open provider=%s probes=%d next_s=%g", provider, after.probes, after_s(after, now))

    def answered(self, provider: str) -> None:
        """It said something."""
        before = self._circuits.get(provider)
        if before is None:
            return
        self._circuits[provider] = answered(before)
        if before.state is not S.CLOSED:
            log.warning("circuit closed provider=%s probes=%d", provider, before.probes + 1)
            self._turned[provider] = None

    def limited(self, provider: str, retry_after_s: float, now: datetime) -> None:
        """It takes no more requests for so long: its account is paused."""
        until = now + timedelta(seconds=min(max(0.0, retry_after_s), PAUSE_MOST_S))
        if until > self._paused_until.get(provider, now):
            log.info("provider paused provider=%s for_s=%g", provider, (until - now).total_seconds())
            self._paused_until[provider] = until

    def over(self, provider: str, subject: str, clock: Callable[[], datetime]) -> None:
        """A step that `hold` let go has ended, whatever it asked."""
        circuit = self._circuits.get(provider)
        if circuit is not None:
            self._circuits[provider] = unasked(circuit, subject, clock())

    def turned(self) -> tuple[str, ...]:
        """The providers whose circuit has opened or closed since this was last asked: their jobs are worth a look."""
        turned = tuple(self._turned)
        self._turned.clear()
        return turned


def after_s(circuit: Circuit, now: datetime) -> float:
    """How long until its next probe; 0: now."""
    return max(0.0, (circuit.probe_at - now).total_seconds()) if circuit.probe_at is not None else 0.0


def no_answer(provider: str) -> str:
    """What a person is told."""
    return f"{provider} does not answer; this goes on by itself as soon as it does"


def _spread(now: datetime, until: datetime) -> datetime:
    return until + (until - now) * SPREAD * random.random()
