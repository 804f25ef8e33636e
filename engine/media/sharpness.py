"""How sharp and how light pictures are next to each other, and which of a clip's last ones is the best to go on from."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation

from engine.media.results import Ends

LAST_S = 0.5
"""Of so much of a clip's end a picture can stand for the last one: what is after it is left out of the film."""
SLACK_S = 0.1
"""What is declared as a video's end may be so much too late."""
_SIDE = 640
"""Large enough that a blur of two pixels of 720 lines shows, small enough that grain does not."""
_BLURRED = 0.5
"""Of the sharpest one's: below, everybody sees the difference."""
_AS_SHARP, _AS_LIGHT = 0.9, 0.8
_PLAIN, _GRAIN = 0.004, 100.0
"""A picture without edges has only its grain, which is more or less by chance: that is told from no blur."""
_BLACK, _LIT, _DARK = 0.035, 0.07, 0.5
"""Mean luma, 0 to 1: at most so much is black; at least so much shows something; less of the best one's is a fade."""


@dataclass(frozen=True, slots=True)
class Look:
    """One picture."""

    time_s: float
    sharpness: float
    """Variance of luma's Laplacian in parts of that of luma, so that a fade is no blur. Only compared with its neighbours'."""
    light: float
    """Mean luma, 0 to 1."""


class Ending:
    """What is seen in the last half second of a stream of pictures, told one by one."""

    def __init__(self, from_s: float = 0.0) -> None:
        """`from_s`: pictures before it are not looked at, since the end is known to be later."""
        self._from_s = from_s
        self._looks: deque[Look] = deque()

    def add(self, frame: VideoFrame) -> None:
        time_s = frame.time
        if time_s is None or time_s < self._from_s:
            return
        self._looks.append(look_at(frame, time_s))
        while self._looks[0].time_s < self._looks[-1].time_s - LAST_S:
            self._looks.popleft()

    @property
    def looks(self) -> Sequence[Look]:
        """In the order in which they are shown; the last one is the last picture."""
        return tuple(self._looks)


def look_at(frame: VideoFrame, time_s: float) -> Look:
    """A picture as it is compared."""
    wide = max(4, min(_SIDE, frame.width))
    tall = max(4, round(frame.height * wide / frame.width))
    small = frame.reformat(wide, tall, "gray", interpolation=Interpolation.AREA)
    luma = np.frombuffer(memoryview(small.planes[0]), np.uint8).reshape(tall, -1)[:, :wide].astype(np.float32)
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    sharpness = (around - 4 * luma[1:-1, 1:-1]).var() / (luma.var() + _GRAIN)
    return Look(time_s, float(sharpness), float(luma.mean()) / 255)


def sharpest(looks: Sequence[Look]) -> Look:
    """The latest of those that are about as sharp as the sharpest one: as little as can be is left out of the film."""
    lit = max(_LIT, _AS_LIGHT * max(look.light for look in looks))
    shown = [look for look in looks if look.light >= lit] or list(looks)
    most = max(look.sharpness for look in shown)
    return next(look for look in reversed(shown) if look.sharpness >= _AS_SHARP * most)


def ends_of(looks: Sequence[Look], start_s: float) -> Ends | None:
    """How a clip ends that begins at `start_s` on the clock of these pictures; None: nothing of its end is known."""
    if not looks:
        return None
    last, best = looks[-1], sharpest(looks)
    fault = ""
    if last.light <= _BLACK < _LIT <= best.light:
        fault = "black"
    elif last.light < _DARK * best.light:
        fault = "dark"
    elif best.sharpness > _PLAIN and last.sharpness < _BLURRED * best.sharpness:
        fault = "blurred"
    return Ends(fault=fault, sharpest_s=round(best.time_s - start_s, 4) if fault else None)
