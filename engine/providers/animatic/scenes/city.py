"""The city: three rows of buildings with lit windows over a wet street."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from engine.providers.animatic.noise import Field
from engine.providers.animatic.palette import mix
from engine.providers.animatic.plates import Sheet
from engine.providers.animatic.scenes.sky import paint_sky
from engine.providers.animatic.stage import GROUND, Stage
from engine.providers.animatic.water import Water

_SIGNS = ("#ff4fa0", "#40e0ff", "#ffd166", "#7cff9b", "#b06bff")


def paint_city(stage: Stage) -> None:
    lit = 1.0 if stage.palette.is_dark or stage.idea.mood in ("sunset", "dawn", "fog") else 0.12
    paint_sky(stage, 0.74, 0.4)
    _paint_row(stage, 0.14, (0.16, 0.44), (0.03, 0.07), lit * 0.5)
    stage.add_haze(0.62, 0.2, 0.2, 0.45)
    _paint_row(stage, 0.34, (0.14, 0.42), (0.045, 0.10), lit * 0.8)
    stage.add_haze(0.71, 0.16, 0.4, 0.4)
    _paint_row(stage, 0.60, (0.08, 0.34), (0.07, 0.15), lit)
    stage.things.append(Water(stage, GROUND - 0.025, 0.6, 1.0))
    _paint_kerb(stage)
    stage.ground = np.full(stage.plate_width, stage.down(GROUND + 0.005), np.float32)
    stage.ground_depth = 0.78


def _paint_row(
    stage: Stage, depth: float, heights: tuple[float, float], widths: tuple[float, float], lit: float
) -> None:
    """Buildings side by side from one edge to the other, standing on the street."""
    dice, unit = stage.dice, stage.unit
    foot = stage.down(GROUND - 0.02)
    shape = Image.new("L", (stage.plate_width, stage.plate_height), 0)
    windows = Image.new("L", shape.size, 0)
    draw, light = ImageDraw.Draw(shape), ImageDraw.Draw(windows)
    signs: list[tuple[tuple[int, int, int, int], str]] = []
    x = -unit * 0.05
    while x < stage.plate_width:
        wide = unit * dice.between(*widths)
        top = foot - stage.height * dice.between(*heights)
        draw.rectangle([x, top, x + wide, foot + 4], fill=255)
        _draw_roof(stage, draw, x, wide, top)
        _draw_windows(stage, light, (x, top, wide, foot), depth, lit)
        if lit > 0.6 and depth > 0.3 and dice.chance(0.35):
            left, upper = x + wide * dice.between(0.1, 0.8), top + (foot - top) * dice.between(0.15, 0.45)
            thick, tall = unit * 0.010, (foot - top) * dice.between(0.15, 0.35)
            signs.append(((int(left), int(upper), int(left + thick), int(upper + tall)), dice.choose(_SIGNS)))
        x += wide + (unit * dice.between(0, 0.012) if dice.chance(0.6) else 0)
    alpha = np.asarray(shape, np.float32) / 255
    sheet = stage.sheet(stage.palette.at_depth(depth))
    rows, columns = stage.grid()
    sheet.mix(
        stage.palette.haze,
        np.clip((rows - stage.down(0.45)) / (stage.height * 0.4), 0, 1) * np.float32(0.55 * (1 - depth * 0.6)),
    )
    near_light = np.exp(-np.abs(columns - stage.light_x * stage.plate_width) / (stage.plate_width * 0.3))
    sheet.mix(stage.palette.light, _left_edges(alpha) * near_light * np.float32(0.3))
    warm = mix(stage.palette.ink("#ffd68c"), stage.palette.haze, 0.35 * (1 - depth))
    sheet.mix(warm, np.asarray(windows, np.float32) / 255)
    for (left, upper, right, lower), color in signs:
        _mix_sign(stage, sheet, (left, upper, right, lower), color)
    stage.add_plate(sheet, alpha, depth)


def _left_edges(alpha: Field) -> Field:
    return np.clip(alpha - np.roll(alpha, 2, axis=1), 0, 1)


def _mix_sign(stage: Stage, sheet: Sheet, box: tuple[int, int, int, int], color: str) -> None:
    left, upper, right, lower = box
    glow = stage.glow((left + right) / 2, (upper + lower) / 2, max(24.0, (lower - upper) * 1.1), 2.4) * np.float32(0.45)
    glow[max(0, upper) : lower, max(0, left) : right] = 0.95
    sheet.mix(stage.palette.ink(color), glow)


def _draw_roof(stage: Stage, draw: ImageDraw.ImageDraw, x: float, wide: float, top: float) -> None:
    dice, unit = stage.dice, stage.unit
    kind = dice.between(0, 1)
    if kind < 0.30:
        mast = x + wide * dice.between(0.3, 0.7)
        draw.line(
            [(mast, top - unit * dice.between(0.02, 0.06)), (mast, top)], fill=255, width=max(1, int(unit * 0.003))
        )
    elif kind < 0.5:
        draw.rectangle([x + wide * 0.2, top - unit * 0.015, x + wide * 0.6, top], fill=255)
    elif kind < 0.62:
        draw.polygon([(x, top), (x + wide / 2, top - unit * 0.03), (x + wide, top)], fill=255)


def _draw_windows(
    stage: Stage, light: ImageDraw.ImageDraw, box: tuple[float, float, float, float], depth: float, lit: float
) -> None:
    x, top, wide, foot = box
    unit, dice = stage.unit, stage.dice
    step_x, step_y = unit * (0.010 + 0.010 * depth), unit * (0.014 + 0.014 * depth)
    columns, floors = int(wide / step_x) - 1, int((foot - top) / step_y) - 1
    if columns < 1 or floors < 1:
        return
    busy = dice.between(0.15, 0.6) * lit
    chances = dice.grid(floors, columns)
    for floor in range(floors):
        for column in range(columns):
            if chances[floor, column] < busy:
                left, upper = x + step_x * (column + 0.7), top + step_y * (floor + 0.7)
                shade = 90 + int(160 * (chances[floor, column] / busy))
                light.rectangle([left, upper, left + step_x * 0.48, upper + step_y * 0.5], fill=shade)


def _paint_kerb(stage: Stage) -> None:
    """Street lamps on the near side."""
    unit, dice = stage.unit, stage.dice
    image = Image.new("L", (stage.plate_width, stage.plate_height), 0)
    draw = ImageDraw.Draw(image)
    foot = stage.down(GROUND + 0.01)
    glow = np.zeros((stage.plate_height, stage.plate_width), np.float32)
    step = unit * 0.62
    x = unit * dice.between(0.1, 0.4)
    while x < stage.plate_width:
        top = foot - unit * 0.34
        draw.line([(x, foot), (x, top)], fill=255, width=max(2, int(unit * 0.007)))
        draw.line([(x, top), (x + unit * 0.045, top - unit * 0.008)], fill=255, width=max(2, int(unit * 0.006)))
        draw.rectangle([x + unit * 0.028, top - unit * 0.006, x + unit * 0.06, top + unit * 0.004], fill=255)
        glow = np.maximum(glow, stage.glow(x + unit * 0.045, top + unit * 0.004, unit * 0.17, 2.2))
        x += step * dice.between(0.9, 1.1)
    stage.add_plate(stage.sheet(stage.palette.near), np.asarray(image, np.float32) / 255, 0.72)
    if stage.palette.is_dark:
        stage.add_plate(stage.sheet(stage.palette.ink("#ffe2a8")), glow * np.float32(0.62), 0.72)
