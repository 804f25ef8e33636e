"""Pictures that lead over a step of colour and exposure: a clip's first ones are brought to the clip before it, less and less."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from engine.media.colour import is_full_range
from engine.media.drift import KNOTS, VISIBLE, Drift, Numbers, cast, corrected, drift, way_of

__all__ = ["PICTURES_S", "VISIBLE", "Drift", "corrected", "drift", "levelled", "share"]

Bytes = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.float32]

PICTURES_S = 1.0
"""So long after a seam the clip's own pictures are shown again. A group of a house clip: nothing after it is encoded anew."""
_DITHER = np.array([[0.125, 0.625], [0.875, 0.375]])
"""What is added before rounding down, by place: between two levels half of the pixels take each, and a sky does not band."""
_PARTS_BITS = 5
_PARTS = 1 << _PARTS_BITS
_LEAST_LEVEL = 0.25
_AT_ONCE = 1 << 15
"""Of chroma's pixels: what is worked on stays in the processor's cache, and its memory is used again."""
_PAIR = np.dtype("<u2")
_PLANAR = frozenset({"yuv420p", "yuvj420p"})


def share(after_s: float, over_s: float = PICTURES_S) -> float:
    """How much of a drift is levelled in a picture so long after the seam: 1 at it, 0 from `over_s` on, eased."""
    if after_s >= over_s:
        return 0.0
    return (1 + math.cos(math.pi * max(0.0, after_s) / over_s)) / 2


