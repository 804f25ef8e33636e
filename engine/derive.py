"""Files that follow from a clip alone: pictures of it, and what a chat with a cap can play. Made once, made again when missing."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from engine import media
from engine.errors import BadMedia, NotPossible
from engine.model import FileKey
from engine.ports import Files

VIDEO = "video"
THUMBNAIL = "thumbnail"
SPRITESHEET = "spritesheet"
LAST_FRAME = "last-frame"
POSTER = "poster"
SMALL = "small"

VARIANTS = (VIDEO, THUMBNAIL, SPRITESHEET, LAST_FRAME)
"""Those that people are offered; what a chat platform asks for beside a video is no choice of theirs."""
_MAKERS: Mapping[str, tuple[str, Callable[[Path, Path], Awaitable[None]]]] = {
    THUMBNAIL: ("thumbnail.jpg", media.thumbnail),
    SPRITESHEET: ("spritesheet.jpg", media.spritesheet),
    LAST_FRAME: ("last-frame.png", media.last_frame),
    POSTER: ("poster.jpg", media.poster),
    SMALL: ("small.jpg", media.small),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file to be played."""

    path: Path
    seconds: float
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Playable:
    """A clip or film as one destination can play it, in the order of the story."""

    pieces: tuple[Piece, ...]
    lines: int | None
    """Pixels of the shorter side where it was encoded anew to fit; None: the pictures are those of the clip."""

    @property
    def parts(self) -> int:
        """1: it is whole."""
        return len(self.pieces)


async def derived(files: Files, clip: FileKey, variant: str) -> Path:
    """The file of one of VARIANTS; `video` is the clip itself.

    Raises:
        NotPossible: no such variant.
        BadMedia: the clip's file is missing or damaged.
    """
    if variant not in VARIANTS:
        raise NotPossible(f"There is no variant “{variant}”; choose one of: {', '.join(VARIANTS)}.")
    if variant == VIDEO:
        return await _source(files, clip)
    return await still(files, clip, variant)


async def still(files: Files, clip: FileKey, variant: str) -> Path:
    """The file of a picture of the clip: any of VARIANTS but the video, or POSTER or SMALL.

    POSTER is at most 1280 pixels wide; SMALL at most 320 on the longer side and under 200 kB. Both are the picture on which
    playing begins, so that nothing jumps.

    Raises:
        BadMedia: the clip's file is missing or damaged.
    """
    source = await _source(files, clip)
    name, make = _MAKERS[variant]
    target = files.derived(clip, name)
    async with _making(target):
        if not await asyncio.to_thread(target.is_file):
            await make(source, target)
    return target


async def playable(files: Files, clip: FileKey, *, limit_bytes: int, needs_sound: bool) -> Playable:
    """The clip as it is where it fits under the cap, else encoded to fit, in parts where it must.

    `needs_sound`: a silent clip gets a silent track. What was made and measured is kept beside the clip.

    Raises:
        NotPossible: not even in that many parts.
        BadMedia: the clip's file is missing or damaged.
    """
    source = await _source(files, clip)
    note = files.derived(clip, f"play-{limit_bytes}{'-sounded' if needs_sound else ''}.json")
    async with _making(note):
        kept = await asyncio.to_thread(_read_note, note, source)
        if kept is not None:
            return kept
        made = await _make_playable(files, clip, source, limit_bytes=limit_bytes, needs_sound=needs_sound)
        await asyncio.to_thread(_write_note, note, made)
        return made


async def _make_playable(files: Files, clip: FileKey, source: Path, *, limit_bytes: int, needs_sound: bool) -> Playable:
    found = await media.probe(source, decode=False)
    adds_silence = needs_sound and not found.has_audio
    if found.bytes <= limit_bytes and not adds_silence:
        return Playable(pieces=(_piece(source, found),), lines=None)
    if found.bytes <= limit_bytes:
        piece = await _made(files.derived(clip, "sounded.mp4"), lambda target: media.with_sound(source, target))
        if piece.bytes <= limit_bytes:
            return Playable(pieces=(piece,), lines=None)
    plan = media.plan_fit(
        found.seconds,
        found.width,
        found.height,
        found.fps,
        has_audio=found.has_audio,
        limit_bytes=limit_bytes,
    )

    def fit(part: int) -> Callable[[Path], Awaitable[object]]:
        return lambda target: media.fit(
            source, target, limit_bytes, part=part, parts=plan.parts, needs_sound=needs_sound
        )

    word = f"fit-{'sounded-' if adds_silence else ''}{limit_bytes}"
    pieces = [
        await _made(files.derived(clip, f"{word}-{part}of{plan.parts}.mp4"), fit(part))
        for part in range(1, plan.parts + 1)
    ]
    return Playable(pieces=tuple(pieces), lines=min(pieces[0].width, pieces[0].height))


async def _made(target: Path, make: Callable[[Path], Awaitable[object]]) -> Piece:
    """The file, made where it is missing or broken. So after a crash only the part at which we were stopped is made again."""
    async with _making(target):
        try:
            return _piece(target, await media.probe(target, decode=False))
        except BadMedia:
            await make(target)
            return _piece(target, await media.probe(target, decode=False))


async def _source(files: Files, clip: FileKey) -> Path:
    if not await files.exists(clip):
        raise BadMedia("The clip's file is missing from the data directory; /retake the shot to render it again.")
    return files.path(clip)


def _piece(path: Path, found: media.Probe) -> Piece:
    return Piece(path=path, seconds=found.seconds, width=found.width, height=found.height, bytes=found.bytes)


def _read_note(note: Path, source: Path) -> Playable | None:
    """What was made before; None where something of it is missing or not as it was."""
    try:
        said = json.loads(note.read_bytes())
        # Only names are kept: the data directory may be moved. No name stands for the clip itself.
        pieces = tuple(
            Piece(**piece | {"path": note.with_name(piece["path"]) if piece["path"] else source})
            for piece in said["pieces"]
        )
        if all(piece.path.stat().st_size == piece.bytes for piece in pieces):
            return Playable(pieces=pieces, lines=said["lines"])
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _write_note(note: Path, made: Playable) -> None:
    pieces: Sequence[dict[str, Any]] = [
        asdict(piece) | {"path": piece.path.name if piece.path.parent == note.parent else ""} for piece in made.pieces
    ]
    half = note.with_name(f"{note.name}.half")
    with half.open("w", encoding="ascii") as file:
        json.dump({"pieces": pieces, "lines": made.lines}, file)
        file.flush()
        os.fsync(file.fileno())
    half.replace(note)


_LOCKS: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()


def _making(target: Path) -> asyncio.Lock:
    """One maker for a target at a time: a page asks for the same thumbnail as poster and in the strip."""
    return _LOCKS.setdefault(target, asyncio.Lock())
