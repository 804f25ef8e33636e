"""The frame being put together: three planes of 4:2:0 video as Pillow pictures, and how things are laid on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from engine.providers.animatic.noise import Field
from engine.providers.animatic.palette import Color, to_yuv

BILINEAR = Image.Resampling.BILINEAR
BICUBIC = Image.Resampling.BICUBIC


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the story stands in one frame."""

    story_s: float
    """Story time: it slows to a rest before the clip ends, so that the next clip can begin at rest."""
    progress: float
    """0 to 1 over the clip."""
    x: float
    """Where the camera looks, in pixels of a plate at depth 1."""
    y: float


class Drawable(Protocol):
    """Something that lays itself on a canvas."""

    def draw(self, canvas: Canvas, moment: Moment) -> None: ...


def parallax(depth: float) -> float:
    """How far a thing at this depth (0 far, 1 near) moves for each pixel of the camera."""
    return 0.10 + 0.95 * depth


def to_mask(field: Field) -> Image.Image:
    """A 0 to 1 field as an 8-bit mask."""
    return Image.fromarray(np.clip(field * 255 + 0.5, 0, 255).astype(np.uint8))


def halve(mask: Image.Image) -> Image.Image:
    """The mask for the chroma planes."""
    return mask.reduce(2)


@dataclass(frozen=True, slots=True)
class Ink:
    """One flat colour in whole numbers of Y, U, V."""

    y: int
    u: int
    v: int

    @classmethod
    def of(cls, color: Color) -> Ink:
        y, u, v = to_yuv(color)
        return cls(round(y), round(u), round(v))


class Canvas:
    """One frame. Width and height are even."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.y = Image.new("L", (width, height), 16)
        self.u = Image.new("L", (width // 2, height // 2), 128)
        self.v = Image.new("L", (width // 2, height // 2), 128)

    def lay_ink(self, ink: Ink, at: tuple[int, int], mask: Image.Image, half_mask: Image.Image | None = None) -> None:
        """A flat colour through a mask whose upper left corner is at even `at`."""
        half = halve(mask) if half_mask is None else half_mask
        left, top = at
        box = (left, top, left + mask.width, top + mask.height)
        half_box = (left // 2, top // 2, left // 2 + half.width, top // 2 + half.height)
        self.y.paste(ink.y, box, mask)
        self.u.paste(ink.u, half_box, half)
        self.v.paste(ink.v, half_box, half)

    def lay_light(self, luma: int, at: tuple[int, int], mask: Image.Image) -> None:
        """Only the luma of something white or black, through a mask."""
        self.y.paste(luma, (at[0], at[1], at[0] + mask.width, at[1] + mask.height), mask)

    def zoom(self, factor: float, focus: tuple[float, float]) -> None:
        """Look closer. `focus` (0 to 1 across and down) stays where it is."""
        if factor <= 1.0005:
            return
        width, height = self.width / factor, self.height / factor
        left, top = (self.width - width) * focus[0], (self.height - height) * focus[1]
        box = (left, top, left + width, top + height)
        half_box = (left / 2, top / 2, (left + width) / 2, (top + height) / 2)
        half_size = (self.width // 2, self.height // 2)
        self.y = self.y.resize((self.width, self.height), BILINEAR, box=box)
        self.u = self.u.resize(half_size, BILINEAR, box=half_box)
        self.v = self.v.resize(half_size, BILINEAR, box=half_box)
