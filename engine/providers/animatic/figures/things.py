"""Boats, buildings and machines."""

from __future__ import annotations

import math
import random

from engine.providers.animatic.figures.pen import PALE, WARM, Fill, Pen, Point

_RED_LIGHT: Fill = (255, 60, 50, 255)
_DIM_GLASS: Fill = (70, 84, 96, 255)


def draw_boat(pen: Pen, phase: float, _action: str | None) -> None:
    """A small fishing boat: hull, cabin with a lit window, mast with a lamp."""
    sway = 0.012 * math.sin(2 * math.pi * phase)
    pen.shape(
        [
            (-0.80, 0.34),
            (-0.70, 0.30),
            (0.20, 0.26),
            (0.66, 0.34),
            (0.95, 0.46),
            (0.72, 0.10),
            (0.58, -0.06),
            (-0.66, -0.06),
            (-0.76, 0.10),
        ],
        smooth=4,
    )
    pen.box(-0.42, 0.24, 0.04, 0.62)
    pen.shape([(-0.50, 0.61), (0.12, 0.61), (0.08, 0.67), (-0.46, 0.67)])
    pen.box(-0.34, 0.42, -0.22, 0.55, WARM)
    pen.box(-0.15, 0.42, -0.03, 0.55, WARM)
    pen.limb([(0.26, 0.25), (0.26 + sway, 1.02)], 0.030, 0.018)
    pen.line([(0.26 + sway, 0.98), (0.88, 0.44)], 0.008)
    pen.line([(0.26 + sway, 0.98), (-0.44, 0.66)], 0.008)
    pen.limb([(0.26, 0.40), (0.60, 0.62)], 0.018, 0.012)
    pen.oval(0.26 + sway, 1.06, 0.045, fill=PALE)
    pen.oval(-0.74, 0.46, 0.022, fill=WARM)
    pen.limb([(-0.74, 0.32), (-0.74, 0.44)], 0.014, 0.012)


def draw_ship(pen: Pen, phase: float, _action: str | None) -> None:
    sway = 0.015 * math.sin(2 * math.pi * phase)
    pen.shape(
        [
            (-0.42, 0.16),
            (-0.46, 0.28),
            (-0.30, 0.22),
            (0.20, 0.20),
            (0.44, 0.27),
            (0.62, 0.33),
            (0.36, 0.06),
            (0.28, -0.02),
            (-0.32, -0.02),
        ],
        smooth=3,
    )
    for x, top in ((-0.22, 0.80), (0.06, 0.98), (0.28, 0.76)):
        pen.limb([(x, 0.15), (x + sway, top)], 0.022, 0.012)
        for low, high, wide in ((0.30, 0.52, 0.17), (0.55, 0.74, 0.13), (0.77, 0.88, 0.09)):
            if high < top:
                belly = 0.03 + sway
                pen.shape([(x - wide * 0.9, low), (x + wide * 0.9, low), (x + wide + belly, (low + high) / 2),
                           (x + wide * 0.75 + 0.02, high), (x - wide * 0.75 + 0.02, high),
                               (x - wide * 0.7 + belly, (low + high) / 2)])  # fmt: skip
    pen.limb([(0.40, 0.28), (0.72, 0.42)], 0.018, 0.008)
    pen.shape([(0.30, 0.72), (0.70, 0.42), (0.38, 0.30)])
    pen.shape([(0.06, 0.98), (0.20, 0.955 + sway), (0.06, 0.93)])
    for x in (-0.37, -0.29):
        pen.oval(x, 0.215, 0.014, fill=WARM)


def draw_lighthouse(pen: Pen, _phase: float, action: str | None) -> None:
    """The tower with its gallery and lamp room. `action` "dark": the lamp is not lit."""
    pen.shape([(-0.125, -0.10), (0.125, -0.10), (0.064, 0.80), (-0.064, 0.80)])
    for low, high in ((0.16, 0.30), (0.46, 0.60)):

        def wide(y: float) -> float:
            return 0.118 - (y + 0.02) * 0.066

        pen.shape([(-wide(low), low), (wide(low), low), (wide(high), high), (-wide(high), high)], (92, 84, 92, 255))
    pen.box(-0.100, 0.79, 0.100, 0.815)
    for x in (-0.095, -0.05, 0.0, 0.05, 0.095):
        pen.line([(x, 0.81), (x, 0.86)], 0.006)
    pen.line([(-0.098, 0.858), (0.098, 0.858)], 0.007)
    pen.box(-0.056, 0.81, 0.056, 0.945)
    pen.box(-0.044, 0.835, 0.044, 0.93, (64, 74, 82, 255) if action == "dark" else PALE)
    pen.line([(-0.015, 0.83), (-0.015, 0.935)], 0.006)
    pen.line([(0.018, 0.83), (0.018, 0.935)], 0.006)
    pen.shape([(-0.074, 0.94), (-0.045, 0.985), (0.0, 1.005), (0.045, 0.985), (0.074, 0.94)], smooth=3)
    pen.limb([(0, 1.0), (0, 1.045)], 0.012, 0.008)
    pen.box(-0.030, -0.08, 0.030, 0.055, (36, 26, 22, 255))
    for y in (0.38, 0.67):
        pen.box(-0.014, y, 0.014, y + 0.045, WARM)
    pen.box(0.10, -0.10, 0.40, 0.09)
    pen.shape([(0.07, 0.085), (0.25, 0.20), (0.43, 0.085)])
    pen.box(0.20, 0.0, 0.26, 0.06, WARM)


