"""Joins clips into one film: reads each, decides what can be copied and what is doubled, writes, and reads the film back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

from av.video.frame import VideoFrame

from engine.errors import BadMedia, MediaError
from engine.media.audio import Part
from engine.media.colour import Rgb
from engine.media.frames import last_picture
from engine.media.inspection import DECODED_FRAMES, Inspection, inspect
from engine.media.join import Clip, join
from engine.media.normalise import frames_at, normalise
from engine.media.report import Report
from engine.media.results import Stitched
from engine.media.seam import is_doubled, shrink
from engine.media.source import open_video
from engine.media.timeline import Grid, Piece, place, usual_rate
from engine.media.verify import verify

# Costs of one picture relative to each other, for a percentage that runs evenly.
_READ, _CONVERT, _WRITE = 2.0, 10.0, 1.0
_READERS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class _Source:
    """A clip as given, with small copies of the pictures at its ends."""

    path: Path
    found: Inspection
    first: Rgb
    last: Rgb


@dataclass(frozen=True, slots=True)
class _Video:
    """What goes into the film for a clip: itself, or what it was converted to."""

    path: Path
    found: Inspection


def stitch(
    *, clips: list[str], title: str, chapters: list[str], out: Path, scratch: Path, report: Report, **_: Any
) -> dict[str, Any]:
    paths = [Path(clip) for clip in clips]
    frames = _foresee(paths, report)
    report.expect(frames * (_READ + _WRITE))
    with ThreadPoolExecutor(_READERS) as readers:
        sources = list(
            readers.map(lambda numbered: _read(numbered[1], numbered[0], len(paths), report), enumerate(paths))
        )
    videos, copied = _agree(sources, scratch, report)
    if len({video.found.key for video in videos}) > 1:
        raise MediaError("The clips could not be brought to one shape; render the one that differs again.")
    rate = videos[0].found.rate
    grid = Grid.of(rate)
    doubled = [_is_doubled(before, after) for before, after in pairwise(sources)]
    pieces = [Piece(video.found.ranks, drop_last=drops) for video, drops in zip(videos, [*doubled, False], strict=True)]
    placed = place(pieces, grid.step)
    joined = [
        Clip(
            video=video.path,
            placed=piece,
            part=Part(
                source.path if source.found.has_audio else None,
                source.found.start_s,
                Fraction(piece.end * grid.step, grid.timescale),
            ),
        )
        for source, video, piece in zip(sources, videos, placed, strict=True)
    ]
    digest = join(joined, out, grid, title=title, chapters=chapters, on_packet=lambda: report.advance(_WRITE))
    verify(out, placed, grid, digest=digest, has_sound=any(source.found.has_audio for source in sources))
    report.expect(0)
    report.advance(0)
    return asdict(
        Stitched(
            seconds=float(placed[-1].end / rate),
            width=videos[0].found.width,
            height=videos[0].found.height,
            fps=float(rate),
            frames=placed[-1].end,
            dropped_frames=sum(len(piece.ranks) for piece in pieces) - placed[-1].end,
            copied=copied,
        )
    )


def _foresee(paths: Sequence[Path], report: Report) -> float:
    """About how many pictures there are in all, as declared; asks for the time that they may take."""
    frames = seconds = 0.0
    pixels = 0
    for number, path in enumerate(paths):
        try:
            with open_video(path) as (container, stream):
                clip_s = (container.duration or 0) / 1_000_000
                frames += stream.frames or clip_s * float(stream.average_rate or 24)
                pixels = max(pixels, stream.codec_context.width * stream.codec_context.height)
                seconds += clip_s
        except BadMedia as error:
            raise _named(error, number, len(paths)) from error
    report.allow(seconds, pixels, cost=10.0)
    return frames


def _read(path: Path, number: int, count: int, report: Report) -> _Source:
    first: VideoFrame | None = None
    last: VideoFrame | None = None

    def look(frame: VideoFrame) -> None:
        nonlocal first, last
        first = first or frame
        last = frame
        report.advance(_READ)

    try:
        found = inspect(path, look)
        if found.frames > DECODED_FRAMES:
            last = last_picture(path)
    except BadMedia as error:
        raise _named(error, number, count) from error
    if first is None or last is None:
        raise _named(BadMedia("No picture of the video can be decoded; render it again."), number, count)
    return _Source(path, found, shrink(first), shrink(last))


def _agree(sources: Sequence[_Source], scratch: Path, report: Report) -> tuple[list[_Video], bool]:
    """Videos that all share one key, and whether they are the clips themselves.

    Where the first clip has house headers, only those unlike it are converted; where it has not, all of them are: no encoder
    can write another one's headers.
    """
    first = sources[0].found
    fits = [not source.found.obstacles and source.found.key == first.key for source in sources]
    if all(fits):
        return [_Video(source.path, source.found) for source in sources], True
    rate = usual_rate(first.rate)
    others = [number for number, fit in enumerate(fits) if not fit]
    alike = [number for number, fit in enumerate(fits) if fit]
    # Until the others are converted nobody knows whether those like the first have to be too.
    read = sum(source.found.frames for source in sources)
    report.expect(read * (_READ + _WRITE) + sum(frames_at(source.found, rate) for source in sources) * _CONVERT)

    def convert(number: int) -> _Video:
        source, out = sources[number], scratch / f"{number}.mp4"
        size = _even(first.width), _even(first.height)
        normalise(source.path, source.found, out, size=size, rate=rate, on_frame=lambda: report.advance(_CONVERT))
        return _Video(out, inspect(out, decode_frames=0))

    videos = {number: convert(number) for number in others}
    if videos[others[0]].found.key == first.key:
        videos |= {number: _Video(sources[number].path, sources[number].found) for number in alike}
        report.advance(sum(sources[number].found.frames for number in alike) * _CONVERT)
    else:
        videos |= {number: convert(number) for number in alike}
    return [videos[number] for number in range(len(sources))], False


def _even(side: int) -> int:
    return side + side % 2


def _is_doubled(before: _Source, after: _Source) -> bool:
    return is_doubled(
        before.last,
        after.first,
        Fraction(before.found.width, before.found.height),
        Fraction(after.found.width, after.found.height),
    )


def _named(error: BadMedia, number: int, count: int) -> BadMedia:
    """The same, saying which clip it is."""
    if count == 1:
        return BadMedia(str(error), clip=number)
    return BadMedia(f"Clip {number + 1} of {count} cannot be joined. {error}", clip=number)
