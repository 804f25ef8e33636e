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
        check_sound,
        crop,
        cut,
        export,
        first_frame,
        fit,
        frame_at,
        has_sound,
        last_frame,
        picture,
        poster,
        probe,
        sendable,
        sharp_frame,
        small,
        spritesheet,
        stitch,
        thumbnail,
        with_sound,
    )
    from engine.media.fit_plan import FitPlan, plan_fit
    from engine.media.results import Begins, Cropped, Ends, Exported, Fitted, Probe, Sendable, Stitched
    from engine.media.script import Script

__all__ = [
    "Begins",
    "Cropped",
    "Ends",
    "Exported",
    "FitPlan",
    "Fitted",
    "Probe",
    "Script",
    "Sendable",
    "Stitched",
    "check_sound",
    "crop",
    "cut",
    "export",
    "first_frame",
    "fit",
    "frame_at",
    "has_sound",
    "last_frame",
    "picture",
    "plan_fit",
    "poster",
    "probe",
    "sendable",
    "sharp_frame",
    "small",
    "spritesheet",
    "stitch",
    "thumbnail",
    "with_sound",
]

_ROOMS = {
    "Begins": "engine.media.results",
    "Cropped": "engine.media.results",
    "Ends": "engine.media.results",
    "Exported": "engine.media.results",
    "FitPlan": "engine.media.fit_plan",
    "Fitted": "engine.media.results",
    "Probe": "engine.media.results",
    "Script": "engine.media.script",
    "Sendable": "engine.media.results",
    "Stitched": "engine.media.results",
    "plan_fit": "engine.media.fit_plan",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS.get(name, "engine.media.calls")), name)
