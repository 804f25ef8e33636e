"""Writes the film: stretches of packets on one even grid, one sound track, words, title and chapters."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from engine.media import audio, house, subtitles
from engine.media.report import AT_ONCE
from engine.media.source import open_packets
from engine.media.timeline import Grid, Placed

_TEXT_LENGTH = 250
_INDEX_BYTES, _CHAPTER_BYTES, _HEAD_BYTES = 25, 2_000, 16_000
"""The most that a silent film's index takes for each packet (time, offset, size, key, flag), for each chapter, and besides."""
_INDEX_SHARE = 0.01
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of packets of one file, and where they stand in the film."""

    video: Path
    packets: range
    """In file order."""
    placed: Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What is heard."""

    parts: Sequence[audio.Part]
    mix: audio.Mix

    @property
    def is_there(self) -> bool:
        """Whether the film has a sound track."""
        return any(part.clip for part in self.parts) or bool(self.mix.music or self.mix.voice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is said in the file."""

    title: str = ""
    chapters: Sequence[tuple[int, int, str]] = ()
    """The first picture, the one after the last, and the title."""
    cues: Sequence[subtitles.Cue] = ()


def join(
    runs: Sequence[Run],
    out: Path,
    grid: Grid,
    *,
    header: bytes,
    sound: Sound,
    words: Words,
    on_packets: Callable[[int], None],
) -> None:
    """Write an MP4 that can begin to play before it is loaded.

    `header` holds the parameter sets of all runs. `on_packets` is told how many more of the video there are.
    """
    with av.open(str(out), "w", format="mp4", options=_index_first(runs, sound, words)) as film:
        if cleaned := clean(words.title):
            film.metadata["title"] = cleaned
        _add_chapters(film, words.chapters, grid)
        with open_packets(runs[0].video) as (_, template):
            video = film.add_stream_from_template(template)
        video.codec_context.extradata = header
        video.time_base = Fraction(1, grid.timescale)
        others: list[Iterator[tuple[float, Packet[Any]]]] = []
        if sound.is_there:
            packets = audio.encode(sound.parts, house.add_audio(film), sound.mix)
            others.append(((packet.pts or 0) / house.SAMPLE_RATE, packet) for packet in packets)
        if words.cues:
            size = template.codec_context.width, template.codec_context.height
            captions = subtitles.packets(words.cues, subtitles.add_track(film, size))
            others.append((float((packet.pts or 0) * packet.time_base), packet) for packet in captions)
        waiting = merge(*others, key=itemgetter(0))
        following = next(waiting, None)
        for number, packet in enumerate(_video_packets(runs, video, grid.step), 1):
            time_s = (packet.dts or 0) / grid.timescale
            while following is not None and following[0] <= time_s:
                film.mux_one(following[1])
                following = next(waiting, None)
            film.mux_one(packet)
            if number % AT_ONCE == 0:
                on_packets(AT_ONCE)
        while following is not None:
            film.mux_one(following[1])
            following = next(waiting, None)


def _index_first(runs: Sequence[Run], sound: Sound, words: Words) -> dict[str, str]:
    """How the index comes before the pictures: into room that is left for it, or, where that would be much of the film, they are
    moved once all are written.
    """
    room = _HEAD_BYTES + _CHAPTER_BYTES * len(words.chapters) + _INDEX_BYTES * sum(len(run.packets) for run in runs)
    size = sum(run.video.stat().st_size for run in runs)
    if sound.is_there or words.cues or room > _INDEX_SHARE * size:
        return {"movflags": "+faststart"}
    return {"moov_size": str(room)}


def clean(text: str) -> str:
    """One line that any player shows: no control characters, not too long."""
    printable = "".join(" " if unicodedata.category(letter) in _BREAKING else letter for letter in text)
    return " ".join(printable.split())[:_TEXT_LENGTH]


def _video_packets(runs: Sequence[Run], stream: VideoStream, step: int) -> Iterator[Packet[VideoStream]]:
    time_base = stream.time_base or Fraction(1)
    for run in runs:
        with open_packets(run.video, is_plain=True) as (container, source):
            packets = (packet for packet in container.demux(source) if packet.size)
            wanted = islice(packets, run.packets.start, run.packets.stop)
            for packet, pts, dts in zip(wanted, run.placed.pts, run.placed.dts, strict=True):
                packet.time_base = time_base
                packet.pts, packet.dts, packet.duration = pts, dts, step
                packet.stream = stream
                yield packet


def _add_chapters(film: OutputContainer, chapters: Sequence[tuple[int, int, str]], grid: Grid) -> None:
    film.set_chapters(
        [
            {
                "id": number,
                "start": start * grid.step,
                "end": end * grid.step,
                "time_base": Fraction(1, grid.timescale),
                "metadata": {"title": clean(title) or str(number)},
            }
            for number, (start, end, title) in enumerate(chapters, 1)
        ]
    )
