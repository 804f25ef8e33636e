"""Whether what was asked can be done, and every option settled: pure, before any money or row.

Longer than other rooms: what is asked, inherited and chosen is weighed for every option in one place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from engine.abilities import Abilities, is_open, narrowed
from engine.errors import NotPossible
from engine.model import EXTEND, TEXT_ONLY, Shot, ShotOptions
from engine.possible import (
    ModelsByProvider,
    Wanted,
    check_open,
    check_possible,
    listed,
    nearest_ratio,
    nearest_resolution,
    nearest_seconds,
)

NOTHING_CHOSEN = ShotOptions()

SEED_MAX = 2**31 - 1

__all__ = ["SEED_MAX", "Again", "ModelsByProvider", "Settled", "check_seed", "gone", "settle_again", "settle_options"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A shot's options with nothing left open, and known to be possible."""

    seconds: float
    ratio: str
    resolution: str
    style: str
    provider: str
    model: str
    negative: str = ""
    is_silent: bool = False
    work: str = ""
    is_unseeded: bool = False
    notes: tuple[str, ...] = ()
    """What gave way though the shot before had it, one sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A shot as it can be rendered again, and what gave way for that."""

    shot: Shot
    notes: tuple[str, ...] = ()


def settle_options(
    options: ShotOptions,
    *,
    parent: Shot | None,
    models: ModelsByProvider,
    default_provider: str,
    chosen: ShotOptions = NOTHING_CHOSEN,
    prompt: str = "",
    today: date | None = None,
    is_shot: bool = True,
) -> Settled:
    """Every option from what was asked, else from the parent shot, else as the place chose, else the model's default.

    What was not asked gives way to the nearest that the model can do. From a parent whose video was given only its shape is
    taken. `today`: models that are closed or past their end are refused; None: they are not. `is_shot` False: a place chooses, and
    what a shot would begin with is not known yet.

    Raises:
        NotPossible: the provider cannot do it; the sentence says what it can do, and who can where it cannot at all.
    """
    rendered = parent if parent and parent.provider else None
    is_unseeded = bool(options.is_unseeded) and parent is not None and options.first_frame is None
    wanted = Wanted(
        prompt=prompt,
        continues=parent if options.first_frame is None and not is_unseeded else None,
        is_unseeded=is_unseeded,
        extends=bool(options.extend),
        first_frame=options.first_frame is not None or bool(options.still),
        last_frame=options.last_frame is not None,
        references=len(options.references),
    )
    who = _who(
        options,
        rendered,
        chosen,
        models=models,
        default_provider=default_provider,
        today=today,
        wanted=wanted if is_shot else None,
    )
    return _settled(options, who, wanted, before=parent, chosen=chosen, models=models, today=today, is_shot=is_shot)


def settle_again(
    shot: Shot,
    *,
    models: ModelsByProvider,
    provider: str | None = None,
    is_unseeded: bool = False,
    seed: int | None = None,
    today: date | None = None,
) -> Again:
    """The shot as it can be rendered by another provider (None: by its own), or without any picture (`is_unseeded`).

    What the model cannot do (any more) gives way to the nearest; that its model is there and open is looked at, and the seed.

    Raises:
        NotPossible: not even so.
    """
    if is_unseeded:
        shot = replace(shot, work=TEXT_ONLY, is_unseeded=shot.parent_id is not None)
    elif provider and provider != shot.provider and shot.work == EXTEND:
        shot = replace(shot, work="")  # only its own service has its parent's render
    has_pictures = shot.work != TEXT_ONLY
    goes_on = has_pictures and shot.parent_id is not None and shot.first_frame is None and not shot.is_unseeded
    options = ShotOptions(provider=provider, seed=seed)
    wanted = Wanted(
        prompt=shot.prompt,
        continues=shot if goes_on else None,
        is_unseeded=shot.is_unseeded,
        extends=shot.work == EXTEND,
        first_frame=has_pictures and bool(shot.first_frame or shot.still),
        last_frame=has_pictures and shot.last_frame is not None,
        references=len(shot.references) if has_pictures else 0,
    )
    name, model = shot.provider, shot.model
    if provider and provider != shot.provider:
        name, model = _who(
            options, None, NOTHING_CHOSEN, models=models, default_provider=provider, today=today, wanted=wanted
        )
    elif model not in models.get(name, {}):
        raise NotPossible(gone(f"{name} {model}", f"/retake {shot.code}", models, today))
    settled = _settled(options, (name, model), wanted, before=shot, chosen=NOTHING_CHOSEN, models=models, today=today)
    again = replace(
        shot,
        seconds=settled.seconds,
        ratio=settled.ratio,
        resolution=settled.resolution,
        style=settled.style,
        provider=settled.provider,
        model=settled.model,
        negative=settled.negative,
        is_silent=settled.is_silent,
        work=shot.work,
    )
    return Again(shot=again, notes=settled.notes)


