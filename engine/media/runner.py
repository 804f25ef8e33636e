"""Runs one piece of media work in a child process with limits, and stops it for good when it is no longer wanted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import uuid
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BadMedia, DiskFull, EngineError, MediaError, MediaLimit, NotPossible

log = logging.getLogger(__name__)

CHILD = "engine.media.child"
_ROOT = Path(__file__).parents[2]
_CORES = os.cpu_count() or 1
_BROKE_OFF = "The work on this video broke off; try again, and render the clip anew if it happens again."
_LONGEST_S = 4 * 3600.0
_ERRORS: Mapping[str, type[EngineError]] = {
    error.__name__: error for error in (DiskFull, MediaError, MediaLimit, NotPossible)
}
_quick: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()
_long: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a child may use. It may ask for more time once it knows how long the video is."""

    wall_s: float = 60.0
    memory_bytes: int = 3 << 30
    file_bytes: int = 8 << 30
    is_long: bool = False
    """Minutes rather than a second: such work has turns of its own, so that a last frame never waits for a film."""


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

    At most as many children as there are cores run at once, and half as many long ones beside them; waiting for one's turn is
    not counted as time.

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
    async with _turn(is_long=limits.is_long):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            child,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            # Nothing of ours leaks into a process that reads hostile files; few arenas keep its address space small.
            env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(limits.wall_s) as deadline:
                last = await _converse(process, job, deadline, on_percent)
                await process.wait()
        except TimeoutError:
            log.warning("stopped media work that took too long work=%s", work)
            raise MediaLimit(
                "The video took too long to work on and was given up; try again, or use a shorter or smaller one."
            ) from None
        except ValueError as error:  # not a line of JSON, or one without an end
            log.exception("media work spoke out of turn work=%s", work)
            raise MediaError(_BROKE_OFF) from error
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
            if scratch and process.returncode != 0:
                await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
    return _result(work, last, process.returncode)


def _turn(*, is_long: bool) -> asyncio.Semaphore:
    """The semaphore of this kind of work; each event loop has its own."""
    slots, size = (_long, max(1, _CORES // 2)) if is_long else (_quick, _CORES)
    return slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(size))


async def _converse(
    process: asyncio.subprocess.Process,
    job: Mapping[str, Any],
    deadline: asyncio.Timeout,
    on_percent: Callable[[float], None] | None,
) -> dict[str, Any]:
    """Hand over the job and listen until the child is done; its last word. Its stdin stays open: when it closes, the child ends."""
    if process.stdin is None or process.stdout is None:
        raise MediaError("The media process could not be talked to; try again.")
    started = asyncio.get_running_loop().time()
    with contextlib.suppress(ConnectionError):
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await process.stdin.drain()
    last: dict[str, Any] = {}
    async for line in process.stdout:
        said: dict[str, Any] = json.loads(line)
        if "percent" in said:
            if on_percent:
                on_percent(said["percent"])
        elif "wall_s" in said:
            deadline.reschedule(started + min(_LONGEST_S, float(said["wall_s"])))
        else:
            last = said
    process.stdin.close()
    return last


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
