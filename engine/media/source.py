"""Opens a video that may be hostile: no other file, no network, nothing larger than we decode."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.media.results import MAX_LONG_SIDE, MAX_SECONDS, MAX_SHORT_SIDE, MAX_STREAMS

# Playlists and link-following formats are not in the list, so that a file named .mp4 cannot have another one opened.
_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,gif",
    "max_pixels": str(MAX_LONG_SIDE * MAX_SHORT_SIDE),
}
# Else it would be read on and on for the format of its pixels, which only a decoded picture tells.
_UNSEEN = {"skip_frame": "all", "analyzeduration": "1"}
# No more is told of a packet than its tables say.
_UNPARSED = {"fflags": "+nofillin+noparse"}
# No decoder is loaded to open it; some codecs' sizes (MPEG-4 Visual) are told by nobody else.
_UNLOADED = {"codec_whitelist": "none"}
_AGAIN = "render it again or use another file"
# Profile 5 has colours of its own (IPT) and so no transfer of ITU-T H.273; a profile with an HDR10 or HLG base layer says that.
_DOLBY, _UNSPECIFIED = frozenset({"dvh1", "dvhe", "dav1"}), 2


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream that is not a cover picture, ready to decode.

    Raises:
        BadMedia: missing, empty, not a video, or larger than we decode.
    """
    _check_file(path)
    with _opened(path, _OPTIONS) as container:
        stream = _video_stream(container, is_looked_at=True)
        _check_size(container, stream)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(4, os.cpu_count() or 1)
        yield container, stream


@contextmanager
def open_packets(path: Path, *, is_plain: bool = False) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The same for whoever reads packets: no picture is decoded to open it, which is most of opening.

    The format of its pixels may not be known yet. What is decoded after all is decoded on one core. `is_plain`: packets are wanted
    as an MP4's tables tell of them, and nobody looks into them.
    """
    _check_file(path)
    with path.open("rb") as file:
        # Other formats do not say what is in them: it has to be looked at.
        says_what_it_is = file.read(8)[4:] == b"ftyp"
    kind, ways = None, [_OPTIONS]
    if says_what_it_is:
        shown = _OPTIONS | _UNSEEN
        kind, ways = "mp4", [shown | _UNPARSED | _UNLOADED, shown | _UNPARSED] if is_plain else [shown]
    with ExitStack() as stack:
        for way in ways:
            container = stack.enter_context(_opened(path, way, kind))
            if all(
                stream.codec_context.width for stream in container.streams.video if stream.codec_context is not None
            ):
                break
        stream = _video_stream(container, is_looked_at=not says_what_it_is)
        _check_size(container, stream)
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        yield container, stream


@contextmanager
def _opened(path: Path, options: Mapping[str, str], kind: str | None = None) -> Iterator[InputContainer]:
    """`kind`: its format, where that is known; else the file's beginning is looked at."""
    try:
        container = av.open(str(path), format=kind, options=dict(options), metadata_errors="replace")
    except av.FFmpegError as error:
        raise BadMedia(f"The file is not a video that can be read, or it is cut off; {_AGAIN}.") from error
    with container:
        yield container


def check_frame_size(frame: VideoFrame) -> None:
    """A stream may grow in the middle. Raises BadMedia when it grew too large."""
    _check_sides(frame.width, frame.height)


def check_seconds(seconds: float) -> None:
    """What a file declares may be less than its pictures' times say. Raises BadMedia when it is too long."""
    if seconds > MAX_SECONDS:
        raise BadMedia(
            f"The video is {seconds / 60:.0f} minutes long, more than the {MAX_SECONDS // 60} that we read; use a shorter one."
        )


def frames_from(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decoded pictures from where the container stands to its end, the decoder's last ones included; stops at damage."""
    try:
        for frame in container.decode(stream):
            check_frame_size(frame)
            if frame.pts is not None:
                yield frame
    except (av.FFmpegError, EOFError):
        return


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size if path.is_file() else None
        if size:
            with path.open("rb"):
                pass
    except OSError as error:
        raise BadMedia(f"The video's file cannot be read ({error.strerror}); {_AGAIN}.") from error
    if size is None:
        raise BadMedia(f"The video's file is missing; {_AGAIN}.")
    if size == 0:
        raise BadMedia(f"The video's file is empty; {_AGAIN}.")


def _video_stream(container: InputContainer, *, is_looked_at: bool) -> VideoStream:
    if len(container.streams) > MAX_STREAMS:
        raise BadMedia(
            f"The file has {len(container.streams)} tracks, more than the {MAX_STREAMS} that we read; {_AGAIN}."
        )
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            break
    else:
        raise BadMedia(f"The file has no video in it; {_AGAIN}.")
    context = stream.codec_context
    # A stream whose format nobody here knows has no context, whatever the annotation says.
    if context is None or not context.width or not context.height or (is_looked_at and not context.pix_fmt):
        raise BadMedia(f"The file's video is damaged or of a kind that cannot be read here; {_AGAIN}.")
    if is_looked_at and context.codec_tag in _DOLBY and context.color_trc == _UNSPECIFIED:
        raise BadMedia(
            "The video is Dolby Vision without ordinary pictures inside: its colours would come out wrong; use one in SDR or HDR10."
        )
    return stream


def _check_size(container: InputContainer, stream: VideoStream) -> None:
    _check_sides(stream.codec_context.width, stream.codec_context.height)
    seconds = max(
        float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0,
        (container.duration or 0) / av.time_base,
    )
    check_seconds(seconds)


def _check_sides(width: int, height: int) -> None:
    if max(width, height) > MAX_LONG_SIDE or min(width, height) > MAX_SHORT_SIDE:
        raise BadMedia(
            f"The video is {width}x{height}, larger than the {MAX_LONG_SIDE}x{MAX_SHORT_SIDE} that we read; use a smaller one."
        )
