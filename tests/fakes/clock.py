"""A clock that stands still until it is moved, and the clock on the wall, set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo


def datetime_ahead(by: Callable[[], timedelta]) -> type[datetime]:
    """Instead of `datetime` in a module that asks it for the time: the clock on the wall, so much ahead."""

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + by()

    return Ahead


class FakeClock:
    """Call it for the time, an aware UTC datetime. It fits `engine.ports.Clock`."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move it on and give the new time."""
        self.now += timedelta(seconds=seconds)
        return self.now
