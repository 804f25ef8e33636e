"""Since when this process knows of something, by a clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Callable


class Sightings:
    """How old a paid request is at the least, whatever the clocks on the walls say.

    The time in its row was written by another process, whose clock may have been an hour off, or ours has been set since.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic`: seconds since anything."""
        self._monotonic = monotonic
        self._since: dict[int, float] = {}

    def saw(self, attempt_id: int) -> float:
        """It is there, and not decided. For how many seconds that has been known here."""
        now = self._monotonic()
        return now - self._since.setdefault(attempt_id, now)

    def saw_anew(self, attempt_id: int) -> None:
        """Whatever was known of it before counts no more."""
        self._since[attempt_id] = self._monotonic()

    def drop(self, attempt_id: int) -> None:
        """It is decided."""
        self._since.pop(attempt_id, None)
