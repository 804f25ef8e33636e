"""Brings a clip to the house profile at a given size and rate. A picture of another shape is scaled to fit, and what is left of the
film's picture filled as is asked; or it is cropped.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, repeat
from math import ceil
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from engine.errors import BadMedia
from engine.film_options import Fill
from engine.media import house
from engine.media.colour import filter_arguments, is_hdr, to_sdr
from engine.media.inspection import Inspection
from engine.media.source import frames_from, open_video

_FLAGS = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
_LATE = Fraction(1, 4)
"""Each picture of the film is what the clip shows this much of a picture later: clocks that round do not make it the one before."""
_FAR_BACK_S = 10
_BLUR_SHRINK = 8
"""The ground is blurred at an eighth of its size: there is nothing left in it that more pixels would show."""
_BLUR, _DARK, _DULL = 0.045, 0.55, 0.8
"""How wide the blur is, to the shorter side; how much of its light and of its colour the ground keeps."""
_TURNS = {90: ("transpose=cclock",), 180: ("hflip", "vflip"), 270: ("transpose=clock",)}


def normalise(
    path: Path,
    found: Inspection,
    out: Path,
    *,
    size: tuple[int, int],
    rate: Fraction,
    on_frame: Callable[[], None],
    fill: Fill = Fill.PAD,
) -> None:
    """Write `out`, an MP4 of `size` (width, height; even) without sound; `on_frame` is told of each written picture.

    Raises:
        BadMedia: the clip's pictures change their size or format in the middle.
    """
    total = frames_at(found, rate)
    with av.open(str(out), "w", format="mp4") as film:
        video = house.add_video(film, *size, rate)
        for place, shaped in enumerate(pictures(path, found, size=size, rate=rate, places=range(total), fill=fill)):
            film.mux(video.encode(house.number(shaped, place, rate, total)))
            on_frame()
        film.mux(video.encode(None))


def pictures(
    path: Path, found: Inspection, *, size: tuple[int, int], rate: Fraction, places: range, fill: Fill = Fill.PAD
) -> Iterator[VideoFrame]:
    """What the clip shows at each of these places of its even grid, turned, scaled and filled. The same one may come again.

    Raises:
        BadMedia: the clip's pictures change their size or format in the middle.
    """
    with open_video(path) as (container, stream):
        shape = _Shaper(stream, *size, fill)
        place = places.start
        frames = _frames_from(container, stream, found.start_s + place / rate if place else None)
        for frame, until in _spread(frames, found, rate, frames_at(found, rate)):
            if until <= place:
                continue
            shaped = shape(frame)
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


class _Shaper:
    """Turns and scales pictures of one stream to one size, as square-pixel BT.709."""

    def __init__(self, stream: VideoStream, width: int, height: int, fill: Fill) -> None:
        self._stream = stream
        self._size = width, height
        self._fill = fill
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        turn = frame.rotation % 360
        if is_hdr(frame):
            frame = to_sdr(frame)
        shape = frame.width, frame.height, frame.format.name
        if self._graph is None:
            self._graph, self._shape = self._build(frame, turn), shape
        if shape != self._shape:
            raise BadMedia("The video changes its size in the middle; render it again or use another file.")
        self._graph.push(frame)
        return cast(VideoFrame, self._graph.pull())

    def _build(self, frame: VideoFrame, turn: int) -> Graph:
        pixel = Fraction(self._stream.sample_aspect_ratio or 1)
        upright = _Upright(frame.width, frame.height, pixel)
        if turn in {90, 270}:
            upright = _Upright(frame.height, frame.width, 1 / pixel)
        graph = Graph()
        node = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._stream.time_base
        )
        node = _chained(graph, node, _TURNS.get(turn, ()))
        node = _filled(graph, node, upright, self._size, fill=self._fill, colours=filter_arguments(frame))
        node = _chained(graph, node, ("setsar=1", "format=yuv420p"))
        node.link_to(graph.add("buffersink"))
        try:
            graph.configure()
        except av.ArgumentError as error:  # its pixels are said to be a thousand times as wide as high, or the like
            raise BadMedia(
                "The video has no shape that a film can have; render it again or use another file."
            ) from error
        return graph


@dataclass(frozen=True, slots=True)
class _Upright:
    """A picture's measures in pixels, after it was turned, and the width of one to its height."""

    width: int
    height: int
    pixel: Fraction

    @property
    def shape(self) -> Fraction:
        return Fraction(self.width, self.height) * self.pixel

    def middle(self, shape: Fraction) -> _Upright:
        """The largest part of this shape, and hardly more: what is cut off need not be scaled."""
        width = 2 * ceil(self.height * shape / self.pixel / 2)
        height = 2 * ceil(self.width * self.pixel / shape / 2)
        return _Upright(min(self.width, width), min(self.height, height), self.pixel)


