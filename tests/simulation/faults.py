"""What goes wrong in a world, how often, and how often it did."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping

USUAL: Mapping[str, float] = {
    "crash": 0.0015,
    "freeze": 0.001,
    "killed while sending": 0.05,
    "frozen while sending": 0.08,
    "killed after the intent": 0.03,
    "frozen after the intent": 0.06,
    "killed while speaking": 0.02,
    "frozen while speaking": 0.02,
    "database down": 0.004,
    "commit unheard": 0.002,
    "transaction done twice": 0.01,
    "wall clock jumps": 0.0,
    "no connection": 0.04,
    "too many requests": 0.04,
    "refused": 0.02,
    "request lost": 0.06,
    "request on a slow road": 0.1,
    "answer lost": 0.10,
    "slow look-up": 0.1,
    "look-up fails": 0.08,
    "check fails": 0.08,
    "key revoked": 0.01,
    "render fails": 0.06,
    "done and not done": 0.04,
    "unknown word": 0.01,
    "download breaks": 0.08,
    "half a file": 0.04,
    "chat away": 0.05,
    "message lost": 0.04,
    "message unheard": 0.06,
    "edit fails": 0.05,
    "update again": 0.15,
}
"""The chance of each, each time that it could happen. A crash and a freeze could at every step of a process."""


VIOLENT = ("crash", "freeze", *(each for each in USUAL if each.startswith(("killed ", "frozen "))))
"""What takes a process away."""
SLOW = ("request on a slow road", "slow look-up")
"""What keeps a service from knowing of a request that has left."""


class Faults:
    """Draws them, and counts them. `strength` 0: nothing goes wrong any more."""

    def __init__(self, chance: random.Random, more: Mapping[str, float] | None = None) -> None:
        self._chance = chance
        self.rates = {**USUAL, **(more or {})}
        self.strength = 1.0
        self.count: Counter[str] = Counter()

    def happens(self, fault: str) -> bool:
        """Whether it does now."""
        rate = self.rates[fault] * self.strength
        if rate <= 0 or self._chance.random() >= rate:
            return False
        self.count[fault] += 1
        return True
