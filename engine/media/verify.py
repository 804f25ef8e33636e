"""Reads a written film back: nobody gets one that is not what was planned."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.video.stream import VideoStream

from engine.errors import BadMedia, MediaError
from engine.media.house import SAMPLE_RATE
from engine.media.report import AT_ONCE
from engine.media.source import open_packets
from engine.media.timeline import Grid, Placed

_AAC_FRAME_S = 1024 / SAMPLE_RATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A film as it should be."""

    placed: Sequence[Placed]
    grid: Grid
    checksums: Sequence[int]
    """The CRC-32 of each packet of the video, as it was when its clip was read."""
    header: bytes
    has_sound: bool
    unseen: Collection[int]
    """Which stretches begin with a picture that nobody has decoded yet with this header."""


def verify(film: Path, planned: Planned, on_packets: Callable[[int], None] = lambda _: None) -> None:
    """Compare every packet and its time with the plan, and decode the first picture of each stretch that is unseen.

    `on_packets` is told how many more of the video were read.

    Raises:
        MediaError: the film is not what was planned.
    """
    try:
        _verify(film, planned, on_packets)
    except (BadMedia, av.FFmpegError) as error:
        raise _broken("it cannot be read") from error


def _verify(film: Path, planned: Planned, on_packets: Callable[[int], None]) -> None:
    grid, end = planned.grid, planned.placed[-1].end
    end_s = end * grid.step / grid.timescale
    tolerance_s = max(grid.step / grid.timescale, _AAC_FRAME_S)
    times = list(chain.from_iterable(piece.pts for piece in planned.placed))
    unseen = {planned.placed[number].start * grid.step for number in planned.unseen}
    found = 0
    sound_end_s = 0.0
    with open_packets(film, is_plain=True) as (container, stream):
        if stream.time_base != Fraction(1, grid.timescale):
            raise _broken("its clock is another one")
        if bytes(stream.codec_context.extradata or b"") != planned.header:
            raise _broken("its headers are others")
        if abs((container.duration or 0) / av.time_base - end_s) > tolerance_s:
            raise _broken("it has another length")
        if bool(container.streams.audio) != planned.has_sound:
            raise _broken("its sound is missing")
        for packet in container.demux():
            pts = packet.pts
            if pts is None or not packet.size:
                continue
            if packet.stream is stream:
                if found >= len(times) or pts != times[found]:
                    raise _broken("its pictures are not at their times")
                if zlib.crc32(packet) != planned.checksums[found]:
                    raise _broken("its pictures are not those of the clips")
                found += 1
                if pts in unseen:
                    _look_at(packet, stream)
                if found % AT_ONCE == 0:
                    on_packets(AT_ONCE)
            elif packet.stream.type == "audio":
                sound_end_s = float((pts + (packet.duration or 0)) * packet.time_base)
    if found != len(times):
        raise _broken("some of its pictures are missing")
    if planned.has_sound and abs(sound_end_s - end_s) > tolerance_s:
        raise _broken("its sound has another length")


def _look_at(packet: Packet[Any], stream: VideoStream) -> None:
    """Decode a picture that needs no other one."""
    context = stream.codec_context
    frames = [*context.decode(packet), *context.decode(None)]
    context.flush_buffers()
    if not frames or frames[0].pts != packet.pts or frames[0].is_corrupt:
        raise _broken("a clip in it does not begin where it should")


def _broken(reason: str) -> MediaError:
    return MediaError(f"The film came out wrong ({reason}) and was thrown away; /stitch it again.")
