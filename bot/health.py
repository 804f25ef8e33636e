"""Whether this process can work just now, said in words that tell a stranger nothing: anybody may ask."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from bot.pulse import Pulse
from engine.adding import DISK_LEAST_BYTES
from engine.errors import EngineError
from engine.ports import Files, Store

log = logging.getLogger(__name__)

ANSWERS_S = 3.0
"""How long the database and the disk may take to answer."""
TICKS_S = 15.0
"""How long the driver may be silent; it ticks four times a second."""
KEPT_S = 1.0
"""How long an answer is given again: whoever asks often does not ask the database often."""


class Health:
    """What keeps this process from working: `database`, `disk`, `driver`, each with a few words."""

    def __init__(self, store: Store, files: Files, pulse: Pulse) -> None:
        self._store = store
        self._files = files
        self._pulse = pulse
        self._asking = asyncio.Lock()
        self._disk_look: asyncio.Task[int] | None = None
        """A thread that waits for a disk cannot be called back, so that there is never a second one."""
        self._answer: Mapping[str, str] = {}
        self._asked_at_s = float("-inf")

    async def reasons(self) -> Mapping[str, str]:
        """None of them: it can."""
        async with self._asking:
            if time.monotonic() - self._asked_at_s > KEPT_S:
                before, self._answer = self._answer, await self._look()
                self._asked_at_s = time.monotonic()
                if dict(before) != dict(self._answer):
                    log.info("readiness changed reasons=%s", ",".join(self._answer) or "none")
        return self._answer

    async def _look(self) -> Mapping[str, str]:
        database, disk = await asyncio.gather(self._database(), self._disk())
        found = {"database": database, "disk": disk}
        if self._pulse.silent_s() > TICKS_S:
            found["driver"] = "does not tick"
        return {name: words for name, words in found.items() if words}

    async def _database(self) -> str:
        try:
            async with asyncio.timeout(ANSWERS_S):
                await self._store.read(lambda tx: tx.job(0))
        except (EngineError, TimeoutError):
            return "does not answer"
        return ""

    async def _disk(self) -> str:
        if self._disk_look is None or self._disk_look.done():
            self._disk_look = asyncio.create_task(self._files.free_bytes(), name="look at the disk")
        try:
            async with asyncio.timeout(ANSWERS_S):
                free = await asyncio.shield(self._disk_look)
        except (EngineError, OSError, TimeoutError):
            return "does not answer"
        return "" if free >= DISK_LEAST_BYTES else "is nearly full"
