"""Places without ground: under water and in space."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.providers.animatic.noise import Dice, Field, ridge
from engine.providers.animatic.palette import mix, ramp
from engine.providers.animatic.plates import Haze, Sheet
from engine.providers.animatic.scenes.land import paint_mountains
from engine.providers.animatic.stage import Stage

_NEBULAE = (("#7a2fd0", "#ff6fb0"), ("#1f6fd6", "#40e0d0"), ("#c0392b", "#ffb46b"), ("#2457c5", "#b06bff"))
_PLANETS = (
    ("#c9703d", "#f0c48a", "#7a3b22"),
    ("#2b6fb3", "#e9f3f7", "#3f8f5a"),
    ("#8a7fc7", "#d9c7f0", "#473a86"),
    ("#d9b48a", "#fff0d0", "#a06a3a"),
)


def paint_underwater(stage: Stage) -> None:
    palette = stage.palette
    rows, columns = stage.grid()
    stage.light_x, stage.light_y = stage.dice.between(0.3, 0.7), 0.0
    sheet = stage.sheet(palette.stops[-1])
    sheet.rows(ramp(palette.stops, stage.plate_height))
    middle = stage.light_x * stage.plate_width
    distance = np.sqrt(((columns - middle) * 0.8) ** 2 + rows**2) / np.float32(stage.unit)
    sheet.mix(palette.light, np.exp(distance * np.float32(-2.6)) * np.float32(0.6))
    stage.add_plate(sheet, None, 0.04)
    for number in (0, 1):
        _add_rays(stage, number)
    paint_mountains(stage, 0.25, 0.80, 0.10, 0.3)
    stage.add_haze(0.78, 0.25, 0.3, 0.5)
    paint_mountains(stage, 0.50, 0.88, 0.10, 0.22)
    stage.add_haze(0.90, 0.2, 0.55, 0.4)
    _paint_weeds(stage)
    stage.ground, stage.water_line = None, None


def _add_rays(stage: Stage, number: int) -> None:
    """Light that falls through the surface, swaying slowly."""
    width, height = stage.width * 5 // 4 // 4 * 4, int(stage.height * 0.85) // 2 * 2
    rows = np.arange(height, dtype=np.float32)[:, None]
    columns = np.arange(width, dtype=np.float32)[None, :]
    angle = (columns - width * stage.light_x) / (rows + stage.height * 0.35)
    beams = ridge(Dice("rays", number, stage.light_x), 4096, 90, octaves=4)
    light: Field = beams[np.clip((angle + 2) / 4 * 4095, 0, 4095).astype(np.int64)]
    field = np.clip((light - 0.5) * 3, 0, 1) * np.clip(1 - rows / height, 0, 1) ** 1.2 * np.float32(0.34)
    speed = (9 if number else -7) * stage.height / 720
    stage.things.append(Haze(stage.palette.ink("#d8ffff"), field.astype(np.float32), 0, 0.1 + 0.1 * number, speed))


def _paint_weeds(stage: Stage) -> None:
    dice, unit = stage.dice, stage.unit
    floor = stage.down(0.965) - ridge(dice, stage.plate_width, stage.plate_width * 0.2, octaves=4) * unit * 0.06
    image = Image.new("L", (stage.plate_width, stage.plate_height), 0)
    draw = ImageDraw.Draw(image)
    for _ in range(int(70 * stage.width / stage.height / 1.6) + 20):
        x = dice.between(0, stage.plate_width)
        tall = unit * dice.between(0.05, 0.30) * (1.25 if abs(x / stage.plate_width - 0.5) > 0.28 else 0.6)
        start, bend, wide = dice.between(0, 6), dice.between(6, 18) * unit / 720, dice.between(3, 9) * unit / 720
        foot = floor[min(stage.plate_width - 1, int(x))] + 6
        for part in range(26):
            low, high = part / 26, (part + 1) / 26
            begin = (x + bend * math.sin(start + low * 4) * low, foot - tall * low)
            end = (x + bend * math.sin(start + high * 4) * high, foot - tall * high)
            draw.line([begin, end], fill=255, width=max(1, int(wide * (1 - low * 0.8))))
            if part % 3 == 2 and wide > 4 * unit / 720:
                side = wide * (1.2 if part % 2 else -1.2)
                draw.ellipse(
                    [begin[0] + side - wide, begin[1] - wide * 0.45, begin[0] + side + wide, begin[1] + wide * 0.45],
                    fill=255,
                )
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8 * unit / 720)), np.float32) / 255
    stage.add_plate(stage.sheet(mix(stage.palette.at_depth(0.86), stage.palette.haze, 0.05)), soft, 0.8)
    stage.add_land(floor.astype(np.float32), 0.86, fog=0.1)


def paint_space(stage: Stage) -> None:
    palette, dice = stage.palette, stage.dice
    rows, columns = stage.grid()
    stage.light_x = dice.between(0.12, 0.3) if dice.chance(0.5) else dice.between(0.7, 0.88)
    stage.light_y = 0.3
    sheet = stage.sheet(palette.stops[-1])
    sheet.rows(ramp(palette.stops, stage.plate_height))
    first, second = dice.choose(_NEBULAE)
    gas = np.clip((stage.noise(stage.unit * 0.5, 6, 0.55) - 0.45) * 3, 0, 1)
    more = np.clip((stage.noise(stage.unit * 0.4, 6, 0.55) - 0.5) * 3.2, 0, 1)
    sheet.mix(palette.ink(first), gas**1.6 * np.float32(0.5))
    sheet.mix(palette.ink(second), gas * more * np.float32(0.45))
    sheet.shade(np.clip((stage.noise(stage.unit * 0.3) - 0.5) * 3, 0, 1) * np.float32(-0.35))
    _paint_star_field(stage, sheet)
    light_at = (stage.light_x * stage.plate_width, stage.light_y * stage.plate_height)
    distance = np.sqrt((columns - light_at[0]) ** 2 + (rows - light_at[1]) ** 2) / np.float32(stage.unit)
    sheet.mix(
        palette.light, np.clip(np.exp(distance * -9) * 1.2 + np.exp(distance * -2.6) * 0.25, 0, 0.98).astype(np.float32)
    )
    stage.add_plate(sheet, None, 0.04)
    _paint_planet(stage, light_at)
    _paint_asteroids(stage)
    stage.ground, stage.water_line = None, None


def _paint_star_field(stage: Stage, sheet: Sheet) -> None:
    numbers = stage.dice.numbers
    count = 2200
    bright = numbers.random(count).astype(np.float32) ** 5 * 0.9 + 0.1
    columns = numbers.integers(2, sheet.width - 2, count)
    rows = numbers.integers(2, sheet.height - 2, count)
    field = np.zeros((sheet.height, sheet.width), np.float32)
    field[rows, columns] = bright
    for down, across in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        field[rows + down, columns + across] = np.maximum(field[rows + down, columns + across], bright * 0.4)
    sheet.mix(stage.palette.ink("#f4f6ff"), np.clip(field, 0, 1))


def _paint_planet(stage: Stage, light_at: tuple[float, float]) -> None:
    palette, dice = stage.palette, stage.dice
    rows, columns = stage.grid()
    radius = stage.unit * dice.between(0.26, 0.38)
    middle = (stage.across(0.70 if stage.light_x < 0.5 else 0.30), stage.down(dice.between(0.42, 0.58)))
    x, y = (columns - np.float32(middle[0])) / np.float32(radius), (rows - np.float32(middle[1])) / np.float32(radius)
    squared = x * x + y * y
    disc = np.clip((1 - np.sqrt(squared)) * np.float32(radius) + 0.5, 0, 1)
    z = np.sqrt(np.clip(1 - squared, 0, 1))
    toward = np.array([light_at[0] - middle[0], light_at[1] - middle[1], stage.unit * 0.35])
    toward /= np.linalg.norm(toward)
    lit = np.clip(x * np.float32(toward[0]) + y * np.float32(toward[1]) + z * np.float32(toward[2]), 0, 1)
    body, bright, dark = (palette.ink(color) for color in dice.choose(_PLANETS))
    texture = stage.noise(stage.unit * 0.22, 6, 0.55, 0.3 if dice.chance(0.6) else 1.0)
    across = np.clip(
        (np.arctan2(x, z + np.float32(1e-4)) / math.pi + 0.5) * stage.plate_width, 0, stage.plate_width - 1
    ).astype(np.int64)
    down = np.clip((y * 0.5 + 0.5) * stage.plate_height, 0, stage.plate_height - 1).astype(np.int64)
    land = np.clip((texture[np.broadcast_to(down, across.shape), across] - 0.3) * 2.4, 0, 1)
    sheet = stage.sheet(dark)
    sheet.mix(body, np.clip(land * 2, 0, 1))
    sheet.mix(bright, np.clip(land * 2 - 1, 0, 1))
    sheet.mix(palette.near, (1 - lit**0.8) * (squared <= 1.02))
    rim = np.clip(squared, 0, 1) ** 6 * np.clip(lit * 1.5 + 0.1, 0, 1) * (squared <= 1.02)
    sheet.mix(mix(bright, palette.light, 0.4), rim.astype(np.float32) * np.float32(0.7))
    facing = np.clip(x * np.float32(toward[0]) + y * np.float32(toward[1]) + 0.35, 0, 1)
    halo = np.exp(np.clip(np.sqrt(squared) - 1, 0, None) * -18) * (squared > 1) * facing * np.float32(0.55)
    sheet.mix(mix(bright, palette.light, 0.2), (squared > 1.0).astype(np.float32))
    stage.add_plate(sheet, np.maximum(disc, halo).astype(np.float32), 0.28)
    if dice.chance(0.55):
        tilt = y * np.float32(3.4) + x * np.float32(0.35)
        away = np.sqrt(x * x + tilt * tilt)
        ring = (
            np.clip((away - 1.35) * 14, 0, 1)
            * np.clip((2.15 - away) * 14, 0, 1)
            * (0.35 + 0.5 * np.sin(away * 40) ** 2)
        )
        stage.add_plate(
            stage.sheet(mix(bright, palette.light, 0.3)),
            (ring * ((tilt > 0) | (squared > 1)) * 0.7).astype(np.float32),
            0.28,
        )


def _paint_asteroids(stage: Stage) -> None:
    dice = stage.dice
    image = Image.new("L", (stage.plate_width, stage.plate_height), 0)
    draw = ImageDraw.Draw(image)
    for _ in range(10):
        x, y, size = (
            dice.between(0, stage.plate_width),
            dice.between(0.05, 0.98) * stage.plate_height,
            stage.unit * dice.between(0.006, 0.035),
        )
        turns = np.linspace(0, 2 * math.pi, 11)[:-1]
        draw.polygon(
            [
                (
                    x + size * dice.between(0.7, 1.15) * math.cos(turn),
                    y + size * dice.between(0.6, 1.1) * math.sin(turn),
                )
                for turn in turns
            ],
            fill=255,
        )
    alpha = np.asarray(image.filter(ImageFilter.GaussianBlur(1)), np.float32) / 255
    stage.add_plate(stage.sheet(mix(stage.palette.near, stage.palette.haze, 0.25)), alpha, 0.85)
