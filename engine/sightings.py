"""Since when this process knows of something, by a clock that nobody sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable


def render_of(job_id: int) -> Hashable:
    """What a job renders, as something to be seen; a paid request is seen under the number of its attempt."""
    return "render", job_id


class Sightings:
    """How old a paid request or a render is at the least, whatever the clocks on the walls say.

    The time in its row was written by another process, whose clock may have been an hour off, or ours has been set since.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic`: seconds since anything."""
        self._monotonic = monotonic
        self._since: dict[Hashable, float] = {}

    def saw(self, what: Hashable) -> float:
        """It is there, and not decided. For how many seconds that has been known here."""
        now = self._monotonic()
        return now - self._since.setdefault(what, now)

    def saw_anew(self, what: Hashable) -> None:
        """Whatever was known of it before counts no more."""
        self._since[what] = self._monotonic()

    def drop(self, what: Hashable) -> None:
        """It is decided."""
        self._since.pop(what, None)
