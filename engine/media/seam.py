"""How well the last picture of one clip and the first of the next go together."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from PIL import Image

from engine.media.colour import Rgb, to_small_rgb
from engine.media.oklab import to_oklab

Plane = npt.NDArray[np.float32]
Picture = TypeVar("Picture", Rgb, Plane)

WIDTH, HEIGHT = 320, 180
SEAMLESS = 90.0
"""From this score on nobody sees the cut, so that two pictures that reach it are one picture shown twice."""
_MAX_SHIFT = 24
_TO_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32) / np.float32(255)
_SSIM_WINDOW, _COLOUR_WINDOW = 8, 20


def shrink(frame: VideoFrame) -> Rgb:
    """The picture as the score takes it: upright, 320 x 180."""
    turns = frame.rotation // 90 % 4
    small = to_small_rgb(frame, *((HEIGHT, WIDTH) if turns % 2 else (WIDTH, HEIGHT)))
    return np.rot90(small, turns) if turns else small


def shrink_image(image: Image.Image) -> Rgb:
    """The same of a picture that is no video's."""
    return np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BOX))


def score(before: Rgb, after: Rgb) -> float:
    """0 (another scene) to 100 (the same picture): structure at the best small shift, colour, and sharpness."""
    one, two = _lab(before), _lab(after)
    light_one, light_two = one[..., 0], two[..., 0]
    distance = np.sqrt(((_lab_means(one) - _lab_means(two)) ** 2).sum(-1)).mean()
    sharp = (_detail(light_two) + 1e-6) / (_detail(light_one) + 1e-6)
    structure = np.clip((_aligned_ssim(light_one, light_two) - 0.35) / 0.6, 0, 1)
    colour = max(0.0, 1 - 9 * max(0.0, float(distance) - 0.004))
    return float(100 * structure * colour * (0.6 + 0.4 * min(sharp, 1 / sharp)))


def _lab(rgb: Rgb) -> Plane:
    return np.asarray(to_oklab(rgb.astype(np.float32) / 255), np.float32)


def likeness(one: Rgb, two: Rgb) -> float:
    """How alike two pictures that lie over each other are in structure: 1 the same, below 0.5 different ones."""
    return _ssim(_luma(one), _luma(two))


def overlap(one: Rgb, two: Rgb) -> tuple[Rgb, Rgb]:
    """What both pictures show, moved over each other by the best shift of at most 24 pixels."""
    down, right = _shift(_luma(one), _luma(two))
    if (down, right) == (0, 0) or max(abs(down), abs(right)) > _MAX_SHIFT:
        return one, two
    moved = _moved(one, two, down, right)
    return moved if likeness(*moved) > likeness(one, two) else (one, two)


def _luma(rgb: Rgb) -> Plane:
    """Quicker than OKLab's lightness, where only structure counts."""
    return np.asarray(rgb @ _TO_LUMA)


def _aligned_ssim(one: Plane, two: Plane) -> float:
    """The likeness in structure after the best shift of at most 24 pixels."""
    plain = _ssim(one, two)
    down, right = _shift(one, two)
    if (down, right) == (0, 0) or max(abs(down), abs(right)) > _MAX_SHIFT:
        return plain
    return max(plain, _ssim(*_moved(one, two, down, right)))


def _moved(one: Picture, two: Picture, down: int, right: int) -> tuple[Picture, Picture]:
    height, width = one.shape[0] - abs(down), one.shape[1] - abs(right)
    moved_one = one[max(0, down) :, max(0, right) :][:height, :width]
    moved_two = two[max(0, -down) :, max(0, -right) :][:height, :width]
    return moved_one, moved_two


def _shift(one: Plane, two: Plane) -> tuple[int, int]:
    """How far `one` lies below and to the right of `two`, by phase correlation."""
    window = np.outer(np.hanning(one.shape[0]), np.hanning(one.shape[1]))
    spectrum_one = np.fft.rfft2((one - one.mean()) * window)
    spectrum_two = np.fft.rfft2((two - two.mean()) * window)
    product = spectrum_one * np.conj(spectrum_two)
    peaks = np.fft.irfft2(product / (np.abs(product) + 1e-6), one.shape)
    row, column = (int(index) for index in np.unravel_index(peaks.argmax(), peaks.shape))
    down = row if row <= one.shape[0] // 2 else row - one.shape[0]
    right = column if column <= one.shape[1] // 2 else column - one.shape[1]
    return down, right


def _ssim(one: Plane, two: Plane) -> float:
    mean_one, mean_two = means(one, _SSIM_WINDOW), means(two, _SSIM_WINDOW)
    variance_one = means(one * one, _SSIM_WINDOW) - mean_one**2
    variance_two = means(two * two, _SSIM_WINDOW) - mean_two**2
    covariance = means(one * two, _SSIM_WINDOW) - mean_one * mean_two
    steady, steadier = 1e-4, 9e-4
    alike = ((2 * mean_one * mean_two + steady) * (2 * covariance + steadier)) / (
        (mean_one**2 + mean_two**2 + steady) * (variance_one + variance_two + steadier)
    )
    return float(alike.mean())


def means(plane: npt.NDArray[np.floating[Any]], window: int) -> npt.NDArray[np.float64]:
    """Means of square windows, half a window apart."""
    sums = np.pad(plane.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    rows = np.arange(0, plane.shape[0] - window + 1, window // 2)
    columns = np.arange(0, plane.shape[1] - window + 1, window // 2)
    below, right = rows + window, columns + window
    total = (
        sums[np.ix_(below, right)]
        - sums[np.ix_(rows, right)]
        - sums[np.ix_(below, columns)]
        + sums[np.ix_(rows, columns)]
    )
    return np.asarray(total / window**2)


def _lab_means(lab: Plane) -> npt.NDArray[np.float64]:
    return np.stack([means(lab[..., axis], _COLOUR_WINDOW) for axis in range(3)], -1)


def _detail(plane: Plane) -> float:
    return float(np.abs(np.diff(plane, axis=1)).mean() + np.abs(np.diff(plane, axis=0)).mean())
