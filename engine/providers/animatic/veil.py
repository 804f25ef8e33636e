"""A fog bank before the subjects that opens as the clip goes on."""

from __future__ import annotations

import numpy as np

from engine.providers.animatic.camera import ease
from engine.providers.animatic.canvas import Canvas, Ink, Moment, to_mask
from engine.providers.animatic.noise import clouds
from engine.providers.animatic.palette import mix
from engine.providers.animatic.stage import Stage


class Veil:
    """Thick at first, thin at the end, drifting sideways."""

    def __init__(self, stage: Stage) -> None:
        width, height = stage.width + stage.width // 4, stage.height
        noise = clouds(stage.dice, width, height, stage.unit * 0.5, octaves=4, gain=0.5, stretch=0.5)
        rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        band = np.exp(-(((rows - 0.60) / 0.26) ** 2))
        self.mask = to_mask(np.clip((0.55 + 0.75 * noise) * band, 0, 0.93))
        self.half_mask = self.mask.reduce(2)
        self.ink = Ink.of(mix(stage.palette.haze, stage.palette.light, 0.10))
        self.spare = stage.width // 4
        self.width, self.height, self.seconds = stage.width, stage.height, stage.seconds

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        thick = 1.0 - 0.80 * ease(moment.progress / 0.55)
        levels = [int(level * thick) for level in range(256)]
        left = int(self.spare * moment.progress * 0.9) // 2 * 2
        mask = self.mask.crop((left, 0, left + self.width, self.height)).point(levels)
        half_mask = self.half_mask.crop((left // 2, 0, (left + self.width) // 2, self.height // 2)).point(levels)
        canvas.lay_ink(self.ink, (0, 0), mask, half_mask)
