"""A step of colour or exposure at a seam is found, led over in the later clip's first pictures, and nothing else is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image

from engine.media.drift import cast
from engine.media.level import PICTURES_S, VISIBLE, Drift, corrected, drift, levelled, share
from engine.media.seam import SEAMLESS, score, shrink
from tests.media.makers import Rgb, scene, to_bt709

PICTURE = scene(40)
SIZE = (640, 360)


def _eight_bits(picture: np.ndarray) -> Rgb:
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _under_the_sky(seed: int) -> Rgb:
    """A place with its own details in the light of all of them, the later ones a little lighter."""
    sky = np.linspace(60, 190, 180)[:, None, None] * np.ones((1, 320, 3))
    details = np.random.default_rng(seed).normal(0, 14, (60, 107, 1)).repeat(3, 0).repeat(3, 1)[:, :320]
    return _eight_bits((sky + details) * (1 + 0.08 * (seed - 2)))


DRIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "brighter": lambda rgb: rgb * 1.08,
    "darker": lambda rgb: rgb * 0.92,
    "warmer": lambda rgb: rgb * [1.06, 1.0, 0.95],
    "lifted": lambda rgb: rgb + 4,
    "gamma": lambda rgb: 255 * (rgb / 255) ** 1.1,
    "paler": lambda rgb: rgb + 0.15 * (rgb.mean(-1, keepdims=True) - rgb),
    "flatter": lambda rgb: (rgb - 128) * 0.9 + 128,
    "another matrix": lambda rgb: rgb @ np.array([[1.09, -0.06, 0.0], [-0.07, 1.09, -0.02], [-0.02, -0.03, 1.02]]),
}


def _drifted(name: str, picture: Rgb = PICTURE) -> Rgb:
    return _eight_bits(DRIFTS[name](picture.astype(np.float64)))


def _frame(rgb: Rgb) -> VideoFrame:
    """As a renderer's clip has it."""
    return to_bt709(np.asarray(Image.fromarray(rgb).resize(SIZE, Image.Resampling.BICUBIC)))


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_levelled_until_nobody_sees_a_step(name: str) -> None:
    """What was seen falls far under what can be, also where the picture moved by one on the way."""
    seen = drift(PICTURE, _drifted(name, scene(41)))
    assert seen.is_visible
    levelled_one = levelled(_frame(_drifted(name)), seen, 1.0)
    left = drift(shrink(_frame(PICTURE)), shrink(levelled_one))
    assert left.step < VISIBLE / 4
    assert score(PICTURE, corrected(_drifted(name), seen)) >= SEAMLESS


def test_a_drift_is_told_with_its_direction() -> None:
    """Lighter is above 0, darker below; a cast is colour and hardly lightness."""
    assert drift(PICTURE, _drifted("brighter")).lightness > VISIBLE
    assert drift(PICTURE, _drifted("darker")).lightness < -VISIBLE
    warmer = drift(PICTURE, _drifted("warmer"))
    assert warmer.colour > VISIBLE > abs(warmer.lightness)


@pytest.mark.parametrize(
    "other",
    [
        PICTURE,
        _eight_bits(PICTURE + np.random.default_rng(1).normal(0, 2, PICTURE.shape)),
        scene(41),
        scene(180),
        np.ascontiguousarray(PICTURE[:, ::-1]),
        np.zeros_like(PICTURE),
        _under_the_sky(3),
        _eight_bits(PICTURE * 0.4),
    ],
    ids=["the same", "coded again", "the next one", "another scene", "mirrored", "black", "another place", "a fade"],
)
def test_what_is_no_drift_is_left_alone(other: Rgb) -> None:
    """A cut of scene keeps its own colours; the very same picture comes back, bit for bit."""
    seen = drift(_under_the_sky(2) if np.array_equal(other, _under_the_sky(3)) else PICTURE, other)
    assert not seen.is_visible
    frame = _frame(other)
    assert levelled(frame, seen, 1.0) is frame
    assert corrected(other, seen) is other


@pytest.mark.parametrize("grey", [0, 90, 255])
def test_between_plain_pictures_nothing_is_levelled(grey: int) -> None:
    """Nothing in them tells a drift from a fade, or from another scene."""
    one, other = (np.full_like(PICTURE, min(255, grey + more)) for more in (0, 12))
    assert not drift(one, other).is_visible
    assert not drift(other, one).is_visible


def test_levelling_ends_in_the_clips_own_pictures() -> None:
    """All at the seam, always less, and from `PICTURES_S` on the very pictures that came."""
    shares = [share(place / 24) for place in range(30)]
    assert shares[0] == 1
    assert shares == sorted(shares, reverse=True)
    assert share(PICTURES_S) == 0
    seen = drift(PICTURE, _drifted("brighter"))
    frame = _frame(_drifted("brighter"))
    assert levelled(frame, seen, share(PICTURES_S)) is frame
    # no picture differs from the one before by as much as is seen
    small = [shrink(levelled(frame, seen, part)) for part in shares[::3]]
    steps = [drift(one, other).step for one, other in pairwise(small)]
    assert max(steps) < VISIBLE
    assert sum(steps) > 2 * VISIBLE


