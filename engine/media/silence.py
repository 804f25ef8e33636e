"""Gives a silent video a silent sound track, so that no chat takes it for an animation."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from engine.errors import MediaError
from engine.media import audio, house, subtitles
from engine.media.inspection import FORMAT_ALONE, LOOKED_AT_FRAMES, Inspection, inspect
from engine.media.normalise import frames_at, normalise
from engine.media.report import Report
from engine.media.source import open_packets
from engine.media.timeline import usual_rate

_IN_MP4 = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4"})
_SILENT_BITS_PER_S = 64_000


def add_silence(*, source: str, out: Path, scratch: Path, report: Report, **_: Any) -> dict[str, Any]:
    path = Path(source)
    found = inspect(path, decode_frames=FORMAT_ALONE)
    if found.codec not in _IN_MP4 or not _is_timed(path):
        path, found = _converted(path, found, scratch, report)
    _remux(path, out, found.seconds, found.start_s + found.seconds)
    made = inspect(out, decode_frames=LOOKED_AT_FRAMES)  # anybody's pictures, in a file that they were not in before
    if not made.has_audio or made.frames != found.frames or abs(made.seconds - found.seconds) > 1 / found.rate:
        raise MediaError("The silent track could not be added to this video; try again.")
    return {}


def _is_timed(path: Path) -> bool:
    """Whether every picture has a time to be decoded at. Matroska has none, and it cannot always be guessed."""
    with open_packets(path) as (container, stream):
        times = [packet.dts for packet in container.demux(stream) if packet.size]
    return None not in times


def _converted(path: Path, found: Inspection, scratch: Path, report: Report) -> tuple[Path, Inspection]:
    rate = usual_rate(found.rate)
    report.allow(float(found.seconds), found.width * found.height, cost=10.0)
    report.expect(frames_at(found, rate))
    size = found.width + found.width % 2, found.height + found.height % 2
    converted = scratch / "converted.mp4"
    normalise(path, found, converted, size=size, rate=rate, on_frame=lambda: report.advance(1))
    return converted, inspect(converted, decode_frames=FORMAT_ALONE)


def _remux(path: Path, out: Path, seconds: Fraction, end_s: Fraction) -> None:
    captions = subtitles.track_of(path, Fraction(0), end_s)
    with (
        open_packets(path) as (container, source),
        av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as film,
    ):
        if title := container.metadata.get("title"):
            film.metadata["title"] = title
        film.set_chapters(container.chapters())
        video = film.add_stream_from_template(source)
        video.time_base = source.time_base
        sound = audio.encode([audio.Part(None, Fraction(0), seconds)], house.add_audio(film, _SILENT_BITS_PER_S))
        others: list[Iterator[Packet[Any]]] = [iter(sound)]
        if captions and captions.cues:
            size = source.codec_context.width, source.codec_context.height
            others.append(subtitles.packets(captions.cues, subtitles.add_track(film, size, captions.language)))
        waiting = merge(*others, key=_time_s)
        following = next(waiting, None)
        for packet in container.demux(source):
            if not packet.size:
                continue
            while following is not None and _time_s(following) <= (packet.dts or 0) * packet.time_base:
                film.mux(following)
                following = next(waiting, None)
            packet.stream = video
            film.mux(packet)
        while following is not None:
            film.mux(following)
            following = next(waiting, None)


def _time_s(packet: Packet[Any]) -> Fraction:
    return (packet.pts or 0) * packet.time_base
