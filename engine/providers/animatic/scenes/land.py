"""Land forms that several scenes share: mountains, hills, conifers, grass."""

from __future__ import annotations

import numpy as np

from engine.providers.animatic.noise import Field, ridge
from engine.providers.animatic.palette import mix
from engine.providers.animatic.plates import Sheet
from engine.providers.animatic.stage import Stage


def paint_mountains(
    stage: Stage, depth: float, y: float, height: float, scale: float, *, has_snow: bool = False
) -> Field:
    """A ridged line of rock. `y`, `height` in parts of the frame's height, `scale` of its width."""
    unit = stage.height
    line = ridge(stage.dice, stage.plate_width, max(scale * stage.width, unit * 0.25), octaves=7, is_ridged=True)
    profile = stage.down(y) - unit * height * (line - 0.35) * 1.6
    rock = stage.noise(unit * 0.16, 5, 0.62, is_ridged=True)
    side = 1 if stage.light_x > 0.5 else -1
    smooth = np.convolve(np.pad(profile, 4, "edge"), np.ones(9) / 9, "valid")
    lit = np.clip(np.gradient(smooth) * -side * 0.35, -1, 1).astype(np.float32)
    slope = np.gradient(rock, axis=1).astype(np.float32) * np.float32(14 * side * 720 / unit * 0.9)

    def shade(below: Field) -> Field:
        fall = np.exp(np.clip(below, 0, None) / np.float32(unit * -0.20))
        return np.asarray((lit[None, :] * 0.22 + slope * 0.30) * fall * np.float32(0.45 + 0.55 * depth))

    def cover(sheet: Sheet, below: Field) -> None:
        if not has_snow:
            return
        line_depth = unit * (0.075 + 0.09 * rock) - (profile - profile.min())[None, :].astype(np.float32) * 0.22
        snow = np.clip((line_depth - below) / np.float32(9 * unit / 720), 0, 1) * np.clip(slope * 1.3 + 0.65, 0.15, 1)
        white = mix(stage.palette.ink("#f4f8ff"), stage.palette.stops[-1], 0.60 if stage.palette.is_dark else 0.28)
        sheet.mix(white, snow.astype(np.float32) * np.float32(0.85))

    stage.add_land(profile.astype(np.float32), depth, fog=0.75, rim=0.25, shade=shade, cover=cover)
    return np.asarray(profile, np.float32)


def paint_hills(stage: Stage, depth: float, y: float, height: float, scale: float, *, fog: float = 0.45, rim: float = 0.22,
                has_grass: bool = False, in_front: bool = False) -> Field:  # fmt: skip
    """Soft rolling ground; the line of it is returned in plate rows."""
    unit = stage.height
    line = ridge(stage.dice, stage.plate_width, scale * stage.plate_width, octaves=3, gain=0.42)
    ground = stage.down(y) - unit * height * (line - 0.5) * 2
    profile = ground - _grass(stage) if has_grass else ground
    spots = stage.noise(unit * 0.10, 4, 0.6, 0.5) - 0.5

    def shade(below: Field) -> Field:
        return np.asarray(spots * 0.2 * np.exp(np.clip(below, 0, None) / np.float32(unit * -0.5)))

    stage.add_land(profile.astype(np.float32), depth, fog=fog, rim=rim, shade=shade, in_front=in_front)
    return np.asarray(ground, np.float32)


def paint_near_grass(stage: Stage, y: float = 0.93) -> None:
    """Tall blades before everything, darker than the ground, where the caption will stand."""
    line = ridge(stage.dice, stage.plate_width, stage.plate_width * 0.4, octaves=3)
    profile = stage.down(y) - stage.height * 0.03 * (line - 0.5) - _grass(stage, 0.075) * 0.9
    color = mix(stage.palette.near, stage.palette.ink("#000000"), 0.35)
    stage.add_land(profile.astype(np.float32), 1.12, fog=0.0, rim=0.12, color=color, in_front=True)


def _grass(stage: Stage, blade: float = 0.026) -> Field:
    """How far blades of grass stand above the ground in each column."""
    width, unit = stage.plate_width, stage.height
    columns = np.arange(width, dtype=np.float32)
    tops = np.zeros(width, np.float32)
    count = width * 360 // unit
    middles = stage.dice.many(0, width, count)
    heights = stage.dice.many(0.006, blade, count) * unit
    widths = stage.dice.many(1.2, 3.2, count) * unit / 720
    for middle, height, half_width in zip(middles, heights, widths, strict=True):
        left, right = max(0, int(middle - half_width)), min(width, int(middle + half_width) + 1)
        blades = height * (1 - np.abs(columns[left:right] - middle) / half_width)
        tops[left:right] = np.maximum(tops[left:right], blades)
    return tops


def paint_conifers(stage: Stage, depth: float, y: float, size: float, density: float, *, rim: float = 0.16) -> None:
    """A row of firs standing on a soft line."""
    width, unit = stage.plate_width, stage.height
    base = stage.down(y) - unit * 0.03 * (ridge(stage.dice, width, width * 0.5, octaves=3) - 0.5) * 2
    profile = base.copy()
    columns = np.arange(width, dtype=np.float32)
    count = int(width / (size * unit * 0.20) * density)
    for middle, grown in zip(stage.dice.many(0, width, count), stage.dice.many(0.45, 1.0, count), strict=True):
        tall = float(grown) * size * unit
        half_width = tall * 0.21
        left, right = max(0, int(middle - half_width)), min(width, int(middle + half_width) + 1)
        if right - left < 3:
            continue
        away = np.abs(columns[left:right] - middle) / half_width
        # Branches: the outline steps in and out on its way up.
        steps = 7 + int(grown * 4)
        step = np.floor((1 - away) * steps) / steps
        outline = tall * np.clip(step * 0.72 + (1 - away) * 0.34, 0, 1.04)
        foot = base[min(width - 1, int(middle))] + 2
        profile[left:right] = np.minimum(profile[left:right], foot - outline)
    stage.add_land(profile.astype(np.float32), depth, fog=0.75, rim=rim, air_from=base - size * unit * 0.85)
