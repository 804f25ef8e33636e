"""The media calls, as the rest of the engine sees them.

All of them raise BadMedia (the file), MediaLimit (time, memory, size), DiskFull, or MediaError, each with a sentence; nothing
partial stays behind, and what stood at the target before is then still there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import BadMedia, MediaError
from engine.film_options import FilmFormat
from engine.media.known import Known, stamp
from engine.media.results import Begins, Cropped, Ends, Exported, Fitted, Probe, Sendable, Stitched
from engine.media.runner import Limits, run
from engine.media.script import Script

_KNOWN = Known()
_LONG = Limits(memory_bytes=4 << 30, is_long=True)


async def probe(path: Path, *, decode: bool = True, given: Path | None = None) -> Probe:
    """Measure a video by reading all of it. `given`: the picture that it was to begin on, with which its first one is compared.

    Without `decode` its pictures are not looked at: the same measures in a fraction of the time, for a file that passed before.

    Raises:
        BadMedia: missing, empty, not a video, damaged, cut off, or too large.
    """
    arguments = {"path": _absolute(path), "decode": decode, "given": _absolute(given) if given else None}
    stamped = await asyncio.to_thread(stamp, path)
    found = await run("probe", arguments)
    words = found.pop("known")
    if words and stamped and stamped == await asyncio.to_thread(stamp, path):
        _KNOWN.learn(stamped, words)
    begins, ends = found.pop("begins"), found.pop("ends")
    return Probe(**found, begins=Begins(**begins) if begins else None, ends=Ends(**ends) if ends else None)


async def has_sound(path: Path) -> bool:
    """Whether a video has a sound track; silence is one too."""
    return (await probe(path, decode=False)).has_audio


async def first_frame(clip: Path, png: Path) -> None:
    """Write the first displayed picture, lossless."""
    await run("first_frame", {"clip": _absolute(clip)}, target=Path(_absolute(png)))


async def last_frame(clip: Path, png: Path) -> None:
    """Write the last displayed picture, lossless: exactly that one, also where the sound goes on after it."""
    await run("last_frame", {"clip": _absolute(clip)}, target=Path(_absolute(png)))


async def frame_at(clip: Path, png: Path, at_s: float) -> None:
    """Write what is shown `at_s` after the first picture, lossless; beyond the end it is the last picture."""
    await run("frame_at", {"clip": _absolute(clip), "at_s": at_s}, target=Path(_absolute(png)))


async def sharp_frame(clip: Path, png: Path) -> float:
    """Write the sharpest picture of the last half second, lossless; when it is shown, from the first picture on."""
    result = await run("sharp_frame", {"clip": _absolute(clip)}, target=Path(_absolute(png)))
    return float(result["at_s"])


async def thumbnail(clip: Path, jpg: Path, width: int = 480) -> None:
    """Write a small JPEG of the picture in the middle; never enlarged."""
    await run("thumbnail", {"clip": _absolute(clip), "width": width}, target=Path(_absolute(jpg)))


async def poster(clip: Path, jpg: Path, width: int = 1280) -> None:
    """Write a JPEG of the first picture, or of the middle one where the first is a plain colour; never enlarged."""
    await run("poster", {"clip": _absolute(clip), "width": width}, target=Path(_absolute(jpg)))


async def small(clip: Path, jpg: Path, side: int = 320, limit_bytes: int = 200_000) -> None:
    """Write a JPEG of the poster's picture, of at most `side` pixels on its longer side and under `limit_bytes`."""
    arguments = {"clip": _absolute(clip), "side": side, "limit_bytes": limit_bytes}
    await run("small", arguments, target=Path(_absolute(jpg)))


async def spritesheet(clip: Path, jpg: Path, columns: int = 4, rows: int = 4, width: int = 320) -> None:
    """Write one JPEG with `columns` x `rows` pictures evenly spread over the clip, each `width` pixels wide."""
    arguments = {"clip": _absolute(clip), "columns": columns, "rows": rows, "width": width}
    await run("spritesheet", arguments, target=Path(_absolute(jpg)))


async def picture(source: Path, png: Path) -> tuple[int, int]:
    """Make a clean RGB PNG, at most 2048 pixels a side and without metadata, of somebody's picture; its width and height.

    Raises:
        BadMedia: not a JPEG, PNG, WebP or GIF, damaged, or of a shape or size that no shot can begin on.
    """
    result = await run("picture", {"source": _absolute(source)}, target=Path(_absolute(png)))
    return result["width"], result["height"]


async def crop(source: Path, png: Path, ratio: str) -> Cropped:
    """Make a clean RGB PNG of exactly the shape of `16:9`, with even sides, out of the middle of a picture.

    Raises:
        BadMedia: not a JPEG, PNG, WebP or GIF, damaged, or too small.
    """
    across, down = (int(part) for part in ratio.split(":"))
    arguments = {"source": _absolute(source), "ratio": [across, down]}
    return Cropped(**await run("crop", arguments, target=Path(_absolute(png))))


