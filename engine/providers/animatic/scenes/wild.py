"""Mountains, fields, forests and deserts."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.providers.animatic.noise import Field, ridge
from engine.providers.animatic.palette import mix
from engine.providers.animatic.scenes.land import paint_conifers, paint_hills, paint_mountains, paint_near_grass
from engine.providers.animatic.scenes.sky import paint_sky
from engine.providers.animatic.stage import GROUND, Stage


def paint_mountain_scene(stage: Stage) -> None:
    is_white = bool({"snow", "winter"} & set(stage.idea.weather)) or stage.dice.chance(0.4)
    paint_sky(stage, 0.74, stage.dice.between(0.4, 0.65))
    paint_mountains(stage, 0.14, 0.60, 0.20, 0.45, has_snow=True)
    stage.add_haze(0.60, 0.16, 0.2, 0.5)
    paint_mountains(stage, 0.30, 0.68, 0.17, 0.36, has_snow=is_white)
    stage.add_haze(0.70, 0.15, 0.35, 0.55)
    paint_hills(stage, 0.46, 0.735, 0.045, 0.5, fog=0.7)
    stage.build_here(0.765, 0.5)
    paint_conifers(stage, 0.62, 0.78, 0.085, 2.2)
    stage.ground = paint_hills(stage, 0.88, GROUND, 0.02, 0.6, fog=0.12, has_grass=True)
    stage.ground_depth = 0.88
    paint_near_grass(stage)


def paint_field(stage: Stage) -> None:
    paint_sky(stage, 0.70, stage.dice.between(0.45, 0.7))
    paint_hills(stage, 0.16, 0.62, 0.05, 0.5, fog=0.7)
    paint_hills(stage, 0.30, 0.665, 0.04, 0.4, fog=0.6)
    stage.add_haze(0.68, 0.10, 0.3, 0.5)
    paint_conifers(stage, 0.46, 0.715, 0.05, 2.2)
    stage.build_here(0.765, 0.62)
    paint_hills(stage, 0.66, 0.765, 0.020, 0.5, fog=0.4, has_grass=True)
    stage.add_haze(0.78, 0.08, 0.6, 0.3)
    stage.ground = paint_hills(stage, 0.85, GROUND, 0.022, 0.7, fog=0.12, has_grass=True)
    stage.ground_depth = 0.85
    paint_near_grass(stage)


def paint_forest(stage: Stage) -> None:
    paint_sky(stage, 0.78, 0.35)
    paint_conifers(stage, 0.20, 0.66, 0.20, 3.4)
    stage.add_haze(0.64, 0.20, 0.3, 0.6)
    paint_conifers(stage, 0.42, 0.73, 0.30, 2.6)
    stage.add_haze(0.75, 0.18, 0.5, 0.55)
    paint_conifers(stage, 0.66, 0.80, 0.38, 1.3)
    stage.add_haze(0.85, 0.12, 0.75, 0.4)
    stage.ground = paint_hills(stage, 0.86, GROUND + 0.005, 0.02, 0.7, fog=0.1, has_grass=True)
    stage.ground_depth = 0.86
    _paint_trunks(stage)


def _paint_trunks(stage: Stage) -> None:
    """Two great trunks that frame the picture, nearer than everything."""
    width, height, dice = stage.plate_width, stage.plate_height, stage.dice
    image = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(image)
    edges = (stage.across(dice.between(0.0, 0.06)), stage.across(dice.between(0.95, 1.0)))
    for middle in edges:
        thick = stage.unit * dice.between(0.04, 0.06)
        draw.polygon(
            [(middle - thick * 0.5, -5), (middle + thick * 0.5, -5), (middle + thick * 0.62, height * 0.6),
             (middle + thick, height + 5), (middle - thick, height + 5), (middle - thick * 0.6, height * 0.6)],
            fill=255,
        )  # fmt: skip
        for _ in range(7):
            top, side = dice.between(0.02, 0.6) * height, 1 if dice.chance(0.5) else -1
            reach = dice.between(0.08, 0.2) * stage.unit
            branch = [
                (middle, top),
                (middle + side * reach * 0.6, top - reach * 0.25),
                (middle + side * reach, top - reach * 0.2),
            ]
            draw.line(branch, fill=255, width=max(2, int(stage.unit * 0.008)))
    soft = image.filter(ImageFilter.GaussianBlur(1.6 * stage.unit / 720))
    alpha = np.asarray(soft, np.float32) / 255
    stage.add_plate(stage.sheet(mix(stage.palette.near, stage.palette.ink("#000000"), 0.3)), alpha, 1.15, in_front=True)


def paint_desert(stage: Stage) -> None:
    paint_sky(stage, 0.70, 0.25)
    paint_mountains(stage, 0.15, 0.64, 0.08, 0.5)
    side = -1 if stage.light_x > 0.5 else 1
    profile: Field = np.zeros(stage.plate_width, np.float32)
    for depth, y, height in ((0.30, 0.67, 0.035), (0.48, 0.71, 0.05), (0.68, 0.76, 0.05), (0.88, GROUND, 0.035)):
        line = ridge(
            stage.dice, stage.plate_width, stage.plate_width * stage.dice.between(0.35, 0.6), octaves=2, gain=0.35
        )
        crest = stage.down(y) - stage.height * height * (np.abs((line * 3) % 2 - 1) - 0.5) * 1.6
        profile = np.convolve(np.pad(crest, 9, "edge"), np.ones(19) / 19, "valid").astype(np.float32)
        lit = np.clip(np.gradient(profile) * side * 2.2, -1, 1).astype(np.float32)
        ripples = stage.noise(stage.height * 0.03, 3, 0.5, 0.25) - 0.5

        def shade(below: Field, lit: Field = lit, ripples: Field = ripples) -> Field:
            fall = np.exp(np.clip(below, 0, None) / np.float32(stage.height * -0.16))
            return np.asarray(lit[None, :] * 0.30 * fall + ripples * 0.12)

        sand = mix(stage.palette.at_depth(depth), stage.palette.ink("#b5652f"), 0.25 if stage.palette.is_dark else 0.55)
        stage.add_land(profile, depth, fog=0.3, rim=0.3, color=sand, shade=shade)
        if depth < 0.5:
            stage.add_haze(y + 0.03, 0.06, depth + 0.05, 0.3)
    stage.ground, stage.ground_depth = profile, 0.88
