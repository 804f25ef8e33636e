"""A clip as a film takes it: measured, and any run of its pictures decoded, and no more than that."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from types import MappingProxyType

import av
from av.video.frame import VideoFrame

from engine.errors import BadMedia
from engine.media.colour import Rgb
from engine.media.frames import first_picture
from engine.media.inspection import FORMAT_ALONE, Inspection, inspect
from engine.media.known import stamp
from engine.media.last_picture import last_picture
from engine.media.seam import shrink
from engine.media.source import check_frame_size, open_packets

_JUST = Fraction(1, 4)
"""Of a picture: clocks that round do not make it the one before."""


@dataclass(frozen=True, slots=True)
class Source:
    """A clip as given."""

    path: Path
    found: Inspection

    @property
    def shape(self) -> Fraction:
        """Width to height, as shown."""
        return Fraction(self.found.width, self.found.height)


def read(path: Path, known: Mapping[str, str] = MappingProxyType({})) -> Source:
    """Measure a clip that passed its checks before: every packet is seen, no picture is looked at.

    `known`: what was read before, under the stamp of its file; it is not read again.

    Raises:
        BadMedia: not a video, damaged where that shows without decoding it, or cut off.
    """
    if words := known.get(stamp(path)):
        return Source(path, Inspection.from_json(json.loads(words)))
    return Source(path, inspect(path, decode_frames=FORMAT_ALONE))


def shown(rate: Fraction, until_s: float | None, total: int) -> int:
    """How many of `total` pictures at this rate are shown, if the one at `until_s` is the last. None: all."""
    if until_s is None:
        return total
    return max(1, min(total, floor(Fraction(until_s) * rate + _JUST) + 1))


def small_picture(source: Source, place: int) -> Rgb:
    """A small copy of the picture at this place of the clip's own. Raises BadMedia where it cannot be decoded."""
    found = source.found
    if found.obstacles or not found.starts:
        if place == 0:
            return shrink(first_picture(source.path))
        if place == found.frames - 1:
            return shrink(last_picture(source.path))
    for frame in decoded(source.path, found, range(place, place + 1)):
        return shrink(frame)
    raise _damaged()


def decoded(path: Path, found: Inspection, places: range) -> Generator[VideoFrame, None, None]:
    """The clip's own pictures at these places, just as they are.

    Raises:
        BadMedia: one of them cannot be decoded.
    """
    try:
        done = 0
        with closing(_decoded(path, found, places)) as frames:
            for frame in frames:
                check_frame_size(frame)
                if frame.is_corrupt:
                    raise _damaged()
                done += 1
                yield frame
    except (av.FFmpegError, EOFError) as error:
        raise _damaged() from error
    if done < len(places):
        raise _damaged()


def _decoded(path: Path, found: Inspection, places: range) -> Generator[VideoFrame, None, None]:
    place_of = dict(zip(found.times, found.ranks, strict=True))
    number_of = {time: number for number, time in enumerate(found.times)}
    begin = max((start for start in found.starts if start <= places.start), default=0)
    with open_packets(path) as (container, stream):
        context = stream.codec_context
        if begin:
            container.seek(found.times[begin], stream=stream, backward=True)
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None:
                if number_of.get(packet.pts, begin) < begin:
                    continue
                # Others may need it even so, if it is not of the kind that nothing depends on.
                is_wanted = place_of.get(packet.pts, places.start) >= places.start
                context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
            for frame in context.decode(packet if packet.size else None):
                place = place_of.get(frame.pts, -1) if frame.pts is not None else -1
                if place in places:
                    yield frame
                if place >= places.stop - 1:
                    return


def _damaged() -> BadMedia:
    return BadMedia(
        "The video is damaged: some of its pictures cannot be decoded; render it again or use another file."
    )


def named(error: BadMedia, number: int, count: int) -> BadMedia:
    """The same, saying which clip it is."""
    if count == 1:
        return BadMedia(str(error), clip=number)
    return BadMedia(f"Clip {number + 1} of {count} cannot be joined. {error}", clip=number)
