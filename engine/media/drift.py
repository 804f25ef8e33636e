"""How colour and exposure step from one picture to the next, where both show the same thing.

What a renderer was given comes back a little brighter, paler or warmer. The step is fitted between the two pictures as a curve for
luma and a linear map for chroma.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.media.colour import Rgb
from engine.media.oklab import to_oklab
from engine.media.seam import likeness, means, overlap

Numbers = npt.NDArray[np.float64]

VISIBLE = 0.008
"""Mean distance in OKLab from which a step is seen where two pictures follow each other."""
KNOTS = 33
"""At so many levels the curve of luma is told."""
_LARGEST = 0.12
"""Beyond, it is meant: a fade, a light that goes on."""
_WINDOW = 12
_LIKE = 0.6
_FLAT = 0.015
"""Where luma varies less there is nothing to tell a drift from another scene by."""
_EXPLAINED = 0.6
_NOISE, _SAMPLES = 0.01, 50.0
_LUMA_PRIORS = np.array([0.1, 0.15, 0.3, 0.1, 0.1])
"""How large offset, slope, bend and what comes of chroma usually are: where the pictures do not tell, they stay small."""
_CHROMA_PRIORS = np.array([0.15, 0.15, 0.1, 0.1])
_STEEPEST = 0.8
"""Between different scenes anything can be fitted; it has to stay solvable."""
_LEAST_SPREAD = 0.002
_ROUNDS = 8
_NEAR_WHITE = 0.15
_TO_YCC = np.array([[0.2126, 0.7152, 0.0722], [-0.114572, -0.385428, 0.5], [0.5, -0.454153, -0.045847]])
_TO_RGB = np.linalg.inv(_TO_YCC)


@dataclass(frozen=True, slots=True)
class Way:
    """From the later picture's colours to the earlier one's; as in Drift."""

    luma: Numbers
    tint: Numbers
    chroma: Numbers
    """2 x 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The step from one picture to the one that follows it, and what undoes it."""

    lightness: float
    """Mean step in OKLab; above 0: the later picture is lighter."""
    colour: float
    """Mean length of the step across OKLab's two colour axes."""
    step: float
    """Mean OKLab distance that levelling takes away."""
    is_drift: bool
    """Whether the pictures show the same thing, so that the step is none of the scene's."""
    luma: tuple[float, ...] = ()
    """What luma (0 to 1) becomes, at even steps from 0 to 1."""
    tint: tuple[float, ...] = ()
    """What luma gets of Cb and of Cr besides."""
    chroma: tuple[float, ...] = ()
    """Row by row: what Cb and Cr are made of Cb, Cr, luma and 1."""

    @property
    def is_visible(self) -> bool:
        """Whether it is a drift, and large enough to be seen: only then there is something to level."""
        return self.is_drift and self.step >= VISIBLE

    @classmethod
    def from_json(cls, words: Mapping[str, Any]) -> Drift:
        """What `dataclasses.asdict` made of it, through JSON or not."""
        curves = {name: tuple(words[name]) for name in ("luma", "tint", "chroma")}
        return cls(**{**words, **curves})


def drift(before: Rgb, after: Rgb) -> Drift:
    """The step from `before` to `after`, pictures as `seam.shrink` gives them. Motion of a picture or two does not count."""
    one, two = overlap(before, after)
    old, new = _samples(one), _samples(two)
    way = _fit(old, new)
    back = _mapped(new, way)
    lab_old, lab_new, lab_back = (_lab(samples) for samples in (old, new, back))
    steps = lab_new - lab_back
    step = float(np.linalg.norm(steps, axis=1).mean())
    before_fit, after_fit = (float(np.median(np.linalg.norm(lab - lab_old, axis=1))) for lab in (lab_new, lab_back))
    is_drift = (
        step <= _LARGEST
        and after_fit <= max(_EXPLAINED * before_fit, VISIBLE / 4)
        and min(old[:, 0].std(), new[:, 0].std()) >= _FLAT
        and likeness(one, _corrected(two, way)) >= _LIKE
    )
    return Drift(
        lightness=float(steps[:, 0].mean()),
        colour=float(np.linalg.norm(steps[:, 1:], axis=1).mean()),
        step=step,
        is_drift=bool(is_drift),
        luma=tuple(way.luma.tolist()),
        tint=tuple(way.tint.tolist()),
        chroma=tuple(way.chroma.ravel().tolist()),
    )


def corrected(rgb: Rgb, drift: Drift) -> Rgb:
    """A small picture as it is after levelling; itself where there is nothing to level."""
    if not drift.is_visible:
        return rgb
    return _corrected(rgb, way_of(drift))


