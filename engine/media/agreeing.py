"""What shape a film has, which of its clips go in as they are, and why the others cannot. Pure decisions over what was measured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.media.headers import BrokenHeader, Headers, parse
from engine.media.house import HOUSE
from engine.media.inspection import Inspection
from engine.media.timeline import usual_rate

_MADE_PIXELS = frozenset({"yuv420p", "yuvj420p"})
_LENGTH_BYTES = 4
_NAMES = {"h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp9": "VP9", "vp8": "VP8", "mpeg4": "MPEG-4", "gif": "a GIF"}
_PREVIEW_LINES = 360


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What all pictures of a film have in common."""

    width: int
    height: int
    rate: Fraction
    pixels: str = HOUSE.pixels
    colours: tuple[int, int, int, int] = HOUSE.colours

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How clips become one film."""

    shape: Shape
    converted: Mapping[int, str]
    """By their numbers from 0 the clips that are encoded again, and why. The others are copied."""
    headers: Headers | None
    """Of those that are copied; None: of a codec whose pictures nobody here can make, or there are none."""
    can_make: bool
    """Whether pictures can be encoded that go with the copied ones."""


def agree(
    found: Sequence[Inspection], must: Mapping[int, str], *, size: tuple[int, int] | None, makes: bool
) -> Agreement:
    """Find the shape that most seconds of the clips have, so that as little as possible is encoded.

    `must` are clips that are encoded anyway, and why; `size` is (width, height) where it was asked for; with `makes`, pictures are
    to be made besides.
    """
    whole = [number for number, clip in enumerate(found) if number not in must and not clip.obstacles]
    if size is not None:
        whole = [number for number in whole if (found[number].width, found[number].height) == size]
    best = _most(found, whole)
    agreeing = [number for number in whole if found[number].shape == found[best[0]].shape] if best else []
    is_one = len(agreeing) == len(found) and len({clip.key for clip in found}) == 1
    if is_one and not makes and not _headers(found[0]):
        return Agreement(shape=_shape_of(found[0]), converted={}, headers=None, can_make=False)
    if agreeing and not _headers(found[agreeing[0]]):
        # Nobody here can make such pictures: those of the same size and rate that others can be made beside are all that is kept.
        size, rate = (found[agreeing[0]].width, found[agreeing[0]].height), found[agreeing[0]].rate
        rest = [
            n
            for n in whole
            if _headers(found[n]) and (found[n].width, found[n].height) == size and found[n].rate == rate
        ]
        best = _most(found, rest)
        agreeing = [number for number in rest if found[number].shape == found[best[0]].shape] if best else []
    if not agreeing:
        shape = _new_shape(found, size)
        return Agreement(shape=shape, converted=_reasons(found, must, (), shape), headers=None, can_make=True)
    kept, headers = _together(found, agreeing)
    shape = _shape_of(found[agreeing[0]])
    return Agreement(shape=shape, converted=_reasons(found, must, kept, shape), headers=headers, can_make=True)


def preview_size(size: tuple[int, int]) -> tuple[int, int]:
    """The same shape, its shorter side 360 pixels; itself where it is no larger."""
    width, height = size
    short = min(size)
    if short <= _PREVIEW_LINES:
        return size
    return _even(width * _PREVIEW_LINES / short), _even(height * _PREVIEW_LINES / short)


def ratio_size(found: Sequence[Inspection], ratio: tuple[int, int]) -> tuple[int, int]:
    """A size of this ratio whose shorter side is that of most of the clips, by seconds."""
    seconds: defaultdict[int, Fraction] = defaultdict(Fraction)
    for clip in found:
        seconds[min(clip.width, clip.height)] += clip.seconds
    short = max(seconds, key=lambda side: seconds[side])
    across, down = ratio
    return _even(Fraction(short * across, min(ratio))), _even(Fraction(short * down, min(ratio)))


def notes(converted: Mapping[int, str], count: int) -> tuple[str, ...]:
    """One sentence for each reason, with the numbers of the clips as people count them."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for number in sorted(converted):
        numbers[converted[number]].append(number + 1)
    said = []
    for reason, which in numbers.items():
        if len(which) == count:
            who = "Every clip was" if count > 1 else "The clip was"
        elif len(which) == 1:
            who = f"Clip {which[0]} was"
        else:
            who = f"Clips {', '.join(map(str, which[:-1]))} and {which[-1]} were"
        said.append(f"{who} encoded again: {reason}.")
    return tuple(said)


