"""What media work gives back, and how large a video may be. Plain values: no media library is loaded for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.film_options import Transition

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
    hdr: str = ""
    """`PQ` or `HLG` (BT.2100), which is toned down for everything that is made of it; empty: none."""
    begins: Begins | None = None
    """None: it was not compared with anything."""
    ends: Ends | None = None
    """None: its last pictures were not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begins:
    """How well a clip's first picture goes on from the one that it was to begin on."""

    score: float
    """0 (another picture) to 100 (the same)."""
    lightness: float
    """The step in OKLab; above 0: the clip is lighter. 0 where none is seen, like `colour`."""
    colour: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How a clip's last picture compares with those of its last half second."""

    fault: str
    """`black`, `dark`, `blurred`, or empty: it is as good as any."""
    sharpest_s: float | None
    """When the best of them is shown, from the clip's beginning. None: there is no fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """Where one clip of a film gives way to the next."""

    transition: Transition
    score: float | None
    """0 (another scene) to 100 (the same picture); None: a transition hides it, so nobody looked."""
    is_doubled: bool = False
    """The earlier clip's last picture was left out."""
    is_levelled: bool = False
    """The later clip's first pictures were brought to the colours of the earlier one."""


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
    """Whether every picture went in without being encoded again."""
    made_frames: int = 0
    """Pictures that were encoded: cards, clips of another shape, and those at the seams that change."""
    seams: tuple[Seam, ...] = ()
    """One less than there are clips."""
    notes: tuple[str, ...] = ()
    """What a person may want to know, in sentences: what was encoded again, and why."""

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Stitched:
        """What `dataclasses.asdict` made of it, through JSON or not."""
        seams = tuple(Seam(**{**seam, "transition": Transition(seam["transition"])}) for seam in words["seams"])
        return cls(**{**words, "seams": seams, "notes": tuple(words["notes"])})


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
    first_bytes: int = 0
    """What the first encode came to; 0: there was none."""
    sentence: str = ""
    """What was done, for a person; empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A film as another kind of file."""

    seconds: float
    width: int
    height: int
    bytes: int
    sentence: str
    """What it is, and what was made smaller, for a person."""


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
