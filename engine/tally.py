"""What went wrong since the process started, counted for whoever watches it. Nothing is decided by it, and nothing is kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from engine.errors import EngineError


@dataclass(slots=True)
class Tally:
    """Counters that only grow. Whoever reads them has to take the difference."""

    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By provider (empty: a stitch) and class of the error: steps of jobs that failed, those that are tried again too."""
    stale: Counter[str] = field(default_factory=Counter)
    """By what was to be written (`job`, `say`): writes that were void, since somebody else had taken it over."""

    def failed(self, provider: str, error: EngineError) -> None:
        """A step failed."""
        self.errors[provider, type(error).__name__] += 1
