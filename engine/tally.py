"""What went wrong since the process started, counted for whoever watches it. Nothing is decided by it, and nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counters that only grow. Whoever reads them has to take the difference."""

    errors: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By provider (empty: a stitch) and class of the error: steps of jobs that failed, those that are tried again too, and
    what a step was answered and dealt with itself."""
    stale: Counter[str] = field(default_factory=Counter)
    """By what was to be written (`job`, `say`): writes that were void, since somebody else had taken it over."""

    def failed(self, provider: str, error: Exception) -> None:
        """A step failed, or what it asked did."""
        self.errors[provider, type(error).__name__] += 1

    @contextmanager
    def counting(self, provider: str) -> Iterator[None]:
        """Around what a step asks of a provider whose errors it deals with itself, so that whoever calls it sees none."""
        try:
            yield
        except Exception as error:
            self.failed(provider, error)
            raise
