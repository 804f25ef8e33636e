"""Makes the pictures of a film that cannot be copied: clips of another shape, cards, and what lies at a seam."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Protocol

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from engine.errors import BadMedia, MediaError
from engine.film_options import Fill, Transition
from engine.media import house, level
from engine.media.agreeing import Shape
from engine.media.blend import blended, darkened, step
from engine.media.captions import Burner
from engine.media.clips import decoded
from engine.media.colour import EXACT, matrix
from engine.media.cutlist import Cut, Layer
from engine.media.headers import Headers, parse
from engine.media.inspection import Inspection
from engine.media.normalise import pictures

_FULL = 2


class Footage(Protocol):
    """Where the pictures of one layer come from."""

    def pictures(self, places: range) -> Generator[VideoFrame, None, None]:
        """Those at these places, in the film's shape."""
        ...


@dataclass(frozen=True, slots=True)
class AsIs:
    """A clip of the film's shape."""

    path: Path
    found: Inspection

    def pictures(self, places: range) -> Generator[VideoFrame, None, None]:
        return decoded(self.path, self.found, places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A clip that is brought to the film's shape."""

    path: Path
    found: Inspection
    shape: Shape
    fill: Fill
    count: int
    """How many pictures of it the film shows."""
    caption: str = ""

    def pictures(self, places: range) -> Generator[VideoFrame, None, None]:
        rate = self.shape.rate
        burn = Burner(self.caption, self.shape.size) if self.caption else None
        made = pictures(self.path, self.found, size=self.shape.size, rate=rate, places=places, fill=self.fill)
        for place, frame in zip(places, made, strict=False):
            shown = burn(frame, float(place / rate), float(self.count / rate)) if burn else frame
            yield in_colours(shown, self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Pictures that are drawn one after the other."""

    draw: Callable[[], Iterator[VideoFrame]]
    shape: Shape

    def pictures(self, places: range) -> Generator[VideoFrame, None, None]:
        for frame in islice(self.draw(), places.start, places.stop):
            yield in_colours(frame, self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seam:
    """Where one layer gives way to the next."""

    transition: Transition
    cut: Cut
    drift: level.Drift | None = None
    """Levelled in the first pictures of the later one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that pictures of the film are made of."""

    shape: Shape
    kind: house.Kind
    layers: Sequence[Layer]
    footage: Sequence[Footage]
    """One a layer."""
    seams: Sequence[Seam]
    """One less."""


def make(plan: Plan, start: int, end: int, out: Path, on_frame: Callable[[], None]) -> None:
    """Write `out`, an MP4 of the film's pictures from `start` to before `end`; `on_frame` is told of each.

    Raises:
        BadMedia: a clip is damaged there; `clip` on it is the number of its layer.
        MediaError: there are fewer pictures than planned.
    """
    rate = plan.shape.rate
    with av.open(str(out), "w", format="mp4") as film, closing(_rendered(plan, start, end)) as frames:
        video = house.add_video(film, *plan.shape.size, rate, _kind(plan, start, end))
        for place, frame in enumerate(frames):
            film.mux(video.encode(house.number(frame, place, rate, None)))
            on_frame()
        film.mux(video.encode(None))


def _kind(plan: Plan, start: int, end: int) -> house.Kind:
    """A seam between clips that are there as they are is encoded with less effort."""
    shown = [
        footage
        for footage, layer in zip(plan.footage, plan.layers, strict=True)
        if layer.start < end and start < layer.end
    ]
    if plan.kind.effort is house.Effort.USUAL and all(isinstance(footage, AsIs) for footage in shown):
        return replace(plan.kind, effort=house.Effort.SEAM)
    return plan.kind


def headers(shape: Shape, kind: house.Kind) -> Headers:
    """The parameter sets that made pictures of this kind have."""
    written = BytesIO()
    with av.open(written, "w", format="mp4") as film:
        video = house.add_video(film, *shape.size, shape.rate, kind)
        film.mux(video.encode(house.number(VideoFrame(*shape.size, kind.pixels), 0, shape.rate, None)))
        film.mux(video.encode(None))
    written.seek(0)
    with av.open(written) as container:
        return parse(bytes(container.streams.video[0].codec_context.extradata or b""))


def in_colours(frame: VideoFrame, shape: Shape) -> VideoFrame:
    """A picture of BT.709 in those of the film."""
    if (shape.pixels, shape.colours) == (house.HOUSE.pixels, house.HOUSE.colours):
        return frame
    is_full = shape.colours[3] == _FULL or shape.pixels.startswith("yuvj")
    return frame.reformat(
        format=shape.pixels,
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=matrix(shape.colours[2], shape.height),
        src_color_range=ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG if is_full else ColorRange.MPEG,
        interpolation=EXACT,
    )


def _rendered(plan: Plan, start: int, end: int) -> Generator[VideoFrame, None, None]:
    with ExitStack() as stack:
        running: dict[int, Iterator[VideoFrame]] = {}
        for number, layer in enumerate(plan.layers):
            if layer.start < end and start < layer.end:
                places = range(max(start, layer.start) - layer.start, min(end, layer.end) - layer.start)
                running[number] = stack.enter_context(closing(plan.footage[number].pictures(places)))
        for place in range(start, end):
            shown = [number for number in running if plan.layers[number].start <= place < plan.layers[number].end]
            frames = [
                _changed(plan, number, place - plan.layers[number].start, _next(running[number], number))
                for number in shown
            ]
            if len(frames) == 1:
                yield frames[0]
                continue
            seam = plan.seams[shown[0]]
            share = step(place - plan.layers[shown[1]].start, seam.cut.overlap)
            yield blended(frames[0], frames[1], seam.transition, share)


def _next(frames: Iterator[VideoFrame], number: int) -> VideoFrame:
    try:
        frame = next(frames, None)
    except BadMedia as error:
        raise BadMedia(str(error), clip=number) from error
    if frame is None:
        raise MediaError("A clip has fewer pictures than it said; render it again, then /stitch.")
    return frame


def _changed(plan: Plan, number: int, place: int, frame: VideoFrame) -> VideoFrame:
    """The picture at this place of a layer, levelled and darkened as the seams beside it ask."""
    layer = plan.layers[number]
    if number:
        seam = plan.seams[number - 1]
        if seam.drift is not None:
            over_s = min(level.PICTURES_S, float(layer.count / plan.shape.rate))
            frame = level.levelled(frame, seam.drift, level.share(float(place / plan.shape.rate), over_s))
        if seam.transition is Transition.FADE and place < seam.cut.head:
            frame = darkened(frame, place / seam.cut.head)
    if number < len(plan.seams):
        seam = plan.seams[number]
        left = layer.count - 1 - place
        if seam.transition is Transition.FADE and left < seam.cut.tail:
            frame = darkened(frame, left / seam.cut.tail)
    return frame
