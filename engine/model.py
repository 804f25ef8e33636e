"""The words of the product as frozen values. Nothing here does I/O or knows a platform, a database or a vendor."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from engine.film_options import StitchOptions

FileKey = NewType("FileKey", str)
"""The name of a kept file: the sha256 of its bytes in hex and a suffix, `<64 hex>.mp4`."""

EXTEND = "extend"
"""`Shot.work` of one whose service goes on by itself from its parent's render."""
TEXT_ONLY = "text"
"""`Shot.work` of one that is rendered from its words alone, knowingly: the pictures that it has stay, and are not used."""

PROMPT_CHARS = 4_000
"""The longest prompt, in Unicode code points."""


# --- who and where ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """A member. `key` is an identity, `platform:user id`; `name` is what others read; an operator may do anything."""

    key: str
    name: str
    is_operator: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, where, and by which update. `key` is unique per update: the same one twice makes one job.

    `place` is platform + chat + topic as opaque text (`local:home`).
    """

    key: str
    place: str
    person: Person
    receipt: str | None = None
    """Where the message that asks stands, opaque: what is said about the job is shown under it."""


# --- what is asked ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotOptions:
    """What can be chosen for a shot. None means: as the shot before it, else the provider's default."""

    seconds: float | None = None
    ratio: str | None = None
    """`16:9`, `9:16` or `1:1`."""
    resolution: str | None = None
    """`480p`, `720p` or `1080p`: the length of the shorter side."""
    seed: int | None = None
    """0 to 2**31 - 1. None: a new one for every take."""
    style: str | None = None
    provider: str | None = None
    model: str | None = None
    first_frame: FileKey | None = None
    last_frame: FileKey | None = None
    references: tuple[FileKey, ...] = ()
    """Pictures that guide it and that no frame of it has to be. Not taken over from the shot before."""
    negative: str | None = None
    """What must not be seen. Empty: nothing, whatever the shot before said."""
    is_silent: bool | None = None
    extend: bool | None = None
    """Let the service itself go on from its render. None: no."""
    is_unseeded: bool | None = None
    """Begin without the last frame of the shot before, knowingly. None: no."""
    still: str | None = None
    """Who paints its first frame: a painter, its model, or `painter model`. Empty: nobody."""
    later_s: float | None = None
    """Start on the scene of the shot before so many seconds later, painted by `still`; a cut. None: no."""
    from_s: float | None = None
    """Start on what the clip before shows then, and let the film cut there. None: on its last frame."""
    from_sharpest: bool | None = None
    """Start on the sharpest frame of the clip's last half second. None: no."""

    @property
    def pictures(self) -> tuple[FileKey, ...]:
        """All that were given."""
        return tuple(key for key in (self.first_frame, self.last_frame, *self.references) if key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Begin a new story with its first shot."""

    asked: Asked
    prompt: str
    options: ShotOptions = ShotOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Continue:
    """Add a shot that starts on the last frame of `shot` (None: the canon's tip)."""

    asked: Asked
    prompt: str
    shot: str | None = None
    options: ShotOptions = ShotOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retake:
    """Render a shot again (None: the place's newest shot). The new take becomes the shot's clip when it is ready."""

    asked: Asked
    shot: str | None = None
    seed: int | None = None
    provider: str | None = None
    """Let another one render it, from now on."""
    is_text_only: bool = False
    """Without any picture, from now on: what it was given or goes on from is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Change the clip of a shot by words (None: the place's newest shot). What comes is a new take of it."""

    asked: Asked
    words: str
    shot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stitch:
    """Join clips into a film: the named shots in this order, else the canon of `story`, else of the current story."""

    asked: Asked
    shots: tuple[str, ...] = ()
    """Codes of shots, or `k7-2..k7-5`: all on the way from one shot to a later one."""
    story: str | None = None
    options: StitchOptions = field(default_factory=StitchOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Make a video that somebody gave a shot: after `after` (None: the canon's tip), else at the beginning of a new story.

    The same file twice in a story is one shot.
    """

    asked: Asked
    video: FileKey
    words: str = ""
    """What it shows; its shot's prompt."""
    after: str | None = None
    is_beginning: bool = False
    """Begin a new story with it."""


# --- what a story is made of -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The tree of shots that a place is telling. `tip_id` is the shot at the end of its canon, None while empty."""

    id: int
    code: str
    """Short and typable, unique: `k7`."""
    place: str
    director: Person
    """Who started it."""
    title: str
    tip_id: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamMeasure:
    """How a clip goes on from the picture that it was to begin on. Steps are in OKLab, 0 where none is seen."""

    score: float
    """0 (another picture) to 100 (the same)."""
    lightness: float
    """Above 0: the clip is lighter."""
    colour: float
    depth: int = 0
    """The how many-th shot in a row it is that began on a frame of the one before; 0: it did not."""
    line_lightness: float = 0.0
    """All steps of that row together, this one too."""
    line_colour: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is wrong with a clip's last frame: `black`, `dark` or `blurred`. `sharpest_s`: when a better one is shown."""

    fault: str
    sharpest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """The rendered file of a take, as measured."""

    file: FileKey
    bytes: int
    seconds: float
    width: int
    height: int
    fps: float
    is_cut: bool = False
    """It is a part of what its service made, so it is not what the service still has."""
    seam: SeamMeasure | None = None
    """None: there was no picture to begin on, or it was not measured."""
    ending: Ending | None = None
    """None: its last frame is as good as those before it, or nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """One render of a shot. `clip` is None until it is ready and after it was deleted."""

    id: int
    shot_id: int
    number: int
    """1, 2, … within its shot."""
    seed: int
    parent_take_id: int | None
    """The take whose last frame it starts on; None for a first shot or a given first frame."""
    clip: Clip | None
    created_at: datetime
    edit: str = ""
    """The words by which another take was changed; empty where it was rendered from the shot's prompt."""
    edited_take_id: int | None = None
    """The take that those words change."""
    first_frame: FileKey | None = None
    """The picture that was painted for it to start on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One node of the tree, with every option settled."""

    id: int
    story_id: int
    story_code: str
    number: int
    """1, 2, … within its story, never used again."""
    parent_id: int | None
    person: Person
    """Its author."""
    prompt: str
    seconds: float
    ratio: str
    resolution: str
    style: str
    provider: str
    """Who renders it; empty where its video was given (`Add`)."""
    model: str
    first_frame: FileKey | None
    """A picture that was given to start on; a continued shot takes its parent's last frame instead."""
    last_frame: FileKey | None
    chosen_take_id: int | None
    """The take that is the shot's clip; None until the first one is ready."""
    created_at: datetime
    deleted_at: datetime | None
    references: tuple[FileKey, ...] = ()
    negative: str = ""
    is_silent: bool = False
    work: str = ""
    """EXTEND, TEXT_ONLY or empty."""
    is_unseeded: bool = False
    """It continues its parent in the story alone: it was agreed that it starts without the last frame."""
    still: str = ""
    """Who paints its first frame, as `painter model`; empty: nobody."""
    later_s: float | None = None
    """How much later than its parent's last frame the painted one is; None: it is painted from words alone."""
    from_s: float | None = None
    """When its parent's clip shows the frame that it starts on; None: that is the last one."""

    @property
    def code(self) -> str:
        """What a person types: `k7-4`."""
        return f"{self.story_code}-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """The one file that a stitch makes."""

    id: int
    story_id: int
    story_code: str
    number: int
    person: Person
    shots: tuple[str, ...]
    """The codes of the shots that it joins, in order."""
    clip: Clip
    created_at: datetime

    @property
    def code(self) -> str:
        """What a person types: `k7-f1`."""
        return f"{self.story_code}-f{self.number}"
