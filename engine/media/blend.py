"""Pictures that give way to others, on the planes of the clips' own colours: through black, into each other, from the left."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from engine.film_options import Transition
from engine.media.colour import is_full_range

Planes = npt.NDArray[np.uint8]
"""Luma, then both kinds of chroma, in rows of the picture's width: as many bytes as a 4:2:0 picture has."""

Shares = npt.NDArray[np.uint16]
"""In 256ths, one for each byte of the planes."""

_BLACK, _FULL_BLACK, _GREY = 16, 0, 128
_SOFT = 0.08
"""How wide the edge of a wipe is, of the picture's width."""
_WHOLE = 256
_ROWS = 64


def blended(before: VideoFrame, after: VideoFrame, kind: Transition, share: float) -> VideoFrame:
    """Two pictures of one size and format, of which the later one has `share` (0 to 1)."""
    one, other = _planes(before), _planes(after)
    if kind is Transition.WIPE:
        mixed = _mixed(one, other, _wiped(before.width, before.height, share))
    else:
        mixed = _mixed(one, other, np.uint16(round(share * _WHOLE)))
    return _frame(mixed, after)


def darkened(frame: VideoFrame, light: float) -> VideoFrame:
    """The picture with so much (0 to 1) of its light and colour; itself with all of it."""
    if light >= 1:
        return frame
    planes = _planes(frame)
    ground = np.full_like(planes, _GREY)
    ground[: frame.height] = _FULL_BLACK if is_full_range(frame) else _BLACK
    return _frame(_mixed(ground, planes, np.uint16(round(light * _WHOLE))), frame)


def step(number: int, count: int) -> float:
    """The later one's share in picture `number` (from 0) of a transition of `count`: neither none nor all of it."""
    return (number + 1) / (count + 1)


def _planes(frame: VideoFrame) -> Planes:
    return np.asarray(frame.to_ndarray(), np.uint8)


def _mixed(one: Planes, other: Planes, share: np.uint16 | Shares) -> Planes:
    """One step of 16 bits: 255 x 256 and the half that rounds just fit. Some rows at a time stay close to the processor."""
    mixed = np.empty_like(one)
    for first in range(0, len(one), _ROWS):
        rows = slice(first, first + _ROWS)
        later = share[rows] if isinstance(share, np.ndarray) else share
        part = one[rows].astype(np.uint16)
        part *= _WHOLE - later
        part += other[rows] * later
        part += _WHOLE // 2
        part >>= 8
        mixed[rows] = part
    return mixed


def _wiped(width: int, height: int, share: float) -> Shares:
    """How much of the later picture each byte has: an edge that runs from the left to the right."""
    luma = _edge(width, share)
    chroma = np.tile(_edge(width // 2, share), 2)
    return np.concatenate([np.broadcast_to(luma, (height, width)), np.broadcast_to(chroma, (height // 2, width))])


@lru_cache(maxsize=8)
def _columns(width: int) -> npt.NDArray[np.float64]:
    return (np.arange(width) + 0.5) / width


def _edge(width: int, share: float) -> Shares:
    edge = share * (1 + _SOFT)
    return np.round(np.clip((edge - _columns(width)) / _SOFT, 0, 1) * _WHOLE).astype(np.uint16)


def _frame(planes: Planes, like: VideoFrame) -> VideoFrame:
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(planes), format=like.format.name)
    frame.colorspace, frame.color_range = like.colorspace, like.color_range
    return frame
