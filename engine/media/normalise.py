"""Brings a clip to the house profile at a given size and rate. The whole picture stays: it is scaled to fit, and padded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain, repeat
from math import ceil
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.media import house
from engine.media.colour import filter_arguments
from engine.media.inspection import Inspection
from engine.media.source import frames_from, open_video

_FLAGS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_LATE = Fraction(1, 4)
"""Each picture of the film is what the clip shows this much of a picture later: clocks that round do not make it the one before."""
_FAR_BACK_S = 10
_TURNS = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}


def normalise(
    path: Path, found: Inspection, out: Path, *, size: tuple[int, int], rate: Fraction, on_frame: Callable[[], None]
) -> None:
    """Write `out`, an MP4 of `size` (width, height; even) without sound; `on_frame` is told of each written picture.

    Raises:
        BadMedia: the clip's pictures change their size or format in the middle.
    """
    total = frames_at(found, rate)
    with av.open(str(out), "w", format="mp4") as film:
        video = house.add_video(film, *size, rate)
        for place, shaped in enumerate(pictures(path, found, size=size, rate=rate, places=range(total))):
            film.mux(video.encode(house.number(shaped, place, rate, is_last=place == total - 1)))
            on_frame()
        film.mux(video.encode(None))


def pictures(
    path: Path, found: Inspection, *, size: tuple[int, int], rate: Fraction, places: range
) -> Iterator[VideoFrame]:
    """What the clip shows at each of these places of its even grid, turned, scaled and padded. The same one may come again.

    Raises:
        BadMedia: the clip's pictures change their size or format in the middle.
    """
    with open_video(path) as (container, stream):
        fit = _Fit(stream, *size)
        place = places.start
        frames = _frames_from(container, stream, found.start_s + place / rate if place else None)
        for frame, until in _spread(frames, found, rate, frames_at(found, rate)):
            if until <= place:
                continue
            shaped = fit(frame)
            yield from repeat(shaped, min(until, places.stop) - place)
            if until >= places.stop:
                return
            place = until


def frames_at(found: Inspection, rate: Fraction) -> int:
    """How many pictures the clip has at this rate."""
    return max(1, round(found.seconds * rate))


def _frames_from(container: InputContainer, stream: VideoStream, time_s: Fraction | None) -> Iterator[VideoFrame]:
    """Decoded pictures from one that is not later than `time_s` on the container's clock; None: from the start."""
    if time_s is None or not stream.time_base:
        return frames_from(container, stream)
    for back_s in (0, _FAR_BACK_S):
        with contextlib.suppress(av.FFmpegError):
            container.seek(int((time_s - back_s) / stream.time_base), stream=stream, backward=True)
            frames = frames_from(container, stream)
            first = next(frames, None)
            if first is not None and first.pts is not None and first.pts * stream.time_base <= time_s:
                return chain((first,), frames)
    container.seek(stream.start_time or 0, stream=stream, backward=True)
    return frames_from(container, stream)


def _spread(
    frames: Iterator[VideoFrame], found: Inspection, rate: Fraction, total: int
) -> Iterator[tuple[VideoFrame, int]]:
    """Each picture that is used, with the number of the first picture that is not it any more."""
    shown: VideoFrame | None = None
    until = 0
    for frame in frames:
        if shown is not None and frame.time_base is not None and frame.pts is not None:
            # The first picture always stays too: the shot before ends on it.
            end = min(total - 1, max(1, ceil((frame.pts * frame.time_base - found.start_s) * rate - _LATE)))
            if end > until:
                yield shown, end
                until = end
        shown = frame
    if shown is not None:
        yield shown, total  # the last picture always stays: the next shot begins on it


class _Fit:
    """Turns, scales and pads pictures of one stream to one size, as square-pixel BT.709."""

    def __init__(self, stream: VideoStream, width: int, height: int) -> None:
        self._stream = stream
        self._size = width, height
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        shape = frame.width, frame.height, frame.format.name
        if self._graph is None:
            self._graph, self._shape = self._build(frame), shape
        if shape != self._shape:
            raise BadMedia("The video changes its size in the middle; render it again or use another file.")
        self._graph.push(frame)
        return cast(VideoFrame, self._graph.pull())

    def _build(self, frame: VideoFrame) -> Graph:
        width, height = self._size
        turn = frame.rotation % 360
        shape = Fraction(frame.width, frame.height) * (self._stream.sample_aspect_ratio or 1)
        fitted = fit(1 / shape if turn in {90, 270} else shape, width, height)
        chain = [
            *_TURNS.get(turn, ()),
            f"scale={fitted[0]}:{fitted[1]}:out_color_matrix=bt709:out_range=tv:flags={_FLAGS}{filter_arguments(frame)}",
            f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:black",
            "setsar=1",
            "format=yuv420p",
        ]
        graph = Graph()
        node = graph.add_buffer(template=self._stream, time_base=self._stream.time_base)
        for part in chain:
            name, _, arguments = part.partition("=")
            following = graph.add(name, arguments or None)
            node.link_to(following)
            node = following
        sink = graph.add("buffersink")
        node.link_to(sink)
        graph.configure()
        return graph


def fit(shape: Fraction, width: int, height: int) -> tuple[int, int]:
    """The largest even size of this width-to-height ratio within `width` x `height`, itself even."""
    if shape >= Fraction(width, height):
        return width, max(2, min(height, round(width / shape / 2) * 2))
    return max(2, min(width, round(height * shape / 2) * 2)), height
