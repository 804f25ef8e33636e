"""The caption: the prompt and the word DRAFT, in any script that a font here has letters for."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from engine.media.lettering import OWN_FONT, clean, font_of, runs_of, wrap, write
from engine.providers.animatic.canvas import Canvas, Ink
from engine.providers.animatic.palette import Color


class Caption:
    """A bar, the tag and up to two lines over a soft dark edge at the bottom. Opacity comes in 16 steps."""

    def __init__(self, prompt: str, tag: str, width: int, height: int, accent: Color) -> None:
        unit = min(height, round(width * 0.75))
        size = max(12, round(unit * 0.036))
        text = clean(prompt)
        lines = wrap(text, size, width * 0.84)
        lines = [line for line in lines if runs_of(line, size)]
        step = int(size * 1.34)
        tall = int(step * len(lines) + unit * 0.105)
        self.top = (height - tall) // 2 * 2
        tall = height - self.top
        left, first = int(width * 0.06), tall - step * len(lines) - int(unit * 0.042)
        fade = np.linspace(0, 1, tall, dtype=np.float32)[:, None] ** 1.2 * 0.66
        self.shadow = Image.fromarray((np.repeat(fade, width, axis=1) * 255).astype(np.uint8))
        self.text = Image.new("L", (width, tall), 0)
        draw = ImageDraw.Draw(self.text)
        for number, line in enumerate(lines):
            write(draw, line, size, (left, first + number * step + size), fill=246)
        small = font_of(OWN_FONT, max(10, round(unit * 0.021)))
        draw.text((left, first - size * 0.10), tag, font=small, fill=176, anchor="ls")
        self.bar = Image.new("L", (width, tall), 0)
        bar_left = left - round(unit * 0.022)
        bar = [
            bar_left,
            first - int(size * 0.78),
            bar_left + max(2, unit // 240),
            first + step * len(lines) - int(size * 0.05),
        ]
        ImageDraw.Draw(self.bar).rectangle(bar, fill=255)
        self.accent = Ink.of(accent)
        self._faded: dict[int, tuple[Image.Image, Image.Image, Image.Image]] = {}

    def draw(self, canvas: Canvas, opacity: float) -> None:
        step = round(opacity * 16)
        if step <= 0:
            return
        if step not in self._faded:
            levels = [level * step // 16 for level in range(256)]
            self._faded[step] = (self.shadow.point(levels), self.text.point(levels), self.bar.point(levels))
        shadow, text, bar = self._faded[step]
        canvas.lay_ink(Ink(16, 128, 128), (0, self.top), shadow)
        canvas.lay_ink(self.accent, (0, self.top), bar)
        canvas.lay_ink(Ink(235, 128, 128), (0, self.top), text)
