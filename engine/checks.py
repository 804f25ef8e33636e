"""Whether what was asked can be done, and every option settled: pure, before any money or row."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.abilities import Abilities
from engine.errors import NotPossible
from engine.model import PROMPT_CHARS, Shot, ShotOptions

NOTHING_CHOSEN = ShotOptions()

SEED_MAX = 2**31 - 1
TITLE_CHARS = 60

ModelsByProvider = Mapping[str, Mapping[str, Abilities]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A shot's options with nothing left open, and known to be possible."""

    seconds: float
    ratio: str
    resolution: str
    style: str
    provider: str
    model: str


def clean_prompt(text: str) -> str:
    """The prompt on one line without control characters, in Unicode normal form C.

    Raises:
        NotPossible: nothing is left, or it is longer than `PROMPT_CHARS`.
    """
    kept = "".join(c if unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text)
    prompt = unicodedata.normalize("NFC", " ".join(kept.split()))
    if all(c == " " or unicodedata.category(c) == "Cf" for c in prompt):  # a zero-width space is nothing to draw
        raise NotPossible("Say what the shot shows, for example: /create a lighthouse keeper lights the lamp")
    if len(prompt) > PROMPT_CHARS:
        over = len(prompt) - PROMPT_CHARS
        raise NotPossible(
            f"The prompt has {len(prompt):,} characters and at most {PROMPT_CHARS:,} fit; shorten it by {over:,}."
        )
    return prompt


def title_of(prompt: str) -> str:
    """A story's title: its first prompt, cut at a word within 60 characters."""
    if len(prompt) <= TITLE_CHARS:
        return prompt
    return prompt[:TITLE_CHARS].rsplit(" ", 1)[0] + "…"


def settle_options(
    options: ShotOptions,
    *,
    parent: Shot | None,
    models: ModelsByProvider,
    default_provider: str,
    chosen: ShotOptions = NOTHING_CHOSEN,
) -> Settled:
    """Every option from what was asked, else from the parent shot, else as the place chose, else the model's default.

    From a parent whose video was given only its shape is taken, and only where the model can do it. What the place `chosen` gives
    way in the same manner: nobody asked for it in this command.

    Raises:
        NotPossible: the provider cannot do it; the sentence says what it can do.
    """
    rendered = parent if parent and parent.provider else None
    usual = chosen.provider if chosen.provider in models else default_provider
    provider = options.provider or (rendered.provider if rendered else usual) or default_provider
    if provider not in models:
        raise NotPossible(f"There is no provider “{provider}” here; choose one of: {_list(models)}.")
    model = options.model or _usual_model(provider, rendered, chosen, models, default_provider)
    if model not in models[provider]:
        raise NotPossible(f"{provider} has no model “{model}”; choose one of: {_list(models[provider])}.")
    can = models[provider][model]
    ratios = (parent.ratio if parent else None, chosen.ratio)
    resolutions = (parent.resolution if parent else None, chosen.resolution)
    settled = Settled(
        seconds=_seconds(options, rendered, chosen, can),
        ratio=options.ratio or (rendered.ratio if rendered else _first_of(can.ratios, ratios)),
        resolution=options.resolution or (rendered.resolution if rendered else _first_of(can.resolutions, resolutions)),
        style=options.style or _first_of(can.styles, (parent.style if parent else None, chosen.style)),
        provider=provider,
        model=model,
    )
    _check(settled, options, can, starts_on_frame=parent is not None or options.first_frame is not None)
    return settled


def check_seed(seed: int | None) -> None:
    """Raises NotPossible outside 0 to 2**31 - 1."""
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise NotPossible(f"The seed {seed} is out of range; choose a whole number from 0 to {SEED_MAX:,}.")


def _usual_model(
    provider: str, rendered: Shot | None, chosen: ShotOptions, models: ModelsByProvider, default_provider: str
) -> str:
    """The parent's model or the place's, where it is one of this provider; else the provider's first."""
    if rendered and rendered.provider == provider:
        return rendered.model
    if chosen.model and (chosen.provider or default_provider) == provider and chosen.model in models[provider]:
        return chosen.model
    return next(iter(models[provider]))


def _first_of(able: tuple[str, ...], wanted: tuple[str | None, ...]) -> str:
    """The first wanted one that is possible, else the default."""
    return next((each for each in wanted if each in able), able[0])


def _seconds(options: ShotOptions, rendered: Shot | None, chosen: ShotOptions, can: Abilities) -> float:
    if options.seconds is not None:
        return options.seconds
    if rendered is not None:
        return min(max(rendered.seconds, can.min_seconds), can.max_seconds)
    if chosen.seconds is not None and can.min_seconds <= chosen.seconds <= can.max_seconds:
        return chosen.seconds
    return can.default_seconds


def _check(settled: Settled, options: ShotOptions, can: Abilities, *, starts_on_frame: bool) -> None:
    name = f"{settled.provider} {settled.model}"
    if not math.isfinite(settled.seconds) or not can.min_seconds <= settled.seconds <= can.max_seconds:
        raise NotPossible(
            f"A shot of {settled.seconds:g} s is not possible with {name}; "
            f"choose {can.min_seconds:g} to {can.max_seconds:g} seconds."
        )
    if settled.ratio not in can.ratios:
        raise NotPossible(f"{name} cannot do the ratio {settled.ratio}; choose one of: {_list(can.ratios)}.")
    if settled.resolution not in can.resolutions:
        raise NotPossible(f"{name} cannot do {settled.resolution}; choose one of: {_list(can.resolutions)}.")
    if settled.style not in can.styles:
        raise NotPossible(f"{name} has no style “{settled.style}”; choose one of: {_list(can.styles)}.")
    if starts_on_frame and not can.first_frame:
        raise NotPossible(f"{name} cannot start on a picture; choose another model, /models lists them.")
    if options.last_frame is not None and not can.last_frame:
        raise NotPossible(f"{name} cannot end on a picture; leave it out or choose another model, /models lists them.")
    check_seed(options.seed)


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
