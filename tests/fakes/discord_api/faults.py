"""What goes wrong on request: refusals, lost answers, slow answers, and calls that wait until a test lets them go."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from tests.fakes.bot_api.faults import Gate
from tests.fakes.discord_api.refusals import Refusal
from tests.fakes.discord_api.wire import path_pattern

__all__ = ["Fault", "Faults", "Gate"]


@dataclass(eq=False)
class Fault:
    """Something for the calls that match; `times` counts down to none, None for all of them."""

    method: str
    path: re.Pattern[str]
    times: int | None
    refusal: Refusal | None = None
    is_lost: bool = False
    hang_s: float = 0.0
    gate: Gate | None = None
    is_after: bool = False

    def takes(self, method: str, path: str) -> bool:
        """Whether it is for this call, and then one less is left."""
        if self.times == 0 or self.method not in {"*", method} or not self.path.fullmatch(path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class Faults:
    """In the order in which they were asked for."""

    given: list[Fault] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, method: str, path: str, times: int | None = 1, **what: object) -> Fault:
        fault = Fault(method.upper(), path_pattern(path), times)
        for name, value in what.items():
            setattr(fault, name, value)
        self.given.append(fault)
        return fault

    async def before(self, method: str, path: str) -> None:
        """Wait as told, then refuse as told.

        Raises:
            Refusal
        """
        for fault in self.given:
            if fault.is_after or fault.is_lost:
                continue
            if fault.hang_s and fault.takes(method, path):
                await self._sleep(fault.hang_s)
            elif fault.gate is not None and fault.takes(method, path):
                await fault.gate.passed()
        for fault in self.given:
            if fault.refusal is not None and fault.takes(method, path):
                raise fault.refusal

    async def after(self, method: str, path: str) -> bool:
        """Wait as told; whether the answer is to be lost."""
        for fault in self.given:
            if fault.is_after and fault.gate is not None and fault.takes(method, path):
                await fault.gate.passed()
        return any(fault.is_lost and fault.takes(method, path) for fault in self.given)

    def close(self) -> None:
        """Nothing waits any more."""
        self.closing.set()
        for fault in self.given:
            if fault.gate is not None:
                fault.gate.release()

    async def _sleep(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return
