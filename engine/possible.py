"""What a model can do of what is wanted, the nearest that it can, and who else could: pure sentences before any money."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from engine.abilities import Abilities, is_open, narrowed
from engine.errors import NotPossible
from engine.model import Shot

ModelsByProvider = Mapping[str, Mapping[str, Abilities]]

NAMED_MOST = 3
"""How many models a sentence names that can do what this one cannot."""
_LINES = {"4k": 2160, "2k": 1440}
_WHOLE = re.compile(r"\d+")
_HOW = {
    "text": "without a picture",
    "first": "with a first frame",
    "last": "with a last frame",
    "references": "from references",
    "extend": "when it extends a clip",
    "edit": "when it changes a clip",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A shot as it is wanted, with its values settled. Flags say what was asked for, not what merely is so."""

    prompt: str = ""
    continues: Shot | None = None
    """The shot on whose clip it starts; of one that is rendered anew, itself. None: on none."""
    is_unseeded: bool = False
    extends: bool = False
    first_frame: bool = False
    last_frame: bool = False
    references: int = 0
    seconds: float = 0.0
    ratio: str = ""
    resolution: str = ""
    style: str = ""
    seed: bool = False
    negative: bool = False
    silent: bool = False

    @property
    def ways(self) -> tuple[str, ...]:
        """How it begins, as `Abilities.limits` has it."""
        if self.extends:
            return ("extend",)
        given = {"first": self.starts_on_picture, "last": self.last_frame, "references": bool(self.references)}
        return tuple(way for way, is_given in given.items() if is_given) or ("text",)

    @property
    def starts_on_picture(self) -> bool:
        """It has a first frame, whosever."""
        return self.first_frame or (self.continues is not None and not self.extends)

    def can_start(self, can: Abilities) -> bool:
        """Whether this model can begin with what there is to begin with."""
        if self.starts_on_picture:
            return can.first_frame
        return can.text or bool(self.references) or self.extends


def listed(names: Iterable[str]) -> str:
    """`a, b, c`"""
    return ", ".join(names)


def who_can(models: ModelsByProvider, can_do: Callable[[Abilities], bool], today: date | None) -> list[str]:
    """The open models that can, as `provider model`."""
    return [
        f"{provider} {model}"
        for provider, by_name in models.items()
        for model, can in by_name.items()
        if is_open(can, today) and can_do(can)
    ]


def nearest_seconds(seconds: float, can: Abilities) -> float:
    """The possible length that is nearest; of two, the longer one."""
    if not math.isfinite(seconds):
        return can.default_seconds
    if can.steps:
        return min(can.steps, key=lambda step: (abs(step - seconds), -step))
    within = min(max(seconds, can.min_seconds), can.max_seconds)
    if not can.whole_seconds:
        return within
    whole = math.floor(within + 0.5)
    return float(min(max(whole, math.ceil(can.min_seconds)), math.floor(can.max_seconds)))


def nearest_ratio(ratio: str, able: Sequence[str]) -> str:
    """The possible shape that is nearest by width over height; the default where that cannot be said."""
    wanted = _shape(ratio)
    shaped = [(each, shape) for each in able if (shape := _shape(each)) is not None]
    if wanted is None or not shaped:
        return able[0]
    return min(shaped, key=lambda each: abs(math.log(each[1] / wanted)))[0]


def nearest_resolution(resolution: str, able: Sequence[str]) -> str:
    """The possible size that is nearest by the lines of its shorter side; the default where that cannot be said."""
    wanted = _lines(resolution)
    lined = [(each, lines) for each in able if (lines := _lines(each)) is not None]
    if wanted is None or not lined:
        return able[0]
    return min(lined, key=lambda each: (abs(each[1] - wanted), -each[1]))[0]


def check_open(name: str, can: Abilities, today: date) -> None:
    """Raises NotPossible: it is closed, or the day of its end has come."""
    instead = f" Use {can.substitute} instead." if can.substitute else " /models lists what there is."
    if can.closed:
        raise NotPossible(f"{name} cannot be used: {can.closed.rstrip('.')}.{instead}")
    if can.ends_on is not None and today >= can.ends_on:
        raise NotPossible(f"{name} is no longer there: its service ended it on {can.ends_on:%d %B %Y}.{instead}")


def check_possible(
    wanted: Wanted, name: str, can: Abilities, models: ModelsByProvider, today: date | None, *, is_shot: bool = True
) -> None:
    """Raises NotPossible: the model cannot do it. Says the nearest that it can, or who can.

    `is_shot` False: there is nothing to begin with yet, and that is right.
    """

    def others(can_do: Callable[[Abilities], bool]) -> str:
        return _others(who_can(models, can_do, today))

    check_values(wanted, name, can, wanted.ways if is_shot else ())
    if is_shot:
        _check_start(wanted, name, can, models, today)
    if wanted.last_frame and not can.last_frame:
        raise NotPossible(f"{name} cannot end on a picture; leave it out. {others(lambda other: other.last_frame)}")
    if wanted.last_frame and can.last_needs_first and not (wanted.starts_on_picture or wanted.extends):
        raise NotPossible(
            f"{name} ends on a picture only where it starts on one too: give a first picture as well. "
            f"{others(lambda other: other.last_frame and not other.last_needs_first)}"
        )
    if wanted.references and not can.references:
        raise NotPossible(
            f"{name} takes no reference pictures; leave them out. "
            f"{others(lambda other: other.references >= wanted.references)}"
        )
    if wanted.references > can.references:
        raise NotPossible(
            f"{name} takes at most {_count(can.references, 'reference picture')}, and these are {wanted.references}; "
            f"leave {wanted.references - can.references} out."
        )
    if wanted.references and can.references_or_frames and (wanted.starts_on_picture or wanted.last_frame):
        way = "--text-only begins without the last frame" if wanted.continues else "leave one of the two out"
        raise NotPossible(
            f"{name} takes either reference pictures or first and last frames, not both; {way}. "
            f"{others(lambda other: other.references >= wanted.references and not other.references_or_frames)}"
        )
    if wanted.negative and not can.negative:
        raise NotPossible(
            f"{name} takes no words for what must not be seen; say it in the prompt instead. "
            f"{others(lambda other: other.negative)}"
        )
    if wanted.silent and can.audio and not can.audio_choice:
        raise NotPossible(
            f"{name} always renders with sound; leave --silent out. "
            f"{others(lambda other: other.audio_choice or not other.audio)}"
        )
    if wanted.seed and not can.seed:
        raise NotPossible(f"{name} takes no seed; leave it out. {others(lambda other: other.seed)}")


