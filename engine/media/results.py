"""What media work gives back, and how large a video may be. Plain values: no media library is loaded for them."""

from __future__ import annotations

from dataclasses import dataclass

MAX_LONG_SIDE = 4096
MAX_SHORT_SIDE = 2304
MAX_SECONDS = 20 * 60
MAX_STREAMS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A video, as measured."""

    seconds: float
    """From its first displayed picture to the end of its last."""
    width: int
    """As shown, after rotation."""
    height: int
    fps: float
    frames: int
    """Displayed pictures."""
    has_audio: bool
    codec: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitched:
    """A film, as written and checked."""

    seconds: float
    width: int
    height: int
    fps: float
    frames: int
    """Displayed pictures."""
    dropped_frames: int
    """Doubled pictures left out at the seams."""
    copied: bool
    """Whether every clip's video went in without being encoded again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A video, or one part of it, under a cap."""

    seconds: float
    width: int
    height: int
    bytes: int
    encodes: int
    """0: the video fitted as it was, and nothing was written."""
    parts: int
    """Of how many it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """A picture as it was written for a service."""

    format: str
    """`png`, `jpeg` or `webp`."""
    width: int
    height: int
    loss: str
    """What was lost beside size, in words; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cropped:
    """A picture out of the middle of another one."""

    width: int
    height: int
    was_width: int
    was_height: int