@pytest.mark.parametrize("name", ["brighter", "darker", "warmer", "paler"])
def test_saturated_colours_stay_what_they_are(name: str) -> None:
    """Full colours, black and white come back to what they were as near as the drift left room, and never turn over."""
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255]], np.uint8)
    picture = PICTURE.copy()
    for number, colour in enumerate(colours):
        picture[20:60, 10 + number * 50 : 50 + number * 50] = colour
    other = _drifted(name, picture)
    back = shrink(levelled(_frame(other), drift(picture, other), 1.0)).astype(int)
    patches = [(slice(30, 50), slice(20 + number * 50, 40 + number * 50)) for number in range(len(colours))]
    for patch in patches:
        assert np.abs(back[patch] - picture[patch].astype(int)).max() <= 26
        assert np.abs(back[patch].mean((0, 1)) - picture[patch].mean((0, 1))).max() <= 22


def test_a_smooth_sky_does_not_band() -> None:
    """Where levels are spread apart, half of the pixels take each of two: no level that was between is missing."""
    sky = np.repeat(np.linspace(40, 200, 640)[None, :, None], 360, 0).repeat(3, 2)
    light = _eight_bits(sky + 20 * np.sin(np.arange(360) / 25)[:, None, None])
    frame = to_bt709(_eight_bits(light * 0.92))
    seen = drift(shrink(to_bt709(light)), shrink(frame))
    assert seen.is_visible
    luma = levelled(frame, seen, 1.0).to_ndarray()[:360]
    used = np.bincount(luma.ravel(), minlength=256)[60:180]
    assert used.min() > used.mean() / 4


@pytest.mark.parametrize("full", [True, False], ids=["full range", "studio range"])
@pytest.mark.parametrize("size", [(640, 360), (322, 182), (321, 181)], ids=["usual", "padded lines", "odd"])
def test_it_works_on_any_size_and_range(full: bool, size: tuple[int, int]) -> None:
    """The step is gone, and time and colour tags are those of the picture that came."""
    rgb = np.asarray(Image.fromarray(_drifted("brighter")).resize(size, Image.Resampling.BICUBIC))
    reach = ColorRange.JPEG if full else ColorRange.MPEG
    frame = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, src_color_range=ColorRange.JPEG, dst_color_range=reach
    )
    frame.colorspace, frame.color_range, frame.pts = 1, int(reach), 7
    seen = drift(PICTURE, shrink(frame))
    assert seen.is_visible
    result = levelled(frame, seen, 1.0)
    assert (result.pts, result.colorspace, result.color_range) == (7, 1, int(reach))
    assert (result.width, result.height) == size
    assert drift(PICTURE, shrink(result)).step < VISIBLE / 2


@pytest.mark.parametrize("size", [(640, 360), (321, 181)], ids=["usual", "odd"])
def test_each_pixel_becomes_what_the_drift_says(size: tuple[int, int]) -> None:
    """To within a level: of luma by its curve and its chroma, of chroma by its map and the luma of two corners."""
    rgb = np.asarray(Image.fromarray(_drifted("another matrix")).resize(size, Image.Resampling.BICUBIC))
    frame = to_bt709(rgb)
    seen = drift(PICTURE, _drifted("another matrix"))
    made = [_plane(levelled(frame, seen, 1.0), number) for number in range(3)]
    luma, blue, red = (_plane(frame, number) for number in range(3))
    blue, red = blue - 128, red - 128
    level, rows, columns = (luma - 16) / 219, *luma.shape
    of_chroma = (seen.tint[0] * blue + seen.tint[1] * red).repeat(2, 0).repeat(2, 1)[:rows, :columns]
    curve = np.interp(level, np.linspace(0, 1, len(seen.luma)), seen.luma) - level.clip(0, 1)
    assert np.abs(made[0] - (luma + 219 * curve + 219 / 224 * of_chroma).clip(0, 255)).max() < 1.1
    padded = np.pad(luma, ((0, rows % 2), (0, columns % 2)))
    corner = padded[::2, ::2]
    inner = np.pad(padded[1::2, 1::2][: rows // 2, : columns // 2], ((0, rows % 2), (0, columns % 2)))
    is_whole = np.pad(np.ones((rows // 2, columns // 2), bool), ((0, rows % 2), (0, columns % 2)))
    beside = (np.where(is_whole, (corner + inner) // 2, corner) - 16) / 219
    for plane, row in zip(made[1:], np.reshape(seen.chroma, (2, 4)), strict=True):
        wanted = 128 + row[0] * blue + row[1] * red + 224 * cast(beside, row[2], row[3])
        assert np.abs(plane - wanted.clip(0, 255)).max() < 1.1


def _plane(frame: VideoFrame, number: int) -> np.ndarray:
    there = frame.planes[number]
    lines = np.frombuffer(memoryview(there), np.uint8).reshape(-1, there.line_size)
    return lines[: there.height, : there.width].astype(np.float64)


def test_a_drift_survives_json() -> None:
    """As it is told from a child process."""
    seen = drift(PICTURE, _drifted("warmer"))
    assert Drift.from_json(json.loads(json.dumps(asdict(seen)))) == seen
