"""Everything that looks into a video or a picture, or makes one. Each call works in a short-lived child process of its own.

The calling process never loads a codec: a hostile or broken file can hurt only the child, which has limits and is killed when they
pass or when the caller is cancelled.
"""

from engine.media.calls import first_frame, last_frame, picture, probe, spritesheet, stitch, thumbnail
from engine.media.results import Probe, Stitched

__all__ = [
    "Probe",
    "Stitched",
    "first_frame",
    "last_frame",
    "picture",
    "probe",
    "spritesheet",
    "stitch",
    "thumbnail",
]
