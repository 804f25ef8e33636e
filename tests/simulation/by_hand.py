"""The product's store without any fault and without waiting, for tests that move it by hand."""

from __future__ import annotations

import functools
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

from engine.ports import Clock
from storage import SqlStore
from tests.simulation.database import ProcessDatabase, Shared
from tests.simulation.faults import Faults
from tests.simulation.loop import VirtualLoop

T = TypeVar("T")


@functools.cache
def _shared() -> Shared:
    return Shared()


class ByHand:
    """An empty store in a loop of its own. One at a time."""

    def __init__(self, clock: Clock) -> None:
        chance = random.Random(0)
        faults = Faults(chance)
        faults.strength = 0.0
        shared = _shared()
        shared.empty()
        shared.committed = lambda: None
        self.raw = shared.raw
        self.store = SqlStore(ProcessDatabase(shared, faults, chance), clock)
        self._loop = VirtualLoop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Its value, at once."""
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        self._loop.end()
