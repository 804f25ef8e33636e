"""The sea, with a headland for what stands on land."""

from __future__ import annotations

import numpy as np

from engine.providers.animatic.noise import ridge
from engine.providers.animatic.scenes.land import paint_mountains
from engine.providers.animatic.scenes.sky import paint_sky
from engine.providers.animatic.stage import GROUND, Stage
from engine.providers.animatic.water import Water

_ON_LAND = frozenset({"lighthouse", "person", "keeper", "couple", "horse", "dog", "cat", "fox", "deer", "house", "castle", "tree",
                      "campfire", "robot", "windmill", "lantern"})  # fmt: skip


def paint_sea(stage: Stage) -> None:
    paint_sky(stage, 0.60, stage.dice.between(0.45, 0.7))
    paint_mountains(stage, 0.12, 0.605, 0.05, 0.3)
    if stage.dice.chance(0.6):
        paint_mountains(stage, 0.20, 0.61, 0.075, 0.22)
    stage.add_haze(0.58, 0.09, 0.2, 0.55)
    stage.things.append(Water(stage, 0.60, 0.25, 0.0))
    stage.water_line = 0.60
    if "fog" in stage.idea.weather:
        stage.add_haze(0.62, 0.24, 0.35, 0.7)
    if _ON_LAND & set(stage.idea.subjects):
        _paint_headland(stage)


def _paint_headland(stage: Stage) -> None:
    """A rocky point that rises out of the water on the side away from the light."""
    width = stage.plate_width
    is_right = stage.light_x < 0.5
    across = np.linspace(0, 1, width, dtype=np.float32)
    if is_right:
        across = 1 - across
    rise = np.clip((0.78 - across) / 0.42, 0, 1) ** 0.62
    rise = rise * rise * (3 - 2 * rise)
    rough = ridge(stage.dice, width, stage.height * 0.22, octaves=6, gain=0.55, is_ridged=True) - 0.5
    fine = ridge(stage.dice, width, stage.height * 0.05, octaves=4) - 0.5
    deep_row, top_row = stage.down(1.10), stage.down(GROUND - 0.055)
    profile = (
        deep_row + (top_row - deep_row) * rise - stage.height * (rough * 0.035 + fine * 0.016) * (0.35 + 0.65 * rise)
    )
    profile = profile.astype(np.float32)
    rock = stage.noise(stage.height * 0.07, 5, 0.6, is_ridged=True)
    side = -1 if is_right else 1
    relief = np.gradient(rock, axis=1).astype(np.float32) * np.float32(9 * side)
    stage.add_land(profile, 0.72, fog=0.10, rim=0.35, shade=lambda _: relief)
    smooth = np.convolve(np.pad(profile, 20, "edge"), np.ones(41) / 41, "valid")
    stage.ground = smooth.astype(np.float32)
    stage.ground_depth = 0.72
