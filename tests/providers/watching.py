"""Rendering and watching clips in tests: what is drawn, frame by frame, and how alike two frames are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray
from PIL import Image

from engine.providers.animatic.film import render
from engine.providers.animatic.spec import FPS, RenderSpec, frame_size
from engine.providers.base import Order, Provider

Pixels = NDArray[np.uint8]

_EXACT = (
    Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
)


async def taken(provider: Provider, wanted: Order, key: str) -> str:
    """The task id of a render that was asked for."""
    return (await provider.submit(await provider.prepare(wanted, key))).task_id


def order(prompt: str = "a lighthouse keeper lights the lamp", **changes: Any) -> Order:
    """A small, short render."""
    values: dict[str, Any] = {
        "prompt": prompt, "seconds": 2.0, "ratio": "16:9", "resolution": "480p", "seed": 1, "style": "painting",
        "model": "parallax-1", "caption": "k7-1",
    }  # fmt: skip
    return Order(**values | changes)


def draw(
    out: Path,
    prompt: str,
    *,
    seconds: float = 2.0,
    ratio: str = "16:9",
    resolution: str = "480p",
    seed: int = 1,
    style: str = "painting",
    first: Path | None = None,
    last: Path | None = None,
    report: Callable[[float], None] = lambda _: None,
) -> Path:
    """Render in this process and give the file."""
    width, height = frame_size(ratio, resolution)
    spec = RenderSpec(prompt=prompt, seed=seed, style=style, width=width, height=height, frames=round(seconds * FPS),
                      caption="k7-1", has_first_frame=first is not None, has_last_frame=last is not None)  # fmt: skip
    render(spec, out, lambda part, _: report(part), first, last)
    return out


def frames(path: Path) -> list[Pixels]:
    """Every frame as RGB."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(
                format="rgb24",
                src_colorspace=Colorspace.ITU709,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.MPEG,
                dst_color_range=ColorRange.JPEG,
                interpolation=_EXACT,
            ).astype(np.uint8)
            for frame in container.decode(video=0)
        ]


def ssim(first: Pixels, second: Pixels) -> float:
    """Mean structural similarity of the luma in 8x8 windows, 0 to 1."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    one, two = first.astype(np.float64) @ weights, second.astype(np.float64) @ weights
    mean_one, mean_two = _windows(one), _windows(two)
    spread_one = _windows(one * one) - mean_one**2
    spread_two = _windows(two * two) - mean_two**2
    shared = _windows(one * two) - mean_one * mean_two
    alike = (2 * mean_one * mean_two + 6.5) * (2 * shared + 58.5)
    return float((alike / ((mean_one**2 + mean_two**2 + 6.5) * (spread_one + spread_two + 58.5))).mean())


def _windows(plane: NDArray[np.float64], size: int = 8) -> NDArray[np.float64]:
    sums = np.pad(plane.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    means: NDArray[np.float64] = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    means /= size * size
    return means


def save(pixels: Pixels, path: Path) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def busy_picture(width: int, height: int) -> Pixels:
    """Like a noisy photograph: waves, hard edges and strong grain (without colour, of which 4:2:0 keeps a quarter)."""
    chance = np.random.default_rng(7)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 120 + 50 * np.sin(columns / 31) + 40 * np.sin(rows / 17)
    checks = ((rows // 60 + columns // 80) % 2) * 40
    colors = np.stack([waves + checks, waves * 0.8 + 20, 220 - waves], axis=-1)
    return np.clip(colors + chance.normal(0, 22, (height, width, 1)), 0, 255).astype(np.uint8)
