"""Reads a written film back: nobody gets one that is not what was planned."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from engine.errors import BadMedia, MediaError
from engine.media.house import SAMPLE_RATE
from engine.media.source import frames_from, open_video
from engine.media.timeline import Grid, Placed

_AAC_FRAME_S = 1024 / SAMPLE_RATE


def verify(film: Path, placed: Sequence[Placed], grid: Grid, *, digest: str, has_sound: bool) -> None:
    """Compare every packet and its time with the plan, and decode each clip's first picture.

    Raises:
        MediaError: the film is not what was planned.
    """
    try:
        _check_packets(film, placed, grid, digest, has_sound=has_sound)
        _check_seams(film, placed, grid)
    except (BadMedia, av.FFmpegError) as error:
        raise _broken("it cannot be read") from error


def _check_packets(film: Path, placed: Sequence[Placed], grid: Grid, digest: str, *, has_sound: bool) -> None:
    planned = [pts for piece in placed for pts in piece.pts if pts is not None]
    found: list[int] = []
    sound_end_s = 0.0
    written = hashlib.sha256()
    with open_video(film) as (container, stream):
        if stream.time_base != Fraction(1, grid.timescale):
            raise _broken("its clock is another one")
        end_s = placed[-1].end * grid.step / grid.timescale
        tolerance_s = max(grid.step / grid.timescale, _AAC_FRAME_S)
        if abs((container.duration or 0) / av.time_base - end_s) > tolerance_s:
            raise _broken("it has another length")
        if bool(container.streams.audio) != has_sound:
            raise _broken("its sound is missing")
        for packet in container.demux():
            if not packet.size or packet.pts is None:
                continue
            if packet.stream.index == stream.index:
                found.append(packet.pts)
                written.update(bytes(packet))
            elif packet.stream.type == "audio":
                sound_end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
    if found != planned:
        raise _broken("its pictures are not at their times")
    if written.hexdigest() != digest:
        raise _broken("its pictures are not those of the clips")
    if has_sound and abs(sound_end_s - end_s) > tolerance_s:
        raise _broken("its sound has another length")


def _check_seams(film: Path, placed: Sequence[Placed], grid: Grid) -> None:
    with open_video(film) as (container, stream):
        for piece in placed:
            container.seek(piece.start * grid.step, stream=stream, backward=True)
            frame = next(frames_from(container, stream), None)
            if frame is None or frame.pts != piece.start * grid.step or frame.is_corrupt:
                raise _broken("a clip in it does not begin where it should")


def _broken(reason: str) -> MediaError:
    return MediaError(f"The film came out wrong ({reason}) and was thrown away; /stitch it again.")
