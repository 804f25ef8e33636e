"""What the terminal does to show a thing or to hand over its file."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from pathlib import Path

from bot.terminal.rows import Row, clip_row, film_row, shot_row, story_rows
from bot.terminal.turn import Turn
from engine.derive import EXPORTS
from engine.errors import DiskFull, RequestError
from engine.model import Film
from engine.views import StoryView

SHOWN_HISTORY = ("shot", "person", "seconds", "width", "height", "prompt")
SHOWN_STORIES = ("story", "director", "title")
SHOWN_MODELS = (
    "provider",
    "model",
    "min_seconds",
    "max_seconds",
    "price",
    "ratios",
    "resolutions",
    "styles",
    "warning",
    "note",
)
SHOWN_ALL = ("provider", "model", "min_seconds", "max_seconds", "price", "resolutions", "warning", "needs")
SHOWN_SHOTS = ("shot", "state", "on_canon", "parent", "person", "seconds", "prompt")
SHOWN_FILMS = ("film", "state", "shots", "person", "seconds")


async def look_at(turn: Turn, code: str) -> None:
    """One shot or film, with the file that it is in."""
    seen = await turn.desk.show(turn.place, code, turn.asked.person.key)
    if isinstance(seen, Film):
        turn.voice.result(film_row(seen, await turn.desk.download(turn.place, code, "video", turn.asked.person.key)))
        return
    file = await turn.desk.download(turn.place, code, "video", turn.asked.person.key) if seen.clip else None
    turn.voice.result(shot_row(seen, file))


def show_story(turn: Turn, view: StoryView) -> None:
    """A story, its shots and its films."""
    head, *things = story_rows(view)
    turn.voice.result(head)
    turn.voice.rows([row for row in things if "shot" in row], SHOWN_SHOTS)
    if view.films:
        turn.voice.rows([row for row in things if "film" in row], SHOWN_FILMS)


async def download_to(turn: Turn, code: str, variant: str, out: Path, *, overwrite: bool) -> None:
    """Copy a file out of the house: to `out`, or into it under a name of ours where it is a directory.

    Raises:
        RequestError: it cannot be written there; nothing was.
        DiskFull
    """
    seen = await turn.desk.show(turn.place, code, turn.asked.person.key)
    name = seen.code if isinstance(seen, Film) else seen.shot.code
    thing: Row = {"film" if isinstance(seen, Film) else "shot": name}
    source = await turn.file_of(thing, code, variant)
    target = await asyncio.to_thread(
        _copy,
        source,
        out,
        name if variant == "video" or variant in EXPORTS else f"{name}-{variant}",
        overwrite=overwrite,
    )
    row = {**thing, "state": "ready", "variant": variant, "file": str(target)}
    if variant == "video" and seen.clip is not None:
        row |= clip_row(seen.clip, target)
    turn.voice.result(row)


def _copy(source: Path, out: Path, stem: str, *, overwrite: bool) -> Path:
    """Copied beside, then renamed: what stands at the target is never half a file."""
    target = (Path.cwd() / out.expanduser()).resolve()
    if target.is_dir():
        target /= f"{stem}{source.suffix}"
    if target.exists() and not overwrite:
        raise RequestError(f"{target} is there already: name another file with --out, or overwrite it with --force.")
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        shutil.copyfile(source, beside)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        if error.errno == 28:  # ENOSPC
            raise DiskFull(f"There is no room for {target}: make some, or choose another place with --out.") from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise RequestError(f"{target} cannot be written ({reason}): choose another place with --out.") from error
    return target
