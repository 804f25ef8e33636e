"""Where the fakes are told to hold a request, to cut it off, or to say that it is there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Door:
    """Every request passes it with the name of its point and the words in it."""

    holds: dict[str, str] = field(default_factory=dict)
    """By point: whose words are held there until `open_all`; what was on its way then is not taken."""
    reached: set[str] = field(default_factory=set)
    trap: tuple[str, int, Callable[[], None]] | None = None
    """At so many arrivals at a point this is done, and the request is cut off."""
    is_shut: bool = False
    """Nobody answers: every connection is cut."""
    seen: Counter[str] = field(default_factory=Counter)
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    async def passes(self, point: str, words: str) -> bool:
        """Wait as told; False: whoever sent it is dead, and what was on its way is lost."""
        self.seen[point] += 1
        if self.trap is not None and self.trap[0] == point:
            name, left, spring = self.trap
            self.trap = (name, left - 1, spring)
            if left == 1:
                self.trap = None
                spring()
                return False
        if (who := self.holds.get(point)) is not None and who in words:
            self.reached.add(point)
            gate = self._open
            await gate.wait()
            return False
        return True

    def open_all(self) -> None:
        """What was held goes on; nothing is held from now on."""
        self.holds.clear()
        self.trap = None
        self._open.set()
        self._open = asyncio.Event()
