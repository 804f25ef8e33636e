"""Runs one piece of media work in a child process with limits, and stops it for good when it is no longer wanted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import signal
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadMedia, DiskFull, EngineError, MediaError, MediaLimit, NotPossible
from engine.media.processes import Child, start
from engine.media.turns import turn

log = logging.getLogger(__name__)

CHILD = "engine.media.child"
EXIT = "exit"
"""Under which a child's exit code is said."""
_WORDS = frozenset({"result", "error"})
"""One of them is the last that a child says, when all of its work is in place or gone."""
_BROKE_OFF = "The work on this video broke off; try again, and render the clip anew if it happens again."
_LONGEST_S = 4 * 3600.0
_ERRORS: Mapping[str, type[EngineError]] = {
    error.__name__: error for error in (DiskFull, MediaError, MediaLimit, NotPossible)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use. It may ask for more time once it knows how long the video is."""

    wall_s: float = 60.0
    memory_bytes: int = 3 << 30
    file_bytes: int = 8 << 30
    is_long: bool = False
    """Minutes rather than a second: such work has turns of its own, so that a last frame never waits for a film."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hearing:
    """Who is told what a child says while it works."""

    on_percent: Callable[[float], None] | None = None
    on_pixels: Callable[[int], None] = lambda _: None
    """How many its pictures have."""


async def run(
    work: str,
    arguments: Mapping[str, Any],
    *,
    target: Path | None = None,
    limits: Limits | None = None,
    on_percent: Callable[[float], None] | None = None,
    child: str = CHILD,
) -> dict[str, Any]:
    """The result of `work` of the module `child`, which writes `target` whole or not at all.

    At most as many children as there are cores run at once, and half as many long ones beside them, and only as many as half of
    this machine's memory is enough for; waiting for one's turn is not counted as time.

    Raises:
        BadMedia, MediaLimit, DiskFull, MediaError, NotPossible
    """
    limits = limits or Limits()
    scratch = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:12]}") if target else None
    job = {
        "work": work,
        "arguments": dict(arguments),
        "target": str(target) if target else None,
        "scratch": str(scratch) if scratch else None,
        "wall_s": limits.wall_s,
        "memory_bytes": limits.memory_bytes,
        "file_bytes": limits.file_bytes,
    }
    async with turn(is_long=limits.is_long) as own:
        hear = _Hearing(on_percent=on_percent, on_pixels=own.told)
        for is_last in (False, True):
            said = await _done(work, job, limits, child, hear=hear, scratch=scratch)
            if said or is_last:
                break
            # a fork server that ended for want of work just as it was asked, or that hangs: nothing was begun
    return _result(work, said, said.pop(EXIT, None))


async def _done(
    work: str,
    job: Mapping[str, Any],
    limits: Limits,
    child: str,
    *,
    hear: _Hearing,
    scratch: Path | None,
) -> dict[str, Any]:
    """The last word of a child, or its exit code where there was none; empty: nothing was ever heard of it."""
    started = await start(child)
    last: dict[str, Any] = {}
    try:
        async with asyncio.timeout(limits.wall_s) as deadline:
            await _converse(started, job, deadline, hear, last)
            if not last and (code := await started.gone()) is not None:
                last[EXIT] = code
    except TimeoutError:
        started.kill()
        await started.gone()
        if started.is_forsaken:  # nothing was begun
            log.warning("gave up a fork server that hangs work=%s", work)
            return last
        log.warning("stopped media work that took too long work=%s", work)
        raise MediaLimit(
            "The video took too long to work on and was given up; try again, or use a shorter or smaller one."
        ) from None
    except ValueError as error:  # not a line of JSON, or one without an end
        log.exception("media work spoke out of turn work=%s", work)
        raise MediaError(_BROKE_OFF) from error
    finally:
        if _WORDS & last.keys():
            await started.dismiss()
        elif EXIT not in last and not started.is_forsaken:
            started.kill()
            await started.gone()
        if scratch and not _WORDS & last.keys():
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
    return last


async def _converse(
    child: Child,
    job: Mapping[str, Any],
    deadline: asyncio.Timeout,
    hear: _Hearing,
    last: dict[str, Any],
) -> None:
    """Hand over the job and listen until the child is done; its last word, or how it ended without one, comes into `last`.

    Its stdin stays open: when it closes, the child ends.
    """
    started = asyncio.get_running_loop().time()
    with contextlib.suppress(ConnectionError):
        child.writer.write(json.dumps(job).encode() + b"\n")
        await child.writer.drain()
    with contextlib.suppress(ConnectionError):
        async for line in child.reader:
            if not line.strip():
                continue
            said: dict[str, Any] = json.loads(line)
            if "percent" in said:
                if hear.on_percent:
                    hear.on_percent(said["percent"])
            elif "wall_s" in said:
                hear.on_pixels(int(said.get("pixels", 0)))
                deadline.reschedule(started + min(_LONGEST_S, float(said["wall_s"])))
            else:
                last.update(said)
                break
    child.writer.close()


def _result(work: str, last: Mapping[str, Any], code: int | None) -> dict[str, Any]:
    if "result" in last:
        result: dict[str, Any] = last["result"]
        return result
    error, sentence = str(last.get("error", "")), str(last.get("sentence", ""))
    if error == BadMedia.__name__:
        raise BadMedia(sentence, clip=last.get("clip"))
    if error in _ERRORS:
        raise _ERRORS[error](sentence)
    log.error("media work broke off work=%s code=%s detail=%s", work, code, last.get("detail", ""))
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise MediaLimit(
            "The video needed more time or memory than it may have and was given up; try again, or use a shorter or smaller one."
        )
    raise MediaError(_BROKE_OFF)
