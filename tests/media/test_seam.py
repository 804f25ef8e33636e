"""The score of a seam says what an eye would say."""

from __future__ import annotations

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter

from engine.media.seam import HEIGHT, SEAMLESS, WIDTH, score, shrink, shrink_image
from tests.media.makers import Rgb, scene, to_bt709

PICTURE = scene(40)


def _rough(strength: int) -> Rgb:
    noise = np.random.default_rng(1).normal(0, strength, PICTURE.shape)
    return np.clip(PICTURE + noise, 0, 255).astype(np.uint8)


def _image(image: Image.Image) -> Rgb:
    return np.asarray(image)


@pytest.mark.parametrize(
    ("other", "doubled"),
    [
        (PICTURE, True),
        (_rough(2), True),
        (_image(ImageEnhance.Brightness(Image.fromarray(PICTURE)).enhance(1.08)), False),
        (_image(ImageEnhance.Color(Image.fromarray(PICTURE)).enhance(0.5)), False),
        (_image(Image.fromarray(PICTURE).filter(ImageFilter.GaussianBlur(4))), False),
        (_image(Image.fromarray(PICTURE).resize((320, 180), box=(20, 11, 300, 169))), False),
        (np.asarray(PICTURE[:, ::-1]), False),
        (scene(180), False),
        (np.zeros_like(PICTURE), False),
    ],
    ids=["same", "coded again", "brighter", "paler", "blurred", "zoomed", "mirrored", "another scene", "black"],
)
def test_only_the_same_picture_counts_as_doubled(other: Rgb, doubled: bool) -> None:
    """What one sees as a cut keeps both of its pictures."""
    assert (score(PICTURE, other) >= SEAMLESS) is doubled


@settings(max_examples=20)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_score_lies_between_0_and_100(one: int, two: int) -> None:
    """For any two pictures; the same one scores the most."""
    assert 0 <= score(scene(one), scene(two)) <= 100
    assert score(scene(one), scene(one)) >= SEAMLESS


def test_a_picture_is_shrunk_to_the_size_of_the_score() -> None:
    """From whatever size it has, of a video or not."""
    assert np.array_equal(shrink_image(Image.fromarray(PICTURE)), PICTURE)
    assert score(shrink_image(Image.fromarray(scene(3, 640, 360))), scene(3)) >= SEAMLESS
    frame: VideoFrame = to_bt709(scene(3, 640, 360))
    small = shrink(frame)
    assert small.shape == (HEIGHT, WIDTH, 3)
    assert score(small, scene(3)) >= SEAMLESS
