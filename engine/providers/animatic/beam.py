"""The turning beam of a lighthouse, and the moment when its lamp is lit."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.providers.animatic.actors import Actor
from engine.providers.animatic.camera import ease
from engine.providers.animatic.canvas import BILINEAR, Canvas, Ink, Moment
from engine.providers.animatic.stage import Stage

_STEPS = 96
"""Directions of the beam that are kept ready; one turn takes `_TURN_S`."""
_TURN_S = 7.0
_COARSE = 4
_LIT_AT = 0.28
"""When somebody lights the lamp: this part of the clip."""


def _inside(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    return max(0.0, box[0]), max(0.0, box[1]), min(float(size[0]), box[2]), min(float(size[1]), box[3])


class Beam:
    """Two opposite cones of light that turn around the lamp room of an actor."""

    def __init__(self, stage: Stage, actor: Actor, *, is_lit_late: bool) -> None:
        self.actor, self.is_lit_late = actor, is_lit_late
        self.width, self.height = stage.width, stage.height
        self.reach = 1.15 * max(stage.width, stage.height)
        self.strength = 0.62 if stage.palette.is_dark else 0.34
        if "fog" in stage.idea.weather:
            self.strength += 0.16
        self.ink = Ink.of(stage.palette.ink("#fff3cf"))
        self.dark = Ink.of(stage.palette.ink("#2b343c"))
        self._ready: dict[int, Image.Image] = {}

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        x, y = self.actor.place(moment)
        lamp = (x, y - 0.882 * self.actor.height)
        level = ease((moment.progress - _LIT_AT) / 0.10) if self.is_lit_late else 1.0
        if level < 1:
            self._draw_dark_lamp(canvas, lamp, 1 - level)
        if level <= 0.02:
            return
        step = int(moment.story_s / _TURN_S * _STEPS) % _STEPS
        if step not in self._ready:
            self._ready[step] = self._paint(2 * math.pi * step / _STEPS)
        # It is painted around the middle of a picture twice as large, coarsely: enlarge what the frame sees of it.
        left, top = (self.width - lamp[0]) / _COARSE, (self.height - lamp[1]) / _COARSE
        box = (left, top, left + self.width / _COARSE, top + self.height / _COARSE)
        seen = self._ready[step].resize((self.width, self.height), BILINEAR, box=_inside(box, self._ready[step].size))
        half_seen = seen.reduce(2)
        if level < 0.99:
            levels = [int(value * level) for value in range(256)]
            seen, half_seen = seen.point(levels), half_seen.point(levels)
        canvas.lay_ink(self.ink, (0, 0), seen, half_seen)

    def _draw_dark_lamp(self, canvas: Canvas, lamp: tuple[float, float], amount: float) -> None:
        """The lamp room's glass before it is lit."""
        wide, tall = self.actor.height * 0.046, self.actor.height * 0.050
        box = (int(lamp[0] - wide) // 2 * 2, int(lamp[1] - tall) // 2 * 2)
        size = (max(2, int(wide * 2) // 2 * 2), max(2, int(tall * 2) // 2 * 2))
        if 0 <= box[0] < self.width - size[0] and 0 <= box[1] < self.height - size[1]:
            canvas.lay_ink(self.dark, box, Image.new("L", size, int(235 * amount)))

    def _paint(self, turn: float) -> Image.Image:
        """Both cones and the glow around the lamp, at a quarter of the size."""
        width, height = self.width * 2 // _COARSE, self.height * 2 // _COARSE
        middle = (width / 2, height / 2)
        field = np.zeros((height, width), np.float32)
        rows = np.arange(height, dtype=np.float32)[:, None] - middle[1]
        columns = np.arange(width, dtype=np.float32)[None, :] - middle[0]
        distance = np.sqrt(rows**2 + columns**2) * _COARSE / np.float32(self.height)
        toward_us = 0.0
        for side in (0.0, math.pi):
            across, near = math.cos(turn + side), math.sin(turn + side)
            toward_us = max(toward_us, near)
            # A cone pointing at us is short and wide; one pointing sideways is long and thin.
            image = Image.new("L", (width, height), 0)
            end = (
                middle[0] + across * self.reach / _COARSE,
                middle[1] - 0.05 * across * self.reach / _COARSE + 0.10 * near * height,
            )
            spread = (0.040 + 0.10 * max(0.0, near)) * self.reach / _COARSE
            ImageDraw.Draw(image).polygon(
                [
                    (middle[0], middle[1] - 1),
                    (end[0], end[1] - spread),
                    (end[0], end[1] + spread),
                    (middle[0], middle[1] + 1),
                ],
                fill=255,
            )
            cone = np.asarray(image.filter(ImageFilter.GaussianBlur(2.2 * self.height / 720)), np.float32) / 255
            # It ends softly: a cone that points at us ends inside the picture.
            long = max(1.0, math.hypot(end[0] - middle[0], end[1] - middle[1])) * _COARSE / self.height
            cone = cone * np.clip((1 - distance / np.float32(long)) * 1.6, 0, 1)
            bright = (0.55 + 0.45 * near) * min(1.0, abs(across) * 2.2 + 0.15)
            field = np.maximum(field, cone * np.float32(bright))
        field *= np.float32(self.strength) / (1 + distance * 2.3)
        glow = np.exp(distance * -15) * np.float32(0.75 + 0.25 * max(0.0, toward_us) ** 4)
        glow += np.exp(distance * np.float32(-4.5)) * np.float32(0.16 + 0.42 * max(0.0, toward_us) ** 8)
        field = np.clip(np.maximum(field, 0) + glow, 0, 0.96)
        return Image.fromarray((field * 255).astype(np.uint8))
