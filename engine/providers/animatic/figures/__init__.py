"""What can stand, sail or fly in a scene: its drawing and how it moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from engine.providers.animatic.figures import animals, people, things
from engine.providers.animatic.figures.pen import Pen

Drawing = Callable[[Pen, float, str | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """A light on a figure: where (in its heights), how far it shines, its colour."""

    x: float
    y: float
    reach: float
    color: str = "#ffd9a0"
    strength: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How a subject is drawn and moves. Lengths are in its own heights, its height in parts of the frame's."""

    draw: Drawing
    height: float
    left: float
    right: float
    above: float = 1.1
    below: float = 0.1
    poses: int = 12
    cycles_per_s: float = 0.8
    speed: float = 0.0
    stands: str = "ground"
    """"ground", "water", "air", or "back" (a building behind the people)."""
    bob: float = 0.0
    lamps: tuple[Lamp, ...] = ()


def _beast(beast: animals.Beast) -> Drawing:
    return partial(animals.draw_beast, beast=beast)


FIGURES: Mapping[str, Figure] = {
    "person": Figure(draw=people.draw_person, height=0.25, left=0.35, right=0.35, poses=16, cycles_per_s=0.85, speed=0.20),
    "keeper": Figure(draw=partial(people.draw_person, look="keeper"), height=0.25, left=0.35, right=0.4, poses=16, cycles_per_s=0.7,
                     speed=0.12, lamps=(Lamp(x=0.2, y=0.50, reach=1.1),)),
    "lantern": Figure(draw=partial(people.draw_person, look="lantern"),
        height=0.25, left=0.35, right=0.4, poses=16, cycles_per_s=0.7,
                      speed=0.14, lamps=(Lamp(x=0.2, y=0.50, reach=1.1),)),
    "couple": Figure(draw=people.draw_couple, height=0.25, left=0.6, right=0.6, poses=16, cycles_per_s=0.8, speed=0.17),
    "robot": Figure(draw=people.draw_robot, height=0.30, left=0.45, right=0.45, cycles_per_s=0.7, speed=0.12,
                    lamps=(Lamp(x=0.06, y=0.88, reach=0.4, color="#6fe6ff", strength=0.35),)),
    "dog": Figure(draw=_beast(animals.DOG), height=0.16, left=0.85, right=0.95, cycles_per_s=1.5, speed=0.55),
    "cat": Figure(draw=_beast(animals.CAT), height=0.15, left=0.85, right=0.85, cycles_per_s=1.1, speed=0.40),
    "fox": Figure(draw=_beast(animals.FOX), height=0.16, left=1.05, right=0.95, cycles_per_s=1.4, speed=0.55),
    "horse": Figure(draw=_beast(animals.HORSE), height=0.32, left=0.75, right=0.85, above=1.2, cycles_per_s=1.3, speed=0.35),
    "deer": Figure(draw=_beast(animals.DEER), height=0.30, left=0.65, right=0.75, above=1.3, cycles_per_s=0.7, speed=0.10),
    "birds": Figure(draw=animals.draw_birds, height=0.30, left=1.25, right=0.75, above=0.7, below=0.7, cycles_per_s=1.5,
        speed=0.22, stands="air"),
    "dragon": Figure(draw=animals.draw_dragon, height=0.34, left=1.15, right=0.95, above=1.0, below=0.55, poses=18,
        cycles_per_s=0.6,
                     speed=0.14, stands="air", bob=0.03),
    "whale": Figure(draw=animals.draw_whale, height=0.34, left=1.3, right=1.05, above=0.45, below=0.6, poses=18, cycles_per_s=0.25,
                    speed=0.10, stands="air", bob=0.03),
    "fish": Figure(draw=animals.draw_fish, height=0.28, left=1.3, right=0.95, above=0.5, below=0.5, cycles_per_s=1.6,
        speed=0.22, stands="air"),
    "boat": Figure(draw=things.draw_boat, height=0.20, left=1.0, right=1.1, above=1.2, below=0.12, poses=8,
        cycles_per_s=0.25, speed=0.09,
                   stands="water", bob=0.006,
                   lamps=(Lamp(x=0.26, y=1.06, reach=1.1, color="#ffe9c0", strength=0.75),
                       Lamp(x=-0.18, y=0.48, reach=0.5, strength=0.35))),
    "ship": Figure(draw=things.draw_ship, height=0.34, left=0.6, right=0.85, above=1.1, below=0.08, poses=8,
        cycles_per_s=0.25, speed=0.06,
                   stands="water", bob=0.006),
    "lighthouse": Figure(draw=things.draw_lighthouse, height=0.48, left=0.2, right=0.5, poses=1, stands="back"),
    "house": Figure(draw=things.draw_house, height=0.26, left=0.7, right=0.75, above=1.4, poses=12, cycles_per_s=0.3, stands="back",
                    lamps=(Lamp(x=0.0, y=0.24, reach=0.7, strength=0.25),)),
    "windmill": Figure(draw=things.draw_windmill, height=0.42, left=0.6, right=0.6, above=1.2, poses=24,
        cycles_per_s=0.5, stands="back"),
    "castle": Figure(draw=things.draw_castle, height=0.40, left=1.5, right=1.5, above=1.4, below=0.2, poses=8,
        cycles_per_s=0.7, stands="back"),
    "tree": Figure(draw=things.draw_tree, height=0.52, left=0.9, right=0.9, above=1.3, poses=8, cycles_per_s=0.2, stands="back"),
    "car": Figure(draw=things.draw_car, height=0.12, left=1.1, right=2.4, above=1.0, poses=6, cycles_per_s=2.4, speed=1.0),
    "train": Figure(draw=things.draw_train, height=0.13, left=3.1, right=3.6, above=2.2, poses=8, cycles_per_s=1.2, speed=0.7),
    "rocket": Figure(draw=things.draw_rocket, height=0.24, left=1.0, right=0.75, above=0.4, below=0.4, poses=6,
        cycles_per_s=4.0, speed=0.32,
                     stands="air", bob=0.012),
    "ufo": Figure(draw=things.draw_ufo, height=0.22, left=0.75, right=0.75, above=0.4, below=1.05, poses=12,
        cycles_per_s=0.8, speed=0.10,
                  stands="air", bob=0.02, lamps=(Lamp(x=0, y=0, reach=0.9, color="#8affd0", strength=0.35),)),
    "balloon": Figure(draw=things.draw_balloon, height=0.36, left=0.45, right=0.45, above=0.6, below=0.6, poses=8, cycles_per_s=0.5,
                      speed=0.05, stands="air", bob=0.008),
    "campfire": Figure(draw=things.draw_campfire, height=0.15, left=0.5, right=0.5, poses=12, cycles_per_s=1.6,
                       lamps=(Lamp(x=0, y=0.4, reach=2.6, color="#ff9a3c", strength=0.6),)),
}  # fmt: skip
