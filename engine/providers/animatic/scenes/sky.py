"""The sky: gradient, sun or moon, stars, lit clouds."""

from __future__ import annotations

import numpy as np

from engine.providers.animatic.noise import Field, resize_field
from engine.providers.animatic.palette import mix, ramp
from engine.providers.animatic.plates import Sheet
from engine.providers.animatic.stage import Stage

_COVER = {"storm": 0.30, "fog": 0.42, "night fog": 0.40, "day": 0.50, "night": 0.56, "neon": 0.60, "winter": 0.45}
_DISC = {"night": 0.046, "sunset": 0.062, "dawn": 0.055, "fire": 0.05, "neon": 0.085, "dusk": 0.05, "night fog": 0.035}


def paint_sky(stage: Stage, horizon: float, cloudiness: float) -> None:
    """The farthest plate. Sets where the light stands."""
    stage.horizon = horizon
    palette, mood = stage.palette, stage.idea.mood
    rows, columns = stage.grid()
    end = int(stage.down(horizon))
    sheet = stage.sheet(palette.stops[-1])
    colors = np.repeat(ramp(palette.stops, end), [1] * end, axis=0)
    sheet.rows(np.concatenate([colors, np.repeat(colors[-1:], stage.plate_height - end, axis=0)]))
    stage.light_x = stage.dice.between(0.26, 0.74)
    stage.light_y = end * palette.light_height / stage.plate_height
    light_at = (stage.light_x * stage.plate_width, stage.light_y * stage.plate_height)
    distance = np.sqrt((columns - light_at[0]) ** 2 + (rows - light_at[1]) ** 2) / np.float32(stage.unit)
    if mood in ("night", "neon", "dusk"):
        _paint_stars(stage, sheet, end)
    power = (0.42 if palette.is_dark else 0.72) * (0.45 if mood in ("fog", "storm", "night fog") else 1.0)
    sheet.mix(palette.light, np.clip((np.exp(distance * -3.2) * 0.55 + np.exp(distance * -11) * 0.6) * power, 0, 0.97))
    if mood not in ("storm", "fog"):
        _paint_disc(stage, sheet, distance, rows - np.float32(light_at[1]))
    if cloudiness > 0:
        _paint_clouds(stage, sheet, distance, end, cloudiness)
    stage.add_plate(sheet, None, 0.04)


def _paint_stars(stage: Stage, sheet: Sheet, end: int, count: int = 900) -> None:
    numbers = stage.dice.numbers
    brightness = numbers.random(count).astype(np.float32) ** 4
    columns = numbers.integers(2, sheet.width - 2, count)
    rows = (numbers.random(count) ** 1.3 * (end - 6)).astype(np.int64) + 2
    field = np.zeros((sheet.height, sheet.width), np.float32)
    shown = (brightness * 0.9 + 0.1) * (1 - rows / end) ** 0.6
    if stage.idea.mood == "dusk":
        shown *= 0.5
    field[rows, columns] = shown
    for down, across in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        field[rows + down, columns + across] = np.maximum(field[rows + down, columns + across], shown * 0.42)
    sheet.mix(stage.palette.ink("#f4f6ff"), np.clip(field, 0, 1))


def _paint_disc(stage: Stage, sheet: Sheet, distance: Field, from_middle: Field) -> None:
    palette, mood = stage.palette, stage.idea.mood
    radius = _DISC.get(mood, 0.04)
    disc = np.clip((radius - distance) * np.float32(stage.unit / 1.6) + 0.5, 0, 1)
    color = palette.light
    if mood == "neon":
        color = mix(palette.light, palette.ink("#ff5aa8"), 0.5)
        stripes = (from_middle / np.float32(stage.unit) * 60 % 1) < np.clip(
            from_middle / np.float32(stage.unit * radius) * 0.5, 0, 0.6
        )
        disc = disc * np.where((from_middle > 0) & stripes, 0.25, 1).astype(np.float32)
    sheet.mix(color, disc)
    if mood in ("night", "night fog"):
        spots = resize_field(stage.dice.grid(7, 7), int(stage.unit * radius * 2) + 2, int(stage.unit * radius * 2) + 2)
        face = np.zeros_like(disc)
        top = int(stage.light_y * sheet.height - spots.shape[0] / 2)
        left = int(stage.light_x * sheet.width - spots.shape[1] / 2)
        face[max(0, top) : top + spots.shape[0], left : left + spots.shape[1]] = spots[max(0, -top) :, :]
        sheet.shade(disc * (np.clip(face - 0.45, 0, 1) * -0.5))


def _paint_clouds(stage: Stage, sheet: Sheet, distance: Field, end: int, cloudiness: float) -> None:
    palette, mood = stage.palette, stage.idea.mood
    noise = stage.noise(stage.unit * 0.55, 6, 0.55, 0.42)
    rows, _ = stage.grid()
    cover = _COVER.get(mood, 0.52) + (0.5 - cloudiness) * 0.2
    shape = np.clip((noise - np.float32(cover)) * 4.2, 0, 1) * np.clip((end - rows) / np.float32(end) * 3, 0, 1)
    toward = 8 if stage.light_x < 0.5 else -8
    lit = np.clip((noise - np.roll(np.roll(noise, -toward, 1), 10, 0)) * 6 + 0.5, 0, 1)
    under = mix(palette.stops[1], palette.haze, 0.22 if palette.is_dark else 0.55)
    bright = mix(under, palette.light, 0.42) if palette.is_dark else mix(palette.light, palette.stops[-1], 0.35)
    shape *= np.float32(0.85 if mood in ("storm", "fog", "night fog") else 0.72)
    sheet.mix(under, shape)
    sheet.mix(bright, shape * lit)
    sheet.mix(palette.light, shape * np.exp(distance * -1.8) * np.float32(0.3))
