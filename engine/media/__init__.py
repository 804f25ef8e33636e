"""Everything that looks into a video or a picture, or makes one. Each call works in a short-lived child process of its own.

The calling process never loads a codec: a hostile or broken file can hurt only the child, which has limits and is killed when they
pass or when the caller is cancelled.
"""

from engine.media.calls import (
    first_frame,
    fit,
    has_sound,
    last_frame,
    picture,
    poster,
    probe,
    small,
    spritesheet,
    stitch,
    thumbnail,
    with_sound,
)
from engine.media.fit_plan import FitPlan, plan_fit
from engine.media.results import Fitted, Probe, Stitched

__all__ = [
    "FitPlan",
    "Fitted",
    "Probe",
    "Stitched",
    "first_frame",
    "fit",
    "has_sound",
    "last_frame",
    "picture",
    "plan_fit",
    "poster",
    "probe",
    "small",
    "spritesheet",
    "stitch",
    "thumbnail",
    "with_sound",
]
