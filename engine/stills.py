"""Whether a shot's first frame is painted, by whom, and what that costs. Decides; `engine.painting` acts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from engine.abilities import is_open
from engine.attempts import Attempt
from engine.errors import NotPossible
from engine.job_model import Job
from engine.ledger import painted_usd
from engine.model import Shot, ShotOptions, Take
from engine.outcome import Outcome, World
from engine.providers.painter import LATER_MOST_S, PaintersByName, PictureOrder

LATER_LEAST_S = 1.0
NO_PAINTER = (
    "No image maker is set up here, so no picture can be painted: the operator sets NEXTSHOT_OPENAI_IMAGES_KEY or "
    "NEXTSHOT_GEMINI_IMAGES_KEY."
)


def settle_still(options: ShotOptions, *, has_parent: bool, painters: PaintersByName, today: date | None = None) -> str:
    """Who paints the first frame, as `painter model`; empty: nobody is asked to.

    `options.still` is a painter, a painter and its model, or a model; where only `later_s` is given, the first painter that can.
    `today`: models that are closed or past their end are refused.

    Raises:
        NotPossible: the sentence says what is here, and what to set where nothing is.
    """
    is_later = options.later_s is not None
    if not options.still and not is_later:
        return ""
    _check_wanted(options, has_parent=has_parent)
    if not painters:
        raise NotPossible(NO_PAINTER)
    name, model = _painter_of(options.still or "", painters, is_later=is_later, today=today)
    can = painters[name][model]
    if is_later and not can.can_edit:
        raise NotPossible(
            f"{name} {model} cannot go on from a picture; choose one of: {_names(painters, is_later, today)}."
        )
    instead = (
        f" Use {can.substitute} instead." if can.substitute else f" Choose one of: {_names(painters, is_later, today)}."
    )
    if can.closed:
        raise NotPossible(f"{name} {model} cannot be used: {can.closed.rstrip('.')}.{instead}")
    if not is_open(can, today):
        raise NotPossible(
            f"{name} {model} is no longer there: its service ended it on {can.ends_on:%d %B %Y}.{instead}"
        )
    return f"{name} {model}"


def needs_picture(shot: Shot, take: Take) -> bool:
    """Whether this take has to be painted before it is rendered."""
    is_rendered_from_words = take.edited_take_id is None and not shot.work
    return bool(shot.still) and take.first_frame is None and is_rendered_from_words


def added(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """What two things cost, as far as it is known; None: nothing is."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def picture_of(shot: Shot, frame: Path | None) -> PictureOrder:
    """The picture that the shot begins on, made from words alone or, with `later_s`, from the last frame before it."""
    return PictureOrder(
        prompt=shot.prompt,
        ratio=shot.ratio,
        resolution=shot.resolution,
        model=shot.still.partition(" ")[2],
        frame=frame,
        later_s=shot.later_s if frame is not None else None,
    )


def quote_with_pictures(render_usd: Decimal | None, attempts: Sequence[Attempt]) -> Decimal | None:
    """What a render is quoted at, with what was paid for its pictures. None: what the render costs is not known.

    A picture that was handed on by an earlier take was paid there.
    """
    return None if render_usd is None else render_usd + painted_usd(attempts)


async def cost_with_pictures(job: Job, render_usd: Decimal, world: World) -> Decimal:
    """What a render cost, with every picture that was painted for it: one whose painter did not say at its price."""
    return render_usd + painted_usd(await world.store.read(lambda tx: tx.attempts(job.id)))


async def with_cost(job: Job, render_usd: Decimal | None, world: World) -> Outcome:
    """The job at what its service says that its render cost, which is noted with the attempt. None: it does not say."""
    if render_usd is None:
        return Outcome(job=job)
    attempts = await world.store.read(lambda tx: tx.attempts(job.id))
    taken = next((each.id for each in attempts if each.task_id is not None and each.task_id == job.task_id), None)
    told = replace(job, cost_usd=render_usd + painted_usd(attempts))
    return Outcome(job=told, accepted_id=taken, render_usd=render_usd)


def _check_wanted(options: ShotOptions, *, has_parent: bool) -> None:
    later_s = options.later_s
    if later_s is not None:
        if not math.isfinite(later_s) or not LATER_LEAST_S <= later_s <= LATER_MOST_S:
            raise NotPossible(
                f"A scene can go on {LATER_LEAST_S:g} to {LATER_MOST_S:g} seconds later; {later_s:g} is not that."
            )
        if not has_parent:
            raise NotPossible("--later goes on from a shot that is there; use it with /continue.")
    if options.first_frame is not None:
        raise NotPossible("A picture to start on is given already; leave it out, or --still and --later.")
    if options.extend:
        raise NotPossible(
            "--extend goes on without a first frame, so none can be painted; leave it out, or --still and --later."
        )
    if options.is_unseeded:
        raise NotPossible(
            "--text-only begins without a picture, so none is to be painted; leave it out, or --still and --later."
        )


def _painter_of(still: str, painters: PaintersByName, *, is_later: bool, today: date | None) -> tuple[str, str]:
    """The painter and the model that are meant."""
    name, _, model = " ".join(still.split()).partition(" ")
    if not name:
        return next(iter(_able(painters, is_later, today)), _first(painters))
    if name in painters:
        there = painters[name]
        if not model:
            of_it = _able({name: there}, is_later, today)
            return next(iter(of_it), (name, next(iter(there))))
        known = next((each for each in there if each.casefold() == model.casefold()), None)
        if known is None:
            raise NotPossible(f"{name} has no model “{model}”; choose one of: {', '.join(there)}.")
        return name, known
    for painter, there in painters.items():
        for each in there:
            if each.casefold() == name.casefold() and not model:
                return painter, each
    raise NotPossible(f"There is no image maker “{still}” here; choose one of: {_names(painters, is_later, today)}.")


def _able(painters: PaintersByName, is_later: bool, today: date | None) -> list[tuple[str, str]]:
    return [
        (name, model)
        for name, there in painters.items()
        for model, can in there.items()
        if is_open(can, today) and (can.can_edit or not is_later)
    ]


def _names(painters: PaintersByName, is_later: bool, today: date | None) -> str:
    return ", ".join(f"{name} {model}" for name, model in _able(painters, is_later, today)) or "none is left"


def _first(painters: PaintersByName) -> tuple[str, str]:
    name, there = next(iter(painters.items()))
    return name, next(iter(there))
