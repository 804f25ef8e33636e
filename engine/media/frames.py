"""Single pictures out of a clip: the first and the last one shown, a thumbnail, a contact sheet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import chain, dropwhile
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageStat

from engine.errors import BadMedia
from engine.media.colour import to_image, to_rgb
from engine.media.last_picture import BACK_S, NO_PICTURE, last_picture, positions, span
from engine.media.png import write_png
from engine.media.report import Report
from engine.media.sharpness import LAST_S, SLACK_S, Ending, Look, sharpest
from engine.media.source import frames_from, open_video

_ROUNDED_S = 0.001
"""A time that was rounded still names the picture that it was taken from."""
_QUALITY = 85
_PLAIN = 4.0
_WHOLE_S = 60.0
"""Up to this length a contact sheet decodes every picture; beyond, only key pictures."""


def write_first(*, clip: str, out: Path, **_: Any) -> dict[str, Any]:
    _write(first_picture(Path(clip)), out)
    return {}


def write_last(*, clip: str, out: Path, **_: Any) -> dict[str, Any]:
    _write(last_picture(Path(clip), alone=True), out)
    return {}


def write_at(*, clip: str, at_s: float, out: Path, **_: Any) -> dict[str, Any]:
    _write(picture_at(Path(clip), at_s), out)
    return {}


def write_sharp(*, clip: str, out: Path, **_: Any) -> dict[str, Any]:
    path = Path(clip)
    at_s = sharpest_s(path)
    _write(picture_at(path, at_s), out)
    return {"at_s": at_s}


def _write(picture: VideoFrame, out: Path) -> None:
    write_png(np.asarray(to_image(picture)) if picture.rotation else to_rgb(picture), out)


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
        start_s, seconds = span(container, stream)
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
        start_s, seconds = span(container, stream)
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
        raise BadMedia(NO_PICTURE)
    sheet.save(out, "JPEG", quality=_QUALITY)
    return {}


def first_picture(path: Path) -> VideoFrame:
    """The first displayed picture. Raises BadMedia where there is none."""
    with open_video(path) as (container, stream):
        frame = next(frames_from(container, stream), None)
        if frame is None:
            raise BadMedia(NO_PICTURE)
        return frame


def picture_at(path: Path, at_s: float) -> VideoFrame:
    """What is shown `at_s` after the first picture: the latest one that is not later. Beyond the end it is the last picture.

    Raises BadMedia where no picture can be decoded.
    """
    with open_video(path) as (container, stream):
        start_s, seconds = span(container, stream)
        time_s = start_s + max(0.0, at_s) + _ROUNDED_S
        base = stream.time_base
        for back_s in BACK_S:
            if not base or not start_s < time_s - back_s < start_s + seconds:
                continue
            try:
                container.seek(int((time_s - back_s) / base), stream=stream, backward=True)
            except av.FFmpegError:
                continue
            # what stands before the key picture in time may need what was not read
            frames = dropwhile(lambda frame: frame.is_corrupt, frames_from(container, stream))
            first = next(frames, None)
            if first is not None and first.time <= time_s:
                return _shown_at(chain((first,), frames), time_s) or first
    with open_video(path) as (container, stream):
        shown = _shown_at(frames_from(container, stream), time_s)
    return shown or first_picture(path)


def sharpest_s(path: Path) -> float:
    """When the sharpest picture of the last half second is shown, from the first picture on; the latest of equals.

    Raises BadMedia where no picture can be decoded.
    """
    with open_video(path) as (container, stream):
        start_s, seconds = span(container, stream)
        looks: Sequence[Look] = ()
        for position in positions(container, stream, LAST_S):
            try:
                container.seek(position, stream=stream, backward=True)
            except av.FFmpegError:
                continue
            looks = _ending(frames_from(container, stream), start_s + seconds - LAST_S - SLACK_S)
            if looks and looks[-1].time_s - looks[0].time_s >= LAST_S / 2:
                break
    if not looks:
        with open_video(path) as (container, stream):
            looks = _ending(frames_from(container, stream), start_s - 1.0)
    if not looks:
        raise BadMedia(NO_PICTURE)
    return max(0.0, round(sharpest(looks).time_s - start_s, 4))


def _ending(frames: Iterator[VideoFrame], from_s: float = 0.0) -> Sequence[Look]:
    ending = Ending(from_s)
    for frame in frames:
        ending.add(frame)
    return ending.looks


def _shown_at(frames: Iterator[VideoFrame], time_s: float) -> VideoFrame | None:
    """The latest of these that is not later; None: there is none."""
    shown: VideoFrame | None = None
    for frame in frames:
        if frame.time is not None and frame.time > time_s:
            return shown
        shown = frame
    return shown


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
