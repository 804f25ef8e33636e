"""Colours: the moods of a scene, the styles of a film, and BT.709 limited range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.media.oklab import from_oklab, to_oklab

Color = NDArray[np.floating[Any]]
"""Red, green, blue, 0 to 1, as displayed."""


def from_hex(text: str) -> Color:
    """`#ffb867`"""
    return np.array([int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)], np.float32)


def mix(first: Color, second: Color, part: float) -> Color:
    """`part` 0 is the first colour, 1 the second; between them evenly to the eye."""
    return from_oklab(to_oklab(first) * np.float32(1 - part) + to_oklab(second) * np.float32(part))


def ramp(stops: Sequence[Color], count: int) -> Color:
    """`count` colours through all stops, shape (count, 3)."""
    lab = np.array([to_oklab(stop) for stop in stops], np.float32)
    at = np.linspace(0, len(stops) - 1, count, dtype=np.float32)
    left = np.clip(at.astype(np.int64), 0, len(stops) - 2)
    part = (at - left)[:, None]
    part = (part * part * (3 - 2 * part) + part) * 0.5
    return from_oklab(lab[left] * (1 - part) + lab[left + 1] * part)


def to_yuv(color: Color) -> tuple[float, float, float]:
    """Y, U, V in BT.709 limited range, 0 to 255 (not rounded)."""
    red, green, blue = (float(part) for part in color)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """A light: the sky from the top to the horizon, the sun or moon, the air, the nearest shapes."""

    sky: tuple[str, str, str, str]
    light: str
    haze: str
    near: str
    light_height: float
    """Where the sun or moon stands: 0 top, 1 horizon."""
    root: int
    """The key of its music, a MIDI note."""
    is_minor: bool
    is_dark: bool = False


MOODS: dict[str, Mood] = {
    "dawn": Mood(sky=("#2b3a67", "#6a6fa8", "#e8a598", "#ffdfae"), light="#fff1c9", haze="#e6b3a3", near="#1d2440",
                 light_height=0.84, root=52, is_minor=False),
    "sunset": Mood(sky=("#241a4d", "#7a2f6b", "#e0574f", "#ffb867"), light="#ffe9b0", haze="#e5805c", near="#190f26",
                   light_height=0.86, root=50, is_minor=False),
    "day": Mood(sky=("#2a78bf", "#66aee3", "#b5def4", "#f3f6e6"), light="#ffffff", haze="#bfdcd6", near="#17452c",
                light_height=0.30, root=55, is_minor=False),
    "golden": Mood(sky=("#4f86b8", "#a9c9d2", "#f5dca6", "#f8bd6c"), light="#fff4cf", haze="#eac48c", near="#33281c",
                   light_height=0.66, root=53, is_minor=False),
    "dusk": Mood(sky=("#10193f", "#33386f", "#8a5580", "#f0997a"), light="#ffe3bd", haze="#7b5f85", near="#0d1026",
                 light_height=0.93, root=48, is_minor=True, is_dark=True),
    "night": Mood(sky=("#050814", "#0b1838", "#1a3260", "#40648a"), light="#eaf2ff", haze="#2a466c", near="#04070e",
                  light_height=0.30, root=45, is_minor=True, is_dark=True),
    "storm": Mood(sky=("#14181e", "#29323c", "#4a5763", "#8a979d"), light="#dfe8ee", haze="#5d6a74", near="#0c1014",
                  light_height=0.45, root=43, is_minor=True, is_dark=True),
    "fog": Mood(sky=("#8b99a3", "#a9b6bc", "#c8d2d3", "#e6eae6"), light="#ffffff", haze="#c3cccd", near="#2a3439",
                light_height=0.55, root=47, is_minor=True),
    "night fog": Mood(sky=("#0d141d", "#1c2936", "#33475a", "#5b7384"), light="#dfeaf2", haze="#4a6070", near="#070c12",
                      light_height=0.35, root=44, is_minor=True, is_dark=True),
    "neon": Mood(sky=("#07051a", "#190f45", "#57197a", "#ff4fa0"), light="#ffd0f0", haze="#7b2a8f", near="#080414",
                 light_height=0.80, root=45, is_minor=True, is_dark=True),
    "fire": Mood(sky=("#100406", "#3b0c0b", "#a02a13", "#ff9a2a"), light="#ffe29a", haze="#a5391a", near="#0c0303",
                 light_height=0.88, root=41, is_minor=True, is_dark=True),
    "winter": Mood(sky=("#6f97c4", "#aac7de", "#dce8f0", "#f8f5ee"), light="#ffffff", haze="#dbe6ee", near="#23344a",
                   light_height=0.55, root=52, is_minor=True),
    "deep": Mood(sky=("#8feaec", "#2fb0cc", "#0f5f98", "#05214a"), light="#e8ffff", haze="#1c7fae", near="#021326",
                 light_height=0.05, root=43, is_minor=True),
    "space": Mood(sky=("#02030a", "#060a1e", "#120f33", "#241a4d"), light="#fff3d6", haze="#20204a", near="#020208",
                  light_height=0.40, root=40, is_minor=True, is_dark=True),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours that a scene is painted with."""

    stops: tuple[Color, ...]
    light: Color
    haze: Color
    near: Color
    light_height: float
    is_dark: bool
    style: str

    def ink(self, text: str) -> Color:
        """A fixed colour as this style sees it."""
        return in_style(from_hex(text), self.style)

    def at_depth(self, depth: float) -> Color:
        """The colour of a shape: 0 is lost in the air, 1 is near."""
        return mix(self.haze, self.near, min(1.0, max(0.0, depth)) ** 0.85)


