"""Painted plates: made once in float, kept as 8-bit planes shifted by quarter pixels, then only cropped and pasted per frame."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from engine.providers.animatic.canvas import BICUBIC, BILINEAR, Canvas, Ink, Moment, parallax, to_mask
from engine.providers.animatic.noise import Dice, Field
from engine.providers.animatic.palette import Color, to_yuv

SHIFTS = 4
"""Luma is kept at this many sub-pixel positions, so that a slow pan neither steps nor costs a resampling per frame."""


def half(field: Field) -> Field:
    """The mean of each 2x2 block. Both sides must be even."""
    return np.asarray(
        (field[0::2, 0::2] + field[1::2, 0::2] + field[0::2, 1::2] + field[1::2, 1::2]) * np.float32(0.25)
    )


class Sheet:
    """A picture in work: float planes of Y (full size), U and V (half size). Every stroke is a mix towards a colour."""

    def __init__(self, width: int, height: int, color: Color) -> None:
        y, u, v = to_yuv(color)
        self.width, self.height = width, height
        self.y: Field = np.full((height, width), y, np.float32)
        self.u: Field = np.full((height // 2, width // 2), u, np.float32)
        self.v: Field = np.full((height // 2, width // 2), v, np.float32)

    def rows(self, colors: Color) -> None:
        """One colour for each row, shape (height, 3)."""
        planes = np.array([to_yuv(color) for color in colors], np.float32)
        self.y[:] = planes[:, 0][:, None]
        halves = (planes[0::2] + planes[1::2]) / 2
        self.u[:] = halves[:, 1][:, None]
        self.v[:] = halves[:, 2][:, None]

    def mix(self, color: Color, amount: Field | float) -> None:
        """Move every pixel towards the colour by its amount, 0 to 1."""
        y, u, v = to_yuv(color)
        if isinstance(amount, float):
            self.y += (y - self.y) * np.float32(amount)
            self.u += (u - self.u) * np.float32(amount)
            self.v += (v - self.v) * np.float32(amount)
            return
        whole = np.broadcast_to(amount, self.y.shape)
        small = half(np.ascontiguousarray(whole))
        self.y += (np.float32(y) - self.y) * whole
        self.u += (np.float32(u) - self.u) * small
        self.v += (np.float32(v) - self.v) * small

    def shade(self, amount: Field) -> None:
        """Make brighter (above 0) or darker (below 0), colours with it."""
        factor = 1 + np.broadcast_to(amount, self.y.shape)
        small = half(np.ascontiguousarray(factor))
        self.y = (self.y - 16) * factor + 16
        self.u = (self.u - 128) * small + 128
        self.v = (self.v - 128) * small + 128

    def planes(self, dice: Dice) -> tuple[Image.Image, Image.Image, Image.Image]:
        """8-bit pictures, dithered so that a sky shows no bands."""
        grain = np.tile(dice.grid(256, 256), (self.height // 256 + 1, self.width // 256 + 1))
        grain = grain[: self.height, : self.width]
        small = grain[: self.height // 2, : self.width // 2]
        return _bytes(self.y + grain, 16, 235), _bytes(self.u + small, 16, 240), _bytes(self.v + small, 16, 240)


def _bytes(plane: Field, low: int, high: int) -> Image.Image:
    return Image.fromarray(np.clip(plane, low, high).astype(np.uint8))


def _shifted(image: Image.Image, across: float, down: float) -> Image.Image:
    """The picture moved right and down by a part of a pixel; the edge is repeated."""
    if not across and not down:
        return image
    padded = Image.new(image.mode, (image.width + 2, image.height + 2))
    padded.paste(image.resize((image.width + 2, image.height + 2), Image.Resampling.NEAREST), (0, 0))
    padded.paste(image, (1, 1))
    box = (1 - across, 1 - down, 1 - across + image.width, 1 - down + image.height)
    return padded.resize(image.size, BICUBIC, box=box)


def _split(position: float, steps: int) -> tuple[int, int]:
    """A position as whole pixels and a number of sub-pixel steps."""
    fine = round(position * steps)
    return fine // steps, fine % steps


class Plate:
    """A painted layer that covers whole rows from `top`. Its position on screen is `(left, top) - camera * parallax`."""

    def __init__(
        self,
        sheet: Sheet,
        alpha: Field | None,
        depth: float,
        dice: Dice,
        *,
        origin: tuple[float, float],
        is_vertical: bool,
    ) -> None:
        top, bottom = 0, sheet.height
        if alpha is not None:
            rows = np.nonzero(alpha.max(axis=1) > 0.004)[0]
            if len(rows):
                top = max(0, int(rows[0]) // 2 * 2 - 2)
                bottom = min(sheet.height, (int(rows[-1]) + 4) // 2 * 2)
        self.depth = depth
        self.left, self.top = -origin[0], top - origin[1]
        self.is_vertical = is_vertical
        y, u, v = sheet.planes(dice)
        box = (0, top, sheet.width, bottom)
        half_box = (0, top // 2, sheet.width // 2, bottom // 2)
        mask = None if alpha is None else to_mask(alpha[top:bottom])
        self.y = self._phases(y.crop(box), SHIFTS)
        self.u = self._phases(u.crop(half_box), 2)
        self.v = self._phases(v.crop(half_box), 2)
        self.mask = None if mask is None else self._phases(mask, SHIFTS)
        self.half_mask = None if mask is None else self._phases(mask.reduce(2), 2)

    def _phases(self, image: Image.Image, count: int) -> list[Image.Image]:
        steps = [step / count for step in range(count)]
        return [_shifted(image, 0.0 if self.is_vertical else step, step if self.is_vertical else 0.0) for step in steps]

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        factor = parallax(self.depth)
        x, y = self.left - moment.x * factor, self.top - moment.y * factor
        if self.is_vertical:
            x = round(x / 2) * 2
            (across, _), (down, step) = (int(x), 0), _split(y, SHIFTS)
            (half_across, _), (half_down, half_step) = (int(x) // 2, 0), _split(y / 2, 2)
        else:
            y = round(y / 2) * 2
            (across, step), down = _split(x, SHIFTS), int(y)
            (half_across, half_step), half_down = _split(x / 2, 2), int(y) // 2
        _lay(canvas.y, self.y[step], None if self.mask is None else self.mask[step], across, down)
        small = None if self.half_mask is None else self.half_mask[half_step]
        _lay(canvas.u, self.u[half_step], small, half_across, half_down)
        _lay(canvas.v, self.v[half_step], small, half_across, half_down)


def _lay(target: Image.Image, image: Image.Image, mask: Image.Image | None, x: int, y: int) -> None:
    """Paste what is visible of the picture at (x, y)."""
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(image.width, target.width - x), min(image.height, target.height - y)
    if right <= left or bottom <= top:
        return
    box = (left, top, right, bottom)
    target.paste(image.crop(box), (x + left, y + top), None if mask is None else mask.crop(box))


class Haze:
    """A drifting band of mist in one colour, endless across. It is soft, so whole pixels are fine enough."""

    def __init__(self, color: Color, tile: Field, top: float, depth: float, speed: float) -> None:
        mask = to_mask(np.concatenate([tile, tile], axis=1))
        self.ink = Ink.of(color)
        self.mask, self.half_mask = mask, mask.reduce(2)
        self.period = tile.shape[1]
        self.top, self.depth, self.speed = top, depth, speed

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        factor = parallax(self.depth)
        shift = int(moment.x * factor - self.speed * moment.story_s) // 2 * 2 % self.period
        top = int(self.top - moment.y * factor) // 2 * 2
        above = max(0, -top)
        below = min(self.mask.height, canvas.height - top)
        width = min(canvas.width, self.mask.width - shift) // 2 * 2
        if below <= above:
            return
        mask = self.mask.crop((shift, above, shift + width, below))
        small = self.half_mask.crop((shift // 2, above // 2, (shift + width) // 2, below // 2))
        canvas.lay_ink(self.ink, (0, top + above), mask, small)


class Sprite:
    """A small moving picture: poses in 4:2:0 with alpha, laid at any sub-pixel place."""

    def __init__(self, poses: list[Pose]) -> None:
        self.poses = poses

    def lay(self, canvas: Canvas, pose: int, x: float, y: float) -> None:
        """Lay a pose with its upper left corner at (x, y)."""
        self.poses[pose % len(self.poses)].lay(canvas, x, y)


class Pose:
    """One picture of a sprite. It has an empty edge of at least two pixels all around."""

    def __init__(self, rgba: Image.Image) -> None:
        width, height = rgba.width // 2 * 2, rgba.height // 2 * 2
        pixels = np.asarray(rgba.crop((0, 0, width, height)), np.float32) / 255
        alpha = np.ascontiguousarray(pixels[..., 3])
        red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
        luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        small = half(alpha)
        weight = np.maximum(small, 1e-3)
        blue_part = half((blue - luma) * alpha) / weight
        red_part = half((red - luma) * alpha) / weight
        self.y = _bytes(16.5 + 219 * luma, 16, 235)
        self.u = _bytes(128.5 + 224 * blue_part / 1.8556, 16, 240)
        self.v = _bytes(128.5 + 224 * red_part / 1.5748, 16, 240)
        self.mask = to_mask(alpha)
        self.half_mask = to_mask(small)

    def lay(self, canvas: Canvas, x: float, y: float) -> None:
        whole_x, whole_y = math.floor(x / 2) * 2, math.floor(y / 2) * 2
        part_x, part_y = x - whole_x, y - whole_y
        size = (self.y.width - 2, self.y.height - 2)
        # The empty edge pays for the shift: the picture moves right and down inside its own frame.
        box = (2 - part_x, 2 - part_y, 2 - part_x + size[0], 2 - part_y + size[1])
        mask = self.mask.resize(size, BILINEAR, box=_inside(box, self.mask.size))
        luma = self.y.resize(size, BILINEAR, box=_inside(box, self.y.size))
        at_x, at_y = whole_x + 2, whole_y + 2
        _lay(canvas.y, luma, mask, at_x, at_y)
        half_x, half_y = round(x / 2), round(y / 2)
        _lay(canvas.u, self.u, self.half_mask, half_x, half_y)
        _lay(canvas.v, self.v, self.half_mask, half_x, half_y)


def _inside(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    return max(0.0, box[0]), max(0.0, box[1]), min(float(size[0]), box[2]), min(float(size[1]), box[3])
