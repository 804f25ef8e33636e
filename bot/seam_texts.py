"""What is said of how shots go on from each other: seams, lines of shots, last frames. And the codes of frames: `k7-4@5.7`."""

from __future__ import annotations

import re

from engine.beginnings import SEAMLESS, SOFT, VISIBLE, way_of
from engine.model import Clip, SeamMeasure

_FRAME = re.compile(r"([a-z]\d{1,12}-\d{1,9})@(\d{1,6}(?:\.\d{1,6})?)s?", re.ASCII | re.IGNORECASE)
_WORDS = ((SEAMLESS, "seamless"), (SOFT, "soft"), (VISIBLE, "visible"), (0.0, "a cut"))


def frame_code(shot: str, at_s: float) -> str:
    """What stands for one frame of a shot where only a code has room: `k7-4@5.7`."""
    return f"{shot}@{at_s:g}"


def split_frame(code: str) -> tuple[str, str | None]:
    """The shot of it, and the seconds as written; None: it is no code of a frame, and comes back as it is."""
    found = _FRAME.fullmatch(code)
    return (found[1], found[2]) if found else (code, None)


def seam_lines(clip: Clip | None, parent: str | None) -> list[str]:
    """For `/show`: how well the clip goes on from what it began on, and how long the line of shots is that did."""
    seam = clip.seam if clip else None
    if seam is None:
        return []
    onto = f"{parent}'s frame" if parent and seam.depth else "its first frame"
    line = f", shot {seam.depth} in a row from a last frame" if seam.depth > 1 else ""
    drifted = way_of(seam.line_lightness, seam.line_colour) if seam.depth > 1 else ""
    return [f"seam with {onto}: {_measured(seam)}{line}{f', {drifted} by now' if drifted else ''}"]


def _measured(seam: SeamMeasure) -> str:
    word = next(word for least, word in _WORDS if seam.score >= least)
    step = way_of(seam.lightness, seam.colour)
    return f"{seam.score:.0f} of 100 ({word}{f', {step}' if step else ''})"


def ending_line(clip: Clip | None) -> str:
    """Under a clip whose last frame is a bad one to go on from; else nothing."""
    ending = clip.ending if clip else None
    if ending is None:
        return ""
    return f"\nits last frame is {ending.fault}; there is a better one at {ending.sharpest_s:.1f} s"
