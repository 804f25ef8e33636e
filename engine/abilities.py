"""What a model can do, what it costs, and when to look at its renders: frozen values that a catalog row becomes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """What a given picture may be; the animatic draws on any. Sides are in pixels."""

    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    """Of `png`, `jpeg`, `webp`; the first one is what a picture becomes that has to be made anew."""
    max_bytes: int = 8_000_000
    """Of the file itself, before base64."""
    min_side: int = 64
    max_side: int = 4096
    min_ratio: float = 0.25
    """Width over height."""
    max_ratio: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a render costs, in US dollars. By resolution; the key `""` holds for every other one."""

    usd_per_second: Mapping[str, Decimal] = field(default_factory=dict)
    silent_usd_per_second: Mapping[str, Decimal] = field(default_factory=dict)
    """Where a render without sound costs something else."""
    usd_per_render: Decimal = Decimal(0)
    """Added once."""
    usd_per_picture: Decimal = Decimal(0)
    """Added for each given picture after `free_pictures`."""
    free_pictures: int = 0
    usd_per_source_second: Decimal = Decimal(0)
    """Added for each second of a clip that is worked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What is left of a model's abilities where a shot begins in one certain way. None and empty: all of them."""

    min_seconds: float | None = None
    max_seconds: float | None = None
    only_seconds: tuple[float, ...] = ()
    resolutions: tuple[str, ...] = ()
    ratios: tuple[str, ...] = ()


FREE = Price(usd_per_second={"": Decimal(0)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model can do. The first of each tuple is its default."""

    min_seconds: float
    max_seconds: float
    default_seconds: float
    steps: tuple[float, ...] = ()
    """The only lengths that it makes; empty: everything between."""
    whole_seconds: bool = False
    ratios: tuple[str, ...]
    resolutions: tuple[str, ...]
    styles: tuple[str, ...] = ("default",)
    text: bool = True
    """It can begin without any picture."""
    first_frame: bool = False
    last_frame: bool = False
    last_needs_first: bool = True
    references: int = 0
    """How many pictures may guide it beside the frames."""
    references_or_frames: bool = True
    """References and frames exclude each other."""
    extend: bool = False
    """It can go on from a render of its own."""
    extend_gives: str = "unknown"
    """What an extension comes as: `whole`, with the clip that it goes on from; `new`, without; or `unknown`."""
    edit: bool = False
    """It can change a clip by words."""
    remix: bool = False
    """It can make a render of its own anew by other words."""
    audio: bool = False
    """Its clips have sound."""
    audio_choice: bool = False
    """The sound can be left out."""
    seed: bool = False
    negative: bool = False
    """It takes words for what must not be seen."""
    prompt_chars: int = 4_000
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """By way of beginning: `text`, `first`, `last`, `references`, `extend`, `edit`."""
    picture: PictureLimits = PictureLimits()
    price: Price | None = None
    """None: not known before it is asked."""
    ends_on: date | None = None
    """The day from which the service does not render with it any more."""
    substitute: str = ""
    """What to use instead, as `provider model`."""
    closed: str = ""
    """Why it cannot be used though it is listed, one sentence: paused, retired."""
    as_of: date | None = None
    """When this was read; None for what runs on this machine."""
    source: str = ""
    """Where this was read: a URL."""
    note: str = ""
    """One line for `/models`."""


def narrowed(can: Abilities, ways: Iterable[str]) -> Abilities:
    """What is left of the abilities where a shot begins in all of these ways."""
    for limit in (can.limits[way] for way in ways if way in can.limits):
        least = can.min_seconds if limit.min_seconds is None else max(can.min_seconds, limit.min_seconds)
        most = can.max_seconds if limit.max_seconds is None else min(can.max_seconds, limit.max_seconds)
        steps = tuple(
            each
            for each in can.steps or sorted(limit.only_seconds)
            if least <= each <= most and (not limit.only_seconds or each in limit.only_seconds)
        )
        can = replace(
            can,
            min_seconds=min(steps, default=least),
            max_seconds=max(steps, default=most),
            steps=steps,
            resolutions=_left(can.resolutions, limit.resolutions),
            ratios=_left(can.ratios, limit.ratios),
        )
    return can


def _left(able: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in able if not only or each in only) or able


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When to look at a render: `first_s` after it was taken, then not sooner than every `every_s`; given up after `give_up_s`."""

    first_s: float
    every_s: float
    give_up_s: float
    in_flight: int
    """How many renders it takes at a time."""
    checks_per_s: float = 100.0
    """How many checks a second it takes, of all renders together. A service of which nothing is known is asked less: its catalog
    has 5."""


class Listed(Protocol):
    """A model in a catalog, of whatever kind."""

    @property
    def closed(self) -> str: ...

    @property
    def ends_on(self) -> date | None: ...


def is_open(model: Listed, today: date | None) -> bool:
    """Whether it can be used on this day; None: whenever that is."""
    return not model.closed and (today is None or model.ends_on is None or today < model.ends_on)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a render will cost, in US dollars, as told before. None: nobody can know."""

    usd: Decimal | None

    def __str__(self) -> str:
        if self.usd is None:
            return "price unknown"
        if not self.usd:
            return "free"
        cents = Decimal("0.01") if self.usd >= Decimal("0.1") else Decimal("0.0001")
        return f"about ${self.usd.quantize(cents)}"


def quote(
    price: Price | None,
    *,
    seconds: float,
    resolution: str,
    is_silent: bool = False,
    pictures: int = 0,
    source_seconds: float = 0,
) -> Quote:
    """The price of one render. Unknown where the price or this resolution's is. `source_seconds`: of a clip that is worked on."""
    if price is None:
        return Quote(None)
    rates = price.silent_usd_per_second if is_silent and price.silent_usd_per_second else price.usd_per_second
    rate = rates.get(resolution, rates.get(""))
    if rate is None and (rates or not price.usd_per_render):
        return Quote(None)
    paid_pictures = max(0, pictures - price.free_pictures)
    usd = (rate or Decimal(0)) * Decimal(str(seconds)) + price.usd_per_render + price.usd_per_picture * paid_pictures
    return Quote(usd + price.usd_per_source_second * Decimal(str(source_seconds)))
