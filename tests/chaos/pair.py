"""Two processes on one database, killed and frozen in turn: the old one that comes back beside the one that took its place.

Each has a directory of its own and so does not see the other's lock; what they share is PostgreSQL, the kept files and the
platform's token. What holds them apart is in the rows alone: leases, fences, and the age of an intent.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from tests.chaos.rough import INSIDE, Fault, Rough, draw
from tests.chaos.seat import Seat

OUTLIVED_S = 140.0
"""Longer than the time after which another process looks for what was being sent, and asks or believes that it was lost."""
LEASE_S = (32.0, 40.0)
"""Longer than a job's lease: its jobs go on without the frozen one."""
TIDIES_S = 2.0
"""How long a start may take to tidy up what others ended."""


@dataclass
class Pair(Rough):
    """One run with two processes."""

    async def _life(self, fault: Fault, commands: int, *, is_long: bool) -> None:
        """A while in which both work; then one of them is killed, or frozen and woken beside the other."""
        victim = self.chance.choice(self.house.seats)
        if is_long:
            await self._outlive(victim, commands)
            return
        self._set_trap(fault, victim)
        await self._start_all()
        await self._catch_up(commands)
        await self._talk(commands, fault.lasts_s)
        freeze = self.chance.random()
        if freeze < 0.2:
            is_short = freeze < 0.14
            victim.signal(signal.SIGSTOP)
            await self._talk(commands // 2, self.chance.uniform(*((0.2, 3.0) if is_short else LEASE_S)))
            victim.signal(signal.SIGCONT)
            await self._talk(0, self.chance.uniform(0.1, 2.0))
            self.deaths["frozen" if is_short else "frozen for a lease"] += 1
        if freeze < 0.1 or freeze >= 0.2:
            self.deaths["random" if victim.is_alive else "by itself"] += 1
            await self.house.kill(victim, with_children=fault.with_children)

    async def _outlive(self, victim: Seat, commands: int) -> None:
        """It is frozen between an intent and its request, and comes back when all of its jobs were given to the other."""
        await self._start_all()
        await self.house.kill(victim)
        await self.house.start(victim, stops_at="intent")
        await self._talk(commands, 1.0, only_making=True)
        with suppress(AssertionError):  # nobody came so far
            await self.house.until(lambda: "intent" in self.house.reached, 30, "An intent")
        end_s = time.monotonic() + OUTLIVED_S
        while time.monotonic() < end_s:
            await self._start_all()  # the other may have been told to die
            await self._talk(1, 10.0)
        victim.signal(signal.SIGCONT)
        await self._talk(2, 4.0)
        self.deaths["frozen for long"] += 1
        await self.house.kill(victim)
        (self.house.home / "reached.txt").write_text("")

    async def _start_all(self) -> None:
        """Whoever is dead begins a life of its own, half of them with a point at which it ends."""
        for seat in self.house.seats:
            if seat.is_alive:
                continue
            if seat.pid is not None:
                await seat.gone()
            fault = draw(self.chance, tuple(self.house.services))
            dies_at = fault.dies_at if fault.dies_at in INSIDE else ""
            await self.house.start(seat, dies_at=dies_at, after=fault.after)

    async def _talk(self, commands: int, lasts_s: float, *, only_making: bool = False) -> None:
        end_s = time.monotonic() + lasts_s
        for left in range(commands, 0, -1):
            self.say(only_making=only_making)
            await asyncio.sleep(max(0.0, end_s - time.monotonic()) / (left + 1))
        await asyncio.sleep(max(0.0, end_s - time.monotonic()))

    async def _rest(self, tell: Callable[[str], None], within_s: float = 600.0) -> None:
        """Then each starts once more, alone: what was begun here and ended there is tidied up at a start."""
        for seat in self.house.seats:
            seat.signal(signal.SIGCONT)
        await super()._rest(tell, within_s)
        for seat in self.house.seats:
            await self.house.start(seat)
            await asyncio.sleep(TIDIES_S)
            await seat.terminate()
