"""Subjects placed on a stage: where they stand, how they move through the clip, and the light that they carry."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from engine.providers.animatic.canvas import Canvas, Ink, Moment, parallax, to_mask
from engine.providers.animatic.figures import Figure, Lamp
from engine.providers.animatic.figures.pen import Pen
from engine.providers.animatic.noise import Field
from engine.providers.animatic.palette import Color, in_style
from engine.providers.animatic.plates import Pose
from engine.providers.animatic.stage import Stage

_STILL = frozenset({"stand", "sit", "light", "answer", "wave", "dance", "jump", "open"})
_SUPERSAMPLE = 2


class Actor:
    """One figure on its way. `x`, `y` is its origin in frame pixels at the middle of the clip."""

    def __init__(self, stage: Stage, figure: Figure, *, x: float, y: float, height: float, depth: float, facing: int,
                 action: str | None, follows_ground: bool = False) -> None:  # fmt: skip
        self.figure, self.height, self.facing, self.depth = figure, height, facing, depth
        self.x, self.y = x, y
        self.ground = stage.ground if follows_ground and figure.stands == "ground" else None
        self.margin_x = stage.margin_x / 2
        self.left = math.ceil((figure.left if facing > 0 else figure.right) * height) + 4
        self.top = math.ceil(figure.above * height) + 4
        still = 0.0 if action in _STILL and figure.stands == "ground" else 1.0
        self.speed = figure.speed * height * facing * still * (2.0 if action == "run" else 1.0)
        self.cycles_per_s = figure.cycles_per_s * (1.6 if action == "run" else 1.0)
        # Placed so that it crosses its place at half time, but never walks out of the picture.
        self.half_way_s = stage.seconds * 0.5
        room = stage.width * 0.34
        travel = abs(self.speed) * stage.seconds / 2
        if travel > room:
            self.speed *= room / travel
        self.bob = figure.bob * stage.unit
        self.poses = _paint_poses(self, stage, action)

    def place(self, moment: Moment) -> tuple[float, float]:
        """Its origin on screen."""
        factor = parallax(self.depth)
        walked = self.x + self.speed * (moment.story_s - self.half_way_s)
        x = walked - moment.x * factor
        y = self.y + self._climb(walked) + self.bob * math.sin(2 * math.pi * 0.35 * moment.story_s) - moment.y * factor
        return x, y

    def _climb(self, walked: float) -> float:
        """How much lower the ground is here than where it was placed."""
        if self.ground is None:
            return 0.0
        here, there = (float(np.clip(x + self.margin_x, 0, len(self.ground) - 2)) for x in (walked, self.x))
        return self._ground_at(here) - self._ground_at(there)

    def _ground_at(self, column: float) -> float:
        assert self.ground is not None  # noqa: S101 - for the type checker
        left = int(column)
        return float(self.ground[left] + (self.ground[left + 1] - self.ground[left]) * (column - left))

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        x, y = self.place(moment)
        pose = int(moment.story_s * self.cycles_per_s * len(self.poses)) % len(self.poses)
        self.poses[pose].lay(canvas, x - self.left, y - self.top)


class Glow:
    """A round light that follows an actor's lamp; it flickers a little."""

    def __init__(self, actor: Actor, lamp: Lamp, color: Color, *, blinks: bool = False) -> None:
        self.actor, self.lamp, self.blinks = actor, lamp, blinks
        self.ink = Ink.of(color)
        radius = max(8, int(lamp.reach * actor.height / 2) * 2)
        span = np.linspace(-1, 1, radius * 2, dtype=np.float32)
        distance = np.sqrt(span[:, None] ** 2 + span[None, :] ** 2)
        field = np.clip(1 - distance, 0, 1) ** 2.2 * np.float32(lamp.strength)
        self.radius = radius
        self.masks = [to_mask(field * np.float32(level)) for level in (0.84, 0.90, 0.95, 1.0)]
        self.half_masks = [mask.reduce(2) for mask in self.masks]

    def draw(self, canvas: Canvas, moment: Moment) -> None:
        x, y = self.actor.place(moment)
        x += self.lamp.x * self.actor.height * self.actor.facing
        y -= self.lamp.y * self.actor.height
        left, top = int((x - self.radius) / 2) * 2, int((y - self.radius) / 2) * 2
        if self.blinks and not _is_blink(moment.story_s):
            return
        wobble = math.sin(moment.story_s * 7.1) + math.sin(moment.story_s * 11.3 + 1)
        level = min(3, int((wobble + 2) / 4 * 4))
        mask, half_mask = self.masks[level], self.half_masks[level]
        # Pillow clips a paste at the edges, but not for boxes that begin outside: cut by hand.
        cut = (max(0, -left), max(0, -top), min(mask.width, canvas.width - left), min(mask.height, canvas.height - top))
        if cut[2] - cut[0] < 2 or cut[3] - cut[1] < 2:
            return
        half_cut = (cut[0] // 2, cut[1] // 2, cut[2] // 2, cut[3] // 2)
        canvas.lay_ink(self.ink, (left + cut[0], top + cut[1]), mask.crop(cut), half_mask.crop(half_cut))


def _is_blink(story_s: float) -> bool:
    """Long, short, short, then a pause: how a boat answers."""
    beat = story_s % 3.6
    return beat < 1.1 or 1.5 <= beat < 1.9 or 2.3 <= beat < 2.7


def _paint_poses(actor: Actor, stage: Stage, action: str | None) -> list[Pose]:
    """The figure's cycle, coloured for its depth, with an edge of light on the side of the sun or moon."""
    figure, height = actor.figure, actor.height
    right = math.ceil((figure.right if actor.facing > 0 else figure.left) * height) + 4
    below = math.ceil(figure.below * height) + 4
    size = ((actor.left + right + 1) // 2 * 2, (actor.top + below + 1) // 2 * 2)
    body = stage.palette.at_depth(min(1.0, actor.depth + 0.12))
    toward = 2 if stage.light_x * stage.plate_width - stage.margin_x / 2 > actor.x else -2
    count = figure.poses
    poses = []
    for number in range(count):
        big = Image.new("RGBA", (size[0] * _SUPERSAMPLE, size[1] * _SUPERSAMPLE), (0, 0, 0, 0))
        pen = Pen(big, (actor.left * _SUPERSAMPLE, actor.top * _SUPERSAMPLE), height * _SUPERSAMPLE, actor.facing)
        figure.draw(pen, number / count, action)
        drawn = np.asarray(big.reduce(_SUPERSAMPLE), np.float32) / 255
        poses.append(Pose(_colored(drawn, body, stage, toward)))
    return poses


def _colored(drawn: Field, body: Color, stage: Stage, toward: int) -> Image.Image:
    """Black becomes the body's colour; what was drawn in a colour keeps it, in the film's style."""
    alpha = drawn[..., 3]
    bright = drawn[..., :3].max(axis=-1)
    own = np.clip(bright * 3, 0, 1)[..., None]
    edge = np.clip(alpha - np.roll(np.roll(alpha, -toward, 1), 1, 0), 0, 1)[..., None]
    dark = body * 0.86 * (1 - edge * 0.5) + stage.palette.light * edge * 0.5
    lit = drawn[..., :3]
    if stage.palette.style != "painting":
        lit = _styled(lit, stage.palette.style)
    colored = dark * (1 - own) + lit * own
    rgba = np.concatenate([np.clip(colored, 0, 1), alpha[..., None]], axis=-1)
    return Image.fromarray((rgba * 255 + 0.5).astype(np.uint8), "RGBA")


def _styled(pixels: Field, style: str) -> Field:
    """Every colour of a small picture in the film's style, by its distinct colours."""
    coarse = (pixels * 15 + 0.5).astype(np.uint8)
    flat = coarse.reshape(-1, 3)
    distinct, where = np.unique(flat, axis=0, return_inverse=True)
    table = np.array([in_style(color.astype(np.float32) / 15, style) for color in distinct], np.float32)
    return np.asarray(table[where.reshape(-1)].reshape(pixels.shape))
