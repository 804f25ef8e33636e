"""Reads a whole clip once: its timing, what joins with it, and whether every picture of it can be decoded."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.media.source import check_frame_size, open_video

DECODED_FRAMES = 10_000
"""Pictures that are decoded to see whether they can be; of a longer video the rest is only read."""
LOOKED_AT_FRAMES = 64
"""Pictures that are decoded where only the turn and the times are wanted: by then a decoder has shown one."""
_UNSEEN_S = Fraction(1, 2000)
"""A picture that gives way sooner than this is not shown: so a doubled one hides at a film's seam."""
_STANDARD_RATES = [Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)] + [
    Fraction(rate) for rate in (10, 12, 15, 16, 20, 24, 25, 30, 48, 50, 60, 100, 120)
]
_NO_PICTURE = "No picture of the video can be decoded; render it again or use another file."
_COPIED_CODECS = frozenset({"h264", "hevc", "av1", "vp9"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A clip as read from one end to the other."""

    codec: str
    width: int
    """As shown, after rotation."""
    height: int
    rate: Fraction
    """Pictures a second: exact where it is constant, the average otherwise."""
    frames: int
    """Displayed pictures."""
    start_s: Fraction
    """When the first one is shown, on the container's clock."""
    seconds: Fraction
    """From there to the end of the last one."""
    has_audio: bool
    key: tuple[str, ...]
    """Clips with the same key can share one track."""
    obstacles: tuple[str, ...]
    """Why its video cannot be copied; empty where it can."""
    ranks: tuple[int, ...]
    """For each packet in file order the place, from 0, at which its picture is shown."""


@dataclass(slots=True)
class _Reading:
    """What is gathered packet by packet."""

    shown: list[tuple[int, int]] = field(default_factory=list)
    """Time and duration of the displayed packets, in file order."""
    of_stream: Counter[int] = field(default_factory=Counter)
    """How many packets each track has."""
    packets: int = 0
    hidden: int = 0
    corrupt: int = 0
    first_is_key: bool = False
    decoded: int = 0
    damaged: int = 0
    rotation: int = 0
    end_s: float = 0.0
    """Where the last packet of any track ends."""


def inspect(
    path: Path, on_frame: Callable[[VideoFrame], None] | None = None, *, decode_frames: int = DECODED_FRAMES
) -> Inspection:
    """Read all of a clip; `on_frame` gets its first `decode_frames` decoded pictures in the order in which they are shown.

    Raises:
        BadMedia: not a video, damaged, or cut off.
    """
    with open_video(path) as (container, stream):
        reading = _read(container, stream, on_frame, decode_frames)
        if decode_frames and not reading.decoded:
            raise BadMedia(_NO_PICTURE)
        _check(container, stream, reading)
        return _conclude(container, stream, reading)


def _read(
    container: InputContainer, stream: VideoStream, on_frame: Callable[[VideoFrame], None] | None, decode_frames: int
) -> _Reading:
    reading = _Reading()
    try:
        for packet in container.demux():
            if packet.size:
                reading.of_stream[packet.stream.index] += 1
                if packet.pts is not None:
                    reading.end_s = max(reading.end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            if packet.stream.index != stream.index:
                continue
            if packet.size:
                _count(reading, packet)
            if reading.packets <= decode_frames:
                _decode(reading, packet, on_frame)
    except (av.FFmpegError, EOFError):
        reading.damaged += 1
    return reading


def _count(reading: _Reading, packet: Packet[Any]) -> None:
    if not reading.packets:
        reading.first_is_key = packet.is_keyframe
    reading.packets += 1
    reading.corrupt += packet.is_corrupt
    if packet.is_discard:
        reading.hidden += 1
    elif packet.pts is not None:
        reading.shown.append((packet.pts, packet.duration or 0))


def _decode(reading: _Reading, packet: Packet[Any], on_frame: Callable[[VideoFrame], None] | None) -> None:
    try:
        frames = packet.decode()
    except (av.FFmpegError, EOFError):
        reading.damaged += 1
        return
    for frame in frames:
        check_frame_size(frame)
        reading.decoded += 1
        reading.damaged += frame.is_corrupt
        reading.rotation = frame.rotation
        if on_frame and frame.pts is not None:
            on_frame(frame)


def _check(container: InputContainer, stream: VideoStream, reading: _Reading) -> None:
    """Raise BadMedia where something is missing or broken."""
    base = float(stream.time_base or 0)
    if not reading.shown or not base:
        raise BadMedia(_NO_PICTURE)
    is_indexed = "mp4" in container.format.name
    lacks_packets = is_indexed and any(
        len(track.index_entries) > reading.of_stream[track.index] for track in (stream, *container.streams.audio)
    )
    declared_s = (container.duration or 0) / av.time_base + (container.start_time or 0) / av.time_base
    # The step of a second is for formats that round, or that declare the longest track before it was written.
    if lacks_packets or declared_s > reading.end_s + 1.0:
        shown_s = (max(pts for pts, _ in reading.shown) - min(pts for pts, _ in reading.shown)) * base
        raise BadMedia(f"The video is cut off after {shown_s:.1f} s; render it again or use another file.")
    if reading.damaged or reading.corrupt:
        raise BadMedia(
            "The video is damaged: some of its pictures cannot be decoded; render it again or use another file."
        )


def _conclude(container: InputContainer, stream: VideoStream, reading: _Reading) -> Inspection:
    context = stream.codec_context
    base = Fraction(stream.time_base or 1)
    all_times = sorted(pts for pts, _ in reading.shown)
    times = [*(time for time, after in pairwise(all_times) if (after - time) * base > _UNSEEN_S), all_times[-1]]
    steps = [after - before for before, after in pairwise(times)]
    last_step = _last_duration(reading, times, steps)
    rate, is_constant = _rate(stream, times, steps, base)
    seconds = (times[-1] + last_step - all_times[0]) * base
    codec = context.codec.canonical_name
    extradata = bytes(context.extradata or b"")
    turned = reading.rotation % 180 != 0
    width, height = (context.height, context.width) if turned else (context.width, context.height)
    obstacles = {
        "its first picture depends on an earlier one": not reading.first_is_key,
        "an edit list hides some of its pictures": reading.hidden > 0,
        "some of its pictures have no time of their own": len(times) != reading.packets,
        "its pictures are not evenly spaced": not is_constant or abs(last_step * base * rate - 1) > Fraction(1, 2),
        "it is rotated": reading.rotation != 0,
        "it begins with pictures of an earlier group": reading.shown[0][0] != all_times[0],
        f"{codec} is not copied": codec not in _COPIED_CODECS,
        "its headers are inside the stream": codec in {"h264", "hevc"} and extradata[:1] != b"\x01",
    }
    rank = {pts: place for place, pts in enumerate(all_times)}
    return Inspection(
        codec=codec,
        width=width,
        height=height,
        rate=rate,
        frames=len(times),
        start_s=all_times[0] * base,
        seconds=seconds,
        has_audio=bool(container.streams.audio),
        key=tuple(
            str(part)
            for part in (
                codec,
                context.profile,
                context.width,
                context.height,
                context.pix_fmt,
                stream.sample_aspect_ratio or 1,
                context.color_primaries,
                context.color_trc,
                context.colorspace,
                context.color_range,
                rate,
                # Equal names with other parameter sets decode to rubbish, and nothing raises.
                hashlib.sha256(extradata).hexdigest(),
            )
        ),
        obstacles=tuple(reason for reason, holds in obstacles.items() if holds),
        ranks=tuple(rank[pts] for pts, _ in reading.shown),
    )


def _last_duration(reading: _Reading, times: list[int], steps: list[int]) -> int:
    """How long the last picture is shown, in ticks; the usual step where the file does not say."""
    declared = next(duration for pts, duration in reading.shown if pts == times[-1])
    return declared or (sorted(steps)[len(steps) // 2] if steps else 1)


def _rate(stream: VideoStream, times: list[int], steps: list[int], base: Fraction) -> tuple[Fraction, bool]:
    """Pictures a second, and whether they are evenly spaced (to within the rounding of the file's clock)."""
    if not steps or times[-1] == times[0]:
        declared = stream.average_rate or stream.guessed_rate or Fraction(24)
        return declared.limit_denominator(1001), True
    measured = 1 / (Fraction(times[-1] - times[0], len(steps)) * base)
    tick = max(1, round(Fraction(1, 1000) / base))
    is_constant = max(steps) - min(steps) <= 2 * tick and min(steps) > 0
    for told in (stream.guessed_rate, stream.average_rate):
        # 24 and 23.976 lie a thousandth apart: where the clock rounds, only the file can tell them from each other.
        if told is not None and told in _STANDARD_RATES and abs(told / measured - 1) < Fraction(1, 1000):
            return told, is_constant
    nearest = min(_STANDARD_RATES, key=lambda standard: abs(standard - measured))
    if abs(nearest / measured - 1) < Fraction(3, 10_000):
        return nearest, is_constant
    return measured.limit_denominator(1001), is_constant
