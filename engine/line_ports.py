"""What the engine asks of a store about who waits for a provider, who renders there, and how long that usually takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.job_model import Job
from engine.line import Flight, Line, LineMark


class LineReader(Protocol):
    """Reads in the snapshot of its transaction."""

    async def line_mark(self, provider: str) -> LineMark:
        """How many wait and fly there; cheap, however many they are."""
        ...

    async def line(self, provider: str) -> Line:
        """Everybody who waits there, and when each of these persons was served last; without any flights."""
        ...

    async def flights(self, providers: Sequence[str]) -> Sequence[Flight]:
        """The jobs in flight at these providers, oldest first."""
        ...

    async def lines_of(self, job: Job) -> Sequence[str]:
        """The providers at which jobs of this job's person or place wait."""
        ...

    async def waiting_of(self, person: str, providers: Sequence[str]) -> int:
        """How many renders of a person, by any of their keys, wait at these providers, also for a word on their price."""
        ...

    async def durations(self, provider: str, model: str, limit: int = 400) -> Sequence[tuple[float, float]]:
        """Of the newest renders of a model: the shot's length and how long it rendered, in seconds each."""
        ...


class LineWriter(LineReader, Protocol):
    """Lets waiting jobs be looked at."""

    async def make_due(self, job_ids: Sequence[int]) -> None:
        """Let these QUEUED jobs be looked at now; those that just are, right after."""
        ...

    async def spread_due(self, provider: str, over_s: float) -> None:
        """Let all jobs of a provider that are not being stepped be looked at within so long, evenly."""
        ...