def _most(found: Sequence[Inspection], numbers: Sequence[int]) -> list[int]:
    """Those of these clips that share the shape with the most seconds; of equal ones the earlier one's."""
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number in numbers:
        alike[found[number].shape].append(number)
    return max(alike.values(), key=lambda group: sum(found[number].seconds for number in group), default=[])


def _together(found: Sequence[Inspection], numbers: Sequence[int]) -> tuple[set[int], Headers]:
    """Which of the clips of one shape can stand in one track, the most seconds first; and the header of them all."""
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for number in numbers:
        groups[found[number].headers].append(number)
    kept: set[int] = set()
    whole: Headers | None = None
    for header, group in sorted(groups.items(), key=lambda item: -sum(found[number].seconds for number in item[1])):
        own = parse(header)
        if whole is None or whole.agrees_with(own):
            whole = own if whole is None else whole.merged_with(own)
            kept.update(group)
    assert whole is not None  # noqa: S101  # there is at least one
    return kept, whole


def _headers(clip: Inspection) -> Headers | None:
    """The parameter sets beside which others can stand; None: pictures that go with this clip's cannot be made."""
    is_square = clip.shape[3] == "1"
    if clip.codec != "h264" or clip.pixels not in _MADE_PIXELS or not is_square or clip.width % 2 or clip.height % 2:
        return None
    try:
        headers = parse(clip.headers)
    except BrokenHeader:
        return None
    return headers if headers.length_bytes == _LENGTH_BYTES else None


def _shape_of(clip: Inspection) -> Shape:
    return Shape(width=clip.width, height=clip.height, rate=clip.rate, pixels=clip.pixels, colours=clip.colours)


def _new_shape(found: Sequence[Inspection], size: tuple[int, int] | None) -> Shape:
    """The size and rate of most seconds, in the house's own colours."""
    sizes: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    rates: defaultdict[Fraction, Fraction] = defaultdict(Fraction)
    for clip in found:
        sizes[clip.width, clip.height] += clip.seconds
        rates[usual_rate(clip.rate)] += clip.seconds
    width, height = size or max(sizes, key=lambda key: sizes[key])
    return Shape(width=width + width % 2, height=height + height % 2, rate=max(rates, key=lambda key: rates[key]))


def _reasons(
    found: Sequence[Inspection], must: Mapping[int, str], kept: Collection[int], shape: Shape
) -> dict[int, str]:
    return {number: must.get(number) or _reason(clip, shape) for number, clip in enumerate(found) if number not in kept}


def _reason(clip: Inspection, shape: Shape) -> str:
    """Why a clip is no part of a film of this shape as it is."""
    reasons = []
    if (clip.width, clip.height) != shape.size:
        reasons.append(f"{clip.width} x {clip.height} brought to {shape.width} x {shape.height}")
    if abs(clip.rate - shape.rate) > Fraction(1, 100):
        reasons.append(f"{_rate(clip.rate)} pictures a second brought to {_rate(shape.rate)}")
    if clip.codec != "h264":
        reasons.append(f"{_NAMES.get(clip.codec, clip.codec)} brought to H.264")
    reasons += [reason for reason in clip.obstacles if not reason.endswith("is not copied")]
    if not reasons and clip.pixels != shape.pixels:
        reasons.append(f"{clip.pixels} brought to {shape.pixels}")
    if not reasons and clip.colours != shape.colours:
        reasons.append("its colours were tagged otherwise")
    return "; ".join(reasons) or "its encoder's headers cannot stand beside the others'"


def _rate(rate: Fraction) -> str:
    return f"{float(rate):.2f}".rstrip("0").rstrip(".")


def _even(side: float | Fraction) -> int:
    return max(2, round(side / 2) * 2)
