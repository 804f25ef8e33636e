"""How many children may work at once: as many as there are cores, and no more than there is memory for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import weakref
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

_CORES = os.cpu_count() or 1
_SHARE = 0.5
"""Of this machine's memory may be used by all children together."""
_USUAL_PIXELS = 1920 * 1080
_BASE_BYTES = 60 << 20
_QUICK_BYTES, _LONG_BYTES = 40, 100
"""For each pixel of a picture: the pictures that a decoder keeps; and those of an encoder and of filters besides."""
_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def machine_bytes() -> int:
    """What this machine has, or the container that we are in."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUPS:
        with contextlib.suppress(OSError, ValueError):  # "max": there is no limit
            found.append(int(path.read_text("ascii")))
    return min(found)


def needed_bytes(pixels: int, *, is_long: bool) -> int:
    """About what work on pictures of so many pixels takes."""
    return _BASE_BYTES + pixels * (_LONG_BYTES if is_long else _QUICK_BYTES)


class Memory:
    """A number of bytes that is shared out, in the order in which they were asked for."""

    def __init__(self, total_bytes: int) -> None:
        self._total = total_bytes
        self._free = total_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, wanted: int) -> int:
        """Waits until there are so many, or all, where more are wanted than there ever are; how many it took."""
        taken = min(wanted, self._total)
        if not self._waiting and taken <= self._free:
            self._free -= taken
            return taken
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = taken, granted
        self._waiting.append(place)
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._free += taken
            else:
                self._waiting.remove(place)
            self._wake()
            raise
        return taken

    def change(self, by: int) -> None:
        """Somebody who works already needs so many more, or fewer. Nobody waits for it: who comes later does."""
        self._free -= by
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            taken, granted = self._waiting.popleft()
            if not granted.done():
                self._free -= taken
                granted.set_result(None)


@dataclass(slots=True)
class Turn:
    """The right to work."""

    memory: Memory
    is_long: bool
    taken: int

    def told(self, pixels: int) -> None:
        """It is known now how large the pictures are."""
        more = needed_bytes(pixels, is_long=self.is_long) - self.taken
        if more > 0:
            self.taken += more
            self.memory.change(more)


@dataclass(frozen=True, slots=True)
class _Turns:
    """Of one event loop."""

    quick: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_CORES))
    long: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(max(1, _CORES // 2)))
    memory: Memory = field(default_factory=lambda: Memory(int(machine_bytes() * _SHARE)))


_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = weakref.WeakKeyDictionary()


@asynccontextmanager
async def turn(*, is_long: bool) -> AsyncIterator[Turn]:
    """Waits for one's turn: long work has turns of its own, but the memory is everybody's."""
    turns = _turns.setdefault(asyncio.get_running_loop(), _Turns())
    async with turns.long if is_long else turns.quick:
        own = Turn(turns.memory, is_long, await turns.memory.take(needed_bytes(_USUAL_PIXELS, is_long=is_long)))
        try:
            yield own
        finally:
            turns.memory.change(-own.taken)
