"""A shot of another shape fills the film's picture: over a blurred copy of itself, cropped, or between black bars."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from av.video.frame import VideoFrame

from engine.film_options import Fill
from engine.media.colour import to_rgb
from engine.media.inspection import inspect
from engine.media.normalise import _covering, _Upright, cover, pictures
from tests.media.makers import Recipe, Rgb, make, scene, turn_tag

BANDS = ((200, 40, 40), (40, 160, 60), (50, 60, 190))
SAME = 4
"""Of 255: what one encode of plain colours and a conversion change."""

Picture = npt.NDArray[np.int16]


def _bands(width: int, height: int) -> Rgb:
    """Red, green and blue from the left to the right, a third each."""
    rgb = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate(BANDS):
        rgb[:, width * number // 3 : width * (number + 1) // 3] = colour
    return rgb


def _clip(path: Path, width: int = 240, height: int = 120, options: dict[str, str] | None = None) -> Path:
    recipe = Recipe(frames=2, width=width, height=height, options={"crf": "6", **(options or {})})
    return make(path, recipe, lambda _: _bands(width, height))


def _frame(path: Path, size: tuple[int, int], fill: Fill) -> VideoFrame:
    (frame,) = pictures(path, inspect(path), size=size, rate=Fraction(24), places=range(1), fill=fill)
    assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
    return frame


def _shown(path: Path, size: tuple[int, int], fill: Fill) -> Picture:
    return np.asarray(to_rgb(_frame(path, size, fill)), np.int16)


def _is(picture: Picture, x: float, y: float, colour: tuple[int, int, int]) -> bool:
    place = picture[int(y * picture.shape[0]), int(x * picture.shape[1])]
    return bool(np.abs(place - np.array(colour)).max() <= SAME)


@pytest.mark.parametrize("fill", Fill)
def test_a_shot_of_the_films_shape_is_the_same_however_it_is_filled(tmp_path: Path, fill: Fill) -> None:
    """Nothing is left to fill, and no colour moves."""
    shown = _shown(_clip(tmp_path / "clip.mp4"), (120, 60), fill)
    assert [_is(shown, x, 0.5, colour) for x, colour in zip((0.1, 0.5, 0.9), BANDS, strict=True)] == [True] * 3


@pytest.mark.parametrize("size", [(120, 120), (120, 240), (320, 120)])
def test_blurred_ground_is_dark_and_the_shot_before_it_untouched(tmp_path: Path, size: tuple[int, int]) -> None:
    """The shot stands where it stands between black bars, pixel for pixel; around it there is no black and no edge."""
    clip, (width, height) = _clip(tmp_path / "clip.mp4"), size
    padded, blurred = (np.asarray(_frame(clip, size, fill).to_ndarray(), np.int16) for fill in (Fill.PAD, Fill.BLUR))
    inside = padded[:height] > 30
    assert np.array_equal(padded[:height][inside], blurred[:height][inside])
    chroma_inside = inside[::2, ::2]
    for number in range(2):
        planes = [planes[height:].reshape(2, height // 2, width // 2)[number] for planes in (padded, blurred)]
        assert np.array_equal(planes[0][chroma_inside], planes[1][chroma_inside])
    assert not inside.all()
    ground = np.where(inside, 0, blurred[:height])
    assert ground[~inside].min() > 20
    assert ground[~inside].max() < padded.max()
    assert ground[~inside].mean() < padded[:height][inside].mean() * 0.85
    both = ~inside[:, 1:] & ~inside[:, :-1]
    assert np.abs(np.diff(ground, axis=1))[both].max() < 12


def test_a_crop_is_the_middle_at_its_own_proportions(tmp_path: Path) -> None:
    """A square out of 2:1 is green, with a strip of red and of blue beside it."""
    shown = _shown(_clip(tmp_path / "clip.mp4"), (120, 120), Fill.CROP)
    assert _is(shown, 0.05, 0.5, BANDS[0])
    assert _is(shown, 0.5, 0.02, BANDS[1])
    assert _is(shown, 0.95, 0.98, BANDS[2])
    green = np.abs(shown - np.array(BANDS[1])).max(axis=2) < 40
    assert green[60].sum() == pytest.approx(80, abs=3)


@pytest.mark.parametrize("fill", Fill)
def test_a_turned_shot_is_filled_as_it_is_shown(tmp_path: Path, fill: Fill) -> None:
    """Its bands lie on top of each other, so that a tall film needs no filling at all."""
    shown = _shown(turn_tag(_clip(tmp_path / "clip.mp4")), (60, 120), fill)
    ends = [_is(shown, 0.5, y, colour) for y, colour in zip((0.1, 0.5, 0.9), BANDS, strict=True)]
    turned = [_is(shown, 0.5, y, colour) for y, colour in zip((0.9, 0.5, 0.1), BANDS, strict=True)]
    assert [True] * 3 in (ends, turned)


@pytest.mark.parametrize("fill", Fill)
def test_pixels_that_are_not_square_are_made_so(tmp_path: Path, fill: Fill) -> None:
    """120 x 120 of pixels twice as wide as high is 2:1."""
    clip = _clip(tmp_path / "clip.mp4", 120, 120, {"x264-params": "sar=2/1"})
    shown = _shown(clip, (240, 120), fill)
    assert [_is(shown, x, 0.95, colour) for x, colour in zip((0.02, 0.5, 0.98), BANDS, strict=True)] == [True] * 3


@pytest.mark.parametrize("fill", Fill)
def test_a_strip_fills_the_picture_too(tmp_path: Path, fill: Fill) -> None:
    """However little of it is seen then."""
    clip = make(tmp_path / "clip.mp4", Recipe(frames=1, width=1600, height=16), lambda _: scene(3, 1600, 16))
    assert _shown(clip, (320, 320), fill).shape == (320, 320, 3)


@pytest.mark.parametrize("shape", [(4096, 2), (2, 2304), (1280, 720), (853, 480)])
def test_what_a_crop_cuts_off_is_never_enlarged(shape: tuple[int, int]) -> None:
    """A strip brought to the film's height would be a picture of gigabytes."""
    for pixel in (Fraction(1), Fraction(4, 3)):
        _, scale, _ = _covering(_Upright(*shape, pixel), (1280, 720), "")
        wide, high = (int(side) for side in scale.removeprefix("scale=").split(":"))
        assert 1280 * 720 <= wide * high <= 1280 * 720 * 4


def test_what_covers_is_never_smaller() -> None:
    """And has the shape that is asked for, to within an even pixel."""
    for shape in (Fraction(1, 9), Fraction(4, 3), Fraction(16, 9), Fraction(5)):
        wide, high = cover(shape, 640, 360)
        assert wide >= 640
        assert high >= 360
        assert 640 in (wide, high) or high == 360
        assert abs(wide / high / float(shape) - 1) < 0.02
