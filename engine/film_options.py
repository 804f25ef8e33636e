"""What can be chosen for a film. Plain values: parsed by the front ends, kept with the job, obeyed by `engine.media`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

SHORTEST_TRANSITION_S = 0.1
LONGEST_TRANSITION_S = 3.0
LOUDEST = 4.0
"""Times as loud: 12 dB."""
CARD_LENGTH = 200
"""Letters on a title card."""
SMALLEST_LIMIT_BYTES = 200_000
GIF_MOST_S = 180
"""The longest film that a GIF is made of."""


class Transition(StrEnum):
    """How one shot gives way to the next. CUT: at once. FADE: through black. DISSOLVE: into each other. WIPE: from the left."""

    CUT = "cut"
    FADE = "fade"
    DISSOLVE = "dissolve"
    WIPE = "wipe"


class Fill(StrEnum):
    """How a shot of another shape fills the film's. BLUR: over a blurred copy of itself. CROP: its middle. PAD: black bars."""

    BLUR = "blur"
    CROP = "crop"
    PAD = "pad"


class Captions(StrEnum):
    """Where the words of a shot are shown. TRACK: as subtitles that a player can turn off."""

    NONE = "none"
    BURNED = "burned"
    TRACK = "track"
    BOTH = "both"


class FilmFormat(StrEnum):
    """What file comes of it. FRAMES: a ZIP of one PNG a shot, its first picture, and the film's last one."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"
    FRAMES = "frames"

    @property
    def suffix(self) -> str:
        """Of a file's name: `.gif`."""
        return ".zip" if self is FilmFormat.FRAMES else f".{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StitchOptions:
    """How a film is made. With the defaults the pictures of clips that agree are copied, not encoded again."""

    transition: Transition = Transition.CUT
    """At every seam that `seams` does not name."""
    transition_s: float = 0.5
    """SHORTEST_TRANSITION_S to LONGEST_TRANSITION_S; never more than half of a shot beside it."""
    seams: tuple[tuple[int, Transition], ...] = ()
    """By the number of the seam: 1 is the one between the first shot and the second."""
    levels: bool = True
    """Even out steps of colour, exposure and loudness at the seams."""
    card: str | None = None
    """Words of a title card before the first shot. Empty: the story's title. None: no card."""
    credits: bool = False
    """Everyone's name after the last shot."""
    captions: Captions = Captions.NONE
    caption_texts: tuple[str, ...] = ()
    """One a shot, in the order of the film, empty ones for none. Nothing at all: the prompts."""
    music: str | None = None
    """The key of a sound file laid under the film: looped, faded, and lower where somebody speaks."""
    music_volume: float = 0.5
    """0 to LOUDEST, like `volume`: 1 is as loud as the file is."""
    voice: str | None = None
    """The key of a sound file that speaks over the film from its beginning."""
    volume: float = 1.0
    """Of the shots' own sound; 0 silences it."""
    ratio: str | None = None
    """`16:9`, `9:16` or `1:1`. None: as the first shot."""
    fill: Fill = Fill.BLUR
    format: FilmFormat = FilmFormat.MP4
    limit_bytes: int | None = None
    """At most so large. None: as large as it comes."""
    is_preview: bool = False
    """Small and quick, to see the order and the seams."""


def options_from_json(cells: Mapping[str, Any]) -> StitchOptions:
    """What `dataclasses.asdict` and JSON made of them. A name that a later program added is left out."""
    known = {name: value for name, value in cells.items() if name in StitchOptions.__dataclass_fields__}
    return StitchOptions(
        **{
            **known,
            "transition": Transition(known["transition"]),
            "seams": tuple((number, Transition(how)) for number, how in known["seams"]),
            "captions": Captions(known["captions"]),
            "caption_texts": tuple(known["caption_texts"]),
            "fill": Fill(known["fill"]),
            "format": FilmFormat(known["format"]),
        }
    )
