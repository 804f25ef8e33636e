"""A rough run: people talk, renders are slow and lie, and the process is killed again and again, by a seed."""

from __future__ import annotations

import asyncio
import math
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from tests.chaos.house import House, People
from tests.chaos.points import WALKED, At
from tests.chaos.seat import Seat
from tests.fakes.telegram import Chat, Message, Person

FROZEN_S = 75.0
"""Longer than an intent lasts, and than a lease."""
CATCH_UP_S = 20.0
LEAPS = tuple(timedelta(seconds=sign * seconds) for seconds in (30, 3600, 2 * 86_400) for sign in (1, -1))
INSIDE = sorted(name for name, point in WALKED.items() if point.at is At.INSIDE)
SERVICE = sorted(name for name, point in WALKED.items() if point.at is At.SERVICE)
CHAT = sorted(name for name, point in WALKED.items() if point.at is At.CHAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How one life goes and ends."""

    dies_at: str
    """A point, `random`, or `frozen` for a long freeze between an intent and its request."""
    service: str
    """At which service, where the point is a service's."""
    after: int
    """At how many arrivals."""
    lasts_s: float
    """At the latest."""
    with_children: bool
    resends: bool
    """The last update is handed over twice."""
    freezes_s: float
    """It is stopped so long in between; 0: not."""
    cuts: str
    """The service, or `telegram`, that nobody reaches for a second; empty: none."""
    leaps: timedelta
    """By so much the clock on the wall is set on, or back; 0: not."""
    leaps_while_dead: bool
    """Before the process starts, and not while it is at work."""


def draw(chance: random.Random, services: tuple[str, ...], *, is_short: bool = False) -> Fault:
    """The next fault."""
    kind = chance.choices(("random", "inside", "service", "chat"), (40, 25, 20, 15))[0]
    at = chance.choice({"random": ["random"], "inside": INSIDE, "service": SERVICE, "chat": CHAT}[kind])
    return Fault(
        dies_at=at,
        service=chance.choice(services),
        after=chance.choice((1, 1, 2, 3)),
        lasts_s=chance.uniform(0.3, 2.5 if is_short else 6.0),
        with_children=chance.random() < 0.25,
        resends=chance.random() < 0.3,
        freezes_s=chance.uniform(0.2, 2.0) if chance.random() < 0.12 else 0.0,
        cuts=chance.choice((*services, "telegram")) if chance.random() < 0.12 else "",
        leaps=chance.choice(LEAPS) if chance.random() < 0.2 else timedelta(0),
        leaps_while_dead=chance.random() < 0.5,
    )


@dataclass
class Rough:
    """One run."""

    house: House
    seed: int
    people: int = 12
    say_s: float = 0.25
    """About how long between two commands."""
    freezes_from: int = 50
    """In a run of so many kills two of them follow a freeze between an intent and its request."""
    said: list[Message] = field(default_factory=list)
    deaths: Counter[str] = field(default_factory=Counter)
    rests_s: float = 0.0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        telegram = self.house.telegram
        self.members: list[tuple[Person, Chat]] = []
        for number in range(self.people):
            person = telegram.person(f"P{number:02d}")
            self.members.append((person, telegram.private(person)))
        self._created: set[int] = set()
        for number, service in enumerate(self.house.services.values()):
            service.chance = random.Random(self.seed * 1000 + number)
            service.renders_s = (0.2, 2.0)

    def say(self, *, only_making: bool = False) -> None:
        """Somebody says something."""
        person, chat = self.chance.choice(self.members)
        scene = f"scene {len(self.said)} of {person.name}"
        service = self.chance.choice(tuple(self.house.services))
        words = [
            (f"/create {scene} --provider {service}", 40),
            (f"/continue {scene} --provider {service}", 40),
            ("/retake", 10),
            ("/stitch", 0 if only_making else 2),
            ("/cancel", 0 if only_making else 4),
            ("/story", 0 if only_making else 2),
            ("/pot", 0 if only_making else 2),
        ]
        text = self.chance.choices([each for each, _ in words], [weight for _, weight in words])[0]
        if person.id not in self._created:
            text = words[0][0]
            self._created.add(person.id)
        self.said.append(self.house.telegram.says(person, chat, text))

    @property
    def jobs(self) -> int:
        """How many there are by now."""
        with suppress(Exception):  # the tables are being made
            return int(self.house.rows("SELECT count(*) FROM job")[0][0])
        return 0

    async def run(
        self, *, jobs: int, kills: int, until_s: float, tell: Callable[[str], None], is_short: bool = False
    ) -> None:
        """At least so many of both, or until the monotonic time `until_s`; then the rest may end in peace."""
        people = asyncio.create_task(People(self.house, random.Random(self.seed + 1)).run(), name="people")
        try:
            told = 0
            per_life = max(1, math.ceil(jobs * 1.3 / max(1, kills)))
            while (self.house.kills < kills or self.jobs < jobs) and time.monotonic() < until_s:
                is_long = kills >= self.freezes_from and self.house.kills in (kills // 3, 2 * kills // 3)
                await self._life(
                    draw(self.chance, tuple(self.house.services), is_short=is_short), per_life, is_long=is_long
                )
                if self.house.kills // 5 > told:
                    told = self.house.kills // 5
                    tell(f"{self.house.kills} kills, {self.jobs} jobs, {len(self.said)} commands")
            await self._rest(tell)
        finally:
            people.cancel()
            await asyncio.gather(people, return_exceptions=True)

    async def _life(self, fault: Fault, commands: int, *, is_long: bool) -> None:
        house = self.house
        if is_long:
            await house.start(stops_at="intent")
            self._talk_at_once(commands)
            with suppress(AssertionError):  # nobody came so far
                await house.until(lambda: "intent" in house.reached, 30, "An intent")
            await asyncio.sleep(FROZEN_S)
            house.signal(signal.SIGCONT)
            await asyncio.sleep(2)
            self.deaths["frozen for long"] += 1
            await house.kill()
            (house.home / "reached.txt").write_text("")
            return
        self._set_trap(fault)
        if fault.leaps_while_dead and fault.leaps:
            house.clock.leap(fault.leaps)
        await house.start(dies_at=fault.dies_at if fault.dies_at in INSIDE else "", after=fault.after)
        await self._catch_up(commands)
        end_s, left = time.monotonic() + fault.lasts_s, commands
        busy = [asyncio.create_task(self._trouble(fault), name="trouble")]
        while house.is_alive and (time.monotonic() < end_s or left > 0):
            if left > 0:
                self.say()
                left -= 1
                if fault.resends:
                    house.telegram.resend_last_update()
            await asyncio.sleep(min(self.say_s, self.chance.uniform(0, fault.lasts_s / (commands + 1))))
        await asyncio.gather(*busy)
        self.deaths[fault.dies_at if not house.is_alive else "random"] += 1
        await house.kill(with_children=fault.with_children)
        while left > 0:
            self.say()
            left -= 1

    async def _catch_up(self, commands: int) -> None:
        """On a busy machine a life is over before it has heard what was said: then this one begins with that."""
        end_s = time.monotonic() + CATCH_UP_S
        while self.house.is_alive and time.monotonic() < end_s and self._unheard() > 3 * commands:  # noqa: ASYNC110  # rows ring no bell
            await asyncio.sleep(0.3)

    def _unheard(self) -> int:
        with suppress(Exception):  # the tables are being made
            waiting = int(self.house.rows("SELECT count(*) FROM inbox WHERE done_at IS NULL")[0][0])
            return waiting + len(self.house.telegram.world.updates.pending)
        return 0

    def _talk_at_once(self, commands: int) -> None:
        for _ in range(commands):
            self.say(only_making=True)

    def _set_trap(self, fault: Fault, seat: Seat | None = None) -> None:
        if fault.dies_at in SERVICE:
            door = self.house.services[fault.service].door
        elif fault.dies_at in CHAT:
            door = self.house.telegram.door
        else:
            return
        door.trap = (fault.dies_at, fault.after, lambda: self.house.strike(seat, with_children=fault.with_children))

    async def _trouble(self, fault: Fault) -> None:
        if fault.leaps and not fault.leaps_while_dead:
            self.house.clock.leap(fault.leaps)
        if fault.cuts == "telegram":
            async with self.house.telegram.outage():
                await asyncio.sleep(1)
        elif fault.cuts:
            door = self.house.services[fault.cuts].door
            door.is_shut = True
            await asyncio.sleep(1)
            door.is_shut = False
        if fault.freezes_s and self.house.is_alive:
            self.house.signal(signal.SIGSTOP)
            await asyncio.sleep(fault.freezes_s)
            self.house.signal(signal.SIGCONT)

    async def _rest(self, tell: Callable[[str], None], within_s: float = 600.0) -> None:
        began_s = time.monotonic()
        for seat in self.house.seats:
            if seat.is_alive:  # perhaps told to die somewhere
                await seat.terminate()
            await self.house.start(seat)
        quiet = 0
        while quiet < 3 and time.monotonic() - began_s < within_s:
            quiet = quiet + 1 if self.house.is_at_rest() else 0
            await asyncio.sleep(0.3)
        self.rests_s = time.monotonic() - began_s
        if quiet < 3:
            tell(f"not at rest: {self.house.left()}")
        await asyncio.sleep(1.0)  # work directories are dropped right after the last word
        await self.house.terminate()