def draw_house(pen: Pen, phase: float, _action: str | None) -> None:
    pen.box(-0.5, -0.04, 0.5, 0.48)
    pen.shape([(-0.60, 0.46), (-0.34, 0.86), (0.34, 0.86), (0.60, 0.46)])
    pen.box(0.2, 0.7, 0.32, 1.0)
    pen.box(-0.10, -0.02, 0.06, 0.28, (40, 26, 20, 255))
    for x in (-0.36, 0.22):
        pen.box(x, 0.18, x + 0.16, 0.34, WARM)
        pen.box(x + 0.074, 0.18, x + 0.086, 0.34)
        pen.box(x, 0.255, x + 0.16, 0.265)
    for puff in range(4):
        rise = (puff + phase) / 4
        pen.oval(0.28 + 0.16 * rise, 1.05 + 0.26 * rise, 0.025 + 0.05 * rise, fill=(0, 0, 0, int(95 * (1 - rise))))


def draw_windmill(pen: Pen, phase: float, _action: str | None) -> None:
    pen.shape([(-0.16, -0.04), (0.16, -0.04), (0.09, 0.60), (-0.09, 0.60)])
    pen.shape([(-0.11, 0.59), (0.0, 0.72), (0.11, 0.59)], smooth=3)
    pen.box(-0.03, 0.0, 0.03, 0.12, (40, 26, 20, 255))
    pen.box(-0.02, 0.36, 0.02, 0.42, WARM)
    for arm in range(4):
        turn = 2 * math.pi * (phase + arm) / 4
        cosine, sine = math.cos(turn), math.sin(turn)

        def blade(along: float, aside: float, cosine: float = cosine, sine: float = sine) -> tuple[float, float]:
            return along * cosine - aside * sine, 0.62 + along * sine + aside * cosine

        pen.line([blade(0, 0), blade(0.46, 0)], 0.016)
        pen.shape([blade(0.10, 0.0), blade(0.45, 0.0), blade(0.45, 0.085), blade(0.10, 0.075)], (0, 0, 0, 210))


def draw_castle(pen: Pen, phase: float, _action: str | None) -> None:
    pen.shape(
        [
            (-1.35, -0.16),
            (-1.0, 0.02),
            (-0.75, 0.11),
            (-0.5, 0.15),
            (0.5, 0.16),
            (0.8, 0.08),
            (1.1, -0.02),
            (1.4, -0.16),
        ],
        smooth=4,
    )
    pen.box(-0.55, 0.1, 0.55, 0.34)
    for merlon in range(14):
        pen.box(-0.55 + merlon * 0.08, 0.34, -0.51 + merlon * 0.08, 0.375)
    for x, wide, top in (
        (-0.55, 0.13, 0.52),
        (0.55, 0.13, 0.48),
        (-0.22, 0.12, 0.62),
        (0.25, 0.14, 0.56),
        (0.02, 0.18, 0.80),
    ):
        _draw_tower(pen, x, wide, top, phase)
    pen.shape([(-0.06, 0.1), (-0.06, 0.22), (0, 0.27), (0.06, 0.22), (0.06, 0.1)], (60, 38, 20, 255))


def _draw_tower(pen: Pen, x: float, wide: float, top: float, phase: float) -> None:
    pen.box(x - wide / 2, 0.1, x + wide / 2, top)
    pen.box(x - wide * 0.62, top - 0.03, x + wide * 0.62, top + 0.02)
    for merlon in range(4):
        left = x - wide * 0.62 + merlon * wide * 0.33
        pen.box(left, top + 0.02, left + wide * 0.2, top + 0.05)
    peak = top + wide * 2.1
    pen.shape([(x - wide * 0.7, top + 0.03), (x, peak + 0.03), (x + wide * 0.7, top + 0.03)])
    pen.limb([(x, peak), (x, peak + 0.11)], 0.008, 0.006)
    flutter = 0.012 * math.sin(2 * math.pi * phase + x * 5)
    pen.shape([(x, peak + 0.11), (x + 0.065, peak + 0.09 + flutter), (x, peak + 0.075)])
    for window in range(2):
        pen.box(x - 0.009, top - 0.12 - 0.14 * window, x + 0.009, top - 0.07 - 0.14 * window, WARM)


