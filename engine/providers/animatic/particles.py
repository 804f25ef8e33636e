"""Rain, snow, embers and the like: endless sheets that slide over the picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from engine.providers.animatic.canvas import Canvas, Ink
from engine.providers.animatic.noise import Dice
from engine.providers.animatic.palette import Palette


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of particle. Each sheet: how many, how large (px at 720p), velocity (px/s), brightness."""

    color: str
    sheets: tuple[tuple[int, float, tuple[float, float], int], ...]
    shape: str = "dot"
    sway: float = 0.0
    is_colored: bool = True


KINDS = {
    "rain": Kind("#cfdbe6", ((170, 26, (-190, 1150), 58), (80, 44, (-300, 1750), 84)), "streak", is_colored=False),
    "snow": Kind(
        "#ffffff",
        ((240, 1.1, (-16, 45), 150), (120, 2.0, (-28, 80), 190), (34, 4.6, (-50, 140), 140)),
        sway=9,
        is_colored=False,
    ),
    "ember": Kind("#ffb050", ((70, 1.4, (9, -70), 220), (30, 2.4, (-14, -130), 220)), sway=12),
    "firefly": Kind("#e8ff9a", ((26, 1.9, (9, -8), 230), (14, 2.8, (-14, -14), 230)), sway=14),
    "dust": Kind("#fff0d0", ((90, 1.0, (9, -6), 80), (40, 1.9, (-14, -11), 80)), sway=12, is_colored=False),
    "bubble": Kind(
        "#dffcff", ((50, 2.2, (9, -60), 130), (22, 4.2, (-9, -110), 130)), "ring", sway=12, is_colored=False
    ),
    "leaf": Kind("#d9762b", ((26, 3.4, (30, 60), 210), (12, 5.2, (48, 95), 210)), "leaf", sway=18),
}


class Particles:
    """Drawn over everything but the caption. It never depends on the camera."""

    def __init__(self, name: str, width: int, height: int, dice: Dice, palette: Palette) -> None:
        self.kind = KINDS[name]
        self.width, self.height, self.scale = width, height, min(width, height) / 720
        self.ink = Ink.of(palette.ink(self.kind.color))
        crowd = width * height / (1280 * 720) / max(self.scale, 0.4) ** 1.2
        self.sheets = [
            (self._tiled(self._paint(dice, max(4, round(count * crowd)), size, velocity, shade)), velocity)
            for count, size, velocity, shade in self.kind.sheets
        ]

    def _paint(self, dice: Dice, count: int, size: float, velocity: tuple[float, float], shade: int) -> Image.Image:
        """One sheet at twice the size, every particle also beyond the opposite edge so that the sheet repeats without a seam."""
        width, height = self.width * 2, self.height * 2
        image = Image.new("L", (width, height), 0)
        stroke = self._stroke(ImageDraw.Draw(image), size * 2 * self.scale, velocity, shade)
        edge = size * 5 * self.scale
        for _ in range(count):
            x, y = dice.between(0, width), dice.between(0, height)
            for across in (0, -width if x > width - edge else width if x < edge else 0):
                for down in (0, -height if y > height - edge else height if y < edge else 0):
                    stroke(x + across, y + down)
        small = image.reduce(2)
        return (
            small if self.kind.shape == "streak" else small.filter(ImageFilter.GaussianBlur(0.25 * size * self.scale))
        )

    def _stroke(
        self, draw: ImageDraw.ImageDraw, size: float, velocity: tuple[float, float], shade: int
    ) -> Callable[[float, float], None]:
        lean = velocity[0] / velocity[1]

        def streak(x: float, y: float) -> None:
            draw.line([(x, y), (x + lean * size, y + size)], fill=shade, width=max(1, round(2 * self.scale)))

        def ring(x: float, y: float) -> None:
            draw.ellipse([x - size, y - size, x + size, y + size], outline=shade, width=max(1, round(2 * self.scale)))

        def leaf(x: float, y: float) -> None:
            draw.polygon([(x - size, y), (x, y - size * 0.55), (x + size, y), (x, y + size * 0.55)], fill=shade)

        def dot(x: float, y: float) -> None:
            draw.ellipse([x - size, y - size, x + size, y + size], fill=shade)

        return {"streak": streak, "ring": ring, "leaf": leaf}.get(self.kind.shape, dot)

    def _tiled(self, sheet: Image.Image) -> Image.Image:
        whole = Image.new("L", (self.width * 2, self.height * 2))
        for x in (0, self.width):
            for y in (0, self.height):
                whole.paste(sheet, (x, y))
        return whole

    def draw(self, canvas: Canvas, story_s: float, strength: float) -> None:
        if strength <= 0.01:
            return
        for sheet, (across, down) in self.sheets:
            sway = self.kind.sway * self.scale * math.sin(story_s * 0.9 + down)
            x = int(-across * self.scale * story_s + sway) // 2 * 2 % self.width
            y = int(-down * self.scale * story_s) // 2 * 2 % self.height
            mask = sheet.crop((x, y, x + self.width, y + self.height))
            if strength < 0.99:
                mask = mask.point([int(level * strength) for level in range(256)])
            if self.kind.is_colored:
                canvas.lay_ink(self.ink, (0, 0), mask)
            else:
                canvas.lay_light(self.ink.y, (0, 0), mask)
