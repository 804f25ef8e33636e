"""Whether what was asked can be done, and every option settled: pure, before any money or row."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import NotPossible
from engine.model import PROMPT_CHARS, Abilities, Shot, ShotOptions

SEED_MAX = 2**31 - 1

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


def settle_options(
    options: ShotOptions, *, parent: Shot | None, models: ModelsByProvider, default_provider: str
) -> Settled:
    """Every option from what was asked, else from the parent shot, else from the model's defaults.

    Raises:
        NotPossible: the provider cannot do it; the sentence says what it can do.
    """
    provider = options.provider or (parent.provider if parent else default_provider)
    if provider not in models:
        raise NotPossible(f"There is no provider “{provider}” here; choose one of: {_list(models)}.")
    inherited = parent if parent and parent.provider == provider else None
    model = options.model or (inherited.model if inherited else next(iter(models[provider])))
    if model not in models[provider]:
        raise NotPossible(f"{provider} has no model “{model}”; choose one of: {_list(models[provider])}.")
    can = models[provider][model]
    style = options.style or (parent.style if parent and parent.style in can.styles else can.styles[0])
    settled = Settled(
        seconds=_seconds(options, parent, can),
        ratio=options.ratio or (parent.ratio if parent else can.ratios[0]),
        resolution=options.resolution or (parent.resolution if parent else can.resolutions[0]),
        style=style,
        provider=provider,
        model=model,
    )
    _check(settled, options, can, starts_on_frame=parent is not None or options.first_frame is not None)
    return settled


def check_seed(seed: int | None) -> None:
    """Raises NotPossible outside 0 to 2**31 - 1."""
    if seed is not None and not 0 <= seed <= SEED_MAX:
        raise NotPossible(f"The seed {seed} is out of range; choose a whole number from 0 to {SEED_MAX:,}.")


def _seconds(options: ShotOptions, parent: Shot | None, can: Abilities) -> float:
    if options.seconds is not None:
        return options.seconds
    if parent is not None:
        return min(max(parent.seconds, can.min_seconds), can.max_seconds)
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
