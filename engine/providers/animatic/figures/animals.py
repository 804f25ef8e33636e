"""Animals, each as one drawing function over a cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.providers.animatic.figures.pen import Pen, Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Beast:
    """The proportions of a four-legged animal, in its heights."""

    long: float
    leg: float
    neck: Point
    head: float
    muzzle: float
    tail: str
    ears: str
    thick: float
    has_antlers: bool = False
    has_mane: bool = False


DOG = Beast(long=0.62, leg=0.40, neck=(0.14, 0.26), head=0.13, muzzle=0.15, tail="dog", ears="dog", thick=0.26)
CAT = Beast(long=0.66, leg=0.36, neck=(0.12, 0.20), head=0.15, muzzle=0.07, tail="cat", ears="cat", thick=0.27)
FOX = Beast(long=0.70, leg=0.36, neck=(0.16, 0.18), head=0.13, muzzle=0.17, tail="fox", ears="cat", thick=0.25)
HORSE = Beast(
    long=0.62,
    leg=0.46,
    neck=(0.17, 0.27),
    head=0.075,
    muzzle=0.15,
    tail="horse",
    ears="horse",
    thick=0.24,
    has_mane=True,
)
DEER = Beast(
    long=0.52,
    leg=0.44,
    neck=(0.12, 0.26),
    head=0.065,
    muzzle=0.10,
    tail="deer",
    ears="dog",
    thick=0.20,
    has_antlers=True,
)


def draw_beast(pen: Pen, phase: float, action: str | None, beast: Beast) -> None:
    turn = 2 * math.pi * phase
    swing = {"run": 1.55, "stand": 0.0, "sit": 0.0, "wait": 0.0}.get(action or "", 1.0)
    long, leg, thick, head = beast.long, beast.leg, beast.thick, beast.head
    for x, offset in (
        (-long / 2 + 0.03, 0.0),
        (-long / 2 + 0.07, 0.5),
        (long / 2 - 0.05, 0.25),
        (long / 2 - 0.10, 0.75),
    ):
        step = math.sin(turn + offset * 2 * math.pi) * swing
        lift = max(0.0, math.cos(turn + offset * 2 * math.pi)) * 0.05 * swing
        bend = -0.03 if x < 0 else 0.02
        foot = (x + 0.12 * step, 0.02 + lift)
        pen.limb([(x, leg + 0.02), (x + 0.05 * step + bend, leg * 0.52 + lift * 0.5), foot], thick * 0.40, thick * 0.15)
        pen.limb([foot, (foot[0] + 0.035, 0.012 + lift)], thick * 0.17, thick * 0.12)
    bob = 0.008 * math.sin(2 * turn) * max(0.3, swing)
    pen.shape(
        [(-long / 2 - 0.03, leg + thick * 0.62 + bob), (-long / 4, leg + thick * 0.80 + bob), (long / 4, leg + thick * 0.76 + bob),
         (long / 2, leg + thick * 0.86 + bob), (long / 2 + 0.05, leg + thick * 0.35 + bob), (long / 3, leg - thick * 0.16 + bob),
         (0, leg - thick * 0.02 + bob), (-long / 3, leg + thick * 0.04 + bob), (-long / 2 - 0.05, leg + thick * 0.2 + bob)],
        smooth=6,
    )  # fmt: skip
    nose = (long / 2 + beast.neck[0], leg + thick * 0.55 + beast.neck[1] + bob)
    throat = ((long / 2 + nose[0]) / 2, (leg + thick * 0.6 + nose[1]) / 2 + bob)
    pen.limb([(long / 2 - 0.05, leg + thick * 0.5 + bob), throat, nose], thick * 0.85, head * 1.3)
    pen.oval(nose[0], nose[1], head * 0.95, head * 0.8)
    pen.limb([(nose[0] + head * 0.3, nose[1] - head * 0.1), (nose[0] + beast.muzzle + head * 0.5, nose[1] - head * 0.45)],
             head * 1.1, head * 0.55)  # fmt: skip
    _draw_ears(pen, beast, nose)
    if beast.has_mane:
        pen.shape([(nose[0] - head * 0.9, nose[1] + head * 0.8), (long / 2 - 0.12, leg + thick * 1.1),
                   (long / 2 - 0.05, leg + thick * 0.7), (nose[0] - head * 0.2, nose[1])], smooth=4)  # fmt: skip
    _draw_tail(pen, beast, (-long / 2 - 0.02, leg + thick * 0.55 + bob), math.sin(turn) * 0.05)


def _draw_ears(pen: Pen, beast: Beast, nose: Point) -> None:
    x, y = nose
    head = beast.head
    match beast.ears:
        case "cat":
            for side in (-0.35, 0.25):
                pen.shape(
                    [
                        (x + (side - 0.5) * head, y + 0.4 * head),
                        (x + (side - 0.1) * head, y + 1.55 * head),
                        (x + (side + 0.45) * head, y + 0.4 * head),
                    ]
                )
        case "dog":
            pen.shape(
                [(x - 0.6 * head, y + 0.5 * head), (x - 0.55 * head, y + 1.35 * head), (x + 0.1 * head, y + 0.6 * head)]
            )
        case _:
            pen.shape(
                [(x - 0.5 * head, y + 0.4 * head), (x - 0.35 * head, y + 1.5 * head), (x + 0.1 * head, y + 0.5 * head)]
            )
    if beast.has_antlers:
        for side in (-0.25, 0.15):
            left, top = x + side * head, y + 0.6 * head
            pen.limb(
                [(left, top), (left - 0.06 + side * 0.1, top + 0.12), (left + 0.01 + side * 0.25, top + 0.25)],
                0.022,
                0.012,
            )
            pen.limb([(left - 0.05 + side * 0.1, top + 0.1), (left + 0.05, top + 0.17)], 0.016, 0.010)
            pen.limb([(left - 0.02, top + 0.18), (left - 0.09 + side * 0.1, top + 0.26)], 0.014, 0.008)


def _draw_tail(pen: Pen, beast: Beast, root: Point, sway: float) -> None:
    x, y = root
    match beast.tail:
        case "dog":
            pen.limb([(x, y), (x - 0.12, y + 0.10 + sway), (x - 0.17, y + 0.24 + sway)], 0.06, 0.03)
        case "cat":
            pen.limb([(x, y), (x - 0.16, y - 0.02), (x - 0.24, y + 0.16), (x - 0.17 + sway, y + 0.34)], 0.05, 0.035)
        case "fox":
            pen.shape([(x, y + 0.03), (x - 0.18, y + 0.02 + sway), (x - 0.38, y - 0.06 + sway), (x - 0.50, y - 0.02 + sway),
                       (x - 0.36, y - 0.16 + sway), (x - 0.16, y - 0.12 + sway), (x, y - 0.04)], smooth=6)  # fmt: skip
        case "horse":
            pen.shape(
                [
                    (x, y + 0.04),
                    (x - 0.10, y + sway),
                    (x - 0.15 - sway, y - 0.26),
                    (x - 0.07 - sway, y - 0.30),
                    (x - 0.03, y - 0.08),
                ],
                smooth=6,
            )
        case _:
            pen.limb([(x, y), (x - 0.05, y - 0.02)], 0.05, 0.03)


def draw_birds(pen: Pen, phase: float, _action: str | None) -> None:
    flock = ((0, 0.0, 1.0), (-0.32, 0.16, 0.8), (-0.30, -0.17, 0.85), (-0.62, 0.30, 0.62), (-0.66, -0.30, 0.66), (0.42, 0.24, 0.6),
             (-0.95, 0.05, 0.55), (0.30, -0.28, 0.5))  # fmt: skip
    for number, (x, y, size) in enumerate(flock):
        beat = math.sin(2 * math.pi * phase + number * 1.3) * 0.55
        wing = 0.15 * size
        for side in (-1, 1):
            pen.shape([(x, y + 0.012 * size), (x + side * wing * 0.5, y + wing * (0.32 + beat * 0.55)),
                (x + side * wing * 1.15, y + wing * (0.05 + beat)),
                       (x + side * wing * 0.55, y + wing * (0.10 + beat * 0.5)), (x, y - 0.03 * size)], smooth=5)  # fmt: skip
        pen.oval(x, y, 0.03 * size, 0.018 * size)


def draw_dragon(pen: Pen, phase: float, _action: str | None) -> None:
    beat, late = math.sin(2 * math.pi * phase), math.sin(2 * math.pi * phase - 0.7)
    pen.limb(
        [(-0.95, -0.10 + 0.05 * late), (-0.70, -0.02 - 0.04 * beat), (-0.42, 0.02), (-0.1, 0.02), (0.16, 0.05)],
        0.02,
        0.17,
    )
    pen.limb([(-0.15, 0.02), (0.18, 0.04), (0.38, 0.16), (0.55, 0.20), (0.66, 0.18)], 0.17, 0.065)
    tail = 0.05 * late
    pen.shape([(-0.95, -0.10 + tail), (-1.06, -0.03 + tail), (-1.02, -0.17 + tail)])
    pen.shape([(0.60, 0.215), (0.68, 0.25), (0.80, 0.19), (0.83, 0.155), (0.70, 0.135), (0.60, 0.14)], smooth=5)
    pen.shape([(0.63, 0.22), (0.53, 0.33), (0.60, 0.235)])
    pen.shape([(0.66, 0.23), (0.59, 0.35), (0.65, 0.245)])
    pen.oval(0.70, 0.195, 0.010, fill=(255, 190, 90, 255))
    for x in (-0.15, 0.10):
        pen.limb([(x, -0.02), (x - 0.05, -0.13), (x + 0.02, -0.19)], 0.07, 0.03)
    up = 0.52 * beat
    for ahead, size in ((0.0, 1.0), (0.06, 0.88)):
        tip = (-0.42 + ahead, 0.15 + up * size * 1.05)
        elbow = (0.05 + ahead, 0.30 + up * 0.75 * size)
        between = ((elbow[0] + tip[0]) / 2 - 0.02, (elbow[1] + tip[1]) / 2 + 0.05)
        pen.shape(
            [(0.18 + ahead, 0.06), (0.14 + ahead, 0.18 + up * 0.4 * size),
                elbow, between, tip, (-0.30 + ahead, 0.10 + up * 0.55 * size),
             (-0.22 + ahead, 0.13 + up * 0.40 * size), (-0.20 + ahead, 0.03 + up * 0.25 * size),
                 (-0.08 + ahead, 0.07 + up * 0.2 * size),
             (-0.06 + ahead, -0.01)],
            smooth=4,
        )  # fmt: skip
        pen.limb([(0.16 + ahead, 0.06), elbow, tip], 0.045, 0.012)


def draw_whale(pen: Pen, phase: float, _action: str | None) -> None:
    beat = 0.06 * math.sin(2 * math.pi * phase)
    pen.shape(
        [(0.95, 0.02), (0.85, 0.16), (0.5, 0.24), (0.05, 0.22), (-0.4, 0.12 + beat * 0.3), (-0.8, 0.05 + beat),
            (-0.92, 0.06 + beat),
         (-1.12, 0.18 + beat * 1.6), (-1.18, 0.12 + beat * 1.6), (-1.02, beat), (-1.16, -0.10 + beat * 1.4), (-0.9, -0.02 + beat),
         (-0.5, -0.07 + beat * 0.4), (0, -0.18), (0.5, -0.22), (0.85, -0.12)],
        smooth=6,
    )  # fmt: skip
    pen.shape([(0.35, -0.14), (0.15, -0.40 - beat), (0.05, -0.42 - beat), (0.15, -0.17)], smooth=5)
    for groove in range(4):
        pen.line(
            [(0.86 - groove * 0.03, -0.06 - groove * 0.03), (0.35, -0.13 - groove * 0.02)], 0.006, (140, 190, 210, 60)
        )
    pen.oval(0.70, 0.0, 0.016, fill=(190, 230, 240, 255))


def draw_fish(pen: Pen, phase: float, _action: str | None) -> None:
    school = ((0, 0, 1.0), (-0.4, 0.18, 0.7), (-0.45, -0.16, 0.75), (0.35, 0.22, 0.6), (-0.8, 0.02, 0.65),
        (0.3, -0.25, 0.55), (-0.85, 0.3, 0.5),
              (-0.9, -0.32, 0.5), (0.62, -0.02, 0.5))  # fmt: skip
    for number, (x, y, size) in enumerate(school):
        beat = 0.05 * math.sin(2 * math.pi * phase + number)
        pen.shape(
            [(x + 0.17 * size, y), (x + 0.06 * size, y + 0.07 * size), (x - 0.08 * size, y + 0.045 * size),
                (x - 0.15 * size, y + beat * 0.4),
             (x - 0.25 * size, y + 0.07 * size + beat), (x - 0.22 * size, y + beat), (x - 0.25 * size, y - 0.07 * size + beat),
             (x - 0.15 * size, y + beat * 0.4), (x - 0.08 * size, y - 0.045 * size), (x + 0.06 * size, y - 0.07 * size)],
            smooth=5,
        )  # fmt: skip
        pen.oval(x + 0.11 * size, y + 0.015 * size, 0.010 * size, fill=(190, 230, 240, 255))
