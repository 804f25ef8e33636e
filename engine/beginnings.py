"""On which frame a shot begins, how it came out, and how long a line of shots is that went on like that. Pure but for the reads."""

from __future__ import annotations

import math
from dataclasses import replace

from engine.errors import NotPossible
from engine.media import Begins, Probe
from engine.model import EXTEND, Clip, Ending, SeamMeasure, Shot, ShotOptions, Take
from engine.orders import starts_on_parent
from engine.ports import Reader

SEAMLESS, SOFT, VISIBLE = 90.0, 70.0, 40.0
"""From this score on a seam is not seen, is seen by who looks for it, and is seen."""
DEEP = 4
"""The how many-th shot in a row from a last frame is warned about: by then what each render loses adds up."""
DRIFTED = 0.06
"""How far a line of shots may step in OKLab before that is warned about."""
_CURE = "a hard cut (--text-only) with a reference would look better"


def check_beginning(options: ShotOptions, parent: Shot, clip: Clip | None) -> None:
    """`clip`: the parent's; None: it is not there yet.

    Raises:
        NotPossible: the shot cannot begin on the frame that was asked for.
    """
    from_s = options.from_s
    if from_s is None and not options.from_sharpest:
        return
    name = "--sharp" if from_s is None else "--at"
    if from_s is not None and options.from_sharpest:
        raise NotPossible("--at and --sharp both say on which frame to begin; leave one of them out.")
    if options.extend:
        raise NotPossible(f"--extend goes on from the end of the shot before; leave it out, or {name}.")
    if options.is_unseeded or options.first_frame is not None:
        raise NotPossible(f"It begins without the shot before, so no frame of that can be chosen; leave {name} out.")
    if options.still and options.later_s is None:
        raise NotPossible(f"Its first frame is painted from words; leave --still out, or {name}.")
    if from_s is None:
        if clip is None:
            raise NotPossible(f"{parent.code} has no clip yet to look for its sharpest frame in; wait for it.")
        return
    if not math.isfinite(from_s) or from_s < 0 or (clip is not None and from_s >= clip.seconds):
        has = f"{parent.code} has {clip.seconds:.1f} s" if clip is not None else "a clip begins at 0 s"
        raise NotPossible(f"--at {from_s:g} is outside of the clip: {has}.")


def goes_on(shot: Shot) -> bool:
    """Whether it is to begin on a frame of the shot before it, or with the render that follows that one."""
    return bool(shot.provider) and starts_on_parent(shot) and shot.later_s is None


async def depth_of(tx: Reader, shot: Shot, most: int = DEEP + 1) -> int:
    """The how many-th shot in a row it is that goes on from the one before; 0: it does not. Counted up to `most`."""
    depth = 0
    at: Shot | None = shot
    while at is not None and depth < most and goes_on(at):
        depth += 1
        at = await tx.shot(at.parent_id) if at.parent_id else None
    return depth


async def warning_of(tx: Reader, shot: Shot) -> str:
    """What there is to be said before one more shot goes on from a last frame; empty: nothing."""
    if not goes_on(shot):
        return ""
    parent = await tx.shot(shot.parent_id or 0)
    take = await tx.take(parent.chosen_take_id) if parent and parent.chosen_take_id else None
    return warning(await depth_of(tx, shot), take.clip.seam if take and take.clip else None)


def warning(depth: int, before: SeamMeasure | None) -> str:
    """The same for the `depth`-th in a row, after a clip that was measured so. Each is said once in a row."""
    if depth == DEEP:
        return f"Fourth shot in a row from a last frame: {_CURE}."
    if before is not None and before.depth and _drifted(before) >= DRIFTED > _drifted(_without_last_step(before)):
        way = way_of(before.line_lightness, before.line_colour)
        shots = "shot" if before.depth == 1 else f"{before.depth} shots"
        return f"The picture has become {way} over the last {shots}: {_CURE}."
    return ""


def seam_of(begins: Begins | None, *, shot: Shot, take: Take, parent: Take | None) -> SeamMeasure | None:
    """What is kept of how the clip of a take begins. `parent`: the take that it goes on from."""
    if begins is None:
        return None
    measured = SeamMeasure(score=begins.score, lightness=begins.lightness, colour=begins.colour)
    if parent is None or take.first_frame is not None or not goes_on(shot):
        return measured
    before = parent.clip.seam if parent.clip else None
    return replace(
        measured,
        depth=1 + (before.depth if before else 0),
        line_lightness=round((before.line_lightness if before else 0.0) + begins.lightness, 4),
        line_colour=round((before.line_colour if before else 0.0) + begins.colour, 4),
    )


def ending_of(measured: Probe) -> Ending | None:
    """What is kept of how a clip ends."""
    ends = measured.ends
    if ends is None or not ends.fault or ends.sharpest_s is None:
        return None
    return Ending(fault=ends.fault, sharpest_s=ends.sharpest_s)


def leaves_at(shot: Shot, take: Take, after: Shot, after_take: Take) -> float | None:
    """When a film leaves a shot's clip for the one that follows it, since that begins on an earlier frame. None: at its end."""
    if after.from_s is None or after.parent_id != shot.id or after_take.parent_take_id != take.id:
        return None
    is_painted = after_take.first_frame is not None
    return after.from_s if goes_on(after) and after.work != EXTEND and not is_painted else None


def known_score(shot: Shot, take: Take, after: Shot, after_take: Take) -> float | None:
    """How well a clip goes on from the last picture of the one before it, as measured when it came. None: that is not known."""
    if after.parent_id != shot.id or after_take.parent_take_id != take.id or not goes_on(after) or after.work == EXTEND:
        return None
    if after.from_s is not None or after_take.first_frame is not None or after_take.clip is None:
        return None
    return after_take.clip.seam.score if after_take.clip.seam else None


def way_of(lightness: float, colour: float) -> str:
    """What a step in OKLab made of a picture, in words; empty: nothing is seen."""
    if not (lightness or colour):
        return ""
    if abs(lightness) >= colour:
        return "lighter" if lightness > 0 else "darker"
    return "different in colour"


def _drifted(seam: SeamMeasure) -> float:
    return math.hypot(seam.line_lightness, seam.line_colour)


def _without_last_step(seam: SeamMeasure) -> SeamMeasure:
    return replace(
        seam, line_lightness=seam.line_lightness - seam.lightness, line_colour=seam.line_colour - seam.colour
    )