def check_seed(seed: int | None) -> None:
    """Raises NotPossible outside 0 to 2**31 - 1."""
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise NotPossible(f"The seed {seed} is out of range; choose a whole number from 0 to {SEED_MAX:,}.")


def _who(
    options: ShotOptions,
    rendered: Shot | None,
    chosen: ShotOptions,
    *,
    models: ModelsByProvider,
    default_provider: str,
    today: date | None,
    wanted: Wanted | None,
) -> tuple[str, str]:
    """The provider and its model: where neither is named or inherited, the first of its models that can start as `wanted`."""
    usual = chosen.provider if chosen.provider in models else default_provider
    provider = options.provider or (rendered.provider if rendered else usual) or default_provider
    if provider not in models and rendered is not None and not options.provider:
        raise NotPossible(
            gone(f"{provider}, which rendered {rendered.code},", f"/continue {rendered.code}", models, today)
        )
    if provider not in models:
        raise NotPossible(f"There is no provider “{provider}” here; choose one of: {listed(models)}.")
    there = models[provider]
    if not options.model:
        before = rendered.model if rendered and rendered.provider == provider else ""
        place = chosen.model if (chosen.provider or default_provider) == provider else ""
        return provider, _usual_model((before, place), there, today, wanted)
    # a chat's options are lower-case, and some services' models are not
    model = next((name for name in there if name.casefold() == options.model.casefold()), None)
    if model is None:
        raise NotPossible(f"{provider} has no model “{options.model}”; choose one of: {listed(there)}.")
    return provider, model


def gone(who: str, command: str, models: ModelsByProvider, today: date | None) -> str:
    """That `who` is not here any more, and how this command goes on with one that is."""
    able = (
        name
        for name, there in models.items()
        if any(each.first_frame and is_open(each, today) for each in there.values())
    )
    here = next(able, None)
    way = f"{command} --provider {here} does it there" if here else "ask the operator to set it up again"
    return f"{who} is not here any more; {way}."


def _usual_model(
    usual: tuple[str | None, ...], there: Mapping[str, Abilities], today: date | None, wanted: Wanted | None
) -> str:
    """The parent's model or the place's, where the provider has it; else its first one that is open and can start so."""
    for model in usual:
        if model and model in there:
            return model
    open_ones = [name for name, can in there.items() if is_open(can, today)]
    fitting = [name for name in open_ones if wanted is None or wanted.can_start(there[name])]
    return next(iter(fitting or open_ones or there))


