"""Drawing silhouettes: shapes in units of the figure's height, origin at its foot (or its middle, if it flies), y upwards."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

Point = tuple[float, float]
Fill = tuple[int, int, int, int]

DARK: Fill = (0, 0, 0, 255)
"""Replaced by the colour of the figure's depth; every other fill is kept."""
WARM: Fill = (255, 214, 140, 255)
PALE: Fill = (255, 245, 205, 255)


def smooth_line(points: Sequence[Point], steps: int = 8, *, is_closed: bool = True) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    count = len(points)
    curve: list[Point] = []
    parts = np.linspace(0, 1, steps, endpoint=False)
    for at in range(count if is_closed else count - 1):
        if is_closed:
            before, start, end, after = (points[(at + offset) % count] for offset in (-1, 0, 1, 2))
        else:
            before, start, end, after = (points[min(count - 1, max(0, at + offset))] for offset in (-1, 0, 1, 2))
        curve.extend(
            (_spline(before[0], start[0], end[0], after[0], part), _spline(before[1], start[1], end[1], after[1], part))
            for part in parts
        )
    if not is_closed:
        curve.append(points[-1])
    return curve


def _spline(before: float, start: float, end: float, after: float, part: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * part
        + (2 * before - 5 * start + 4 * end - after) * part**2
        + (3 * start - before - 3 * end + after) * part**3
    )


class Pen:
    """Draws on an RGBA picture. `facing` -1 mirrors the figure."""

    def __init__(self, image: Image.Image, origin: Point, height: float, facing: int) -> None:
        self._draw = ImageDraw.Draw(image)
        self._origin, self._height, self._facing = origin, height, facing

    def _at(self, point: Point) -> Point:
        x, y = self._origin
        return x + point[0] * self._height * self._facing, y - point[1] * self._height

    def shape(self, points: Sequence[Point], fill: Fill = DARK, smooth: int = 0) -> None:
        outline = smooth_line(points, smooth) if smooth else points
        self._draw.polygon([self._at(point) for point in outline], fill=fill)

    def oval(self, x: float, y: float, across: float, down: float | None = None, fill: Fill = DARK) -> None:
        middle_x, middle_y = self._at((x, y))
        radius_x = across * self._height
        radius_y = (across if down is None else down) * self._height
        self._draw.ellipse(
            [middle_x - radius_x, middle_y - radius_y, middle_x + radius_x, middle_y + radius_y], fill=fill
        )

    def box(self, left: float, bottom: float, right: float, top: float, fill: Fill = DARK) -> None:
        self.shape([(left, bottom), (right, bottom), (right, top), (left, top)], fill)

    def limb(self, points: Sequence[Point], start: float, end: float, fill: Fill = DARK) -> None:
        """A stroke that narrows from one width to another, with round ends."""
        path = smooth_line(points, 6, is_closed=False) if len(points) > 2 else list(points)
        last = len(path) - 1
        for at in range(last):
            here, there = path[at], path[at + 1]
            wide_here = start + (end - start) * at / last
            wide_there = start + (end - start) * (at + 1) / last
            long = math.hypot(there[0] - here[0], there[1] - here[1]) or 1e-6
            across = ((there[1] - here[1]) / long / 2, -(there[0] - here[0]) / long / 2)
            self.shape(
                [
                    (here[0] + across[0] * wide_here, here[1] + across[1] * wide_here),
                    (there[0] + across[0] * wide_there, there[1] + across[1] * wide_there),
                    (there[0] - across[0] * wide_there, there[1] - across[1] * wide_there),
                    (here[0] - across[0] * wide_here, here[1] - across[1] * wide_here),
                ],
                fill,
            )
            self.oval(here[0], here[1], wide_here / 2, fill=fill)
        self.oval(path[-1][0], path[-1][1], end / 2, fill=fill)

    def line(self, points: Sequence[Point], wide: float, fill: Fill = DARK) -> None:
        thick = max(1, round(wide * self._height))
        self._draw.line([self._at(point) for point in points], fill=fill, width=thick)
