"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bot.settings import Settings


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `says` is a whole sentence; for anything but OK it tells what to do."""

    level: Level
    says: str


def ok(says: str) -> Finding:
    return Finding(Level.OK, says)


def warning(says: str) -> Finding:
    return Finding(Level.WARNING, says)


def problem(says: str) -> Finding:
    return Finding(Level.PROBLEM, says)


Check = Callable[[Settings], Iterator[Finding]]
