"""Files that follow from a clip or film: pictures of it, what a chat with a cap can play, and it as another kind of file.

Made once, made again when missing.
"""

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
from engine.film_options import FilmFormat
from engine.model import FileKey
from engine.ports import Files

VIDEO = "video"
THUMBNAIL = "thumbnail"
SPRITESHEET = "spritesheet"
LAST_FRAME = "last-frame"
POSTER = "poster"
SMALL = "small"
FIRST_FRAME = "first-frame"
SHARP_FRAME = "sharp-frame"
SHARP_FILE = "sharp-frame.png"

EXPORTS: Mapping[str, FilmFormat] = {kind.value: kind for kind in FilmFormat if kind is not FilmFormat.MP4}
"""The whole of it as another kind of file."""
VARIANTS = (VIDEO, THUMBNAIL, SPRITESHEET, LAST_FRAME, FIRST_FRAME, SHARP_FRAME, *EXPORTS)
"""Those that people are offered; what a chat platform asks for beside a video is no choice of theirs."""
_MAKERS: Mapping[str, tuple[str, Callable[[Path, Path], Awaitable[object]]]] = {
    THUMBNAIL: ("thumbnail.jpg", media.thumbnail),
    SPRITESHEET: ("spritesheet.jpg", media.spritesheet),
    LAST_FRAME: ("last-frame.png", media.last_frame),
    FIRST_FRAME: ("first-frame.png", media.first_frame),
    SHARP_FRAME: (SHARP_FILE, media.sharp_frame),
    POSTER: ("poster.jpg", media.poster),
    SMALL: ("small.jpg", media.small),
}

OnPercent = Callable[[float], None]
"""Told 0 to 100 of what is being made."""
_FREELY = 0.9
"""So much of the way it is to make it as it comes; then it may have to be made smaller."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A clip or film as another kind of file."""

    path: Path
    seconds: float
    width: int
    height: int
    bytes: int
    sentence: str
    """What it is, and what was made smaller, for a person."""


Stills = Sequence[tuple[str, FileKey]]
"""The shots of a film, by their codes, whose first pictures are wanted. Nothing: its chapters are its shots."""


async def derived(files: Files, clip: FileKey, variant: str, shots: Stills = ()) -> Path:
    """The file of one of VARIANTS; `video` is the clip itself. `shots`: for `frames`.

    Raises:
        NotPossible: no such variant, or it is too long for this one.
        BadMedia: the clip's file is missing or damaged.
    """
    if variant not in VARIANTS:
        raise NotPossible(f"There is no variant “{variant}”; choose one of: {', '.join(VARIANTS)}.")
    if variant == VIDEO:
        return await _source(files, clip)
    if variant in EXPORTS:
        return (await exported(files, clip, EXPORTS[variant], shots=shots)).path
    return await still(files, clip, variant)


