"""What every provider is: a name, models with abilities and pace, and a few verbs. A provider raises errors of the tree only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from engine.abilities import Abilities, Pace, Quote


class Recovery(StrEnum):
    """What can be known of a request whose answer was lost."""

    SAME_KEY = "same key"
    """Sending it again with the same key gives the same render, at no cost."""
    LOOKUP = "lookup"
    """`find(key)` tells whether it was taken."""
    NONE = "none"
    """Nothing: the person has to decide."""


class Work(StrEnum):
    """What is done with a clip that is there already."""

    EXTEND = "extend"
    """Go on from it at the service itself."""
    EDIT = "edit"
    """Change it by words."""
    REMIX = "remix"
    """Render it anew by other words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A clip that a render works on: by its task at this very provider and model line, and as a file on this machine."""

    work: Work
    video: Path
    seconds: float
    task_id: str | None = None
    """None: it was not rendered by this provider, or is too old for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One render, fully settled. `first_frame`, `last_frame` and `references` are PNG files on this machine."""

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
    references: tuple[Path, ...] = ()
    negative: str = ""
    """What must not be seen."""
    is_silent: bool = False
    """Without sound, where the model can leave it out."""
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An order as the request that will cost money, ready to leave: pictures are converted and uploaded."""

    order: Order
    key: str
    """Ours, unique: in the request where the service takes one."""
    request: Any
    """Of the provider's own kind."""
    notes: tuple[str, ...] = ()
    """What was lost on the way, one sentence each, for the person: a picture that was made smaller."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The service took it. `usd` is what it says that it will cost, where it says so."""

    task_id: str
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A request whose answer was lost, as far as a look-up may need it."""

    key: str
    order: Order
    at: datetime
    """Before this moment it had not left."""
    known: frozenset[str]
    """Task ids of this provider that belong to other jobs."""


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
    """It is done. `where` is what `fetch` needs: a URL or a path. `usd` is what it cost, where the service says so."""

    where: str
    usd: Decimal | None = None


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

    async def quote(self, order: Order) -> Quote:
        """What the render will cost, as far as that can be known before. Never raises: what cannot be had is unknown."""
        ...

    @property
    def recovery(self) -> Recovery: ...

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The order as a request, with its pictures converted and uploaded. Costs nothing; repeatable.

        Raises:
            Refused, BadShot, OutOfCredit, AuthFailed, ModelRetired, MediaError: final.
            RateLimited, Unavailable, StorageError: ask again.
        """
        ...

    async def submit(self, prepared: Prepared) -> Taken:
        """Ask for the render once, without any retry of its own.

        Raises:
            RateLimited, Unavailable: certainly not taken.
            Refused, BadShot, OutOfCredit, AuthFailed, ModelRetired: certainly not taken, and asking again is of no use.
            Unconfirmed, Misunderstood: it may have been taken.
        """
        ...

    async def find(self, sent: Sent) -> str | None:
        """The task id of a request whose answer was lost; None: the service does not list it. Only where LOOKUP.

        Raises:
            RateLimited, Unavailable: ask again.
            Unconfirmed: several could be it; the person has to decide.
        """
        ...

    async def check(self, task_id: str) -> Progress:
        """What the render is doing. Free and repeatable.

        Raises:
            Refused, Withheld, RenderFailed, Lost, Misunderstood: final.
            RateLimited, Unavailable, AuthFailed: ask again.
        """
        ...

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """Write the finished video to `into` (overwritten if there). Repeatable.

        Raises:
            RateLimited, Unavailable: ask again, with a fresh `check` for where it is.
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


@runtime_checkable
class Account(Protocol):
    """A provider whose service tells what is left of the operator's money there."""

    async def balance_usd(self) -> Decimal | None:
        """In US dollars; None: it does not say.

        Raises:
            AuthFailed, OutOfCredit, RateLimited, Unavailable, Misunderstood
        """
        ...


@runtime_checkable
class Ending(Protocol):
    """A provider whose service tells when it ends models. The doctor asks it."""

    async def ending(self) -> Mapping[str, date]:
        """The first day without it, of each model that has one. Empty: it tells none, or cannot be asked. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Hook:
    """A call that came to our webhook. `headers` have lower-case names."""

    headers: Mapping[str, str]
    body: bytes


@runtime_checkable
class Hooked(Protocol):
    """A provider whose service calls back. A call is only ever a hint to look now: it carries no result."""

    async def heard(self, hook: Hook) -> str | None:
        """The task id that a call speaks of; None: it is not signed as the service signs, or speaks of nothing."""
        ...
