"""A seam before and after levelling, as a picture for the docs.

    python -m bench.seam_pictures [--out docs/seam.webp]

The animatic draws a shot; the next one begins on its last picture as a renderer hands it back, a little lighter, warmer and paler.
Shown are that last picture, the next clip's first one as it came and levelled, both beside the last one, and by how much each
picture around the seam is lighter than it was drawn.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont

from engine.media import house
from engine.media.colour import Rgb, to_bt709, to_rgb
from engine.media.level import Drift, drift, levelled, share
from engine.media.oklab import to_oklab
from engine.media.seam import score, shrink
from engine.providers.animatic import spec as files
from engine.providers.animatic.spec import FPS, RenderSpec

SIZE = 640, 360
PANEL = 400, 225
GAP, LINE = 12, 26
BEFORE, AFTER = 12, 36
"""Pictures of each clip in the chart."""
PAPER, INK, GREY, WARM, COOL = "#ffffff", "#222222", "#bbbbbb", "#c0392b", "#1f6f8b"


def drawn(prompt: str, pictures: int) -> list[Rgb]:
    """A shot of the animatic, as decoded."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = RenderSpec(prompt=prompt, seed=5, style="painting", width=SIZE[0], height=SIZE[1], frames=pictures)
        (folder / files.SPEC).write_text(spec.to_json(), encoding="ascii")
        command = [sys.executable, "-m", "engine.providers.animatic.child", str(folder)]
        subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        with av.open(str(folder / files.OUT)) as container:
            return [to_rgb(frame) for frame in container.decode(video=0)]


def drifted(rgb: Rgb) -> Rgb:
    """As a renderer hands it back."""
    warm = rgb * np.array([1.11, 1.06, 1.0])
    pale = warm + 0.12 * (warm.mean(-1, keepdims=True) - warm)
    return np.asarray(np.clip(np.round(pale), 0, 255), np.uint8)


def encoded(pictures: Sequence[Rgb]) -> list[VideoFrame]:
    """A clip of them, as decoded."""
    with tempfile.TemporaryDirectory() as name:
        path, rate = Path(name) / "clip.mp4", Fraction(FPS)
        with av.open(str(path), "w") as film:
            video = house.add_video(film, *SIZE, rate)
            for place, rgb in enumerate(pictures):
                frame = to_bt709(rgb)
                frame.pts, frame.time_base = place, 1 / rate
                film.mux(video.encode(frame))
            film.mux(video.encode(None))
        with av.open(str(path)) as container:
            return list(container.decode(video=0))


def lightness(frames: Sequence[VideoFrame]) -> list[float]:
    """The mean of each."""
    return [float(to_oklab(shrink(frame) / 255)[..., 0].mean()) for frame in frames]


def split(left: Rgb, right: Rgb) -> Rgb:
    """The left half of one beside the right half of the other."""
    middle = left.shape[1] // 2
    return np.concatenate([left[:, :middle], right[:, middle:]], axis=1)


def chart(before: list[float], own: list[float], made: list[float]) -> Image.Image:
    """Lightness over time, as far as it is not the shot's own: of the clip before, the next one as it came, and levelled."""
    image = Image.new("RGB", PANEL, PAPER)
    draw = ImageDraw.Draw(image)
    least, most = min(*before, *own, *made), max(*before, *own, *made)
    across = (PANEL[0] - 20) / (len(before) + len(own) - 1)

    def points(first: int, values: list[float]) -> list[tuple[float, float]]:
        return [
            (10 + (first + place) * across, PANEL[1] - 20 - (value - least) / (most - least) * (PANEL[1] - 40))
            for place, value in enumerate(values)
        ]

    seam = 10 + (len(before) - 0.5) * across
    draw.line([(seam, 6), (seam, PANEL[1] - 6)], fill=GREY, width=1)
    draw.line(points(0, before), fill=INK, width=3, joint="curve")
    draw.line(points(len(before), own), fill=WARM, width=3, joint="curve")
    draw.line(points(len(before), made), fill=COOL, width=3, joint="curve")
    return image


def page(panels: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Three across, each under its words."""
    across, down = 3, -(-len(panels) // 3)
    size = across * (PANEL[0] + GAP) + GAP, down * (PANEL[1] + LINE + GAP) + GAP
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for number, (words, picture) in enumerate(panels):
        left = GAP + number % across * (PANEL[0] + GAP)
        top = GAP + number // across * (PANEL[1] + LINE + GAP)
        draw.text((left, top), words, fill=INK, font=font)
        sheet.paste(picture.resize(PANEL, Image.Resampling.LANCZOS), (left, top + LINE))
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/seam.webp"))
    out = parser.parse_args().out
    pictures = drawn("a horse gallops across a green field in the morning", 2 * FPS)
    cut = len(pictures) - AFTER
    before = encoded(pictures[:cut])
    after = encoded([drifted(rgb) for rgb in pictures[cut - 1 :]])  # it begins on the last one
    seen: Drift = drift(shrink(before[-1]), shrink(after[0]))
    made = [levelled(frame, seen, share(place / FPS)) for place, frame in enumerate(after)]
    last, came, even = to_rgb(before[-1]), to_rgb(after[0]), to_rgb(made[0])
    scores = [score(shrink(before[-1]), shrink(frame)) for frame in (after[0], made[0])]
    own = lightness(encoded(pictures[cut - 1 :]))
    values = [[one - other for one, other in zip(lightness(frames), own, strict=True)] for frames in (after, made)]
    panels = [
        ("the last picture of a shot", Image.fromarray(last)),
        (f"the next shot's first one, as it came: {scores[0]:.0f} of 100", Image.fromarray(came)),
        (f"the same, levelled: {scores[1]:.0f} of 100", Image.fromarray(even)),
        ("lighter than it was drawn: as it came, levelled", chart([0.0] * BEFORE, *values)),
        ("last | first, as it came", Image.fromarray(split(last, came))),
        ("last | first, levelled", Image.fromarray(split(last, even))),
    ]
    page(panels).save(out, quality=80, method=6)
    print(
        f"step {seen.step:.4f} OKLab (seen from 0.008), lightness {seen.lightness:+.4f}, colour {seen.colour:.4f}; "
        f"after levelling {drift(shrink(before[-1]), shrink(made[0])).step:.4f}; score {scores[0]:.0f} -> {scores[1]:.0f}; "
        f"{out}: {out.stat().st_size / 1000:.0f} kB"
    )


if __name__ == "__main__":
    main()
