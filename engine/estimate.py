"""What a render will cost, by what its model's maker tells: the price before anything is asked of a service. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from engine.abilities import quote
from engine.model import EXTEND, TEXT_ONLY, Shot, Take
from engine.possible import ModelsByProvider
from engine.providers.painter import Painter
from engine.spread import Spread
from engine.stills import needs_picture, picture_of

SAME = Spread()
"""What it costs is what is told."""


def estimate(
    shot: Shot,
    take: Take,
    *,
    models: ModelsByProvider,
    painters: Mapping[str, Painter],
    source_s: float | None = None,
    spread: Spread = SAME,
) -> Decimal | None:
    """In US dollars, with the first frame where that is to be painted, and at most what `spread` says. None: not known before.

    `source_s`: the length of the clip that is extended or changed, None where there is none or it is not rendered yet.
    """
    can = models.get(shot.provider, {}).get(shot.model)
    if can is None:
        return None
    is_edit = take.edited_take_id is not None
    is_by_length = is_edit or (shot.work == EXTEND and can.price is not None and can.price.usd_per_source_second > 0)
    if is_by_length and source_s is None:
        return None
    told = quote(
        can.price,
        seconds=source_s if is_edit and can.edit and source_s is not None else shot.seconds,
        resolution=shot.resolution,
        is_silent=shot.is_silent,
        pictures=_pictures(shot, take),
        source_seconds=source_s or 0,
    ).usd
    render = spread.most_usd(told)
    if render is None or not needs_picture(shot, take):
        return render
    name, _, model = shot.still.partition(" ")
    painter = painters.get(name)
    picture = painter.quote(picture_of(shot, None)).usd if painter is not None and model in painter.models else None
    return None if picture is None else render + picture


def _pictures(shot: Shot, take: Take) -> int:
    """How many are given with the order (`engine.orders`)."""
    if take.edited_take_id is not None or shot.work == TEXT_ONLY:
        return 0
    goes_on = shot.parent_id is not None and not shot.is_unseeded
    is_begun = shot.work != EXTEND and bool(shot.first_frame or take.first_frame or shot.still or goes_on)
    return len(shot.references) + is_begun + (shot.last_frame is not None)
