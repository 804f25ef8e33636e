"""A hundred films of other contents, lengths and sizes, each brought under a cap: how many at the first try, and how they look.

    python -m bench.fit [--films 100] [--looked-at 10]

Small pictures, so that a hundred films take minutes: 0.5 MB for them is what 8 MB is for 720p. Every film is larger than its cap.
Of some the quality is measured, beside x264's preset `slow` in two passes at the same cap. (One film of 720p beside the field's
ways is a row of `bench.media`.)
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.media_clips import Rgb, tone
from bench.media_cost import watched
from bench.media_looks import quality
from bench.media_peers import two_pass
from engine import media
from engine.errors import NotPossible
from engine.media import house
from engine.media.colour import to_bt709

RATE = Fraction(24)
SIZES = ((192, 108), (256, 144), (320, 180), (108, 192), (240, 240))
LEAST_BYTES, MOST_BYTES = 500_000, 50_000_000
_GOAL = 0.95
_ALIKE_DB = 0.5
_SEEN_DB = 48.0
"""More than this is not seen (and VMAF is at its end): of two films that have it, neither looks better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One that was brought under its cap."""

    number: int
    kind: str
    seconds: float
    limit_bytes: int
    fitted: media.Fitted | None
    """None: it was refused with a sentence."""
    less_db: float | None = None
    """What two-pass slow has more, in dB of PSNR up to `_SEEN_DB`. None: not looked at."""


def noise(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Rgb]:
    """Grain over a slow gradient: as bad as it gets."""
    strength = rng.uniform(10, 120)
    down = np.linspace(40, 200, size[1])[:, None, None]
    while True:
        grain = rng.normal(0, strength, (size[1], size[0], 1))
        yield np.clip(down + grain, 0, 255).repeat(3, axis=2).astype(np.uint8)


def drawn(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Rgb]:
    """Flat shapes that drift over a sky, like the built-in provider's pictures."""
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    sky = np.stack([90 + rows * 0.4, 120 + rows * 0.3, 200 - rows * 0.2], axis=2)
    discs = [
        (rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(5, 40), rng.integers(0, 255, 3))
        for _ in range(6)
    ]
    place = 0
    while True:
        picture = sky.copy()
        for left, top, radius, colour in discs:
            across = (left + place * radius / 20) % size[0]
            picture[(columns - across) ** 2 + (rows - top) ** 2 < radius**2] = colour
        yield np.clip(picture, 0, 255).astype(np.uint8)
        place += 1


def pan(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Rgb]:
    """Over one detailed picture."""
    wide = _detailed(rng, (size[0] * 5, size[1]))
    speed, place = int(rng.integers(1, 12)), 0
    while True:
        left = place * speed % (size[0] * 4)
        yield wide[:, left : left + size[0]]
        place += 1


def cuts(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Rgb]:
    """Calm and wild shots in turn, each of one to four seconds."""
    while True:
        shot = (pan, drawn, noise, still)[int(rng.integers(0, 4))](rng, size)
        for _ in range(int(rng.integers(24, 96))):
            yield next(shot)


def still(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Rgb]:
    """One picture, with a little grain."""
    picture = _detailed(rng, size).astype(np.int16)
    while True:
        yield np.clip(picture + rng.integers(-2, 3, (*picture.shape[:2], 1)), 0, 255).astype(np.uint8)


def fades(rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Rgb]:
    """From one picture over black to the next, the first quarter of the time all black."""
    for _ in range(int(rng.integers(0, 240))):
        yield np.zeros((size[1], size[0], 3), np.uint8)
    while True:
        shot = pan(rng, size)
        for place in range(96):
            light = min(1.0, place / 30, (96 - place) / 30)
            yield (next(shot) * light).astype(np.uint8)


KINDS: tuple[Callable[[np.random.Generator, tuple[int, int]], Iterator[Rgb]], ...] = (
    noise, drawn, pan, cuts, still, fades, cuts,
)  # fmt: skip


