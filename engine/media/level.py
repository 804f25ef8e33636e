"""Pictures that lead over a step of colour and exposure: a clip's first ones are brought to the clip before it, less and less."""

from __future__ import annotations

import math

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
_PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))
_PARTS_BITS = 5
_PARTS = 1 << _PARTS_BITS
_LEAST_LEVEL = 0.25
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
    way = way_of(drift)
    source = frame if frame.format.name in _PLANAR else frame.reformat(format="yuv420p")
    result = VideoFrame(source.width, source.height, source.format.name)
    low, high, mid, wide = (0.0, 255.0, 128.0, 255.0) if is_full_range(source) else (16.0, 219.0, 128.0, 224.0)
    level: Numbers = (np.arange(256, dtype=np.float64) - low) / high
    luma, blue, red = (_pixels(source, plane) for plane in range(3))
    cb, cr = (plane.astype(np.float32) - np.float32(mid) for plane in (blue, red))
    moved = np.interp(level, np.linspace(0, 1, KNOTS), way.luma) - np.clip(level, 0, 1)
    tint = _mixed(cb, cr, share * high / wide * way.tint)
    _write_luma(_pixels(result, 0), luma, np.arange(256) + share * high * moved, tint)
    small = _halved(luma, blue.shape)
    for plane, own, row in ((1, (1.0, 0.0), way.chroma[0]), (2, (0.0, 1.0), way.chroma[1])):
        casts = np.asarray(mid + share * wide * cast(level, *row[2:]), np.float32)
        levels = _mixed(cb, cr, own + share * (row[:2] - own))
        levels += casts.take(small)
        _write_chroma(_pixels(result, plane), levels)
    result.pts = frame.pts
    if frame.time_base is not None:
        result.time_base = frame.time_base
    result.colorspace, result.color_range = source.colorspace, source.color_range
    result.color_primaries, result.color_trc = source.color_primaries, source.color_trc
    return result


def _mixed(cb: Levels, cr: Levels, of: Numbers) -> Levels:
    """So much of each."""
    mixed = cb * np.float32(of[0])
    mixed += cr * np.float32(of[1])
    return mixed


def _write_luma(target: Bytes, luma: Bytes, values: Numbers, tint: Levels) -> None:
    """What each level becomes, and what chroma adds where it stands. In whole parts of a level: that is half the memory."""
    parts = (tint * np.float32(_PARTS)).astype(np.int16) if np.abs(tint).max() >= _LEAST_LEVEL else None
    for row, column in _PLACES:
        place, wanted = (slice(row, None, 2), slice(column, None, 2)), values + _DITHER[row, column]
        if parts is None:
            target[place] = np.clip(wanted, 0, 255).astype(np.uint8).take(luma[place])
            continue
        levels = np.round(wanted * _PARTS).astype(np.int16).take(luma[place])
        levels += parts[: levels.shape[0], : levels.shape[1]]
        levels >>= _PARTS_BITS
        target[place] = np.clip(levels, 0, 255, out=levels)


def _write_chroma(target: Bytes, levels: Levels) -> None:
    for row, column in _PLACES:
        levels[row::2, column::2] += np.float32(_DITHER[row, column])
    target[...] = np.clip(levels, 0, 255, out=levels)


def _pixels(frame: VideoFrame, plane: int) -> Bytes:
    """A view of one plane, without what pads its lines."""
    there = frame.planes[plane]
    return np.frombuffer(memoryview(there), np.uint8).reshape(-1, there.line_size)[: there.height, : there.width]


def _halved(luma: Bytes, shape: tuple[int, ...]) -> Bytes:
    """Luma where chroma is: the mean of two corners of each square, without a wider type."""
    rows, columns = shape
    one = luma[::2, ::2]
    other = np.empty_like(one)
    other[...] = one
    inner = luma[1::2, 1::2]
    other[: inner.shape[0], : inner.shape[1]] = inner
    return ((one & other) + ((one ^ other) >> 1))[:rows, :columns]
