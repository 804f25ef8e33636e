"""What the product is for: stories, jobs, the seam between two shots, providers. Knows no chat and no database.

The names are imported when they are first used: every piece of media work is a child process that begins by importing this
package, and needs neither the scheduler nor the studio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.model import Add, Asked, Continue, Create, Person, Retake, ShotOptions, Stitch
    from engine.open import open_studio, utc_now
    from engine.studio import Studio

__all__ = [
    "Add",
    "Asked",
    "Continue",
    "Create",
    "Person",
    "Retake",
    "ShotOptions",
    "Stitch",
    "Studio",
    "open_studio",
    "utc_now",
]

_ROOMS = {"Studio": "engine.studio", "open_studio": "engine.open", "utc_now": "engine.open"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS.get(name, "engine.model")), name)