def in_style(color: Color, style: str) -> Color:
    """The colour as a style paints it."""
    lightness, green_red, blue_yellow = (float(part) for part in to_oklab(color))
    match style:
        case "noir":
            lightness = 0.5 + (lightness - 0.5) * 1.22 - 0.03
            green_red, blue_yellow = 0.0, 0.0
        case "sepia":
            lightness = 0.06 + lightness * 0.92
            green_red, blue_yellow = 0.012 + 0.012 * lightness, 0.035 + 0.03 * lightness
        case "pastel":
            lightness = 0.42 + lightness * 0.56
            green_red, blue_yellow = green_red * 0.72, blue_yellow * 0.72
        case "neon":
            lightness = lightness * 0.86
            green_red, blue_yellow = green_red * 1.5 + 0.025, blue_yellow * 1.35 - 0.035
        case _:
            pass
    return from_oklab(np.array([min(1.0, max(0.0, lightness)), green_red, blue_yellow], np.float32))


def make_palette(mood: str, style: str, towards: tuple[Color, Color] | None = None) -> Palette:
    """The colours of a mood in a style, pulled towards a picture's upper and lower colour where they are given."""
    chosen = MOODS[mood]
    palette = Palette(
        stops=tuple(in_style(from_hex(stop), style) for stop in chosen.sky),
        light=in_style(from_hex(chosen.light), style),
        haze=in_style(from_hex(chosen.haze), style),
        near=in_style(from_hex(chosen.near), style),
        light_height=chosen.light_height,
        is_dark=chosen.is_dark and style != "pastel",
        style=style,
    )
    if towards is None:
        return palette
    upper, lower = towards
    last = len(palette.stops) - 1
    return replace(
        palette,
        stops=tuple(_pull(stop, mix(upper, lower, at / last * 0.6)) for at, stop in enumerate(palette.stops)),
        haze=_pull(palette.haze, mix(upper, lower, 0.6)),
    )


def _pull(color: Color, target: Color, hue: float = 0.30, lightness: float = 0.12) -> Color:
    own, other = to_oklab(color), to_oklab(target)
    weight = np.array([lightness, hue, hue], np.float32)
    return from_oklab(own * (1 - weight) + other * weight)
