"""Where the new part of an extended clip begins: pure. Some services give the whole, which a film would then show twice."""

from __future__ import annotations

from dataclasses import dataclass

SLACK_S = 0.05
"""What is told as a length and what a file shows differ by a frame or so."""
MAYBE_LONGER = 1.25
"""A new part may be a quarter longer than asked; what is more holds more than that."""
LEAST_NEW = 0.8
"""A whole has at least so much of the length that was asked, behind what was there before."""


@dataclass(frozen=True, slots=True)
class NewPart:
    """Where it begins, in seconds; 0: with the file. `is_sure` False: it may be that it begins later."""

    from_s: float
    is_sure: bool = True


def new_part(*, gives: str, whole_s: float, asked_s: float, before_s: float | None) -> NewPart:
    """Of a file of `whole_s`. `gives` as in `Abilities.extend_gives`; `before_s` None: what it goes on from is not here any more.

    Where nothing is known of the service its length decides, and where that could be either, nothing is cut off: it is paid.
    """
    if gives == "new":
        return NewPart(0.0)
    if gives == "whole":
        from_s = whole_s - asked_s if before_s is None else before_s
        return NewPart(from_s if SLACK_S < from_s < whole_s - SLACK_S else 0.0)
    if whole_s <= asked_s * MAYBE_LONGER:
        could_be_whole = before_s is not None and abs(whole_s - asked_s) > abs(whole_s - asked_s - before_s)
        return NewPart(0.0, is_sure=not could_be_whole)
    if before_s is None or whole_s < before_s + LEAST_NEW * asked_s:
        return NewPart(0.0, is_sure=False)
    return NewPart(before_s)
