"""How far an export is: it may take several tries, and a percentage never goes back."""

from __future__ import annotations

from collections.abc import Callable

OnPart = Callable[[float], None]

_FIRST = 0.7
"""How much of the way the first try is: another one is seldom needed."""


def share(on_part: OnPart, number: int, steps: int) -> Callable[[], None]:
    """To be called `steps` times in try `number`, from 0: each try goes a part of the way that is left."""
    part = _FIRST * (1 - _FIRST) ** number / max(1, steps)
    return lambda: on_part(part)


def finish(on_part: OnPart, number: int) -> None:
    on_part((1 - _FIRST) ** (number + 1))
