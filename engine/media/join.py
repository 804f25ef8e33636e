"""Writes the film: copied video packets on one even grid, one new sound track, title and chapters."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from engine.media import audio, house
from engine.media.source import open_video
from engine.media.timeline import Grid, Placed

_TEXT_LENGTH = 250
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip, ready to be joined."""

    video: Path
    """Its packets are copied."""
    placed: Placed
    part: audio.Part


def join(
    clips: Sequence[Clip], out: Path, grid: Grid, *, title: str, chapters: Sequence[str], on_packet: Callable[[], None]
) -> str:
    """Write an MP4 that can begin to play before it is loaded; a digest of the video packets that went in, in order.

    The film has a sound track where any part has a clip. `on_packet` is told of each video packet.
    """
    digest = hashlib.sha256()
    with av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as film:
        if cleaned := clean(title):
            film.metadata["title"] = cleaned
        _add_chapters(film, clips, chapters, grid)
        with open_video(clips[0].video) as (_, template):
            video = film.add_stream_from_template(template)
        video.time_base = Fraction(1, grid.timescale)
        sound: Iterator[Packet[av.AudioStream]] = iter(())
        if any(clip.part.clip for clip in clips):
            sound = audio.encode([clip.part for clip in clips], house.add_audio(film))
        waiting = next(sound, None)
        for packet in _video_packets(clips, video, grid.step):
            digest.update(bytes(packet))
            time_s = (packet.dts or 0) / grid.timescale
            while waiting is not None and (waiting.pts or 0) * waiting.time_base <= time_s:
                film.mux(waiting)
                waiting = next(sound, None)
            film.mux(packet)
            on_packet()
        while waiting is not None:
            film.mux(waiting)
            waiting = next(sound, None)
    return digest.hexdigest()


def clean(text: str) -> str:
    """One line that any player shows: no control characters, not too long."""
    printable = "".join(" " if unicodedata.category(letter) in _BREAKING else letter for letter in text)
    return " ".join(printable.split())[:_TEXT_LENGTH]


def _video_packets(clips: Sequence[Clip], stream: VideoStream, step: int) -> Iterator[Packet[VideoStream]]:
    time_base = stream.time_base or Fraction(1)
    for clip in clips:
        with open_video(clip.video) as (container, source):
            packets = (packet for packet in container.demux(source) if packet.size)
            for packet, pts, dts in zip(packets, clip.placed.pts, clip.placed.dts, strict=True):
                if pts is None:
                    continue
                packet.time_base = time_base
                packet.pts, packet.dts, packet.duration = pts, dts, step
                packet.stream = stream
                yield packet


def _add_chapters(film: OutputContainer, clips: Sequence[Clip], chapters: Sequence[str], grid: Grid) -> None:
    if len(chapters) != len(clips):
        return
    film.set_chapters(
        [
            {
                "id": number,
                "start": clip.placed.start * grid.step,
                "end": clip.placed.end * grid.step,
                "time_base": Fraction(1, grid.timescale),
                "metadata": {"title": clean(chapter) or str(number)},
            }
            for number, (clip, chapter) in enumerate(zip(clips, chapters, strict=True), 1)
        ]
    )
