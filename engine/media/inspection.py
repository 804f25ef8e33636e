"""Reads a whole clip once: its timing, what joins with it, and whether every picture of it can be decoded."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from itertools import accumulate, pairwise
from math import floor
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.media.hdr import NAMES as HDR
from engine.media.headers import BrokenHeader, Headers, beginning, begins_afresh, parse, sets_inside
from engine.media.source import check_frame_size, check_seconds, open_packets, open_video

DECODED_FRAMES = 10_000
"""Pictures that are decoded to see whether they can be; of a longer video the rest is only read."""
FORMAT_ALONE = 1
"""No more of the first one than tells the format and which way up it is, for a clip that passed before."""
LOOKED_AT_FRAMES = 64
"""Pictures that are decoded where the first packet does not tell, or where a copy is looked at: by then a decoder has shown one."""
_UNSEEN_S = Fraction(1, 2000)
"""A picture that gives way sooner than this is not shown: so a doubled one hides at a film's seam."""
_STANDARD_RATES = [Fraction(rate * 1000, 1001) for rate in (24, 30, 60, 120)] + [
    Fraction(rate) for rate in (10, 12, 15, 16, 20, 24, 25, 30, 48, 50, 60, 100, 120)
]
_NO_PICTURE = "No picture of the video can be decoded; render it again or use another file."
_LENGTH_BYTES = 4
_FRACTIONS = ("rate", "start_s", "seconds")
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
    shape: tuple[str, ...]
    """The same without what parameter sets say: clips of one shape can share a track if their headers agree."""
    pixels: str
    """The format of its pictures, like `yuv420p`."""
    colours: tuple[int, int, int, int]
    """Primaries, transfer, matrix (ITU-T H.273) and range (1: limited, 2: full) as tagged."""
    headers: bytes
    """What stands before the pictures for the decoder: `avcC` in an MP4 of H.264."""
    obstacles: tuple[str, ...]
    """Why its video cannot be copied; empty where it can."""
    ranks: tuple[int, ...]
    """For each packet in file order the place, from 0, at which its picture is shown."""
    times: tuple[int, ...]
    """When that is, for each packet in file order, in ticks of the stream."""
    checksums: tuple[int, ...]
    """The CRC-32 of each, in file order."""
    starts: tuple[int, ...]
    """Numbers in file order of the packets that need nothing before them, nor does anything after them."""

    def to_json(self) -> dict[str, Any]:
        """What `from_json` takes."""
        words = {one.name: getattr(self, one.name) for one in fields(self)}
        return words | {name: str(words[name]) for name in _FRACTIONS} | {"headers": self.headers.hex()}

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Inspection:
        """What `to_json` made of it, through JSON or not."""
        exact: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in words.items()
        }
        exact |= {name: Fraction(words[name]) for name in _FRACTIONS}
        return cls(**exact | {"headers": bytes.fromhex(words["headers"])})


@dataclass(slots=True)
class _Reading:
    """What is gathered packet by packet."""

    shown: list[tuple[int, int]] = field(default_factory=list)
    """Time and duration of the displayed packets, in file order."""
    checksums: list[int] = field(default_factory=list)
    """Of the same ones."""
    of_stream: Counter[int] = field(default_factory=Counter)
    """How many packets each track has."""
    packets: int = 0
    hidden: int = 0
    corrupt: int = 0
    first_is_key: bool = False
    starts: list[int] = field(default_factory=list)
    has_own_sets: bool = False
    """A packet brings parameter sets that are not those of the header."""
    decoded: int = 0
    damaged: int = 0
    rotation: int = 0
    ends: dict[int, int] = field(default_factory=dict)
    """Where the last packet of each track ends, in ticks of its own."""


def inspect(
    path: Path, on_frame: Callable[[VideoFrame], None] | None = None, *, decode_frames: int = DECODED_FRAMES
) -> Inspection:
    """Read all of a clip; `on_frame` gets its first `decode_frames` decoded pictures in the order in which they are shown.

    Without any, which way up it is and the format of its pixels are not known. It gets none where it is `FORMAT_ALONE`.

    Raises:
        BadMedia: not a video, damaged, or cut off.
    """
    with (
        open_packets(path, is_plain=True) if decode_frames <= FORMAT_ALONE else open_video(path) as (container, stream)
    ):
        reading = _read(container, stream, on_frame, decode_frames)
        if decode_frames == FORMAT_ALONE and not reading.decoded:
            return inspect(path, on_frame, decode_frames=LOOKED_AT_FRAMES)  # it takes more than one packet
        if decode_frames and not reading.decoded:
            raise BadMedia(_NO_PICTURE)
        _check(container, stream, reading)
        return _conclude(container, stream, reading)


def _read(
    container: InputContainer, stream: VideoStream, on_frame: Callable[[VideoFrame], None] | None, decode_frames: int
) -> _Reading:
    reading = _Reading()
    header, codec = _header(stream), stream.codec_context.codec.canonical_name
    pictures, of_stream, ends = stream.index, reading.of_stream, reading.ends
    try:
        for packet in container.demux():
            track, has_data = packet.stream.index, packet.size > 0
            if has_data:
                of_stream[track] += 1
                if (pts := packet.pts) is not None and (end := pts + (packet.duration or 0)) > ends.get(track, 0):
                    ends[track] = end
            if track != pictures:
                continue
            if has_data:
                _count(reading, packet, codec, header)
            if decode_frames == FORMAT_ALONE:
                if reading.packets == 1 and has_data:
                    _ask_format(reading, packet, stream, header)
            elif reading.packets <= decode_frames:
                _decode(reading, packet, on_frame)
    except (av.FFmpegError, EOFError):
        reading.damaged += 1
    return reading


