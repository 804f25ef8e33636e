"""What every painter is: a service that makes one picture, for a shot to begin on. A painter raises errors of the tree only.

A call is synchronous: there is no task to ask for later, so a lost answer cannot be looked up and is its person's to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from engine.abilities import PictureLimits, Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class PainterAbilities:
    """What a model that paints can do."""

    sizes: Mapping[str, int]
    """Its words for how large, from small to large, each with about how many pixels its shorter side has."""
    ratios: tuple[str, ...]
    """Those that it paints itself; another one is cut out of the nearest."""
    can_edit: bool = True
    """It goes on from a picture."""
    usd_per_picture: Mapping[str, Decimal] | None = None
    """By size; the key `""` holds for every other one. None: not known before."""
    prompt_chars: int = 32_000
    picture: PictureLimits = field(default_factory=PictureLimits)
    """What the picture to go on from may be."""
    ends_on: date | None = None
    """The day from which the service does not paint with it any more."""
    substitute: str = ""
    """What to use instead, as `painter model`."""
    closed: str = ""
    """Why it cannot be used though it is listed, one sentence."""
    as_of: date | None = None
    """When this was read."""
    source: str = ""
    """Where this was read: a URL."""
    note: str = ""
    """One line for `/models`."""


PaintersByName = Mapping[str, Mapping[str, PainterAbilities]]
"""The models of every painter; the first one of each is its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureModel:
    """One model: what it can do, and what its painter has to know to ask for it."""

    abilities: PainterAbilities
    wire: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOrder:
    """One picture, fully settled."""

    prompt: str
    """What the picture shows; with `later_s`, what happens until then."""
    ratio: str
    """`16:9`: the picture is of exactly this shape."""
    resolution: str
    """Of the shot, as `720p`: the shorter side."""
    model: str
    frame: Path | None = None
    """A PNG to go on from; always with `later_s`."""
    later_s: float | None = None
    """How much later than the frame the picture is."""


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """An order as the request that will cost money, ready to leave."""

    order: PictureOrder
    key: str
    """Ours, unique."""
    request: Any
    """Of the painter's own kind."""
    notes: tuple[str, ...] = ()
    """What was lost on the way, one sentence each, for the person."""


@dataclass(frozen=True, slots=True)
class Painted:
    """The picture is there. `usd`: what it cost, where that is told; `notes`: what was changed of it, for the person."""

    usd: Decimal | None = None
    notes: tuple[str, ...] = ()


class Painter(Protocol):
    """A service that makes one picture."""

    @property
    def name(self) -> str:
        """As in settings and in `--still`."""
        ...

    @property
    def models(self) -> Mapping[str, PainterAbilities]:
        """By model name; the first one is the default."""
        ...

    def quote(self, order: PictureOrder) -> Quote:
        """What the picture will cost, by the catalog."""
        ...

    async def prepare(self, order: PictureOrder, key: str) -> PreparedPicture:
        """The order as a request, with its frame in the form that the model wants. Costs nothing; repeatable.

        Raises:
            BadShot, ModelRetired, MediaError: final.
            StorageError: ask again.
        """
        ...

    async def paint(self, prepared: PreparedPicture, into: Path) -> Painted:
        """Ask for the picture once, without any retry, and write it to `into`: a clean PNG of exactly the order's shape.

        Raises:
            RateLimited, Unavailable: certainly not taken.
            Refused, BadShot, OutOfCredit, AuthFailed, ModelRetired: no picture, and asking again is of no use.
            RenderFailed: it answered, perhaps charged, and there is no picture.
            Unconfirmed, Misunderstood: it may have been painted.
            MediaError, StorageError: it was painted, and cannot be kept here.
        """
        ...

    async def close(self) -> None:
        """The program ends: release what is held."""
        ...


LATER_MOST_S = 600.0
"""The longest "later" that means anything: what a picture shows says little of ten minutes on."""


def words_for(order: PictureOrder) -> str:
    """What a painter is told: the person's words quoted as they are, and what kind of picture is wanted."""
    plain = "One full picture without borders, captions or split panels."
    if order.frame is None or order.later_s is None:
        return f"Paint the first frame of a shot of a film. {plain} The shot, in the words of its author:\n\n{order.prompt}"
    return (
        f"The picture is a frame of a film. Paint the same scene {_seconds(order.later_s)} later: the same people, things, place, "
        f"light, colours and style, seen by the same camera. Change only what that time changes and what the film's author "
        f"tells of it. {plain} The author's words:\n\n{order.prompt}"
    )


def size_for(abilities: PainterAbilities, resolution: str) -> str:
    """The smallest size that is no smaller than the shot, else the largest."""
    lines = lines_of(resolution)
    return next((word for word, side in abilities.sizes.items() if side >= lines), list(abilities.sizes)[-1])


def lines_of(resolution: str) -> int:
    """The shorter side in pixels of `720p`, `2k` or `4k`; 720 where the word is another one."""
    word = resolution.lower()
    if word in {"2k", "4k"}:
        return {"2k": 1440, "4k": 2160}[word]
    digits = word.removesuffix("p")
    return int(digits) if digits.isdigit() else 720


def nearest_ratio(ratio: str, ratios: tuple[str, ...]) -> str:
    """The ratio itself, else the one out of which it is cut with the least loss."""
    wanted = shape_of(ratio)
    return min(ratios, key=lambda each: max(shape_of(each) / wanted, wanted / shape_of(each)))


def shape_of(ratio: str) -> float:
    """Width over height of `16:9`."""
    width, height = ratio.split(":")
    return int(width) / int(height)


def _seconds(later_s: float) -> str:
    return "1 second" if later_s == 1 else f"{later_s:g} seconds"