async def still(files: Files, clip: FileKey, variant: str) -> Path:
    """The file of a picture of the clip: any of VARIANTS but the video and EXPORTS, or POSTER or SMALL.

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


async def frame(files: Files, clip: FileKey, at_s: float | None) -> Path:
    """The PNG of what the clip shows `at_s` after its first picture; None, or beyond its end: of its last one.

    Raises:
        BadMedia: the clip's file is missing or damaged.
    """
    if at_s is None:
        return await still(files, clip, LAST_FRAME)
    source = await _source(files, clip)
    target = files.derived(clip, f"frame-{round(at_s * 1000)}ms.png")
    async with _making(target):
        if not await asyncio.to_thread(target.is_file):
            await media.frame_at(source, target, at_s)
    return target


async def sharpest_s(files: Files, clip: FileKey) -> float:
    """When the clip shows the sharpest picture of its last half second.

    Raises:
        BadMedia: the clip's file is missing or damaged.
    """
    source = await _source(files, clip)
    return await media.sharp_frame(source, files.derived(clip, SHARP_FILE))


async def exported(
    files: Files,
    clip: FileKey,
    kind: FilmFormat,
    *,
    shots: Stills = (),
    limit_bytes: int | None = None,
    on_progress: OnPercent | None = None,
) -> Export:
    """The clip or film as a file of this kind, of at most so many bytes; made smaller only where it has to be.

    `on_progress` is told 0 to 100 while it is made, never less than before.

    Raises:
        NotPossible: it does not fit, or is too long for a GIF.
        BadMedia: the clip's file is missing or damaged.
    """
    source = await _source(files, clip)
    # A WebM of a film that fits is sure to fit; the others begin with their largest anyhow. So places share one file.
    is_likely = kind is not FilmFormat.WEBM or (await asyncio.to_thread(source.stat)).st_size <= (limit_bytes or 0)
    if limit_bytes is None or is_likely:
        first = on_progress if limit_bytes is None else _part(on_progress, 0, _FREELY)
        made = await _exported(files, clip, source, kind, shots=shots, limit_bytes=None, on_progress=first)
        if limit_bytes is None or made.bytes <= limit_bytes:
            return made
        on_progress = _part(on_progress, _FREELY, 1)
    return await _exported(files, clip, source, kind, shots=shots, limit_bytes=limit_bytes, on_progress=on_progress)


async def _exported(
    files: Files,
    clip: FileKey,
    source: Path,
    kind: FilmFormat,
    *,
    shots: Stills,
    limit_bytes: int | None,
    on_progress: OnPercent | None,
) -> Export:
    word = "export" if limit_bytes is None else f"export-{limit_bytes}"
    target = files.derived(clip, f"{word}{kind.suffix}")
    note = target.with_name(f"{target.name}.json")
    async with _making(target):
        kept = await asyncio.to_thread(_read_export, note, target)
        if kept is not None:
            return kept
        clips = [(code, await _source(files, key)) for code, key in shots]
        done = await media.export(source, target, kind, limit_bytes=limit_bytes, shots=clips, on_progress=on_progress)
        await asyncio.to_thread(_keep_note, note, asdict(done))
        return Export(path=target, **asdict(done))


def _part(on_progress: OnPercent | None, begin: float, end: float) -> OnPercent | None:
    """To be told 0 to 100 of what is only this part, 0 to 1, of the whole."""
    if on_progress is None:
        return None
    tell = on_progress
    return lambda percent: tell(100 * begin + percent * (end - begin))


def _read_export(note: Path, target: Path) -> Export | None:
    """What was made before; None where it is missing or not as it was."""
    try:
        kept = Export(path=target, **json.loads(note.read_bytes()))
        return kept if target.stat().st_size == kept.bytes else None
    except (OSError, ValueError, TypeError):
        return None


async def playable(
    files: Files, clip: FileKey, *, limit_bytes: int, needs_sound: bool, on_progress: OnPercent | None = None
) -> Playable:
    """The clip as it is where it fits under the cap, else encoded to fit, in parts where it must.

    `needs_sound`: a silent clip gets a silent track. What was made and measured is kept beside the clip. `on_progress` is told 0 to
    100 while it is encoded.

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
        made = await _make_playable(
            files, clip, source, limit_bytes=limit_bytes, needs_sound=needs_sound, on_progress=on_progress
        )
        await asyncio.to_thread(_write_note, note, made)
        return made


async def _make_playable(
    files: Files,
    clip: FileKey,
    source: Path,
    *,
    limit_bytes: int,
    needs_sound: bool,
    on_progress: OnPercent | None,
) -> Playable:
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
        told = _part(on_progress, (part - 1) / plan.parts, part / plan.parts)
        return lambda target: media.fit(
            source, target, limit_bytes, part=part, parts=plan.parts, needs_sound=needs_sound, on_progress=told
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
    _keep_note(note, {"pieces": pieces, "lines": made.lines})


def _keep_note(note: Path, said: Mapping[str, Any]) -> None:
    half = note.with_name(f"{note.name}.half")
    with half.open("w", encoding="ascii") as file:
        json.dump(said, file)
        file.flush()
        os.fsync(file.fileno())
    half.replace(note)


_LOCKS: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()


def _making(target: Path) -> asyncio.Lock:
    """One maker for a target at a time: a page asks for the same thumbnail as poster and in the strip."""
    return _LOCKS.setdefault(target, asyncio.Lock())
