"""A still of each shot of a film, in one ZIP."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from engine.errors import MediaError, NotPossible
from engine.media.colour import to_image
from engine.media.fit_plan import amount
from engine.media.frames import first_picture
from engine.media.inspection import FORMAT_ALONE, Inspection, inspect
from engine.media.last_picture import last_picture
from engine.media.results import Exported
from engine.media.shares import OnPart
from engine.media.source import frames_from, open_video

_PNG_EFFORT = 4
_NAME_LENGTH = 40
_LOOKING = 0.7
"""How much of the work it is to find the pictures."""
_SMALLER, _LEAST_SIDE = 0.9, 64
_NO_DATE = (1980, 1, 1, 0, 0, 0)
"""The same film gives the same bytes."""
_ROUNDED_S = Fraction(1, 500)


def to_frames(
    film: Path, out: Path, *, limit_bytes: int | None, on_part: OnPart, shots: Sequence[tuple[str, Path]] = ()
) -> Exported:
    """A ZIP of PNGs: the first picture of each shot, named by it, and the last one's last picture.

    `shots` are names and clips, whose own pictures are taken: neither cards nor words are on them. Without any, the film's
    chapters are its shots, or all of it is one.
    """
    found = inspect(film, decode_frames=FORMAT_ALONE)
    looked = _of_clips(shots) if shots else _of_chapters(film, found)
    names: list[str] = []
    stills: list[bytes] = []
    full = found.width, found.height
    for place, (title, frame, count) in enumerate(looked, 1):
        image = to_image(frame)
        full = image.size if place == 1 else full
        names.append(f"{place:02}-{_stem(title) or 'shot'}.png")
        stills.append(_png(image))
        on_part(_LOOKING / count)
    _write_zip(out, names, stills)
    scale, size = 1.0, full
    while limit_bytes is not None and (written := out.stat().st_size) > limit_bytes:
        scale *= min(_SMALLER, (limit_bytes / written) ** 0.5)
        size = _scaled(full, scale)
        if min(size) < _LEAST_SIDE:
            raise NotPossible(f"The pictures of the film do not fit {amount(limit_bytes)}; stitch fewer shots.")
        _write_zip(out, names, (_resized(still, scale) for still in stills))
    on_part(1 - _LOOKING)
    smaller = f", made smaller than {full[0]}x{full[1]} to fit {amount(limit_bytes or 0)}" if size != full else ""
    return Exported(
        seconds=float(found.seconds),
        width=size[0],
        height=size[1],
        bytes=out.stat().st_size,
        sentence=f"ZIP of {len(stills)} PNGs, {size[0]}x{size[1]}{smaller}.",
    )


def _of_clips(shots: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, VideoFrame, int]]:
    """Name, picture, and how many there are in all."""
    count = len(shots) + 1
    for name, clip in shots:
        yield name, first_picture(clip), count
    yield "last", last_picture(shots[-1][1]), count


def _of_chapters(film: Path, found: Inspection) -> Iterator[tuple[str, VideoFrame, int]]:
    with open_video(film) as (container, stream):
        chapters = [
            (Fraction(chapter["start"]) * Fraction(chapter["time_base"] or 1), chapter["metadata"].get("title", ""))
            for chapter in container.chapters()
        ] or [(Fraction(0), str(container.metadata.get("title", "")))]
        count = len(chapters) + 1
        for start_s, title in chapters:
            yield title, _picture_at(container, stream, found.start_s + start_s), count
    yield "last", last_picture(film), count


def _picture_at(container: InputContainer, stream: VideoStream, time_s: Fraction) -> VideoFrame:
    """The first picture that is not earlier, to within what a clock rounds."""
    base = stream.time_base or Fraction(1)
    container.seek(int(time_s / base), stream=stream, backward=True)
    shown: VideoFrame | None = None
    for frame in frames_from(container, stream):
        shown = frame
        if (frame.pts or 0) * base >= time_s - _ROUNDED_S:
            break
    if shown is None:
        raise MediaError("A shot of the film cannot be decoded; /stitch it again.")
    return shown


def _stem(title: str) -> str:
    """A file name that every system takes."""
    return re.sub(r"[^\w]+", "-", title[: 4 * _NAME_LENGTH]).strip("-_")[:_NAME_LENGTH]


def _png(image: Image.Image) -> bytes:
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=_PNG_EFFORT)
    return png.getvalue()


def _resized(still: bytes, scale: float) -> bytes:
    with Image.open(io.BytesIO(still), formats=("PNG",)) as image:
        return _png(image.resize(_scaled(image.size, scale), Image.Resampling.LANCZOS))


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _write_zip(out: Path, names: Sequence[str], stills: Iterable[bytes]) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # a PNG cannot be packed any more
        for name, still in zip(names, stills, strict=True):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), still)
