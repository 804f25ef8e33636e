"""Words over the lower part of a shot, drawn into its pictures: light letters with a dark edge, to be read on any ground."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from engine.media.lettering import balanced, clean, length, readable, without_emoji, write

Plane = npt.NDArray[np.uint16]
Shares = npt.NDArray[np.float32]

FADE_S = 0.3
CLEAN_S = 0.5
"""So long before its end a shot is without words: cuts look cleaner, and whoever takes a picture there finds none in it."""
_SHORT_PARTS = 6
"""In a shot too short for that, each of the pauses and fades takes this part of it."""
_STEPS = 16
_LINES, _NARROW_LINES = 2, 3
_SMALLEST = 11
_HEAVIER = 1.4
"""How much more the thin edges of letters cover: grey ones are lost in what moves behind them."""
_LETTERS, _BLACK, _GREY = 235, 16, 128
_SHADE = 0.6
"""How dark the soft shadow around the letters is."""


class Burner:
    """Lays one text over pictures of one size: yuv420p, studio range, as the film's are."""

    def __init__(self, text: str, size: tuple[int, int]) -> None:
        """`size` is width, height; even. A text without anything to read is not shown."""
        self._size = size
        text = readable(text) if without_emoji(clean(text)) else ""
        letters, shade = _letters(text, *size)
        rows = np.flatnonzero(shade.any(axis=1))
        self._top = int(rows[0]) // 2 * 2 if len(rows) else 0
        bottom = (int(rows[-1]) + 2) // 2 * 2 if len(rows) else 0
        self._rows = slice(self._top, bottom)
        self._letters, self._shade = letters[self._rows], shade[self._rows]
        self._steps: dict[int, tuple[Plane, Plane, Plane]] = {}

    def opacity(self, shown_s: float, seconds: float) -> float:
        """0 to 1, `shown_s` after the beginning of a shot of `seconds`."""
        if self._rows.stop == 0:
            return 0.0
        fade, rest = min(FADE_S, seconds / _SHORT_PARTS), min(CLEAN_S, seconds / _SHORT_PARTS)
        return float(np.clip(min(shown_s / fade, (seconds - rest - shown_s) / fade), 0.0, 1.0)) if fade > 0 else 0.0

    def __call__(self, frame: VideoFrame, shown_s: float, seconds: float) -> VideoFrame:
        """A new picture with the words; the same one where none are shown then."""
        step = round(self.opacity(shown_s, seconds) * _STEPS)
        if step <= 0:
            return frame
        keep, add, keep_chroma = self._step(step)
        width, height = self._size
        planes = np.array(frame.to_ndarray(), np.uint8)  # the decoder may still need its own
        light = planes[:height]
        light[self._rows] = (light[self._rows] * keep + add) >> 8
        half = slice(self._rows.start // 2, self._rows.stop // 2)
        for chroma in planes[height:].reshape(2, height // 2, width // 2):
            moved = (chroma[half] * keep_chroma + _GREY * (256 - keep_chroma) + 128) >> 8
            chroma[half] = moved
        burned = VideoFrame.from_ndarray(planes, format=frame.format.name)
        burned.pts = frame.pts
        if frame.time_base:
            burned.time_base = frame.time_base
        burned.colorspace, burned.color_range = frame.colorspace, frame.color_range
        burned.color_primaries, burned.color_trc = frame.color_primaries, frame.color_trc
        return burned

    def _step(self, step: int) -> tuple[Plane, Plane, Plane]:
        """In 256ths: how much of the picture stays, what is added to its lightness, and how much of its colour stays."""
        if step not in self._steps:
            shade = self._shade * (step / _STEPS)
            letters = self._letters * (step / _STEPS)
            keep = np.round(256 * (1 - shade) * (1 - letters)).astype(np.uint16)
            # 128: so that a whole number is rounded, not cut
            add = np.round(256 * (_BLACK * shade * (1 - letters) + _LETTERS * letters)).astype(np.uint16) + 128
            half = keep.reshape(keep.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3))
            self._steps[step] = keep, add.astype(np.uint16), np.round(half).astype(np.uint16)
        return self._steps[step]


def _letters(text: str, width: int, height: int) -> tuple[Shares, Shares]:
    """How much of each place is covered by the letters, and by the darkness around them, 0 to 1."""
    is_wide = width > height
    size = max(_SMALLEST, round(height * 0.052 if is_wide else width * 0.053))
    lines = balanced(text, size, width * (0.84 if is_wide else 0.88), _LINES if is_wide else _NARROW_LINES)
    step = round(size * 1.3)
    # Portrait is what phones show, with their own buttons over the bottom.
    baseline = height * (0.92 if width >= height else 0.84) - step * (len(lines) - 1)
    edge = max(1, round(size / 12))
    letters, edges = Image.new("L", (width, height), 0), Image.new("L", (width, height), 0)
    for line in lines:
        left = (width - length(line, size)) / 2
        write(ImageDraw.Draw(letters), line, size, (left, baseline), fill=255)
        write(ImageDraw.Draw(edges), line, size, (left, baseline), fill=255, stroke=edge)
        baseline += step
    soft = edges.filter(ImageFilter.GaussianBlur(size / 4)).point(
        [min(255, round(level * 1.6)) for level in range(256)]
    )
    shade = ImageChops.lighter(edges, soft.point([round(level * _SHADE) for level in range(256)]))
    heavy = letters.point([min(255, round(level * _HEAVIER)) for level in range(256)])
    return _shares(heavy), _shares(shade)


def _shares(image: Image.Image) -> Shares:
    return np.asarray(np.asarray(image, np.float32) / 255, np.float32)