def draw_car(pen: Pen, phase: float, _action: str | None) -> None:
    bounce = 0.008 * math.sin(2 * math.pi * phase)
    pen.shape(
        [(-1.0, 0.22), (-0.98, 0.48 + bounce), (-0.62, 0.56 + bounce), (-0.40, 0.88 + bounce), (0.22, 0.90 + bounce),
         (0.56, 0.58 + bounce), (0.95, 0.50 + bounce), (1.02, 0.24), (0.9, 0.16), (-0.9, 0.16)],
        smooth=4,
    )  # fmt: skip
    pen.shape(
        [(-0.50, 0.58 + bounce), (-0.34, 0.80 + bounce), (-0.08, 0.82 + bounce), (-0.08, 0.58 + bounce)], _DIM_GLASS
    )
    pen.shape([(0.0, 0.58 + bounce), (0.0, 0.82 + bounce), (0.19, 0.81 + bounce), (0.42, 0.58 + bounce)], _DIM_GLASS)
    for x in (-0.60, 0.60):
        pen.oval(x, 0.17, 0.19)
        pen.oval(x, 0.17, 0.085, fill=(60, 64, 70, 255))
        turn = 2 * math.pi * phase
        pen.line(
            [
                (x - 0.08 * math.cos(turn), 0.17 + 0.08 * math.sin(turn)),
                (x + 0.08 * math.cos(turn), 0.17 - 0.08 * math.sin(turn)),
            ],
            0.02,
        )
    pen.oval(0.96, 0.40 + bounce, 0.06, 0.05, PALE)
    pen.oval(-0.98, 0.40 + bounce, 0.04, 0.05, _RED_LIGHT)
    pen.shape([(1.0, 0.40 + bounce), (2.3, 0.60), (2.3, 0.06)], (255, 240, 190, 54))


def draw_train(pen: Pen, phase: float, _action: str | None) -> None:
    for wagon in range(3):
        x = -2.9 + wagon * 1.55
        pen.box(x, 0.18, x + 1.48, 0.92)
        pen.box(x - 0.03, 0.86, x + 1.51, 0.98)
        for window in range(4):
            pen.box(x + 0.16 + window * 0.33, 0.50, x + 0.36 + window * 0.33, 0.74, WARM)
        for wheel in (0.25, 0.5, 1.0, 1.25):
            pen.oval(x + wheel, 0.12, 0.11)
    x = -2.9 + 3 * 1.55
    pen.box(x, 0.18, x + 1.2, 0.7)
    pen.box(x, 0.18, x + 0.45, 1.05)
    pen.box(x + 0.10, 0.68, x + 0.35, 0.92, WARM)
    pen.box(x + 0.85, 0.7, x + 1.0, 1.10)
    pen.oval(x + 1.2, 0.44, 0.26)
    pen.oval(x + 1.40, 0.5, 0.06, fill=PALE)
    pen.shape([(x + 1.2, 0.1), (x + 1.65, 0.1), (x + 1.3, 0.4)])
    turn = 2 * math.pi * phase
    for wheel in (0.2, 0.65, 1.05):
        pen.oval(x + wheel, 0.14, 0.16)
    rod = (0.07 * math.cos(turn), 0.07 * math.sin(turn))
    pen.line([(x + 0.2 + rod[0], 0.14 + rod[1]), (x + 1.05 + rod[0], 0.14 + rod[1])], 0.035, (90, 90, 95, 255))
    for puff in range(6):
        rise = (puff + phase) / 6
        pen.oval(x + 0.9 - 2.0 * rise, 1.22 + 0.62 * rise, 0.10 + 0.22 * rise, fill=(0, 0, 0, int(125 * (1 - rise))))


