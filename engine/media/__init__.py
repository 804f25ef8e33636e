"""Everything that looks into a video or a picture, or makes one. Each call works in a short-lived child process of its own.

The calling process never loads a codec: a hostile or broken file can hurt only the child, which has limits and is killed when they
pass or when the caller is cancelled.

The names are imported when they are first used: the child is in this package too, and most of its short life would be imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.media.calls import (
        crop,
        cut,
        first_frame,
        fit,
        has_sound,
        last_frame,
        picture,
        poster,
        probe,
        sendable,
        small,
        spritesheet,
        stitch,
        thumbnail,
        with_sound,
    )
    from engine.media.fit_plan import FitPlan, plan_fit
    from engine.media.results import Cropped, Fitted, Probe, Sendable, Stitched

__all__ = [
    "Cropped",
    "FitPlan",
    "Fitted",
    "Probe",
    "Sendable",
    "Stitched",
    "crop",
    "cut",
    "first_frame",
    "fit",
    "has_sound",
    "last_frame",
    "picture",
    "plan_fit",
    "poster",
    "probe",
    "sendable",
    "small",
    "spritesheet",
    "stitch",
    "thumbnail",
    "with_sound",
]

_ROOMS = {
    "Cropped": "engine.media.results",
    "FitPlan": "engine.media.fit_plan",
    "Fitted": "engine.media.results",
    "Probe": "engine.media.results",
    "Sendable": "engine.media.results",
    "Stitched": "engine.media.results",
    "plan_fit": "engine.media.fit_plan",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS.get(name, "engine.media.calls")), name)
