"""Single pictures out of a clip: the first and the last one shown, a thumbnail, a contact sheet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageStat

from engine.errors import BadMedia
from engine.media.colour import to_image
from engine.media.report import Report
from engine.media.source import frames_from, open_video

_BACK_S = (0.0, 2.0, 8.0, 30.0)
_NO_PICTURE = "No picture of the video can be decoded; render it again or use another file."
_PNG_EFFORT = 3  # half the time of 6 for a tenth more bytes
_QUALITY = 85
_PLAIN = 4.0
_WHOLE_S = 60.0
"""Up to this length a contact sheet decodes every picture; beyond, only key pictures."""


def write_first(*, clip: str, out: Path, **_: Any) -> dict[str, Any]:
    to_image(first_picture(Path(clip))).save(out, "PNG", compress_level=_PNG_EFFORT)
    return {}


def write_last(*, clip: str, out: Path, **_: Any) -> dict[str, Any]:
    to_image(last_picture(Path(clip))).save(out, "PNG", compress_level=_PNG_EFFORT)
    return {}


def write_thumbnail(*, clip: str, width: int, out: Path, **_: Any) -> dict[str, Any]:
    _narrowed(_middle(Path(clip)), width).save(out, "JPEG", quality=_QUALITY)
    return {}


def write_poster(*, clip: str, width: int, out: Path, **_: Any) -> dict[str, Any]:
    _narrowed(_cover(Path(clip)), width).save(out, "JPEG", quality=_QUALITY)
    return {}


def write_small(*, clip: str, side: int, limit_bytes: int, out: Path, **_: Any) -> dict[str, Any]:
    image = _cover(Path(clip))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    for quality in (
        _QUALITY,
        60,
        30,
        5,
    ):  # 320 pixels of pure noise take 100 kB at the first: the rest is for other limits
        image.save(out, "JPEG", quality=quality)
        if out.stat().st_size < limit_bytes:
            break
    return {}


def _cover(clip: Path) -> Image.Image:
    """The first picture: playing then begins without a jump. Where that is a plain colour, which shows nothing, the middle."""
    image = to_image(first_picture(clip))
    spread = max(ImageStat.Stat(image.convert("L").resize((64, 64))).stddev)
    return image if spread > _PLAIN else _middle(clip)


def _middle(clip: Path) -> Image.Image:
    """The picture in the middle, or the first one where none is found there."""
    with open_video(clip) as (container, stream):
        start_s, seconds = _span(container, stream)
        middle_s = start_s + seconds / 2
        if stream.time_base:
            with contextlib.suppress(av.FFmpegError):
                container.seek(int(middle_s / stream.time_base), stream=stream, backward=True)
        image = next(_pictures_at(container, stream, [middle_s]), None)
    return image or to_image(first_picture(clip))


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    if image.width <= width:
        return image
    return image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)


def write_spritesheet(
    *, clip: str, columns: int, rows: int, width: int, out: Path, report: Report, **_: Any
) -> dict[str, Any]:
    with open_video(Path(clip)) as (container, stream):
        start_s, seconds = _span(container, stream)
        report.allow(seconds, stream.codec_context.width * stream.codec_context.height, cost=2.0)
        count = columns * rows
        times = [start_s + seconds * (tile + 0.5) / count for tile in range(count)]
        if seconds > _WHOLE_S:
            stream.codec_context.skip_frame = "NONKEY"
        sheet = None
        for tile, image in enumerate(_pictures_at(container, stream, times)):
            height = max(1, round(image.height * width / image.width))
            if sheet is None:
                sheet = Image.new("RGB", (columns * width, rows * height))
            small = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
            sheet.paste(small, (tile % columns * width, tile // columns * height))
    if sheet is None:
        raise BadMedia(_NO_PICTURE)
    sheet.save(out, "JPEG", quality=_QUALITY)
    return {}


def first_picture(path: Path) -> VideoFrame:
    """The first displayed picture. Raises BadMedia where there is none."""
    with open_video(path) as (container, stream):
        frame = next(frames_from(container, stream), None)
        if frame is None:
            raise BadMedia(_NO_PICTURE)
        return frame


def last_picture(path: Path) -> VideoFrame:
    """The displayed picture with the greatest time, found by decoding from a key picture near the end up to the end.

    The end is that of the video stream: sound may go on longer. Raises BadMedia where no picture can be decoded.
    """
    with open_video(path) as (container, stream):
        for position in _positions(container, stream):
            try:
                container.seek(position, stream=stream, backward=True)
            except av.FFmpegError:
                continue
            last = _greatest(frames_from(container, stream))
            if last is not None:
                return last
    with open_video(path) as (container, stream):  # without an index: from the start
        last = _greatest(frames_from(container, stream))
    if last is None:
        raise BadMedia(_NO_PICTURE)
    return last


def _greatest(frames: Iterator[VideoFrame]) -> VideoFrame | None:
    last: VideoFrame | None = None
    for frame in frames:
        if last is None or (frame.pts or 0) >= (last.pts or 0):
            last = frame
    return last


def _positions(container: InputContainer, stream: VideoStream) -> Sequence[int]:
    """Where to begin decoding, nearest to the end first, in the stream's time base."""
    start_s, seconds = _span(container, stream)
    base = stream.time_base
    if not base or not seconds:
        return []
    return list(dict.fromkeys(int(max(start_s, start_s + seconds - back) / base) for back in _BACK_S))


def _span(container: InputContainer, stream: VideoStream) -> tuple[float, float]:
    """When the video begins and how long it lasts, in seconds, as declared; 0 where nothing is."""
    base = float(stream.time_base or 0)
    start_s = (stream.start_time or 0) * base
    seconds = stream.duration * base if stream.duration else (container.duration or 0) / av.time_base
    return start_s, seconds


def _pictures_at(container: InputContainer, stream: VideoStream, times: Sequence[float]) -> Iterator[Image.Image]:
    """The picture shown at each of these rising times (s); the last picture stands for times after the end."""
    wanted = iter(times)
    time = next(wanted, None)
    shown: VideoFrame | None = None
    image: Image.Image | None = None
    for frame in frames_from(container, stream):
        while time is not None and shown is not None and frame.time > time:
            image = image or to_image(shown)
            yield image
            time = next(wanted, None)
        if time is None:
            return
        shown, image = frame, None
    while time is not None and shown is not None:
        image = image or to_image(shown)
        yield image
        time = next(wanted, None)