def _settled(
    options: ShotOptions,
    who: tuple[str, str],
    wanted: Wanted,
    *,
    before: Shot | None,
    chosen: ShotOptions,
    models: ModelsByProvider,
    today: date | None,
    is_shot: bool = True,
) -> Settled:
    """`before`: the shot whose options are taken over where nothing is asked."""
    provider, model = who
    whole = models[provider][model]
    can = narrowed(whole, wanted.ways if is_shot else ())
    name = f"{provider} {model}"
    if today is not None:
        check_open(name, whole, today)
    rendered = before if before and before.provider else None
    settled = Settled(
        seconds=_seconds(options, rendered, chosen, can),
        ratio=options.ratio or _ratio(before, rendered, chosen, can),
        resolution=options.resolution or _resolution(before, rendered, chosen, can),
        style=options.style or _first_of(can.styles, (before.style if before else None, chosen.style)),
        provider=provider,
        model=model,
        negative=_negative(options, rendered, can),
        is_silent=_is_silent(options, rendered, can),
        work=EXTEND if wanted.extends else "",
        is_unseeded=wanted.is_unseeded,
    )
    settled = replace(settled, notes=_notes(options, rendered, settled, models))
    check_seed(options.seed)
    wanted = replace(
        wanted,
        seconds=settled.seconds,
        ratio=settled.ratio,
        resolution=settled.resolution,
        style=settled.style,
        seed=options.seed is not None,
        negative=bool(options.negative),
        silent=bool(options.is_silent),
    )
    check_possible(wanted, name, whole, models, today, is_shot=is_shot)
    return settled


def _first_of(able: tuple[str, ...], wanted: tuple[str | None, ...]) -> str:
    """The first wanted one that is possible, else the default."""
    return next((each for each in wanted if each in able), able[0])


def _seconds(options: ShotOptions, rendered: Shot | None, chosen: ShotOptions, can: Abilities) -> float:
    if options.seconds is not None:
        return options.seconds
    if rendered is not None:
        return nearest_seconds(rendered.seconds, can)
    if chosen.seconds is not None and can.min_seconds <= chosen.seconds <= can.max_seconds:
        return nearest_seconds(chosen.seconds, can)
    return nearest_seconds(can.default_seconds, can)


def _ratio(before: Shot | None, rendered: Shot | None, chosen: ShotOptions, can: Abilities) -> str:
    if rendered is None or rendered.ratio in can.ratios:
        return _first_of(can.ratios, (before.ratio if before else None, chosen.ratio))
    return nearest_ratio(rendered.ratio, can.ratios)


def _notes(options: ShotOptions, before: Shot | None, settled: Settled, models: ModelsByProvider) -> tuple[str, ...]:
    """What the shot before had, nobody asked to change, and this one has not."""
    if before is None:
        return ()
    name = f"{settled.provider} {settled.model}"
    notes = []
    if not options.model and settled.provider == before.provider and before.model not in models[before.provider]:
        notes.append(f"{before.provider} {before.model} is not here any more, so {name} renders this shot.")
    if not options.ratio and settled.ratio != before.ratio:
        notes.append(f"{name} cannot do the ratio {before.ratio}, so this shot has {settled.ratio}.")
    if not options.resolution and settled.resolution != before.resolution:
        notes.append(f"{name} cannot do {before.resolution} here, so this shot has {settled.resolution}.")
    if options.seconds is None and settled.seconds != before.seconds:
        notes.append(f"{name} cannot do {before.seconds:g} s here, so this shot has {settled.seconds:g} s.")
    return tuple(notes)


def _resolution(before: Shot | None, rendered: Shot | None, chosen: ShotOptions, can: Abilities) -> str:
    if rendered is None or rendered.resolution in can.resolutions:
        return _first_of(can.resolutions, (before.resolution if before else None, chosen.resolution))
    return nearest_resolution(rendered.resolution, can.resolutions)


def _negative(options: ShotOptions, rendered: Shot | None, can: Abilities) -> str:
    if options.negative is not None:
        return options.negative
    return rendered.negative if rendered and can.negative else ""


def _is_silent(options: ShotOptions, rendered: Shot | None, can: Abilities) -> bool:
    """What has no sound anyway need not be asked to leave it out."""
    if not can.audio_choice:
        return False
    return bool(options.is_silent) if options.is_silent is not None else rendered is not None and rendered.is_silent
