"""What goes wrong on request: refusals, lost answers, slow answers, and calls that wait until a test lets them go."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from tests.fakes.bot_api.refusals import Refusal


class Gate:
    """Calls of one method wait here. `reached` is set as soon as one does."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.waiting = 0
        self._open = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    def release(self) -> None:
        """Let them go, and all later ones."""
        self._open.set()

    async def passed(self) -> None:
        """Wait in front of it."""
        if not self.is_open:
            self.waiting += 1
            self.reached.set()
            await self._open.wait()
            self.waiting -= 1


@dataclass
class Faults:
    """By method, in lower case."""

    refusals: dict[str, list[Refusal]] = field(default_factory=lambda: defaultdict(list))
    lost: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hangs: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    before: dict[str, Gate] = field(default_factory=dict)
    after: dict[str, Gate] = field(default_factory=dict)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def before_call(self, method: str) -> None:
        """Wait as told, then refuse as told.

        Raises:
            Refusal
        """
        key = method.lower()
        if self.hangs[key]:
            await self._sleep(self.hangs[key].pop(0))
        if key in self.before:
            await self.before[key].passed()
        if self.refusals[key]:
            raise self.refusals[key].pop(0)

    async def after_call(self, method: str) -> bool:
        """Wait as told; whether the answer is to be lost."""
        key = method.lower()
        if key in self.after:
            await self.after[key].passed()
        if self.lost[key]:
            self.lost[key] -= 1
            return True
        return False

    def close(self) -> None:
        """Nothing waits any more."""
        self.closing.set()
        for gate in [*self.before.values(), *self.after.values()]:
            gate.release()

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return