def draw_rocket(pen: Pen, phase: float, _action: str | None) -> None:
    flame = 0.10 + 0.03 * math.sin(4 * math.pi * phase)
    pen.shape(
        [
            (0.62, 0.0),
            (0.42, 0.09),
            (0.1, 0.12),
            (-0.32, 0.10),
            (-0.40, 0.0),
            (-0.32, -0.10),
            (0.1, -0.12),
            (0.42, -0.09),
        ],
        smooth=6,
    )
    pen.shape([(-0.10, 0.09), (-0.36, 0.30), (-0.48, 0.30), (-0.34, 0.06)])
    pen.shape([(-0.10, -0.09), (-0.36, -0.30), (-0.48, -0.30), (-0.34, -0.06)])
    pen.shape([(-0.38, 0.07), (-0.48 - flame * 2.6, 0), (-0.38, -0.07)], (255, 170, 70, 255), smooth=4)
    pen.shape([(-0.38, 0.04), (-0.44 - flame * 1.3, 0), (-0.38, -0.04)], (255, 245, 210, 255), smooth=4)
    for x in (0.30, 0.14, -0.02):
        pen.oval(x, 0.02, 0.026, fill=(160, 230, 255, 255))


def draw_ufo(pen: Pen, phase: float, _action: str | None) -> None:
    pen.shape([(-0.20, -0.06), (0.20, -0.06), (0.48, -0.98), (-0.48, -0.98)], (170, 255, 225, 34))
    pen.oval(0, 0.10, 0.24, 0.17)
    pen.oval(0, 0, 0.62, 0.12)
    for lamp in range(7):
        x = -0.5 + lamp / 6
        is_lit = math.sin(2 * math.pi * phase + lamp) > 0
        pen.oval(
            x, -0.005 - 0.045 * math.cos(x * 3), 0.025, fill=(150, 255, 220, 255) if is_lit else (70, 120, 110, 255)
        )


def draw_balloon(pen: Pen, phase: float, _action: str | None) -> None:
    pen.shape([(-0.36, 0.22), (-0.30, 0.42), (0, 0.52), (0.30, 0.42), (0.36, 0.22), (0.24, -0.05), (0.09, -0.24),
        (-0.09, -0.24), (-0.24, -0.05)],
              (122, 44, 46, 255), smooth=8)  # fmt: skip
    for color, x in (((214, 90, 70, 255), -0.17), ((240, 190, 110, 255), 0.0), ((214, 90, 70, 255), 0.17)):
        pen.shape(
            [(x - 0.055, 0.30), (x * 0.8, 0.47), (x + 0.055, 0.30), (x * 0.55 + 0.02, -0.20), (x * 0.55 - 0.02, -0.20)],
            color,
            smooth=5,
        )
    pen.line([(-0.08, -0.24), (-0.06, -0.40)], 0.008)
    pen.line([(0.08, -0.24), (0.06, -0.40)], 0.008)
    if phase < 0.25:
        pen.shape([(-0.03, -0.30), (0.0, -0.22), (0.03, -0.30)], WARM)
    pen.box(-0.08, -0.50, 0.08, -0.39)


def draw_campfire(pen: Pen, phase: float, _action: str | None) -> None:
    turn = 2 * math.pi * phase
    pen.limb([(-0.35, 0.05), (0.3, 0.12)], 0.09, 0.08)
    pen.limb([(0.35, 0.05), (-0.3, 0.12)], 0.09, 0.08)
    flames: tuple[tuple[Fill, float], ...] = (
        ((255, 110, 30, 235), 1.0),
        ((255, 180, 60, 255), 0.68),
        ((255, 240, 190, 255), 0.38),
    )
    for number, (color, size) in enumerate(flames):
        lean = 0.06 * math.sin(turn + number * 2)
        pen.shape(
            [(-0.22 * size, 0.08), (-0.24 * size, 0.30 * size), (-0.08 * size + lean, 0.52 * size),
                (0.02 + lean * 1.4, 0.90 * size),
             (0.10 * size - lean, 0.50 * size), (0.24 * size, 0.30 * size), (0.22 * size, 0.08)],
            color, smooth=6,
        )  # fmt: skip


def draw_tree(pen: Pen, phase: float, _action: str | None) -> None:
    chance = random.Random(7)  # the same tree in every pose
    sway = 0.02 * math.sin(2 * math.pi * phase)

    def grow(foot: Point, lean: float, long: float, wide: float, left: int) -> None:
        end = (foot[0] + long * math.sin(lean + sway * (4 - left)), foot[1] + long * math.cos(lean))
        pen.limb([foot, end], wide, wide * 0.7)
        if left == 0:
            for _ in range(5):
                x, y = end[0] + chance.uniform(-0.06, 0.06), end[1] + chance.uniform(-0.05, 0.06)
                pen.oval(x, y, chance.uniform(0.025, 0.06))
            return
        for _ in range(3 if left > 2 else 2):
            grow(end, lean + chance.uniform(-0.75, 0.75), long * chance.uniform(0.62, 0.82), wide * 0.64, left - 1)

    grow((0, -0.02), 0.05, 0.30, 0.075, 4)
