"""The title before a film and the names after it: light letters on a dark ground, coming out of the black and going back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from PIL import Image, ImageDraw

from engine.film_options import CARD_LENGTH
from engine.media.lettering import balanced, length, readable, shortened, write

Plane = npt.NDArray[np.float32]

TITLE_S = Fraction(5, 2)
CREDITS_S, NAME_S, CREDITS_MOST_S = Fraction(3), Fraction(2, 5), Fraction(20)
_FADE_S = Fraction(1, 2)
_BLACK, _WHITE, _GREY = 16, 235, 128
_GROUND, _EDGE = 34.0, 19.0
"""How light the ground is in its middle and in its corners."""
_BLUE, _RED = 3, -2
"""A cold ground makes letters look warm; it is the same everywhere, so that only the lightness is drawn."""
_LETTERS, _QUIET = 232, 150
_TITLE_LINES = 4
_SMALLEST = 8
_FITTING = 0.9
"""So many of the names have to fit whole into a column, else there are fewer columns."""
_HEADING = "A film by"
_CROSSING_S = 3
"""How long a rolling name needs from the bottom to the top: time to read it."""


def title_frames(text: str, rate: Fraction) -> int:
    """How many pictures `title` gives."""
    return round(TITLE_S * rate) if readable(text) else 0


def title(text: str, size: tuple[int, int], rate: Fraction) -> Iterator[VideoFrame]:
    """A still of a film's name, `size` (width, height; even), as BT.709; nothing where there is nothing to read.

    It is as large as it fits in four lines; more than CARD_LENGTH letters are cut, and say so by an ellipsis. A picture that does
    not change comes again as the same object.
    """
    count = title_frames(text, rate)
    if count:
        yield from _still(_lit(_title_letters(readable(text), *size)), count, rate)


def credits_frames(names: Sequence[str], size: tuple[int, int], rate: Fraction) -> int:
    """How many pictures `credits` gives."""
    roll = _roll(names, *size)
    return _credits_frames(roll, rate) if roll.rows else 0


def credits(  # noqa: A001  # what it is called in a film
    names: Sequence[str], size: tuple[int, int], rate: Fraction
) -> Iterator[VideoFrame]:
    """The names as a still, or rolling where they are many; nothing where there is no name to read.

    What does not fit into CREDITS_MOST_S ends in "and 12 more". Each name is cut to its column.
    """
    roll = _roll(names, *size)
    if not roll.rows:
        return
    count = _credits_frames(roll, rate)
    if roll.is_still:
        yield from _still(_lit(_credits_letters(roll, *size)), count, rate)
    else:
        yield from _rolling(roll, *size, count, rate)


def _title_letters(text: str, width: int, height: int) -> Plane:
    """How much of each place is covered by the title and the rule below it, 0 to 255."""
    text = text if len(text) <= CARD_LENGTH else text[:CARD_LENGTH].rstrip() + "…"
    size, lines = _largest(text, width * 0.8, min(height * 0.62, width))
    step = round(size * 1.25)
    image = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(image)
    rule_gap, rule = round(size * 0.62), max(1, round(min(width, height) / 360))
    tall = step * (len(lines) - 1) + round(size * 0.72) + rule_gap + rule
    baseline = (height - tall) / 2 + size * 0.72
    for line in lines:
        write(draw, line, size, ((width - length(line, size)) / 2, baseline), fill=_LETTERS)
        baseline += step
    middle, reach, top = width // 2, min(width, height) // 12, round(baseline - step + rule_gap)
    draw.rectangle([middle - reach, top, middle + reach - 1, top + rule - 1], fill=_QUIET)
    return np.asarray(image, np.float32)


def _largest(text: str, width: float, height: float) -> tuple[int, list[str]]:
    """The largest letters with which the text fits in four lines, and those; the smallest ones where none do."""
    size = max(_SMALLEST, round(min(height * 0.21, width * 0.14)))
    least = max(_SMALLEST, round(min(height, width) * 0.05))
    while True:
        lines = balanced(text, size, width, _TITLE_LINES)
        fits = size * 1.25 * len(lines) <= height and not (lines and lines[-1].endswith("…") and text[-1] != "…")
        if fits or size <= least:
            return size, lines
        size = max(least, round(size * 0.92) if size > 20 else size - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Roll:
    """Names in columns."""

    rows: tuple[tuple[str, ...], ...]
    size: int
    """Of the letters, like `step`, the distance of the rows, in pixels."""
    step: int
    column: int
    """How wide one is, with its gap."""
    count: int
    """How many names there are."""
    is_still: bool


def _roll(names: Sequence[str], width: int, height: int) -> _Roll:
    readables = [name for name in map(readable, names) if name]
    is_wide = width > height
    columns = 1 if len(readables) <= 9 else 2 if len(readables) <= 24 or not is_wide else 3
    while True:
        size = _name_size(columns, width, height)
        gap = 2 * size if columns > 1 else 0
        widest = round(width * 0.88 / columns) - gap
        fitting = sum(length(name, size) <= widest for name in readables)
        if columns == 1 or fitting >= _FITTING * len(readables):
            break
        columns -= 1
    step = round(size * 1.75)
    # In CREDITS_MOST_S a roll passes so many heights of the picture, and one of them is empty.
    tallest = height * (CREDITS_MOST_S / _CROSSING_S - 1)
    most = max(1, int(tallest / step) - 3) * columns
    if len(readables) > most:
        readables = [*readables[: most - 1], f"and {len(readables) - most + 1} more"]
    shown = [shortened(name, size, widest) for name in readables]
    column = round(max((length(name, size) for name in shown), default=0)) + gap
    rows = tuple(tuple(shown[start : start + columns]) for start in range(0, len(shown), columns))
    is_still = step * (len(rows) + 2) <= height * 0.84
    return _Roll(rows=rows, size=size, step=step, column=column, count=len(shown), is_still=is_still)


def _name_size(columns: int, width: int, height: int) -> int:
    unit = min(height, round(width * 1.1))
    return max(_SMALLEST, round(unit * (0.062 if columns == 1 else 0.046 if width > height else 0.04)))


def _credits_frames(roll: _Roll, rate: Fraction) -> int:
    return round(min(CREDITS_MOST_S, CREDITS_S + NAME_S * roll.count) * rate)


def _credits_letters(roll: _Roll, width: int, height: int) -> Plane:
    """All of the names with their heading, in the middle of a picture; `height` 0: as tall as they are."""
    tall = roll.step * (len(roll.rows) + 1)
    image = Image.new("L", (width, height or tall + roll.step), 0)
    draw = ImageDraw.Draw(image)
    small = max(_SMALLEST, round(roll.size * 0.72))
    baseline = (image.height - tall) / 2 + roll.size
    write(draw, _HEADING, small, ((width - length(_HEADING, small)) / 2, baseline), fill=_QUIET)
    baseline += roll.step * 1.15
    for row in roll.rows:
        left = (width - roll.column * len(row)) / 2
        for place, name in enumerate(row):
            x = left + roll.column * (place + 0.5) - length(name, roll.size) / 2
            write(draw, name, roll.size, (x, baseline), fill=_LETTERS)
        baseline += roll.step
    return np.asarray(image, np.float32)


def _still(light: Plane, count: int, rate: Fraction) -> Iterator[VideoFrame]:
    fade = min(round(_FADE_S * rate), count // 3)
    for place in range(fade):
        yield _frame(light, place / fade)
    yield from repeat(_frame(light, 1.0), count - 2 * fade)
    for place in range(fade):
        yield _frame(light, 1 - (place + 1) / fade)


def _rolling(roll: _Roll, width: int, height: int, count: int, rate: Fraction) -> Iterator[VideoFrame]:
    strip = _credits_letters(roll, width, 0) / 255
    ground = _ground(width, height)
    reach = (_WHITE - ground) * _soft_ends(height)
    way = height + strip.shape[0]
    fade = min(round(_FADE_S * rate), count // 3)
    # Whole pixels only: letters between two rows would shimmer.
    for place in range(count):
        top = height - round(way * (place + 1) / count)
        first, last = max(0, top), min(height, top + strip.shape[0])
        light = ground.copy()
        if first < last:
            light[first:last] += reach[first:last] * strip[first - top : last - top]
        yield _frame(light, min(1.0, place / fade, (count - 1 - place) / fade) if fade else 1.0)


def _soft_ends(height: int) -> Plane:
    """Names come in and go out softly."""
    places = np.linspace(0, 1, height, dtype=np.float32)
    return np.asarray(np.clip(np.minimum(places, 1 - places) / 0.09, 0, 1)[:, None], np.float32)


def _lit(letters: Plane) -> Plane:
    height, width = letters.shape
    return _laid(_ground(width, height), letters)


def _ground(width: int, height: int) -> Plane:
    """Lighter in the middle, to be cut to whole numbers. Without the grain the steps between those would be seen as rings."""
    across = np.linspace(-1, 1, width, dtype=np.float32)
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    far = np.clip(np.sqrt(across**2 + down**2) / 1.35, 0, 1)
    grain = np.random.default_rng(7).random((height, width), np.float32)
    return np.asarray(_GROUND + (_EDGE - _GROUND) * far**1.6 + grain, np.float32)


def _laid(ground: Plane, letters: Plane) -> Plane:
    share = letters / 255
    return np.asarray(ground * (1 - share) + _WHITE * share, np.float32)


def _frame(light: Plane, opacity: float) -> VideoFrame:
    height, width = light.shape
    planes = np.empty((height * 3 // 2, width), np.uint8)
    np.copyto(planes[:height], light if opacity == 1 else _BLACK + (light - _BLACK) * opacity, casting="unsafe")
    chroma = planes[height:].reshape(2, -1)
    chroma[0], chroma[1] = _GREY + round(_BLUE * opacity), _GREY + round(_RED * opacity)
    frame = VideoFrame.from_ndarray(planes, format="yuv420p")
    frame.colorspace = frame.color_primaries = frame.color_trc = 1
    frame.color_range = ColorRange.MPEG
    return frame
