"""The media calls, as the rest of the engine sees them.

All of them raise BadMedia (the file), MediaLimit (time, memory, size), DiskFull, or MediaError, each with a sentence; nothing
partial stays behind, and what stood at the target before is then still there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from engine.errors import BadMedia
from engine.media.results import Probe, Stitched
from engine.media.runner import Limits, run

_STITCH = Limits(memory_bytes=4 << 30, is_long=True)


async def probe(path: Path) -> Probe:
    """Measure a video by reading all of it.

    Raises:
        BadMedia: missing, empty, not a video, damaged, cut off, or too large.
    """
    return Probe(**await run("probe", {"path": _absolute(path)}))


async def first_frame(clip: Path, png: Path) -> None:
    """Write the first displayed picture, lossless."""
    await run("first_frame", {"clip": _absolute(clip)}, target=Path(_absolute(png)))


async def last_frame(clip: Path, png: Path) -> None:
    """Write the last displayed picture, lossless: exactly that one, also where the sound goes on after it."""
    await run("last_frame", {"clip": _absolute(clip)}, target=Path(_absolute(png)))


async def thumbnail(clip: Path, jpg: Path, width: int = 480) -> None:
    """Write a small JPEG of the picture in the middle; never enlarged."""
    await run("thumbnail", {"clip": _absolute(clip), "width": width}, target=Path(_absolute(jpg)))


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


async def stitch(
    clips: Sequence[Path],
    film: Path,
    *,
    title: str = "",
    chapters: Sequence[str] = (),
    on_progress: Callable[[float], None] | None = None,
) -> Stitched:
    """Join clips into one MP4, without encoding the video again where they agree.

    The doubled picture at a seam is left out. Clips that do not agree are brought to the first one's size and rate. `chapters` are
    titles, one a clip, or none. `on_progress` is told 0 to 100.

    Raises:
        BadMedia: `clip` on it says which one.
        MediaError: the written film did not pass its checks; it was removed.
    """
    if not clips:
        raise BadMedia("There is no clip to join; make a shot first.")
    arguments = {"clips": [_absolute(clip) for clip in clips], "title": title, "chapters": list(chapters)}
    return Stitched(
        **await run("stitch", arguments, target=Path(_absolute(film)), limits=_STITCH, on_percent=on_progress)
    )


def _absolute(path: Path) -> str:
    # An absolute path cannot be taken for a URL or an option by what opens it.
    return str(path.absolute())