def way_of(drift: Drift) -> Way:
    """The same as arrays."""
    return Way(np.array(drift.luma), np.array(drift.tint), np.array(drift.chroma).reshape(2, 4))


def _samples(rgb: Rgb) -> Numbers:
    """Luma and chroma of small windows: N x 3. What is finer moves from picture to picture."""
    ycc = (rgb.reshape(-1, 3) @ (_TO_YCC.T / 255)).reshape(rgb.shape)
    window = min(_WINDOW, *rgb.shape[:2])
    return np.stack([means(ycc[..., axis], window).ravel() for axis in range(3)], 1)


def _lab(samples: Numbers) -> Numbers:
    return np.asarray(to_oklab(np.clip(samples @ _TO_RGB.T, 0, 1)), np.float64)


def _fit(old: Numbers, new: Numbers) -> Way:
    """What brings `new` to `old`.

    The difference is fitted against the mean of both, not against `new`: noise and motion then do not pull the slopes towards 0.
    """
    middle, gap = (old + new) / 2, old - new
    light, blue, red = middle.T
    one = np.ones_like(light)
    bend = _weighted(np.stack([one, light - 0.5, (light - 0.5) ** 2, blue, red], 1), gap[:, 0], _LUMA_PRIORS)
    terms = np.stack([blue, red, light, one], 1)
    slopes = np.stack([_weighted(terms, gap[:, axis], _CHROMA_PRIORS) for axis in (1, 2)])
    slopes[:, :2] = slopes[:, :2].clip(-_STEEPEST, _STEEPEST)
    # old - new = E (old + new) / 2 + b: solved for old. Where one kind's mean stands in the other's map the new one's does.
    half = slopes[:, :2] / 2
    inverse = np.linalg.inv(np.eye(2) - half)
    return Way(
        _curve(bend[:3], *np.percentile(new[:, 0], [1, 99])),
        bend[3:],
        np.hstack([inverse @ (np.eye(2) + half), inverse @ slopes[:, 2:]]),
    )


def _curve(bend: Numbers, least: float, most: float) -> Numbers:
    """The whole curve. Beyond the levels that were there the step stays as it is at their end, short of black and white."""
    knots = np.linspace(0, 1, KNOTS)
    inside = np.clip(knots, least, most)
    made = inside
    for _ in range(4):  # the mean of both holds what is looked for
        around = (inside + made) / 2 - 0.5
        made = inside + bend[0] + bend[1] * around + bend[2] * around**2
    step = made - inside
    room_up = np.where(knots > most, np.minimum(1, (1 - knots) / max(1e-3, 1 - most)), 1.0)
    room_down = np.where(knots < least, np.minimum(1, knots / max(1e-3, least)), 1.0)
    step = np.where(step > 0, step * room_up, step * room_down)
    return np.asarray(np.maximum.accumulate(np.clip(knots + step, 0, 1)))


def _weighted(terms: Numbers, gaps: Numbers, priors: Numbers) -> Numbers:
    """Least squares that what moved through the picture does not count in (Tukey's weights), and that stays near none."""
    weights = np.ones(len(gaps))
    ridge = np.diag((_NOISE / priors) ** 2)
    found = np.zeros(len(priors))
    for _ in range(_ROUNDS):
        scaled = terms * (weights * _SAMPLES / max(1.0, weights.sum()))[:, None]
        found = np.linalg.solve(scaled.T @ terms + ridge, scaled.T @ gaps)
        off = np.abs(gaps - terms @ found)
        reach = 6 * max(_LEAST_SPREAD, float(np.median(off)))
        weights = np.clip(1 - (off / reach) ** 2, 0, 1) ** 2
    return np.asarray(found)


def _mapped(samples: Numbers, way: Way) -> Numbers:
    light = np.clip(samples[:, 0], 0, 1)
    curved = np.interp(light, np.linspace(0, 1, KNOTS), way.luma) + samples[:, 1:] @ way.tint
    casts = [cast(light, *row[2:]) for row in way.chroma]
    return np.column_stack([curved, samples[:, 1:] @ way.chroma[:, :2].T + np.stack(casts, 1)])


def cast(light: Numbers, slope: float, constant: float) -> Numbers:
    """What chroma gets by luma. Less towards white: where a colour was cut off there, it did not step as far as the others."""
    light = np.clip(light, 0, 1)
    return np.asarray((slope * light + constant) * np.minimum(1, (1 - light) / _NEAR_WHITE))


def _corrected(rgb: Rgb, way: Way) -> Rgb:
    back = _mapped(rgb.reshape(-1, 3) @ (_TO_YCC.T / 255), way) @ _TO_RGB.T
    return np.clip(np.round(back * 255), 0, 255).astype(np.uint8).reshape(rgb.shape)