def _detailed(rng: np.random.Generator, size: tuple[int, int]) -> Rgb:
    coarse, fine = (
        Image.fromarray(rng.integers(0, 255, (size[1] // part, size[0] // part, 3), np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        for part in (18, 2)
    )
    return np.asarray(Image.blend(coarse, fine, float(rng.uniform(0.05, 0.5))))


def make_film(path: Path, number: int) -> tuple[str, float]:
    """Near its source's quality, nine of ten with a tone; its kind and its seconds."""
    rng = np.random.default_rng(number)
    kind = KINDS[number % len(KINDS)]
    size = SIZES[int(rng.integers(0, len(SIZES)))]
    seconds = float(np.exp(rng.uniform(np.log(3), np.log(90))))
    total = max(1, round(seconds * RATE))
    shown = kind(rng, size)
    with av.open(str(path), "w") as film:
        video = house.add_video(film, *size, RATE)
        video.codec_context.options = {"preset": "ultrafast", "crf": "6", "x264-params": "keyint=96"}
        video.codec_context.thread_count = 1
        sound = house.add_audio(film) if number % 10 else None
        for place in range(total):
            frame = to_bt709(np.ascontiguousarray(next(shown)))
            film.mux(video.encode(house.number(frame, place, RATE, None)))
        film.mux(video.encode(None))
        if sound is not None:
            for piece in tone(float(total / RATE)):
                film.mux(sound.encode(piece))
            film.mux(sound.encode(None))
    return kind.__name__, float(total / RATE)


def bring_under(number: int, scratch: Path, *, is_looked_at: bool) -> Film:
    """Make the film, choose its cap, fit it."""
    source, target, slow = (scratch / f"{number}-{name}.mp4" for name in ("source", "fitted", "slow"))
    kind, seconds = make_film(source, number)
    size = source.stat().st_size
    # half of the caps need little, half of them a lot
    share = float(np.exp(np.random.default_rng(number + 10_000).uniform(np.log(0.08), np.log(0.9))))
    limit = min(MOST_BYTES, max(int(size * share), min(LEAST_BYTES, int(size * 0.9))))
    fitted, less_db = None, None
    try:
        fitted = asyncio.run(media.fit(source, target, limit))
        if is_looked_at:
            watched(two_pass(source, slow, limit))
            best, ours = (min(_SEEN_DB, quality(source, path).mean_db) for path in (slow, target))
            less_db = best - ours
    except NotPossible:
        pass
    finally:
        for path in scratch.glob(f"{number}-*"):
            path.unlink()
    return Film(number=number, kind=kind, seconds=seconds, limit_bytes=limit, fitted=fitted, less_db=less_db)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--looked-at", type=int, default=10, help="of how many the quality is measured")
    options = parser.parse_args()
    begun = time.perf_counter()
    every = max(1, options.films // max(1, options.looked_at))
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(os.cpu_count()) as pool:
        rooms = [Path(directory) / str(number) for number in range(options.films)]
        for room in rooms:
            room.mkdir()
        films = list(
            pool.map(
                lambda number: bring_under(
                    number, rooms[number], is_looked_at=options.looked_at > 0 and number % every == every // 2
                ),
                range(options.films),
            )
        )
    tell(films)
    print(f"in {time.perf_counter() - begun:.0f} s on {os.cpu_count()} cores")


def tell(films: list[Film]) -> None:
    made = [(film, film.fitted) for film in films if film.fitted is not None]
    caps = [film.limit_bytes / 1e6 for film in films]
    print(
        f"{len(films)} films of {min(film.seconds for film in films):.0f} to {max(film.seconds for film in films):.0f} s,"
        f" caps of {min(caps):.2f} to {max(caps):.1f} MB; {len(films) - len(made)} refused with a sentence"
    )
    first = [fitted.first_bytes <= film.limit_bytes for film, fitted in made]
    over = [film.number for film, fitted in made if fitted.bytes > film.limit_bytes]
    twice = [film for film, fitted in made if fitted.encodes > 1]
    most = max(fitted.encodes for _, fitted in made)
    used: npt.NDArray[np.float64] = np.array([fitted.bytes / film.limit_bytes for film, fitted in made])
    print(f"{_word(sum(first) >= _GOAL * len(made))} first try under the cap: {sum(first)} of {len(made)}")
    print(f"{_word(not over)} over the cap in the end: {len(over)}")
    print(f"{_word(most <= 2)} at most {most} encodes; {len(twice)} had two: {dict(Counter(f.kind for f in twice))}")
    in_vain = [film for film, fitted in made if fitted.encodes > 1 and fitted.bytes == fitted.first_bytes]
    print(
        f"{_word(len(in_vain) <= (1 - _GOAL) * len(twice))} second encodes that were too large and thrown away: {len(in_vain)}"
        f" {[(film.number, film.kind, round(film.seconds)) for film in in_vain]}"
    )
    both: npt.NDArray[np.float64] = np.array([f.bytes / film.limit_bytes for film, f in made if f.encodes > 1] or [0.0])
    print(
        f"of the cap used by second encodes: median {np.median(both):.1%}, least {both.min():.1%}, most {both.max():.2%}"
    )
    print(f"of the cap used: median {np.median(used):.1%}, least {used.min():.1%}, most {used.max():.2%}")
    for (film, fitted), was_first in zip(made, first, strict=True):
        if not was_first:
            print(
                f"  first try over: film {film.number}, {film.kind}, {film.seconds:.1f} s, cap {film.limit_bytes:,},"
                f" came to {fitted.first_bytes / film.limit_bytes:.1%}"
            )
    looked = [(film, film.less_db) for film in films if film.less_db is not None]
    if looked:
        less: npt.NDArray[np.float64] = np.array([less_db for _, less_db in looked])
        print(
            f"{_word(float(less.mean()) <= _ALIKE_DB)} two-pass slow has {less.mean():+.2f} dB of PSNR more, {len(less)} films"
            f" ({', '.join(f'{film.kind} {less_db:+.2f}' for film, less_db in looked)})"
        )


def _word(is_met: bool) -> str:
    return "ok      " if is_met else "not met "


if __name__ == "__main__":
    main()