def _header(stream: VideoStream) -> Headers | None:
    """The parameter sets of H.264; None: it has none, or another way to keep them."""
    if stream.codec_context.codec.canonical_name != "h264":
        return None
    try:
        return parse(bytes(stream.codec_context.extradata or b""))
    except BrokenHeader:
        return None


def _count(reading: _Reading, packet: Packet[Any], codec: str, header: Headers | None) -> None:
    is_key = packet.is_keyframe
    if not reading.packets:
        reading.first_is_key = is_key
    if is_key:
        data = memoryview(packet)
        if begins_afresh(data, codec, header.length_bytes if header else _LENGTH_BYTES):
            reading.starts.append(reading.packets)
        if header is not None and not header.holds(sets_inside(data, header.length_bytes)):
            reading.has_own_sets = True
    reading.packets += 1
    reading.corrupt += packet.is_corrupt
    if packet.is_discard:
        reading.hidden += 1
    elif (pts := packet.pts) is not None:
        reading.shown.append((pts, packet.duration or 0))
        reading.checksums.append(zlib.crc32(packet))


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


def _ask_format(reading: _Reading, packet: Packet[Any], stream: VideoStream, header: Headers | None) -> None:
    """Decode the first packet and wait for no other one; of H.264 only what stands before the pictures themselves."""
    context = stream.codec_context
    asked = packet
    if header is not None:
        asked = Packet(beginning(memoryview(packet), header.length_bytes))
        asked.pts, asked.dts, asked.time_base = packet.pts, packet.dts, packet.time_base
        # nothing is to be painted where the picture is missing
        context.options = {"ec": "0"}
    frames: list[VideoFrame] = []
    with contextlib.suppress(av.FFmpegError, EOFError):
        frames += context.decode(asked)
        frames += context.decode(None)
    context.flush_buffers()
    if not frames or frames[0].is_corrupt:
        return
    check_frame_size(frames[0])
    reading.decoded, reading.rotation = 1, frames[0].rotation


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
    end_s = max(
        (float(end * Fraction(container.streams[track].time_base or 0)) for track, end in reading.ends.items()),
        default=0.0,
    )
    # The step of a second is for formats that round, or that declare the longest track before it was written.
    if lacks_packets or declared_s > end_s + 1.0:
        shown_s = (max(pts for pts, _ in reading.shown) - min(pts for pts, _ in reading.shown)) * base
        raise BadMedia(f"The video is cut off after {shown_s:.1f} s; render it again or use another file.")
    if reading.damaged or reading.corrupt:
        raise BadMedia(
            "The video is damaged: some of its pictures cannot be decoded; render it again or use another file."
        )


def _conclude(container: InputContainer, stream: VideoStream, reading: _Reading) -> Inspection:
    context = stream.codec_context
    base = Fraction(stream.time_base or 1)
    in_file = tuple([pts for pts, _ in reading.shown])
    all_times = sorted(in_file)
    unseen = floor(_UNSEEN_S / base)
    times = [time for time, after in pairwise(all_times) if after - time > unseen] + all_times[-1:]
    steps = [after - before for before, after in pairwise(times)]
    last_step = _last_duration(reading, times, steps)
    seconds = (times[-1] + last_step - all_times[0]) * base
    check_seconds(float(seconds))
    rate, is_constant = _rate(stream, times, steps, base)
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
        "its headers are inside the stream": reading.has_own_sets
        or (codec in {"h264", "hevc"} and extradata[:1] != b"\x01"),
    }
    if hdr := HDR.get(context.color_trc):
        obstacles[f"it is HDR ({hdr}), toned down to what every screen shows"] = True
    place_of = {pts: place for place, pts in enumerate(all_times)}
    ranks = tuple([place_of[pts] for pts in in_file])
    colours = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
    sides = context.width, context.height, stream.sample_aspect_ratio or context.sample_aspect_ratio or 1
    shape = tuple(map(str, (codec, *sides, context.pix_fmt, *colours, rate)))
    return Inspection(
        codec=codec,
        width=width,
        height=height,
        rate=rate,
        frames=len(times),
        start_s=all_times[0] * base,
        seconds=seconds,
        has_audio=bool(container.streams.audio),
        # Equal names with other parameter sets decode to rubbish, and nothing raises.
        key=(str(context.profile), hashlib.sha256(extradata).hexdigest(), *shape),
        shape=shape,
        pixels=context.pix_fmt or "",
        colours=colours,
        headers=extradata,
        obstacles=tuple(reason for reason, holds in obstacles.items() if holds),
        ranks=ranks,
        times=in_file,
        checksums=tuple(reading.checksums),
        starts=_clean_starts(reading.starts, ranks),
    )


def _clean_starts(starts: list[int], ranks: Sequence[int]) -> tuple[int, ...]:
    """Those before which exactly the earlier pictures stand."""
    latest = list(accumulate(ranks, max, initial=-1))
    return tuple(
        start for start in starts if start < len(ranks) and latest[start] == start - 1 and ranks[start] == start
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
