"""A finished film as another kind of file: WebM for browsers, GIF for where nothing else moves, PNGs of its shots.

Each takes an MP4 that we wrote, a target, the most bytes that it may have (None: any number), and `on_part`, which is told of
the parts of the work as they are done; they add up to 1. What does not fit is made smaller, and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.errors import NotPossible
from engine.film_options import FilmFormat
from engine.media.gif import to_gif
from engine.media.inspection import FORMAT_ALONE, inspect
from engine.media.report import Report
from engine.media.results import Exported
from engine.media.shares import OnPart
from engine.media.shot_pictures import to_frames
from engine.media.webm import to_webm


def export(
    *,
    source: str,
    kind: str,
    limit_bytes: int | None,
    shots: Sequence[tuple[str, str]],
    out: Path,
    report: Report,
    **_: Any,
) -> dict[str, Any]:
    """The work of a child."""
    path, wanted = Path(source), FilmFormat(kind)
    found = inspect(path, decode_frames=FORMAT_ALONE)
    report.allow(float(found.seconds), found.width * found.height, cost=20.0)
    report.expect(1.0)
    clips = [(name, Path(clip)) for name, clip in shots]
    return asdict(write(wanted, path, out, limit_bytes=limit_bytes, on_part=report.advance, shots=clips))


def write(
    kind: FilmFormat,
    film: Path,
    out: Path,
    *,
    limit_bytes: int | None,
    on_part: OnPart,
    shots: Sequence[tuple[str, Path]] = (),
) -> Exported:
    """Write the film as this kind of file. `shots` are names and clips, for FRAMES.

    Raises:
        NotPossible: it is an MP4 already, does not fit, or is too long for a GIF.
        MediaError: what was written is not what was planned.
    """
    match kind:
        case FilmFormat.WEBM:
            return to_webm(film, out, limit_bytes=limit_bytes, on_part=on_part)
        case FilmFormat.GIF:
            return to_gif(film, out, limit_bytes=limit_bytes, on_part=on_part)
        case FilmFormat.FRAMES:
            return to_frames(film, out, limit_bytes=limit_bytes, on_part=on_part, shots=shots)
        case FilmFormat.MP4:
            raise NotPossible("The film is an MP4 already; choose webm, gif or frames.")
