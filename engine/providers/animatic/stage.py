"""What a scene is painted on: sizes, colours, chance, and the list of things to draw from far to near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.providers.animatic.canvas import Drawable
from engine.providers.animatic.ideas import Idea
from engine.providers.animatic.noise import Dice, Field, clouds
from engine.providers.animatic.palette import Color, Palette, mix
from engine.providers.animatic.plates import Haze, Plate, Sheet

GROUND = 0.80
"""Where feet stand, in parts of the height: above the caption."""


@dataclass(slots=True)
class Stage:
    """A scene in the making. Plates are larger than the frame by a margin on the axis on which the camera moves."""

    width: int
    height: int
    margin_x: int
    margin_y: int
    palette: Palette
    dice: Dice
    idea: Idea
    seconds: float
    things: list[Drawable] = field(default_factory=list)
    front: list[Drawable] = field(default_factory=list)
    """Drawn after the subjects."""
    horizon: float = 0.7
    light_x: float = 0.5
    """Where the sun or moon stands, in parts of the plate's width and height."""
    light_y: float = 0.3
    ground: Field | None = None
    """The height of the ground in plate pixels for each plate column; None: subjects float."""
    ground_depth: float = 0.86
    water_line: float | None = None
    """Where water begins, in parts of the height; things that swim stand on it."""
    focus: tuple[float, float] = (0.5, 0.55)
    behind: tuple[int, float, float] | None = None
    """Where buildings stand: their place among the things, their foot in parts of the height, their depth."""
    window_x: float | None = None
    """Where a window is through which one sees what flies; None: there is no wall."""
    subject_x: float | None = None
    """Where the first subject stands, in parts of the width; None: beside the middle, away from the light."""
    hold_subjects: frozenset[str] = frozenset()
    """Subjects that the scene has drawn itself."""

    @property
    def plate_width(self) -> int:
        return self.width + self.margin_x

    @property
    def plate_height(self) -> int:
        return self.height + self.margin_y

    @property
    def is_vertical(self) -> bool:
        return self.margin_y > 0

    @property
    def unit(self) -> float:
        """The height that sizes are told in, held down in tall frames so that things are not cut off."""
        return min(float(self.height), self.width * 1.0)

    def build_here(self, foot: float, depth: float) -> None:
        """Buildings go behind what is painted from now on."""
        self.behind = (len(self.things), foot, depth)

    def down(self, part: float) -> float:
        """Plate row of a place in the frame, 0 top to 1 bottom."""
        return part * self.height + self.margin_y / 2

    def across(self, part: float) -> float:
        """Plate column of a place in the frame, 0 left to 1 right."""
        return part * self.width + self.margin_x / 2

    def sheet(self, color: Color) -> Sheet:
        return Sheet(self.plate_width, self.plate_height, color)

    def noise(self, scale: float, octaves: int = 5, gain: float = 0.5, stretch: float = 1.0, *,
              is_ridged: bool = False) -> Field:  # fmt: skip
        return clouds(self.dice, self.plate_width, self.plate_height, scale, octaves=octaves, gain=gain,
                      stretch=stretch, is_ridged=is_ridged)  # fmt: skip

    def grid(self) -> tuple[Field, Field]:
        """Row and column of every plate pixel, shapes (h, 1) and (1, w)."""
        rows = np.arange(self.plate_height, dtype=np.float32)[:, None]
        columns = np.arange(self.plate_width, dtype=np.float32)[None, :]
        return rows, columns

    def add_plate(self, sheet: Sheet, alpha: Field | None, depth: float, *, in_front: bool = False) -> None:
        origin = (self.margin_x / 2, self.margin_y / 2)
        plate = Plate(sheet, alpha, depth, self.dice, origin=origin, is_vertical=self.is_vertical)
        (self.front if in_front else self.things).append(plate)

    def add_haze(self, middle: float, thickness: float, depth: float, strength: float) -> None:
        """A drifting band of mist; `middle` and `thickness` in parts of the height."""
        if "fog" in self.idea.weather:
            strength, thickness = min(0.94, strength * 1.5), thickness * 1.35
        height = max(16, int(thickness * self.height) // 2 * 2)
        period = int(self.width * 1.25) // 4 * 4
        wide = clouds(self.dice, period + period // 4, height, height * 0.9, octaves=4, gain=0.55, stretch=0.35)
        blend = np.linspace(0, 1, period // 4, dtype=np.float32)[None, :]
        tile = wide[:, :period].copy()
        tile[:, : period // 4] = tile[:, : period // 4] * blend + wide[:, period:] * (1 - blend)
        shape = 1 - np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
        tile = np.clip(tile * 1.5 - 0.35, 0, 1) * shape * np.float32(strength)
        color = mix(self.palette.haze, self.palette.light, 0.05 if self.palette.is_dark else 0.18)
        speed = self.dice.between(5, 13) * self.height / 720 * (1 if self.dice.chance(0.5) else -1)
        top = self.down(middle) - height / 2 - self.margin_y / 2
        self.things.append(Haze(color, tile, top, depth, speed))

    def add_land(
        self,
        profile: Field,
        depth: float,
        *,
        fog: float,
        rim: float = 0.0,
        color: Color | None = None,
        air_from: Field | None = None,
        shade: Callable[[Field], Field] | None = None,
        cover: Callable[[Sheet, Field], None] | None = None,
        in_front: bool = False,
    ) -> None:
        """All below a line. `profile` is its row for each column; `shade` and `cover` get the distance below it."""
        sheet, alpha, below = self.land(profile, depth, fog=fog, rim=rim, color=color, air_from=air_from)
        if shade is not None:
            sheet.shade(shade(below))
        if cover is not None:
            cover(sheet, below)
        self.add_plate(sheet, alpha, depth, in_front=in_front)

    def land(self, profile: Field, depth: float, *, fog: float, rim: float = 0.0,
             color: Color | None = None, air_from: Field | None = None) -> tuple[Sheet, Field, Field]:  # fmt: skip
        """The sheet, its alpha and each pixel's distance below the profile in pixels.

        The air thickens downwards from the profile, or from the rows `air_from`.
        """
        rows, columns = self.grid()
        below = rows - profile[None, :].astype(np.float32)
        alpha = np.clip(below + 0.5, 0, 1)
        body = self.palette.at_depth(depth) if color is None else color
        sheet = self.sheet(body)
        if fog > 0:
            under = below if air_from is None else rows - air_from[None, :]
            deep = np.clip(under / np.float32(self.height * 0.34), 0, 1) * np.float32(fog)
            sheet.mix(self.palette.haze, deep)
        if rim > 0:
            edge = np.clip(1 - below / np.float32((4 + 8 * depth) * self.height / 720), 0, 1)
            near_light = np.exp(-np.abs(columns - self.light_x * self.plate_width) / (self.plate_width * 0.28))
            sheet.mix(self.palette.light, edge * edge * near_light * np.float32(rim))
        return sheet, alpha, below

    def glow(self, x: float, y: float, radius: float, power: float = 2.0) -> Field:
        """A soft round light around a plate pixel, 1 in the middle to 0 at `radius` pixels."""
        rows, columns = self.grid()
        distance = np.sqrt((columns - np.float32(x)) ** 2 + (rows - np.float32(y)) ** 2) / np.float32(radius)
        return np.asarray(np.clip(1 - distance, 0, 1) ** np.float32(power))
