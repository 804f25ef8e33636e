"""Pictures that follow from a clip alone: its last frame, a thumbnail, a contact sheet. Made once, made again when missing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from weakref import WeakValueDictionary

from engine import media
from engine.errors import BadMedia, NotPossible
from engine.model import FileKey
from engine.ports import Files

VIDEO = "video"
THUMBNAIL = "thumbnail"
SPRITESHEET = "spritesheet"
LAST_FRAME = "last-frame"

_MAKERS: Mapping[str, tuple[str, Callable[[Path, Path], Awaitable[None]]]] = {
    THUMBNAIL: ("thumbnail.jpg", media.thumbnail),
    SPRITESHEET: ("spritesheet.jpg", media.spritesheet),
    LAST_FRAME: ("last-frame.png", media.last_frame),
}
VARIANTS = (VIDEO, *_MAKERS)


async def derived(files: Files, clip: FileKey, variant: str) -> Path:
    """The file of this variant of a clip; `video` is the clip itself.

    Raises:
        NotPossible: no such variant.
        BadMedia: the clip's file is missing or damaged.
    """
    if variant not in VARIANTS:
        raise NotPossible(f"There is no variant “{variant}”; choose one of: {', '.join(VARIANTS)}.")
    if not await files.exists(clip):
        raise BadMedia("The clip's file is missing from the data directory; /retake the shot to render it again.")
    source = files.path(clip)
    if variant == VIDEO:
        return source
    name, make = _MAKERS[variant]
    target = files.derived(clip, name)
    async with _making(target):
        if not await asyncio.to_thread(target.is_file):
            await make(source, target)
    return target


_LOCKS: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()


def _making(target: Path) -> asyncio.Lock:
    """One maker for a target at a time: a page asks for the same thumbnail as poster and in the strip."""
    return _LOCKS.setdefault(target, asyncio.Lock())