def levelled(frame: VideoFrame, drift: Drift, share: float) -> VideoFrame:
    """The picture with `share` (0 to 1) of the drift undone; itself where there is nothing to undo. Of 8 bits, 4:2:0."""
    if share <= 0 or not drift.is_visible:
        return frame
    source = frame if frame.format.name in _PLANAR else frame.reformat(format="yuv420p")
    result = VideoFrame(source.width, source.height, source.format.name)
    work = _Work.of(drift, share, is_full=is_full_range(source))
    blue, red = _pixels(source, 1), _pixels(source, 2)
    rows, columns = blue.shape
    # An odd line's last pixel makes a pair with one that is there for the decoder's sake.
    luma, target = (_pixels(one, 0, 2 * columns) for one in (source, result))
    targets = _pixels(result, 1), _pixels(result, 2)
    step = max(1, _AT_ONCE // columns // 2) * 2
    for row in range(0, rows, step):
        here, there = slice(row, row + step), slice(2 * row, 2 * (row + step))
        chroma = blue[here].astype(np.float32), red[here].astype(np.float32)
        work.write_luma(target[there], luma[there], chroma)
        work.write_chroma([plane[here] for plane in targets], _halved(luma[there], source.width), chroma)
    result.pts = frame.pts
    if frame.time_base is not None:
        result.time_base = frame.time_base
    result.colorspace, result.color_range = source.colorspace, source.color_range
    result.color_primaries, result.color_trc = source.color_primaries, source.color_trc
    return result


@dataclass(frozen=True, slots=True)
class _Work:
    """What becomes of each level of a picture's planes."""

    luma: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    """Of lines of even and of odd number: what two neighbours become, by both as one number. With a tint in parts of a level."""
    tint: Numbers | None
    """Parts of a level that luma gets for each level of Cb and Cr; None: too little to count."""
    mixed: Numbers
    """Row by row: how much of Cb and of Cr is in each."""
    casts: npt.NDArray[np.complex64]
    """What Cb and, as the imaginary part, Cr get by luma."""

    @classmethod
    def of(cls, drift: Drift, share: float, *, is_full: bool) -> _Work:
        way = way_of(drift)
        low, high, mid, wide = (0.0, 255.0, 128.0, 255.0) if is_full else (16.0, 219.0, 128.0, 224.0)
        level: Numbers = (np.arange(256, dtype=np.float64) - low) / high
        moved = np.interp(level, np.linspace(0, 1, KNOTS), way.luma) - np.clip(level, 0, 1)
        wanted = np.arange(256) + share * high * moved
        tint = share * high / wide * way.tint
        is_tinted = np.abs(tint).sum() * wide / 2 >= _LEAST_LEVEL
        if is_tinted:
            wanted -= mid * tint.sum()
        mixed = np.eye(2) + share * (way.chroma[:, :2] - np.eye(2))
        by_luma = [
            mid - mid * own.sum() + share * wide * cast(level, *row[2:])
            for own, row in zip(mixed, way.chroma, strict=True)
        ]
        return cls(
            luma=(_in_pairs(wanted, _DITHER[0], is_tinted), _in_pairs(wanted, _DITHER[1], is_tinted)),
            tint=tint * _PARTS if is_tinted else None,
            mixed=mixed,
            casts=np.asarray(by_luma[0] + 1j * by_luma[1], np.complex64),
        )

    def write_luma(self, target: Bytes, luma: Bytes, chroma: Sequence[Levels]) -> None:
        """In whole parts of a level: that is half the memory."""
        tint = None
        if self.tint is not None:
            tint = np.repeat(_sum(chroma, self.tint).astype(np.int16), 2, axis=1)
        for row, pairs in enumerate(self.luma):
            made = pairs.take(luma[row::2].view(_PAIR))
            if tint is None:
                target[row::2].view(_PAIR)[...] = made
                continue
            levels = made.view(np.int16)
            levels += tint[: len(levels)]
            levels >>= _PARTS_BITS
            target[row::2] = np.clip(levels, 0, 255, out=levels)

    def write_chroma(self, targets: Sequence[Bytes], luma: npt.NDArray[np.uint16], chroma: Sequence[Levels]) -> None:
        """`luma`: where chroma is."""
        casts = self.casts.take(luma)
        for target, own, by_luma in zip(targets, self.mixed, (casts.real, casts.imag), strict=True):
            levels = _sum(chroma, own)
            levels += by_luma
            for row in range(2):
                for column in range(2):
                    levels[row::2, column::2] += np.float32(_DITHER[row, column])
            target[...] = np.clip(levels, 0, 255, out=levels)


def _in_pairs(wanted: Numbers, dither: Numbers, is_tinted: bool) -> npt.NDArray[Any]:
    """By two neighbouring pixels as one number, what both become as one number."""
    kind, parts = (np.dtype(np.int16), _PARTS) if is_tinted else (np.dtype(np.uint8), 1)
    made = np.empty((256, 256, 2), kind)
    for place in range(2):
        levels = (wanted + dither[place]) * parts
        one = np.round(levels) if is_tinted else np.clip(levels, 0, 255)
        made[..., place] = one.astype(kind)[:, None] if place else one.astype(kind)
    return made.view(np.uint32 if is_tinted else _PAIR).ravel()


def _sum(planes: Sequence[Levels], shares: Numbers) -> Levels:
    """So much of each."""
    mixed = planes[0] * np.float32(shares[0])
    mixed += planes[1] * np.float32(shares[1])
    return mixed


def _pixels(frame: VideoFrame, plane: int, columns: int | None = None) -> Bytes:
    """A view of one plane, without what pads its lines; `columns`: with so much of it."""
    there = frame.planes[plane]
    lines = np.frombuffer(memoryview(there), np.uint8).reshape(-1, there.line_size)
    return lines[: there.height, : columns or there.width]


def _halved(luma: Bytes, width: int) -> npt.NDArray[np.uint16]:
    """Luma where chroma is: the mean of two corners of each square, or one where the other is beyond the picture."""
    made = luma[::2].view(_PAIR) & 0xFF
    inner = luma[1::2].view(_PAIR) >> 8
    whole = made[: len(inner), : width // 2]
    whole += inner[:, : width // 2]
    whole >>= 1
    return np.asarray(made, np.uint16)
