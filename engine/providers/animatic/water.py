"""Water: what stands above its line is mirrored in moving rows, tinted, with a path of light."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image, ImageDraw

from engine.providers.animatic.canvas import Canvas, Ink, Moment, parallax
from engine.providers.animatic.noise import Field
from engine.providers.animatic.palette import mix
from engine.providers.animatic.stage import Stage

_PAD = 16


class Water:
    """Mirrors the canvas as it stands when it is drawn. `calm` 1 is a wet street, 0 an open sea."""

    def __init__(self, stage: Stage, line: float, depth: float, calm: float) -> None:
        self.line, self.depth, self.calm = line * stage.height, depth, calm
        self.scale = stage.height / 720
        palette = stage.palette
        self.tint = Ink.of(
            mix(mix(palette.stops[1], palette.near, 0.35), palette.near, 0.25 if palette.is_dark else 0.0)
        )
        self.veil = self._veil(stage)
        self.half_veil = self.veil.reduce(2)
        self.sparkle = Ink.of(palette.light)
        self.sheets = [self._sparkles(stage) for _ in range(2)]
        self.light_x = stage.light_x * stage.plate_width - stage.margin_x / 2

    def _veil(self, stage: Stage) -> Image.Image:
        """How much of the mirror the water's own colour hides, more towards the viewer."""
        rows = int(stage.height * 0.75) // 2 * 2
        fall = np.linspace(0, 1, rows, dtype=np.float32) ** 0.7
        amount = (0.22 + 0.48 * fall) if self.calm < 0.5 else (0.38 + 0.2 * fall)
        return Image.fromarray(np.repeat((amount * 255).astype(np.uint8)[:, None], stage.width, axis=1))

    def _sparkles(self, stage: Stage) -> Image.Image:
        """Dashes of light, closest below the sun or moon."""
        rows, width = int(stage.height * 0.5) // 2 * 2, stage.width
        image = Image.new("L", (width, rows), 0)
        draw = ImageDraw.Draw(image)
        middle = stage.light_x * stage.plate_width - stage.margin_x / 2
        strong = {"storm": 0.25, "fog": 0.3, "night fog": 0.4}.get(stage.idea.mood, 1.0) * (1 - self.calm * 0.7)
        for _ in range(260):
            far = stage.dice.between(0, 1) ** 1.6
            row = far * rows
            spread = (0.012 + 0.11 * far) * stage.unit
            at = middle + float(stage.dice.numbers.normal(0, 1)) * spread
            long = (4 + 26 * far) * self.scale * stage.dice.between(0.4, 1.0)
            shade = int((210 - 120 * far) * strong * stage.dice.between(0.3, 1.0))
            draw.line(
                [(at - long, row), (at + long, row)], fill=shade, width=max(1, round((0.8 + 2.2 * far) * self.scale))
            )
        return image

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        line = int(self.line - moment.y * parallax(self.depth)) // 2 * 2
        if not 8 <= line <= canvas.height - 8:
            return
        waves = self._waves(canvas.height - line, moment.story_s)
        canvas.y = self._mirrored(canvas.y, line, waves, 1)
        canvas.u = self._mirrored(canvas.u, line // 2, waves[::2], 2)
        canvas.v = self._mirrored(canvas.v, line // 2, waves[::2], 2)
        height = min(self.veil.height, canvas.height - line)
        veil = self.veil.crop((0, 0, canvas.width, height))
        canvas.lay_ink(self.tint, (0, line), veil, self.half_veil.crop((0, 0, canvas.width // 2, height // 2)))
        self._draw_sparkles(canvas, moment, line)

    def _waves(self, rows: int, time_s: float) -> Field:
        """How each row below the line is displaced, in pixels."""
        row = np.arange(rows, dtype=np.float32) / np.float32(self.scale)
        near = row / np.float32(max(1.0, rows / self.scale))
        swell = np.sin(row * 0.77 / (1 + near * 5) - time_s * 2.6) + 0.6 * np.sin(
            row * 0.23 / (1 + near * 3) + time_s * 1.7 + 1
        )
        return np.asarray(swell * (1 + near * (10 - 5 * self.calm)) * 0.9 * np.float32(self.scale), np.float32)

    def _mirrored(self, plane: Image.Image, line: int, waves: Field, step: int) -> Image.Image:
        """The plane with its rows below the line replaced by moved copies of the rows above."""
        above = np.asarray(plane)[:line]
        rows = plane.height - line
        width = plane.width
        padded = np.pad(above, ((0, 0), (_PAD, _PAD)), "edge")
        moved = waves[:rows] / step
        source = np.clip(line - 1 - np.arange(rows) * (1.0 + 0.12 * (1 - self.calm)) - moved, 0, line - 1).astype(
            np.int64
        )
        across = np.clip(moved * 0.8, -_PAD, _PAD).astype(np.int64) + _PAD
        windows = sliding_window_view(padded.reshape(-1), width)
        mirrored = windows[source * (width + 2 * _PAD) + across]
        whole = Image.new("L", plane.size)
        whole.paste(plane)
        whole.paste(Image.fromarray(mirrored), (0, line))
        return whole

    def _draw_sparkles(self, canvas: Canvas, moment: Moment, line: int) -> None:
        """Two sheets of dashes that slide across each other: where both are lit, it glitters."""
        sway = moment.story_s
        shift = round(-moment.x * 0.1 + 5 * self.scale * np.sin(sway * 1.3))
        for number, sheet in enumerate(self.sheets):
            lift = round(3 * self.scale * np.sin(sway * (1.9 + number) + number * 2))
            top = max(line, line + 2 + lift)
            height = min(sheet.height, canvas.height - top)
            left = shift if number else -shift
            box = (max(0, -left), 0, min(sheet.width, canvas.width - left), height)
            mask = sheet.crop(box)
            canvas.y.paste(self.sparkle.y, (max(0, left), top, max(0, left) + mask.width, top + height), mask)
