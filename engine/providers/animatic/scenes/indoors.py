"""A room with a window and a lamp, and a door in a wall at night."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.providers.animatic.camera import ease
from engine.providers.animatic.canvas import Canvas, Ink, Moment, parallax
from engine.providers.animatic.noise import Field
from engine.providers.animatic.palette import mix
from engine.providers.animatic.plates import Sheet
from engine.providers.animatic.scenes.land import paint_hills
from engine.providers.animatic.scenes.sky import paint_sky
from engine.providers.animatic.stage import GROUND, Stage


def paint_room(stage: Stage) -> None:
    paint_sky(stage, 0.60, 0.4)
    paint_hills(stage, 0.2, 0.56, 0.04, 0.3, fog=0.6)
    is_left = stage.light_x < 0.5
    left, right = (0.16, 0.46) if is_left else (0.54, 0.84)
    window = (stage.across(left), stage.down(0.15), stage.across(right), stage.down(0.58))
    stage.build_here(0.36, 0.3)
    stage.window_x = (left + right) / 2
    sheet, alpha = _wall_with_window(stage, window, is_left=is_left)
    stage.add_plate(sheet, alpha, 0.42)
    lamp_x = 0.74 if is_left else 0.26
    _paint_table(stage, lamp_x)
    stage.ground = np.full(stage.plate_width, stage.down(GROUND + 0.06), np.float32)
    stage.ground_depth = 0.9
    stage.subject_x = 0.40 if is_left else 0.60


def _wall_with_window(stage: Stage, window: tuple[float, float, float, float], *, is_left: bool) -> tuple[Sheet, Field]:
    palette = stage.palette
    rows, columns = stage.grid()
    left, top, right, bottom = window
    wall = mix(mix(palette.near, palette.ink("#5a3a2a"), 0.55), palette.haze, 0.08 if palette.is_dark else 0.22)
    sheet = stage.sheet(wall)
    away = np.sqrt(
        ((columns - (left + right) / 2) / stage.width) ** 2 + ((rows - (top + bottom) / 2) / stage.height) ** 2
    )
    sheet.shade(
        (0.08 - 0.9 * np.clip(away * 1.3, 0, 0.9)) + (stage.noise(stage.height * 0.12, 4) - 0.5) * np.float32(0.14)
    )
    floor_row = stage.down(0.76)
    is_floor = (rows > floor_row).astype(np.float32)
    floor = mix(mix(palette.near, palette.ink("#6b4023"), 0.6), palette.haze, 0.10)
    sheet.mix(floor, np.broadcast_to(is_floor, away.shape))
    boards = ((columns - stage.plate_width / 2) / np.maximum(rows - stage.down(0.50), 1) * 4) % 1
    near = np.clip((rows - floor_row) / (stage.height * 0.24), 0, 1)
    sheet.shade(is_floor * (-0.5 + 0.45 * near - 0.10 * (boards < 0.06)))
    sheet.shade(
        np.broadcast_to(
            ((rows > floor_row - stage.height * 0.016) & (rows <= floor_row)) * np.float32(-0.45), away.shape
        )
    )
    _lay_window_light(stage, sheet, window, is_left=is_left)
    frame = int(stage.unit * 0.014)
    alpha = np.ones((stage.plate_height, stage.plate_width), np.float32)
    whole = _box(stage, left - frame, top - frame, right + frame, bottom + frame)
    sheet.mix(mix(wall, palette.near, 0.45), whole)
    opening = _box(stage, left, top, right, bottom)
    bars = np.zeros_like(opening)
    for part in (1, 2):
        middle = left + (right - left) * part / 3
        bars = np.maximum(bars, _box(stage, middle - frame / 3, top, middle + frame / 3, bottom))
    bars = np.maximum(
        bars, _box(stage, left, top + (bottom - top) * 0.4 - frame / 3, right, top + (bottom - top) * 0.4 + frame / 3)
    )
    alpha -= opening * (1 - bars)
    _hang_pictures(stage, sheet, wall, 0.60 if is_left else 0.10)
    return sheet, alpha


def _box(stage: Stage, left: float, top: float, right: float, bottom: float) -> Field:
    field = np.zeros((stage.plate_height, stage.plate_width), np.float32)
    field[max(0, int(top)) : int(bottom), max(0, int(left)) : int(right)] = 1
    return field


def _lay_window_light(stage: Stage, sheet: Sheet, window: tuple[float, float, float, float], *, is_left: bool) -> None:
    """A shaft of light through the room and its patch on the floor."""
    rows, columns = stage.grid()
    left, top, right, bottom = window
    lean = 1 if is_left else -1
    warm = mix(stage.palette.stops[-1], stage.palette.light, 0.5)
    middle, half = (left + right) / 2, (right - left) / 2
    across = (columns - middle - lean * (rows - bottom) * 0.9) / (half * (1 + (rows - bottom) / stage.height * 0.9))
    near = np.clip((rows - stage.down(0.76)) / (stage.height * 0.22), 0, 1)
    patch = np.clip((1 - np.abs(across)) * 8, 0, 1) * (np.abs(((across + 1) * 1.5) % 1 - 0.5) > 0.06) * near
    sheet.mix(warm, (patch * 0.5).astype(np.float32))
    shaft = np.clip((1 - np.abs((columns - middle - lean * (rows - top) * 0.75) / (half * 1.1))) * 2.5, 0, 1)
    shaft = (
        shaft
        * np.clip((rows - top) / (stage.height * 0.5), 0, 1)
        * np.clip((stage.down(0.98) - rows) / (stage.height * 0.4), 0, 1)
    )
    sheet.mix(warm, (shaft * 0.13).astype(np.float32))


def _hang_pictures(stage: Stage, sheet: Sheet, wall: Field, left: float) -> None:
    dice, unit = stage.dice, stage.unit
    for number in range(3):
        x, y = stage.across(left + 0.105 * number), stage.down(dice.between(0.20, 0.28))
        wide, tall = unit * dice.between(0.08, 0.12), unit * dice.between(0.10, 0.15)
        sheet.mix(mix(wall, stage.palette.near, 0.7), _box(stage, x, y, x + wide, y + tall) * np.float32(0.9))
        color = mix(stage.palette.haze, stage.palette.ink(dice.choose(("#8a5a3a", "#3a5a6a", "#6a3a4a"))), 0.6)
        inner = unit * 0.008
        sheet.mix(color, _box(stage, x + inner, y + inner, x + wide - inner, y + tall - inner) * np.float32(0.55))


def _paint_table(stage: Stage, lamp_at: float) -> None:
    """A table with books and a burning lamp, before everything."""
    unit, dice = stage.unit, stage.dice
    image = Image.new("L", (stage.plate_width * 2, stage.plate_height * 2), 0)
    draw = ImageDraw.Draw(image)
    size = unit * 2
    top, middle = stage.down(0.79) * 2, stage.across(lamp_at) * 2
    left, right = middle - size * 0.34, middle + size * 0.22
    draw.rounded_rectangle([left, top, right, top + size * 0.02], 6, fill=255)
    for leg in (left + size * 0.03, right - size * 0.05):
        draw.rectangle([leg, top, leg + size * 0.018, stage.plate_height * 2], fill=255)
    draw.rectangle([middle - size * 0.003, top - size * 0.13, middle + size * 0.003, top], fill=255)
    draw.ellipse([middle - size * 0.03, top - size * 0.01, middle + size * 0.03, top + size * 0.01], fill=255)
    shade = [(-0.035, -0.19), (0.035, -0.19), (0.065, -0.12), (-0.065, -0.12)]
    draw.polygon([(middle + x * size, top + y * size) for x, y in shade], fill=255)
    x = left + size * 0.05
    for _ in range(6):
        tall, wide = size * dice.between(0.06, 0.10), size * dice.between(0.010, 0.022)
        draw.rectangle([x, top - tall, x + wide, top], fill=255)
        x += wide + 3
    alpha = np.asarray(image.reduce(2), np.float32) / 255
    sheet = stage.sheet(mix(stage.palette.near, stage.palette.ink("#2a1a12"), 0.4))
    light = stage.glow(middle / 2, (top - size * 0.15) / 2, unit * 0.5, 2.4)
    warm = stage.palette.ink("#ffcf87")
    sheet.mix(warm, light * np.float32(0.7))
    stage.add_plate(stage.sheet(warm), light * np.float32(0.55), 0.66)
    stage.add_plate(sheet, alpha, 0.74)


class Door:
    """A door leaf that swings open, with the light of the room behind it falling out."""

    def __init__(self, stage: Stage, box: tuple[float, float, float, float], depth: float, *, opens: bool) -> None:
        self.box, self.depth, self.opens = box, depth, opens
        self.stage_size = (stage.width, stage.height)
        self.unit = stage.unit
        self.leaf = Ink.of(mix(stage.palette.near, stage.palette.ink("#5a2f1c"), 0.55))
        self.trim = Ink.of(mix(stage.palette.near, stage.palette.ink("#3a2014"), 0.4))
        self.warm = Ink.of(stage.palette.ink("#ffdf9e"))
        self.spill_ink = Ink.of(stage.palette.ink("#ffbf6b"))
        self.spills = [self._spill(stage, part / 12) for part in range(13)]

    def openness(self, moment: Moment) -> float:
        """0 shut to 1 wide open."""
        return ease((moment.progress - 0.16) / 0.34) if self.opens else 0.55

    def _spill(self, stage: Stage, part: float) -> Image.Image:
        """Light on the ground and in the air before the door."""
        left, top, right, bottom = self.box
        width, height = stage.width // 4, stage.height // 4
        image = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(image)
        edge = left + (right - left) * part
        wide = (right - left) * 1.6
        corners = [
            (left, bottom),
            (edge, bottom),
            (edge + wide * part, stage.height),
            (left - wide * 0.9 * part, stage.height),
        ]
        draw.polygon([(x / 4, y / 4) for x, y in corners], fill=int(150 * part))
        soft = np.asarray(image.filter(ImageFilter.GaussianBlur(stage.unit * 0.006)), np.float32) / 255
        rows = np.linspace(0, stage.height, height, dtype=np.float32)[:, None]
        columns = np.linspace(0, stage.width, width, dtype=np.float32)[None, :]
        away = np.sqrt((columns - (left + edge) / 2) ** 2 + (rows - (top + bottom) / 2) ** 2) / np.float32(stage.unit)
        field = soft * np.clip(1.15 - (rows - bottom) / (stage.height * 0.30), 0, 1) + np.exp(away * -5.2) * np.float32(
            0.5 * part
        )
        return Image.fromarray((np.clip(field, 0, 0.9) * 255).astype(np.uint8)).resize(self.stage_size)

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        part = self.openness(moment)
        factor = parallax(self.depth)
        move = (-moment.x * factor, -moment.y * factor)
        left, top, right, bottom = self.box
        wide = int(right - left) // 2 * 2
        tall = int(bottom - top) // 2 * 2
        at = (int(left + move[0]) // 2 * 2, int(top + move[1]) // 2 * 2)
        mask = Image.new("L", (wide, tall), 255)
        canvas.lay_ink(self.warm, at, mask)
        self._draw_leaf(canvas, at, wide, tall, part)
        spill = self.spills[round(part * 12)]
        cut = (max(0, -round(move[0] / 2) * 2), max(0, -round(move[1] / 2) * 2))
        shifted = Image.new("L", spill.size, 0)
        shifted.paste(spill, (round(move[0] / 2) * 2, round(move[1] / 2) * 2))
        canvas.lay_ink(self.spill_ink, (0, 0), shifted if cut else spill)

    def _draw_leaf(self, canvas: Canvas, at: tuple[int, int], wide: int, tall: int, part: float) -> None:
        """The leaf hangs on the left; open, it is seen from its edge."""
        angle = part * 1.35
        across = wide * math.cos(angle)
        drop = tall * 0.10 * math.sin(angle)
        mask = Image.new("L", (wide * 2, tall * 2), 0)
        draw = ImageDraw.Draw(mask)
        draw.polygon([(0, 0), (across * 2, drop), (across * 2, tall * 2 + drop * 1.6), (0, tall * 2)], fill=255)
        canvas.lay_ink(self.leaf, at, mask.reduce(2))
        panels = Image.new("L", mask.size, 0)
        lines = ImageDraw.Draw(panels)
        for low, high in ((0.07, 0.44), (0.52, 0.92)):
            x0, x1 = across * 0.30, across * 1.70
            lines.line([(x0, tall * 2 * low), (x1, tall * 2 * low + drop), (x1, tall * 2 * high + drop), (x0, tall * 2 * high),
                        (x0, tall * 2 * low)], fill=200, width=max(2, wide // 18))  # fmt: skip
        lines.ellipse([across * 1.72, tall * 0.98, across * 1.72 + wide * 0.10, tall * 0.98 + wide * 0.10], fill=255)
        canvas.lay_ink(self.trim, at, panels.reduce(2))


def paint_doorway(stage: Stage) -> None:
    """The foot of a stone tower at night, with a door in it and grass before it."""
    paint_sky(stage, 0.72, 0.5)
    paint_hills(stage, 0.22, 0.66, 0.05, 0.4, fog=0.6)
    stage.add_haze(0.68, 0.12, 0.3, 0.5)
    foot = stage.down(GROUND + 0.005)
    middle = 0.42 if stage.light_x > 0.5 else 0.58
    sheet, alpha = _tower(stage, stage.across(middle), foot)
    stage.add_plate(sheet, alpha, 0.72)
    tall = min(stage.height * 0.37, stage.width * 0.5)
    wide = tall * 0.48
    x, bottom = middle * stage.width, foot - stage.margin_y / 2
    opens = stage.idea.action in ("open", "answer", "light", None) or "door" in stage.idea.subjects
    stage.things.append(Door(stage, (x - wide / 2, bottom - tall, x + wide / 2, bottom), 0.72, opens=opens))
    stage.ground = np.full(stage.plate_width, foot + stage.height * 0.012, np.float32)
    stage.ground_depth = 0.72
    stage.hold_subjects = frozenset({"door", "house", "lighthouse"})
    paint_hills(stage, 0.98, GROUND + 0.075, 0.015, 0.6, fog=0.0, rim=0.1, has_grass=True, in_front=True)
    ground = np.full(stage.plate_width, foot, np.float32)
    stage.add_land(
        ground,
        0.72,
        fog=0.15,
        shade=lambda _: (stage.noise(stage.height * 0.06, 4, 0.6, 0.3) - 0.5) * np.float32(0.4),
    )
    stage.things.insert(len(stage.things) - 2, stage.things.pop())


def _tower(stage: Stage, middle: float, foot: float) -> tuple[Sheet, Field]:
    """A great round wall of stone courses, lit from the side."""
    palette = stage.palette
    rows, columns = stage.grid()
    half = stage.unit * 0.46 + (foot - rows) * np.float32(-0.045)
    across = (columns - np.float32(middle)) / half
    alpha = np.clip((1 - np.abs(across)) * half + 0.5, 0, 1) * (rows < foot + 2)
    stone = mix(palette.at_depth(0.72), palette.ink("#8d8a92"), 0.28)
    sheet = stage.sheet(stone)
    course = stage.unit * 0.048
    line = (rows / course) % 1
    turned = np.arcsin(np.clip(across, -1, 1))
    offset = (rows // course % 2) * 0.5
    brick = (turned * 5.5 + offset) % 1
    joints = ((line < 0.08) | (brick < 0.045)).astype(np.float32)
    rough = stage.noise(stage.height * 0.05, 5, 0.6) - 0.5
    toward = -1 if stage.light_x * stage.plate_width < middle else 1
    side = np.clip(across * toward, -1, 1)
    sheet.shade(
        np.clip(-0.28 + 0.42 * side - 0.45 * np.abs(across) ** 3, -0.85, 0.5)
        + rough * np.float32(0.45)
        - joints * np.float32(0.25)
    )
    sheet.mix(palette.light, (np.clip(side - 0.86, 0, 1) * 3.5 * np.float32(0.4)).astype(np.float32))
    return sheet, alpha.astype(np.float32)
