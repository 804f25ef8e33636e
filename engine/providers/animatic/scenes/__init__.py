"""The places that can be drawn: each function paints its plates on a stage, from far to near."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.providers.animatic.scenes.city import paint_city
from engine.providers.animatic.scenes.depths import paint_space, paint_underwater
from engine.providers.animatic.scenes.indoors import paint_doorway, paint_room
from engine.providers.animatic.scenes.sea import paint_sea
from engine.providers.animatic.scenes.wild import paint_desert, paint_field, paint_forest, paint_mountain_scene
from engine.providers.animatic.stage import Stage

SCENE_PAINTERS: Mapping[str, Callable[[Stage], None]] = {
    "sea": paint_sea,
    "mountains": paint_mountain_scene,
    "field": paint_field,
    "forest": paint_forest,
    "desert": paint_desert,
    "city": paint_city,
    "underwater": paint_underwater,
    "space": paint_space,
    "room": paint_room,
    "doorway": paint_doorway,
}
