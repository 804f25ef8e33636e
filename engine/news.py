"""Who is told when a job changes: the one place where the engine's news leaves it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from engine.job_model import Job
from engine.ports import Announce

log = logging.getLogger(__name__)


class News:
    """Passes every change of a job to its listeners. A listener that fails loses its news, and nobody else's."""

    def __init__(self) -> None:
        self._listeners: list[Announce] = []

    def listen(self, listener: Announce) -> None:
        """From now on `listener` is told."""
        self._listeners.append(listener)

    @contextmanager
    def changes_of(self, job_id: int) -> Iterator[asyncio.Event]:
        """An event that is set whenever this job changes; whoever waits clears it."""
        changed = asyncio.Event()

        async def ring(job: Job) -> None:
            if job.id == job_id:
                changed.set()

        self._listeners.append(ring)
        try:
            yield changed
        finally:
            self._listeners.remove(ring)

    async def announce(self, job: Job) -> None:
        """Tell everybody of the job as it is now."""
        for listener in tuple(self._listeners):
            try:
                await listener(job)
            except Exception:  # a listener's bug must not stop a paid render
                log.exception("listener failed job=%d state=%s", job.id, job.state)
