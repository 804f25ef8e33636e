"""People: a walk with bending knees, and a few things that they can do instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from engine.providers.animatic.figures.pen import Fill, Pen, Point

Place = Callable[[float, float], Point]

_LANTERN_GLASS: Fill = (255, 226, 150, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """One person in one pose. Lengths are in heights."""

    at: Place
    tall: float
    turn: float
    """Where in its cycle, in radians."""
    swing: float
    """How far the legs reach; 1 is a walk."""
    up: float
    """How much higher than standing the body is."""
    lift: float
    """How high the feet are off the ground."""
    action: str | None
    look: str


def draw_person(
    pen: Pen, phase: float, action: str | None, *, look: str = "person", aside: float = 0.0, tall: float = 1.0
) -> None:
    """One person. `phase` 0 to 1 is one whole cycle of the action; `aside` moves, `tall` scales."""
    turn = 2 * math.pi * phase

    def at(x: float, y: float) -> Point:
        return aside + x * tall, y * tall

    swing, bounce, lift = _gait(turn, action)
    stance = Stance(at=at, tall=tall, turn=turn, swing=swing, up=bounce + lift, lift=lift, action=action, look=look)
    if action == "sit":
        _draw_sitting(pen, stance)
        return
    _draw_leg(pen, stance, turn)
    _draw_leg(pen, stance, turn + math.pi)
    _draw_body(pen, stance)
    _draw_arms(pen, stance)
    _draw_head(pen, stance)


def _gait(turn: float, action: str | None) -> tuple[float, float, float]:
    """How far the legs swing, how much the body bounces, how high it is off the ground."""
    match action:
        case "run":
            return 1.7, abs(math.sin(turn)) * 0.03, 0.0
        case "stand" | "light" | "answer" | "wave" | "open":
            return 0.0, math.sin(turn) * 0.006, 0.0
        case "dance":
            return 0.8, abs(math.sin(turn * 2)) * 0.03, 0.0
        case "jump":
            return 0.5, 0.0, max(0.0, math.sin(turn)) * 0.16
        case _:
            return 1.0, abs(math.cos(turn)) * 0.012, 0.0


def _draw_leg(pen: Pen, stance: Stance, turn: float) -> None:
    at, tall, swing, lift = stance.at, stance.tall, stance.swing, stance.lift
    hip = (0.0, 0.47 + stance.up)
    stride = math.sin(turn) * swing
    raised = max(0.0, math.cos(turn)) * 0.085 * swing
    if swing == 0:
        stride, raised = (0.28 if math.sin(turn) > 0 else -0.2), 0.0
    foot = (0.155 * stride, 0.03 + raised + lift)
    knee = (0.085 * stride + 0.045 + raised * 0.5, 0.255 + raised * 0.35 + lift)
    pen.limb([at(*hip), at(*knee), at(*foot)], 0.088 * tall, 0.052 * tall)
    pen.limb([at(foot[0] - 0.01, foot[1] - 0.012), at(foot[0] + 0.065, foot[1] - 0.016)], 0.046 * tall, 0.032 * tall)


def _draw_body(pen: Pen, stance: Stance) -> None:
    at, tall, up, look = stance.at, stance.tall, stance.up, stance.look
    sway = math.sin(stance.turn) * stance.swing
    hem = 0.20 if look == "keeper" else 0.34
    pen.shape(
        [at(-0.095, 0.80 + up), at(0.08, 0.80 + up), at(0.11, 0.62 + up), at(0.12 + 0.02 * sway, hem + 0.01),
         at(0.02, hem - 0.02), at(-0.125 - 0.03 * sway, hem), at(-0.11, 0.62 + up)],
        smooth=5,
    )  # fmt: skip
    pen.limb([at(0.0, 0.80 + up), at(0.01, 0.86 + up)], 0.062 * tall, 0.05 * tall)


def _draw_arms(pen: Pen, stance: Stance) -> None:
    at, tall, turn, swing, up = stance.at, stance.tall, stance.turn, stance.swing, stance.up
    action, look = stance.action, stance.look
    shoulder = (-0.005, 0.765 + up)
    for side in (-1, 1):
        reach = math.sin(turn) * swing * side
        elbow, hand = (0.05 * reach - 0.015, 0.61 + up), (0.13 * reach + 0.035, 0.475 + up)
        if side > 0 and action in ("wave", "answer"):
            elbow, hand = (0.13, 0.84 + up), (0.13 + 0.06 * math.sin(turn * 2), 1.02 + up)
        elif side > 0 and action in ("light", "open"):
            elbow, hand = (0.12, 0.70 + up), (0.24, 0.74 + up + 0.01 * math.sin(turn))
        elif action == "dance":
            elbow, hand = (0.12 * side, 0.86 + up), (0.16 * side + 0.04 * math.sin(turn), 1.02 + up)
        elif side > 0 and look in ("keeper", "lantern"):
            elbow, hand = (0.09, 0.66 + up), (0.20 + 0.01 * math.sin(turn), 0.60 + up)
        pen.limb([at(*shoulder), at(*elbow), at(*hand)], 0.062 * tall, 0.040 * tall)
        if side > 0 and look in ("keeper", "lantern") and action != "dance":
            _draw_lantern(pen, at, hand)


def _draw_lantern(pen: Pen, at: Place, hand: Point) -> None:
    x, y = hand
    pen.line([at(x - 0.03, y - 0.05), at(x, y), at(x + 0.03, y - 0.05)], 0.008)
    pen.shape([at(x - 0.045, y - 0.06), at(x + 0.045, y - 0.06), at(x + 0.02, y - 0.035), at(x - 0.02, y - 0.035)])
    pen.shape(
        [at(x - 0.036, y - 0.14), at(x + 0.036, y - 0.14), at(x + 0.036, y - 0.06), at(x - 0.036, y - 0.06)],
        _LANTERN_GLASS,
    )
    pen.shape([at(x - 0.045, y - 0.165), at(x + 0.045, y - 0.165), at(x + 0.045, y - 0.14), at(x - 0.045, y - 0.14)])


def _draw_head(pen: Pen, stance: Stance) -> None:
    at, tall, up, look = stance.at, stance.tall, stance.up, stance.look
    pen.oval(*at(0.017, 0.915 + up), 0.060 * tall, 0.073 * tall)
    if look == "keeper":
        pen.shape(
            [at(-0.062, 0.945 + up), at(0.078, 0.945 + up), at(0.066, 1.0 + up), at(-0.045, 1.005 + up)], smooth=3
        )
        pen.shape([at(0.04, 0.955 + up), at(0.128, 0.938 + up), at(0.05, 0.938 + up)])
        pen.shape([at(0.03, 0.87 + up), at(0.085, 0.885 + up), at(0.075, 0.80 + up), at(0.03, 0.80 + up)], smooth=3)
    else:
        pen.shape(
            [
                at(-0.06, 0.93 + up),
                at(-0.03, 0.995 + up),
                at(0.05, 0.993 + up),
                at(0.076, 0.935 + up),
                at(0.0, 0.95 + up),
            ],
            smooth=4,
        )


def _draw_sitting(pen: Pen, stance: Stance) -> None:
    at, tall, turn = stance.at, stance.tall, stance.turn
    breath = math.sin(turn) * 0.004
    pen.limb([at(-0.04, 0.10), at(0.20, 0.27), at(0.27, 0.03)], 0.10 * tall, 0.055 * tall)
    pen.limb([at(0.27, 0.02), at(0.34, 0.015)], 0.05 * tall, 0.035 * tall)
    pen.shape(
        [
            at(-0.13, 0.02),
            at(0.05, 0.02),
            at(0.09, 0.30),
            at(0.07, 0.44 + breath),
            at(-0.08, 0.44 + breath),
            at(-0.13, 0.25),
        ],
        smooth=5,
    )
    pen.limb([at(-0.01, 0.40 + breath), at(0.10, 0.24), at(0.20, 0.25)], 0.06 * tall, 0.04 * tall)
    pen.limb([at(0.0, 0.43), at(0.01, 0.49)], 0.06 * tall, 0.05 * tall)
    pen.oval(*at(0.018, 0.55 + breath), 0.06 * tall, 0.073 * tall)


def draw_couple(pen: Pen, phase: float, action: str | None) -> None:
    draw_person(pen, phase, action, aside=-0.20)
    draw_person(pen, (phase + 0.5) % 1, action, aside=0.22, tall=0.88)


def draw_robot(pen: Pen, phase: float, _action: str | None) -> None:
    turn = 2 * math.pi * phase
    swing, up = math.sin(turn), abs(math.cos(turn)) * 0.01
    for side in (1, -1):
        x = -0.07 * side
        foot = x + 0.10 * swing * side
        pen.limb([(x, 0.42 + up), (x + 0.07 * swing * side, 0.22), (foot, 0.04)], 0.085, 0.075)
        pen.box(foot - 0.06, 0, foot + 0.09, 0.05)
    pen.box(-0.15, 0.42 + up, 0.15, 0.74 + up)
    pen.box(-0.03, 0.74 + up, 0.03, 0.80 + up)
    pen.box(-0.11, 0.79 + up, 0.12, 0.95 + up)
    pen.limb([(0, 0.95 + up), (0, 1.03 + up)], 0.014, 0.012)
    pen.oval(0, 1.045 + up, 0.018, fill=(255, 90, 80, 255))
    for side in (1, -1):
        pen.limb([(-0.17 * side, 0.71 + up), (-0.17 * side - 0.07 * swing * side, 0.55 + up),
                  (-0.17 * side - 0.14 * swing * side + 0.03, 0.42 + up)], 0.07, 0.055)  # fmt: skip
    pen.oval(0.035, 0.88 + up, 0.032, fill=(120, 240, 255, 255))
    pen.oval(0.095, 0.88 + up, 0.02, fill=(120, 240, 255, 255))
    pen.box(-0.06, 0.58 + up, 0.06, 0.64 + up, (90, 170, 190, 255))
