"""Every source of chance and every child process of the product, as the seed gives them."""

from __future__ import annotations

import asyncio
import functools
import logging
import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy import Table

from engine import derive
from engine.errors import BadMedia, MediaError
from engine.media import calls
from engine.media.script import Script
from tests.simulation.loop import PROCESS

ROOMS = ("engine", "bot", "storage")
_ALIAS = functools.cache(Table.alias)
"""The same one for the same name, which costs a fifth of a look at a line to make."""


class _Listener(logging.Handler):
    def __init__(self, tell: Callable[[logging.LogRecord, str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        process = PROCESS.get()
        self._tell(record, process.name if process else "-")


@contextmanager
def one_source(
    chance: random.Random, logged: Callable[[logging.LogRecord, str], None], *, is_traced: bool
) -> Iterator[None]:
    """Inside, `random` and `secrets` give what the seed says, media work is done at once, and what is logged is told."""
    random.seed(chance.random())
    listener = _Listener(logged)
    before = []
    for room in ROOMS:
        logger = logging.getLogger(room)
        before.append((logger, logger.level, logger.propagate))
        logger.setLevel(logging.INFO if is_traced else logging.ERROR)
        logger.propagate = False
        logger.addHandler(listener)
    try:
        with (
            patch.object(secrets, "token_hex", lambda n=32: chance.randbytes(n).hex()),
            patch.object(secrets, "randbelow", chance.randrange),
            patch.object(calls, "run", _media_work),
            patch.object(derive, "_making", _locks_of_processes()),
            patch.object(Table, "alias", _ALIAS),
        ):
            yield
    finally:
        for logger, level, propagate in before:
            logger.removeHandler(listener)
            logger.setLevel(level)
            logger.propagate = propagate


def _locks_of_processes() -> Callable[[Path], asyncio.Lock]:
    """What is one for the whole module is one for each process: a lock dies with who held it."""
    locks: dict[tuple[object, Path], asyncio.Lock] = {}
    return lambda target: locks.setdefault((PROCESS.get(), target), asyncio.Lock())


async def _media_work(
    work: str, arguments: Mapping[str, Any], *, target: Path | None = None, **_: Any
) -> dict[str, Any]:
    """What `engine.media.runner.run` gives, of files that only say what they are."""
    await asyncio.sleep(random.uniform(0.05, 0.5))
    match work:
        case "probe":
            return _probe(Path(arguments["path"]))
        case "stitch":
            assert target is not None
            measured = [_probe(clip) for clip in Script.from_json(arguments["script"]).clips]
            await asyncio.sleep(random.uniform(0.5, 20))
            _write(target, f"clip of a film {secrets.token_hex(4)} is whole")
            return {
                "seconds": sum(each["seconds"] for each in measured),
                "width": 64,
                "height": 36,
                "fps": 24.0,
                "frames": 24 * len(measured),
                "dropped_frames": 0,
                "copied": True,
                "made_frames": 0,
                "seams": [],
                "notes": [],
            }
        case _:
            assert target is not None, work
            _probe(Path(arguments["clip"]))
            _write(target, "a picture")
            return {}


def _write(path: Path, words: str) -> None:
    try:
        path.write_text(words)
    except OSError as error:
        raise MediaError("The directory is gone.") from error


def _probe(path: Path) -> dict[str, Any]:
    words = path.read_text() if path.is_file() else ""
    if not words.endswith("is whole"):
        raise BadMedia("The file is cut off.")
    return {
        "seconds": 1.0,
        "width": 64,
        "height": 36,
        "fps": 24.0,
        "frames": 24,
        "has_audio": True,
        "codec": "h264",
        "bytes": len(words),
        "begins": None,
        "ends": None,
        "known": "",
    }