def _filled(
    graph: Graph, node: FilterContext, upright: _Upright, size: tuple[int, int], *, fill: Fill, colours: str
) -> FilterContext:
    """The filters that make a picture with these measures one of `size`."""
    width, height = size
    fitted = fit(upright.shape, width, height)
    scale = f":out_color_matrix=bt709:out_range=tv:flags={{flags}}{colours}"
    exact = scale.format(flags=_FLAGS)
    if fill is Fill.CROP:
        return _chained(graph, node, _covering(upright, size, exact))
    if fill is Fill.PAD or fitted == size:
        return _chained(
            graph, node, (f"scale={fitted[0]}:{fitted[1]}{exact}", f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:black")
        )
    small = max(2, width // _BLUR_SHRINK // 2 * 2), max(2, height // _BLUR_SHRINK // 2 * 2)
    split = graph.add("split")
    node.link_to(split)
    behind = _chained(
        graph,
        split,
        (
            *_covering(upright, small, scale.format(flags="area")),
            "format=yuv420p",
            f"gblur=sigma={max(1.0, min(small) * _BLUR):.2f}:steps=2",
            f"lutyuv=y='16+(val-16)*{_DARK}':u='128+(val-128)*{_DULL}':v='128+(val-128)*{_DULL}'",
            f"scale={width}:{height}:flags=bicubic",
            "setsar=1",
        ),
    )
    before = _chained(graph, split, (f"scale={fitted[0]}:{fitted[1]}{exact}", "setsar=1", "format=yuv420p"), output=1)
    overlay = graph.add("overlay", "x=(W-w)/2:y=(H-h)/2:format=yuv420:eof_action=endall")
    behind.link_to(overlay, 0, 0)
    before.link_to(overlay, 0, 1)
    return overlay


def _covering(upright: _Upright, size: tuple[int, int], how: str) -> tuple[str, ...]:
    part = upright.middle(Fraction(*size))
    wide, high = cover(part.shape, *size)
    return f"crop={part.width}:{part.height}", f"scale={wide}:{high}{how}", f"crop={size[0]}:{size[1]}"


def _chained(graph: Graph, node: FilterContext, filters: Iterable[str], output: int = 0) -> FilterContext:
    """The last of these filters, each fed by the one before, and the first by this output of `node`."""
    for written in filters:
        name, _, arguments = written.partition("=")
        following = graph.add(name, arguments or None)
        node.link_to(following, output)
        node, output = following, 0
    return node


def cover(shape: Fraction, width: int, height: int) -> tuple[int, int]:
    """The smallest even size of this width-to-height ratio that covers `width` x `height`, itself even."""
    if shape >= Fraction(width, height):
        return max(width, round(height * shape / 2) * 2), height
    return width, max(height, round(width / shape / 2) * 2)


def fit(shape: Fraction, width: int, height: int) -> tuple[int, int]:
    """The largest even size of this width-to-height ratio within `width` x `height`, itself even."""
    if shape >= Fraction(width, height):
        return width, max(2, min(height, round(width / shape / 2) * 2))
    return max(2, min(width, round(height * shape / 2) * 2)), height
