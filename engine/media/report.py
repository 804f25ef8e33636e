"""What a child says while it works: how far it is, and how long it may take now that it knows the size of the task."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Callable
from typing import Any

AT_ONCE = 8
"""Packets that are told of together: to tell of each takes longer than to copy it."""
_BASE_PIXELS = 1280 * 720
_WHOLE = 100
_APART_S = 0.05
"""From one percent to the next that is said. Nobody reads faster, and to say each one took a tenth of a short stitch."""


class Report:
    """Counts units of work and says whole percents: each once, never a smaller one, and the last one at once."""

    def __init__(self, say: Callable[..., Any], wall_s: float) -> None:
        self._say = say
        self._wall_s = wall_s
        self._total = 1.0
        self._done = 0.0
        self._said, self._said_at = -1, -_APART_S
        self._lock = threading.Lock()

    def expect(self, total: float) -> None:
        """How many units there are in all, done ones included; may be called again when it is known better."""
        self._total = max(total, 1e-9)

    def advance(self, units: float) -> None:
        """May be called by several threads."""
        with self._lock:
            self._done += units
            percent = min(_WHOLE, int(_WHOLE * self._done / self._total))
            if percent > self._said:
                now = time.monotonic()
                if percent == _WHOLE or now - self._said_at >= _APART_S:
                    self._said, self._said_at = percent, now
                    self._say(percent=float(percent))

    def allow(self, seconds: float, pixels: int, cost: float) -> None:
        """Ask for time: `cost` is the most that one second of 720p may take, in seconds. Never less than was given before."""
        wall_s = self._wall_s + seconds * cost * max(1.0, pixels / _BASE_PIXELS)
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(wall_s * (os.cpu_count() or 1)) + 1, hard))
        self._say(wall_s=wall_s, pixels=pixels)