def check_values(wanted: Wanted, name: str, whole: Abilities, ways: Sequence[str]) -> None:
    """Length, shape, size, style and words. Raises NotPossible, with the nearest that it can in these `ways` of beginning."""
    can = narrowed(whole, ways)
    how = "".join(f" {_HOW[way]}" for way in ways if way in whole.limits)
    seconds = wanted.seconds
    nearest = nearest_seconds(seconds, can)
    if not math.isfinite(seconds) or nearest != seconds:
        near = f" The nearest is {nearest:g} s." if math.isfinite(seconds) else ""
        so = how if nearest_seconds(seconds, whole) == seconds else ""
        raise NotPossible(f"A shot of {seconds:g} s is not possible with {name}{so}; choose {_lengths(can)}.{near}")
    if wanted.ratio not in can.ratios:
        so = how if wanted.ratio in whole.ratios else ""
        raise NotPossible(
            f"{name} cannot do the ratio {wanted.ratio}{so}; choose one of: {listed(can.ratios)}. "
            f"The nearest is {nearest_ratio(wanted.ratio, can.ratios)}."
        )
    if wanted.resolution not in can.resolutions:
        so = how if wanted.resolution in whole.resolutions else ""
        raise NotPossible(
            f"{name} cannot do {wanted.resolution}{so}; choose one of: {listed(can.resolutions)}. "
            f"The nearest is {nearest_resolution(wanted.resolution, can.resolutions)}."
        )
    if wanted.style not in can.styles:
        raise NotPossible(f"{name} has no style “{wanted.style}”; choose one of: {listed(can.styles)}.")
    if len(wanted.prompt) > can.prompt_chars:
        over = len(wanted.prompt) - can.prompt_chars
        raise NotPossible(
            f"The prompt has {len(wanted.prompt):,} characters and {name} takes at most {can.prompt_chars:,}; "
            f"shorten it by {over:,}."
        )


def _check_start(wanted: Wanted, name: str, can: Abilities, models: ModelsByProvider, today: date | None) -> None:
    if wanted.extends:
        _check_extend(wanted, name, can, models, today)
        return
    able = who_can(models, lambda other: other.first_frame, today)
    if wanted.starts_on_picture and not can.first_frame:
        if wanted.continues is None:
            raise NotPossible(f"{name} cannot start on a picture; leave it out. {_others(able)}")
        provider = (
            f"choose one that can, such as --provider {able[0].replace(' ', ' --model ', 1)}, or " if able else ""
        )
        raise NotPossible(
            f"{name} cannot start on a picture, so it cannot start on the last frame; {provider}"
            "begin without that frame knowingly, with --text-only."
        )
    if not can.text and not wanted.starts_on_picture and not wanted.references:
        raise NotPossible(
            f"{name} cannot begin without a picture; send one with the words. {_others(who_can(models, lambda o: o.text, today))}"
        )


def _check_extend(wanted: Wanted, name: str, can: Abilities, models: ModelsByProvider, today: date | None) -> None:
    if wanted.continues is None:
        raise NotPossible(
            "Only a shot that goes on from another one can be extended: use --extend with /continue alone."
        )
    if not can.extend:
        raise NotPossible(
            f"{name} cannot extend a clip; without --extend it starts on the last frame. "
            f"{_others(who_can(models, lambda other: other.extend, today))}"
        )


def _others(able: Sequence[str]) -> str:
    """`google veo-3 can.`"""
    if not able:
        return "No model here can."
    shown, more = able[:NAMED_MOST], len(able) > NAMED_MOST
    return f"{listed(shown)}{' and others' if more else ''} can."


def _lengths(can: Abilities) -> str:
    if can.steps:
        return f"one of: {listed(f'{step:g}' for step in can.steps)} seconds"
    whole = "a whole number of " if can.whole_seconds else ""
    return (
        f"{can.min_seconds:g} to {can.max_seconds:g} seconds"
        if not whole
        else (f"{whole}seconds from {can.min_seconds:g} to {can.max_seconds:g}")
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shape(ratio: str) -> float | None:
    width, _, height = ratio.partition(":")
    try:
        return float(width) / float(height)
    except (ValueError, ZeroDivisionError):
        return None


def _lines(resolution: str) -> int | None:
    found = _WHOLE.match(resolution)
    return _LINES.get(resolution.lower()) or (int(found[0]) if found else None)
