"""Where the subjects of an idea stand on a stage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.providers.animatic.actors import Actor, Glow
from engine.providers.animatic.beam import Beam
from engine.providers.animatic.canvas import Drawable
from engine.providers.animatic.figures import FIGURES
from engine.providers.animatic.palette import from_hex, mix
from engine.providers.animatic.stage import GROUND, Stage
from engine.providers.animatic.veil import Veil


def place_subjects(stage: Stage) -> None:
    """Put the idea's subjects on the stage: buildings behind, then what walks, then what flies."""
    subjects = stage.idea.subjects
    names = [name for name in subjects if name in FIGURES and name not in stage.hold_subjects]
    if "lantern" in names and len({"keeper", "person", "couple", "lighthouse"} & set(names)) > 0:
        names.remove("lantern")  # somebody carries it already, or it is the lighthouse's
    order = {"back": 0, "water": 1, "ground": 2, "air": 3}
    names.sort(key=lambda name: order[FIGURES[name].stands])
    for number, name in enumerate(names):
        _place(stage, name, number, len(names))
    if stage.water_line is not None and "fog" in stage.idea.weather:
        stage.things.append(Veil(stage))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a figure stands: its origin in parts of the frame's width and in frame pixels, its depth, its ground.

    `index` is its place among the things; None: the last.
    """

    across: float
    y: float
    depth: float
    follows_ground: bool = False
    index: int | None = None


def _place(stage: Stage, name: str, number: int, count: int) -> None:
    figure = FIGURES[name]
    height = min(figure.height * stage.unit, 0.80 * stage.width / (figure.left + figure.right))
    if stage.window_x is not None:
        height *= (
            0.6 if figure.stands == "air" else 1.55 if figure.height < 0.3 else 1.0
        )  # a room is seen from close by
    spot = _spot(stage, name, number, count)
    actor = Actor(
        stage,
        figure,
        x=spot.across * stage.width,
        y=spot.y + (height * 0.02 if spot.follows_ground or spot.index is not None else 0),
        height=height,
        depth=spot.depth,
        facing=-1 if stage.idea.camera == "left" else 1,
        action=stage.idea.action,
        follows_ground=spot.follows_ground,
    )
    drawn: list[Drawable] = [*_glows(stage, actor), actor]
    at = len(stage.things) if spot.index is None else spot.index
    stage.things[at:at] = drawn
    if name == "lighthouse" and (stage.palette.is_dark or "fog" in stage.idea.weather):
        stage.front.append(Beam(stage, actor, is_lit_late=stage.idea.action == "light"))


def _spot(stage: Stage, name: str, number: int, count: int) -> Spot:
    figure = FIGURES[name]
    away = -1 if stage.light_x > 0.5 else 1
    across = 0.5 + 0.13 * away * (1 if number % 2 == 0 else -1) + stage.dice.between(-0.03, 0.03)
    if stage.subject_x is not None:
        across = stage.subject_x + 0.14 * number * (1 if stage.subject_x < 0.5 else -1)
    if figure.stands == "air" and stage.window_x is not None and stage.behind is not None:
        index, middle, depth = stage.behind
        return Spot(stage.window_x, middle * stage.height, depth, index=index)
    if figure.stands == "air" or (stage.ground is None and stage.water_line is None):
        return Spot(0.5 + stage.dice.between(-0.05, 0.05), stage.height * stage.dice.between(0.34, 0.44), 0.5)
    if figure.stands == "water" and stage.water_line is not None:
        beside_rock = 0.0 if stage.ground is None else -0.10 * away
        return Spot(0.5 + beside_rock, stage.height * (stage.water_line + (0.055 if name == "boat" else 0.035)), 0.4)
    if figure.stands == "back" and stage.behind is not None:
        index, foot, depth = stage.behind
        return Spot(across, foot * stage.height, depth, index=index)
    if stage.ground is None:
        return Spot(across, stage.height * GROUND, 0.6)
    if stage.water_line is not None:
        across = _on_the_headland(stage, number, count, is_building=figure.stands == "back")
    column = int(np.clip(stage.across(across), 0, stage.plate_width - 1))
    return Spot(across, float(stage.ground[column]) - stage.margin_y / 2, stage.ground_depth, follows_ground=True)


def _on_the_headland(stage: Stage, number: int, count: int, *, is_building: bool) -> float:
    """A place on the rock, which lies on the side away from the light."""
    side = 1 if stage.light_x < 0.5 else -1
    inward = 0.22 if is_building else 0.16 - 0.07 * (count - number)
    return 0.5 + side * inward


def _glows(stage: Stage, actor: Actor) -> list[Glow]:
    """The light of its lamps; by day only the strong ones."""
    is_seen = stage.palette.is_dark or stage.idea.mood in ("sunset", "fog", "golden")
    return [
        Glow(
            actor,
            lamp,
            mix(stage.palette.ink(lamp.color), from_hex("#ffffff"), 0.1),
            blinks=stage.idea.action == "answer" and lamp.strength > 0.6,
        )
        for lamp in actor.figure.lamps
        if is_seen or lamp.strength > 0.5
    ]
