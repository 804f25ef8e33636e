"""Seeded chance and smooth noise, the same on every run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]
T = TypeVar("T")


class Dice:
    """Chance that depends on the given parts only."""

    def __init__(self, *parts: object) -> None:
        digest = hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()
        self.numbers = np.random.Generator(np.random.Philox(int.from_bytes(digest[:8], "big")))

    def between(self, low: float, high: float) -> float:
        return float(self.numbers.uniform(low, high))

    def chance(self, probability: float) -> bool:
        return float(self.numbers.random()) < probability

    def choose(self, options: Sequence[T]) -> T:
        return options[int(self.numbers.integers(len(options)))]

    def many(self, low: float, high: float, count: int) -> Field:
        return self.numbers.uniform(low, high, count).astype(np.float32)

    def grid(self, height: int, width: int) -> Field:
        return self.numbers.random((height, width), np.float32)


def resize_field(field: Field, width: int, height: int, *, is_cubic: bool = True) -> Field:
    """A float picture at another size."""
    image = Image.fromarray(np.ascontiguousarray(field))
    how = Image.Resampling.BICUBIC if is_cubic else Image.Resampling.BILINEAR
    return np.asarray(image.resize((width, height), how))


def clouds(
    dice: Dice,
    width: int,
    height: int,
    scale: float,
    *,
    octaves: int = 5,
    gain: float = 0.5,
    stretch: float = 1.0,
    is_ridged: bool = False,
) -> Field:
    """Fractal noise in about 0 to 1. `scale` is the size of its largest shapes in pixels; `stretch` < 1 makes them wide.

    It is made at half size: the eye does not miss the finest octave in a painted plate, and it costs a quarter.
    """
    half_width, half_height, size = max(2, width // 2), max(2, height // 2), scale / 2
    total = np.zeros((half_height, half_width), np.float32)
    amplitude, weight = 1.0, 0.0
    for _ in range(octaves):
        columns = max(2, int(half_width / size * stretch) + 2)
        rows = max(2, int(half_height / size) + 2)
        if columns > half_width or rows > half_height:
            break
        layer = resize_field(dice.grid(rows, columns), half_width, half_height)
        if is_ridged:
            layer = 1 - np.abs(layer * 2 - 1)
        total += layer * np.float32(amplitude)
        weight += amplitude
        amplitude *= gain
        size /= 2.03
    return resize_field(total / np.float32(max(weight, 1e-6)), width, height, is_cubic=False)


def ridge(
    dice: Dice, width: int, scale: float, *, octaves: int = 6, gain: float = 0.5, is_ridged: bool = False
) -> Field:
    """Fractal noise along one line, in about 0 to 1."""
    total = np.zeros(width, np.float32)
    amplitude, weight, size = 1.0, 0.0, scale
    for _ in range(octaves):
        count = max(2, int(width / size) + 3)
        values = dice.grid(1, count)[0]
        at = np.linspace(0, count - 1.001, width, dtype=np.float32)
        left = at.astype(np.int64)
        part = at - left
        part = part * part * (3 - 2 * part)
        layer = values[left] * (1 - part) + values[left + 1] * part
        if is_ridged:
            layer = 1 - np.abs(layer * 2 - 1)
        total += layer * np.float32(amplitude)
        weight += amplitude
        amplitude *= gain
        size /= 2.03
        if size < 2:
            break
    return total / np.float32(weight)
