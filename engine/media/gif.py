"""A film as an animated GIF: few colours, no sound, shown everywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

from engine.errors import NotPossible
from engine.film_options import GIF_MOST_S
from engine.media.fit_plan import amount
from engine.media.inspection import FORMAT_ALONE, Inspection, inspect
from engine.media.normalise import frames_at, pictures
from engine.media.results import Exported
from engine.media.shares import OnPart, finish, share

# Longer side in pixels, hundredths of a second a picture (what a GIF can count), and up to which length it is begun with.
_STEPS = ((480, 8, 20), (400, 8, 20), (400, 10, 20), (320, 10, 60), (320, 12, 60), (240, 12, 120), (240, 16, 120),
          (200, 20, GIF_MOST_S), (160, 20, GIF_MOST_S), (128, 25, GIF_MOST_S))  # fmt: skip
_PALETTE = "max_colors=128:stats_mode=diff"
_DITHER = "dither=bayer:bayer_scale=3:diff_mode=rectangle"


def to_gif(film: Path, out: Path, *, limit_bytes: int | None, on_part: OnPart) -> Exported:
    """The whole film, endlessly repeated, as large and smooth as its length and the cap allow."""
    found = inspect(film, decode_frames=FORMAT_ALONE)
    if found.seconds > GIF_MOST_S:
        raise NotPossible(
            f"The film is {float(found.seconds):.0f} s long, and a GIF may have {GIF_MOST_S}; choose webm or mp4."
        )
    longest = max(found.width, found.height)
    steps = list(
        dict.fromkeys(
            (min(side, longest), hundredths) for side, hundredths, most_s in _STEPS if found.seconds <= most_s
        )
    )
    number = 0
    for attempt in range(len(steps)):
        size, rate = _size(found, steps[number][0]), Fraction(100, steps[number][1])
        total = frames_at(found, rate)
        _write_gif(film, found, out, size, rate, on_frame=share(on_part, attempt, 3 * total))
        written = out.stat().st_size
        if limit_bytes is None or written <= limit_bytes:
            break
        number = _next_step(steps, number, limit_bytes / written)
        if number == len(steps):
            raise NotPossible(f"No GIF of this film fits {amount(limit_bytes)}; choose webm or mp4.")
    finish(on_part, attempt)
    was = _size(found, _STEPS[0][0]), Fraction(100, _STEPS[0][1])
    why = f"to fit {amount(limit_bytes)}" if limit_bytes and number else "for its length"
    smaller = "" if (size, rate) == was else f", less than {_words(*was)} {why}"
    return Exported(
        seconds=float(total / rate),
        width=size[0],
        height=size[1],
        bytes=out.stat().st_size,
        sentence=f"GIF without sound, {_words(size, rate)}{smaller}.",
    )


def _words(size: tuple[int, int], rate: Fraction) -> str:
    return f"{size[0]}x{size[1]} at {float(rate):.3g} pictures a second"


def _size(found: Inspection, long_side: int) -> tuple[int, int]:
    scale = min(1.0, long_side / max(found.width, found.height))
    return max(2, round(found.width * scale / 2) * 2), max(2, round(found.height * scale / 2) * 2)


def _next_step(steps: Sequence[tuple[int, int]], number: int, share: float) -> int:
    """The first step that takes so much of the bytes of this one, by its pixels a second; `len(steps)`: none does."""
    pace = [side**2 / hundredths for side, hundredths in steps]
    after = (later for later in range(number + 1, len(steps)) if pace[later] <= pace[number] * share)
    # The last one is tried in any case: what does not move takes less than it says.
    return next(after, len(steps) - 1 if number < len(steps) - 1 else len(steps))


def _write_gif(
    film: Path, found: Inspection, out: Path, size: tuple[int, int], rate: Fraction, *, on_frame: Callable[[], None]
) -> None:
    """Three looks at each picture: decode, find the colours, draw with them. GIF_MOST_S and the steps bound the memory."""
    shown: list[VideoFrame] = []
    for place, frame in enumerate(pictures(film, found, size=size, rate=rate, places=range(frames_at(found, rate)))):
        kept = VideoFrame.from_ndarray(
            frame.to_ndarray(), format="yuv420p"
        )  # one that is shown again has one time only
        kept.colorspace, kept.color_range = 1, 1
        kept.pts, kept.time_base = place, 1 / rate
        shown.append(kept)
        on_frame()
    palette = _palette(shown, size, rate, on_frame)
    with av.open(str(out), "w", format="gif", options={"loop": "0"}) as gif:
        stream = gif.add_stream("gif", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size, "pal8"
        stream.time_base = stream.codec_context.time_base = 1 / rate
        for frame in _drawn(shown, palette, size, rate):
            gif.mux(stream.encode(frame))
            on_frame()
        gif.mux(stream.encode(None))


def _palette(shown: Sequence[VideoFrame], size: tuple[int, int], rate: Fraction, on_frame: Callable[[], None]) -> Any:
    """The picture of 16x16 colours that these pictures need most."""
    graph = Graph()
    source = _buffer(graph, size, rate)
    source.link_to(palette := graph.add("palettegen", _PALETTE))
    palette.link_to(graph.add("buffersink"))
    graph.configure()
    for frame in shown:
        graph.push(frame)
        on_frame()
    graph.push(None)
    return graph.pull()


def _drawn(shown: Sequence[VideoFrame], palette: Any, size: tuple[int, int], rate: Fraction) -> Iterator[VideoFrame]:
    graph = Graph()
    pictures_in = _buffer(graph, size, rate)
    colours_in = graph.add_buffer(width=16, height=16, format=palette.format, time_base=1 / rate)
    draw = graph.add("paletteuse", _DITHER)
    pictures_in.link_to(draw, 0, 0)
    colours_in.link_to(draw, 0, 1)
    draw.link_to(graph.add("buffersink"))
    graph.configure()
    palette.pts = 0
    graph.push(palette, at=1)
    graph.push(None, at=1)
    for frame in (*shown, None):
        graph.push(frame, at=0)
        with contextlib.suppress(av.error.BlockingIOError, EOFError):
            while True:
                yield graph.vpull()


def _buffer(graph: Graph, size: tuple[int, int], rate: Fraction) -> FilterContext:
    return graph.add_buffer(width=size[0], height=size[1], format=VideoFormat("yuv420p"), time_base=1 / rate)
