"""What every provider is: a name, models with abilities and pace, and five verbs. A provider raises errors of the tree only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from engine.model import Abilities, Pace


class Recovery(StrEnum):
    """What can be known of a request whose answer was lost."""

    SAME_KEY = "same key"
    """Sending it again with the same key gives the same render, at no cost."""
    LOOKUP = "lookup"
    """`find(key)` tells whether it was taken."""
    NONE = "none"
    """Nothing: the person has to decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One render, fully settled. `first_frame` and `last_frame` are PNG files on this machine."""

    prompt: str
    seconds: float
    ratio: str
    resolution: str
    seed: int
    style: str
    model: str
    caption: str = ""
    """What a draft writes on itself, as `k7-4`."""
    first_frame: Path | None = None
    last_frame: Path | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """The provider has it and has not begun. `position` counts from 1; None where it does not say."""

    position: int | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """`percent` is 0 to 100 and true, or None. `preview` is a JPEG of the render so far, on this machine, or None."""

    percent: float | None = None
    preview: Path | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """It is done. `where` is what `fetch` needs: a URL or a path."""

    where: str


Progress = Queued | Rendering | Rendered


class CancelOutcome(StrEnum):
    STOPPED = "stopped"
    """It stopped, and costs nothing more."""
    MAY_STILL_COST = "may still cost"
    """The provider cannot stop it, or did not say that it has."""


class Provider(Protocol):
    """A service, or this machine, that renders shots."""

    @property
    def name(self) -> str:
        """As in settings and in `--provider`."""
        ...

    @property
    def models(self) -> Mapping[str, Abilities]:
        """By model name; the first one is the default."""
        ...

    @property
    def pace(self) -> Pace: ...

    @property
    def recovery(self) -> Recovery: ...

    async def submit(self, order: Order, key: str) -> str:
        """Ask for the render once, without any retry of its own, and give the provider's task id.

        Raises:
            RateLimited, Unavailable: certainly not taken.
            Refused, OutOfCredit: certainly not taken, and asking again is of no use.
            Unconfirmed, Misunderstood: it may have been taken.
        """
        ...

    async def find(self, key: str) -> str | None:
        """The task id of the request that was sent with this key; None: certainly not taken. Only where LOOKUP."""
        ...

    async def check(self, task_id: str) -> Progress:
        """What the render is doing. Free and repeatable.

        Raises:
            Refused, RenderFailed, Misunderstood: final.
            RateLimited, Unavailable: ask again.
        """
        ...

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """Write the finished video to `into` (overwritten if there). Repeatable.

        Raises:
            RateLimited, Unavailable: ask again.
        """
        ...

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Stop the render. Repeatable."""
        ...

    async def forget(self, task_id: str) -> None:
        """The clip is safe with us (or the job is over): drop what the provider keeps for it here. Repeatable."""
        ...

    async def close(self) -> None:
        """The program ends: release what is held. What was taken goes on or is taken up again by `check` later."""
        ...
