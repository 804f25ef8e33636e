"""The options of the commands, as typer reads them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from engine.film_options import Captions, Fill, FilmFormat, Transition


class Variant(StrEnum):
    """What can be downloaded of a shot or a film."""

    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"
    LAST_FRAME = "last-frame"
    FIRST_FRAME = "first-frame"
    SHARP_FRAME = "sharp-frame"
    WEBM = "webm"
    GIF = "gif"
    FRAMES = "frames"


Prompt = Annotated[list[str], typer.Argument(help="What the shot shows.", show_default=False)]
ShotCode = Annotated[str, typer.Argument(metavar="SHOT", help="A shot, as k7-4.", show_default=False)]
Thing = Annotated[str, typer.Argument(metavar="ID", help="A shot as k7-4, or a film as k7-f1.", show_default=False)]
Subject = Annotated[str, typer.Argument(metavar="ID", help="A shot as k7-4, or a story as k7.", show_default=False)]

Seconds = Annotated[float | None, typer.Option(help="How long the shot is.", show_default=False)]
Ratio = Annotated[str | None, typer.Option(help="16:9, 9:16 or 1:1.", show_default=False)]
Resolution = Annotated[str | None, typer.Option(help="480p, 720p or 1080p.", show_default=False)]
Seed = Annotated[
    int | None, typer.Option(help="0 to 2147483647; the same seed gives the same take.", show_default=False)
]
Style = Annotated[str | None, typer.Option(help="One of the model's styles.", show_default=False)]
ProviderName = Annotated[str | None, typer.Option(help="Who renders it.", show_default=False)]
Model = Annotated[str | None, typer.Option(help="One of the provider's models.", show_default=False)]
FirstFrame = Annotated[
    Path | None,
    typer.Option(help="A picture to start on.", show_default=False, exists=True, dir_okay=False, readable=True),
]
LastFrame = Annotated[
    Path | None,
    typer.Option(help="A picture to end on.", show_default=False, exists=True, dir_okay=False, readable=True),
]
Reference = Annotated[
    list[Path] | None,
    typer.Option(
        "--reference",
        help="A picture that guides it and is no frame of it; may be given more than once.",
        show_default=False,
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
Negative = Annotated[str | None, typer.Option(help="What must not be seen.", show_default=False)]
Silent = Annotated[
    bool | None, typer.Option("--silent/--sound", help="Without sound, where that can be chosen.", show_default=False)
]
Extend = Annotated[
    bool, typer.Option("--extend", help="Let the service itself go on from its render.", show_default=False)
]
TextOnly = Annotated[
    bool, typer.Option("--text-only", help="Without the last frame of the shot before, or any picture.")
]
Still = Annotated[str | None, typer.Option(help="Who paints the first frame.", show_default=False)]
Later = Annotated[float | None, typer.Option(help="Seconds to wait before it is rendered.", show_default=False)]

Transition_ = Annotated[
    Transition, typer.Option("--transition", help="How one shot gives way to the next.", show_default="cut")
]
Over = Annotated[float, typer.Option("--over", help="How many seconds a transition takes.")]
Seams = Annotated[
    str, typer.Option("--seams", help="Another transition at some seams, as '2 wipe, 5 cut'.", show_default=False)
]
Card = Annotated[
    str | None, typer.Option("--card", help="Words of a title card; default: the title.", show_default=False)
]
Credits = Annotated[bool, typer.Option("--credits", help="Everyone's name at the end.")]
CaptionsAs = Annotated[
    Captions | None,
    typer.Option("--captions", help="The words of the shots: in the picture, as a track.", show_default="none"),
]
Texts = Annotated[
    str | None,
    typer.Option("--texts", help="Other words for the captions, one a shot, with | between.", show_default=False),
]
FilmRatio = Annotated[str | None, typer.Option("--ratio", help="16:9, 9:16 or 1:1.", show_default=False)]
FillWith = Annotated[
    Fill, typer.Option("--fill", help="How a shot of another shape fills the film's.", show_default="blur")
]
Volume = Annotated[float, typer.Option("--volume", help="How loud the shots are; 0 is silent.")]
Music = Annotated[
    Path | None,
    typer.Option(help="A sound file to play under the film.", show_default=False, exists=True, dir_okay=False),
]
MusicVolume = Annotated[float, typer.Option("--music-volume", help="How loud it is; 1 as it is.")]
Voice = Annotated[
    Path | None,
    typer.Option(help="A sound file that speaks over the film.", show_default=False, exists=True, dir_okay=False),
]
Levels = Annotated[
    bool, typer.Option("--levels/--no-levels", help="Even out steps of colour and loudness at the seams.")
]
FormatAs = Annotated[
    FilmFormat, typer.Option("--format", help="The file that you get; frames is a ZIP of pictures.", show_default="mp4")
]
FitMb = Annotated[float | None, typer.Option("--fit", help="At most so many MB.", show_default=False)]
Preview = Annotated[bool, typer.Option("--preview", help="Small and quick, to see the order.")]

At = Annotated[
    float | None, typer.Option(help="Start on its frame at so many seconds; the film cuts there.", show_default=False)
]
Sharp = Annotated[bool, typer.Option("--sharp", help="Start on the sharpest frame of its last half second.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Agree to what it costs without being asked.")]

VideoFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A video.", show_default=False, exists=True, dir_okay=False, readable=True),
]
_DEFAULT = "`default` takes it back."
PlaceSeconds = Annotated[str | None, typer.Option("--seconds", help=f"How long. {_DEFAULT}", show_default=False)]
PlaceRatio = Annotated[str | None, typer.Option("--ratio", help="16:9, 9:16 or 1:1.", show_default=False)]
PlaceResolution = Annotated[str | None, typer.Option("--resolution", help="480p, 720p or 1080p.", show_default=False)]
PlaceStyle = Annotated[str | None, typer.Option("--style", help="A style of the model.", show_default=False)]
PlaceProvider = Annotated[str | None, typer.Option("--provider", help="Who renders.", show_default=False)]
PlaceModel = Annotated[str | None, typer.Option("--model", help="A model of the provider.", show_default=False)]

AskAbove = Annotated[
    str | None, typer.Option("--ask", help=f"What costs more is asked about first. {_DEFAULT}", show_default=False)
]
DayUsd = Annotated[str | None, typer.Option("--day", help=f"The most for one day. {_DEFAULT}", show_default=False)]
StoryUsd = Annotated[
    str | None, typer.Option("--story", help=f"The most for one story. {_DEFAULT}", show_default=False)
]
ShotUsd = Annotated[
    str | None, typer.Option("--shot", help=f"The most for all takes of one shot. {_DEFAULT}", show_default=False)
]
Usd = Annotated[str, typer.Argument(metavar="USD", help="US dollars, as 5 or 0.50.", show_default=False)]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.", show_default=False)]
Place = Annotated[str | None, typer.Option(help="The place to speak for; default: the setting.", show_default=False)]