async def sendable(
    source: Path, target: Path, *, formats: Sequence[str], max_bytes: int, min_side: int, max_side: int
) -> Sendable:
    """Write one of our clean pictures within the limits of a service: lossless where it fits, else as little lost as needed.

    Raises:
        BadMedia: it is no picture, or cannot be made small enough.
    """
    arguments = {
        "source": _absolute(source),
        "formats": list(formats),
        "max_bytes": max_bytes,
        "min_side": min_side,
        "max_side": max_side,
    }
    return Sendable(**await run("sendable", arguments, target=Path(_absolute(target))))


async def stitch(
    script: Script,
    film: Path,
    on_progress: Callable[[float], None] | None = None,
) -> Stitched:
    """Join clips into one MP4. What need not be changed is copied, not encoded again.

    The shape of most of the clips, by seconds, is the film's; others are brought to it. The doubled picture at a cut is left out.
    `on_progress` is told 0 to 100.

    Raises:
        BadMedia: `clip` on it says which one.
        NotPossible: it does not fit under the script's limit.
        MediaError: the written film did not pass its checks; it was removed.
    """
    if not script.clips:
        raise BadMedia("There is no clip to join; make a shot first.")
    stamps = await asyncio.to_thread(lambda: [stamp(clip) for clip in script.clips])
    arguments = {"script": script.absolute().to_json(), "known": dict(_KNOWN.of(stamps))}
    try:
        made = await run("stitch", arguments, target=Path(_absolute(film)), limits=_LONG, on_percent=on_progress)
    except MediaError:
        _KNOWN.forget(stamps)  # the next try looks at what is there now
        raise
    return Stitched.from_json(made)


async def check_sound(path: Path) -> float:
    """How many seconds of sound a file has that is to be laid under a film: music, a voice, or a video with sound.

    Raises:
        BadMedia: missing, empty, a playlist, without sound, too long, or damaged.
    """
    return float((await run("check_sound", {"path": _absolute(path)}))["seconds"])


async def with_sound(source: Path, target: Path) -> None:
    """Write an MP4 of the same pictures with a silent stereo track of the same length; for a video without sound.

    The pictures are copied, not encoded again, unless they are of a kind that no MP4 holds. Title and chapters stay.
    """
    await run("with_sound", {"source": _absolute(source)}, target=Path(_absolute(target)), limits=_LONG)


async def cut(source: Path, target: Path, start_s: float) -> None:
    """Write an MP4 of what the video shows from `start_s` on, to the exact picture, with its sound.

    Raises:
        BadMedia: it is not that long.
    """
    arguments = {"source": _absolute(source), "start_s": start_s}
    await run("cut", arguments, target=Path(_absolute(target)), limits=_LONG)


async def fit(
    source: Path,
    target: Path,
    limit_bytes: int,
    *,
    part: int = 1,
    parts: int = 1,
    needs_sound: bool = False,
    on_progress: Callable[[float], None] | None = None,
) -> Fitted:
    """Write the video, or part 1, 2, … of `parts`, as an MP4 of at most `limit_bytes`, in at most two encodes.

    A video that fits as it is gives its own measures; `target` is then not written. Parts meet at exact pictures; `plan_fit`
    says how many it takes. Title and chapters stay. `needs_sound`: a silent video gets a silent track. `on_progress` is told 0
    to 100.

    Raises:
        NotPossible: it has to be cut into more parts, or does not fit in any number.
        MediaError: two encodes were both too large.
    """
    if parts == 1 and (await asyncio.to_thread(_size, source)) <= limit_bytes:
        found = await probe(source, decode=False)
        if found.has_audio or not needs_sound:
            return Fitted(
                seconds=found.seconds, width=found.width, height=found.height, bytes=found.bytes, encodes=0, parts=1
            )
    arguments = {
        "source": _absolute(source),
        "limit_bytes": limit_bytes,
        "part": part,
        "parts": parts,
        "needs_sound": needs_sound,
    }
    return Fitted(**await run("fit", arguments, target=Path(_absolute(target)), limits=_LONG, on_percent=on_progress))


async def export(
    source: Path,
    target: Path,
    kind: FilmFormat,
    *,
    limit_bytes: int | None = None,
    shots: Sequence[tuple[str, Path]] = (),
    on_progress: Callable[[float], None] | None = None,
) -> Exported:
    """Write a film of ours as a WebM, a GIF or a ZIP of PNGs, of at most `limit_bytes`; `on_progress` is told 0 to 100.

    `shots` are their names and clips, for the PNGs; without any the film's chapters are taken for them.

    Raises:
        NotPossible: it does not fit, is too long for a GIF, or is wanted as the MP4 that it is.
    """
    arguments = {
        "source": _absolute(source),
        "kind": kind.value,
        "limit_bytes": limit_bytes,
        "shots": [(name, _absolute(clip)) for name, clip in shots],
    }
    return Exported(
        **await run("export", arguments, target=Path(_absolute(target)), limits=_LONG, on_percent=on_progress)
    )


def _size(path: Path) -> int:
    """0: it is missing, which whoever opens it says better."""
    return path.stat().st_size if path.is_file() else 0


def _absolute(path: Path) -> str:
    # An absolute path cannot be taken for a URL or an option by what opens it.
    return str(path.absolute())
