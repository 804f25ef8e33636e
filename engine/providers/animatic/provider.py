"""The built-in provider: draws every shot on this machine, each in a process of its own that outlives this one.

What a render needs stands in its directory, and the process holds a lock there. So a program that was killed and started
again finds its renders where they are: finished, still running, or to be begun again. They are free and come out the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from engine.abilities import FREE, Abilities, Pace, Quote, quote
from engine.errors import Billed, DiskFull, Refused, RenderFailed, StorageUnavailable
from engine.providers.animatic.rooms import Room
from engine.providers.animatic.spec import FPS, NO_ROOM, RATIOS, RESOLUTIONS, STDERR, STYLES, RenderSpec, frame_size
from engine.providers.base import CancelOutcome, Order, Prepared, Progress, Recovery, Rendered, Rendering, Sent, Taken

log = logging.getLogger(__name__)

NAME = "animatic"
MODEL = "parallax-1"
MAX_STARTS = 3
_TASK_ID = re.compile(r"a[0-9a-f]{31}")
_STOP_S = 5.0
_CODE = Path(__file__).resolve().parents[3]
"""Where `engine` is imported from."""
_KEPT_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")


class AnimaticProvider:
    """Renders drafts here. `work(name)` gives a directory that survives restarts."""

    def __init__(self, work: Callable[[str], Path]) -> None:
        self._work = work
        self._root: Path | None = None
        self._children: dict[str, Process] = {}
        self._gates: dict[str, asyncio.Lock] = {}

    @property
    def name(self) -> str:
        return NAME

    @property
    def models(self) -> Mapping[str, Abilities]:
        return {
            MODEL: Abilities(
                min_seconds=2,
                max_seconds=20,
                default_seconds=6,
                ratios=tuple(RATIOS),
                resolutions=("720p", "480p", "1080p"),
                styles=STYLES,
                first_frame=True,
                last_frame=True,
                audio=True,
                seed=True,
                price=FREE,
                note="Moving drafts with sound, drawn on this machine: free, private, works offline.",
            )
        }

    @property
    def pace(self) -> Pace:
        return Pace(first_s=0.5, every_s=0.5, give_up_s=600, in_flight=max(1, os.cpu_count() or 1))

    @property
    def recovery(self) -> Recovery:
        return Recovery.SAME_KEY

    async def quote(self, order: Order) -> Quote:
        """Free."""
        return quote(FREE, seconds=order.seconds, resolution=order.resolution)

    async def prepare(self, order: Order, key: str) -> Prepared:
        """The values to draw. Raises Refused: one that cannot be drawn."""
        return Prepared(order, key, make_spec(order))

    async def submit(self, prepared: Prepared) -> Taken:
        """Write the render down and start it. The same key twice is one render.

        Raises:
            Refused: a frame that is not there.
            DiskFull, StorageUnavailable: it could not be written down.
        """
        order, spec = prepared.order, prepared.request
        task_id = _task_id_of(prepared.key)
        async with self._gate(task_id):
            room = await self._room(task_id)
            try:
                await asyncio.to_thread(room.furnish, spec, order.first_frame, order.last_frame)
            except FileNotFoundError as problem:
                raise Refused(
                    "The given frame is gone; choose it again.", provider=NAME, detail=str(problem)
                ) from problem
            except OSError as problem:
                raise _storage_error(problem) from problem
            await self._keep_going(task_id, room)
        return Taken(task_id)

    async def find(self, sent: Sent) -> str | None:
        """Not asked for: the same key is sent again instead."""
        task_id = _task_id_of(sent.key)
        room = await self._room(task_id)
        return task_id if await asyncio.to_thread(room.exists) else None

    async def check(self, task_id: str) -> Progress:
        """Where the render stands; one that died is begun again.

        Raises:
            Refused: a given frame is not a picture.
            RenderFailed: it died three times, or nothing is known of it.
            DiskFull: no room for the film; look again later.
        """
        async with self._gate(task_id):
            room = await self._room(task_id)
            return await self._keep_going(task_id, room)

    async def _keep_going(self, task_id: str, room: Room) -> Progress:
        """Finished, running, or started (again)."""
        out = await asyncio.to_thread(room.result)
        if out is not None:
            return Rendered(str(out))
        if self._is_running_here(task_id) or await asyncio.to_thread(room.is_lived_in):
            return Rendering(await asyncio.to_thread(room.percent), await asyncio.to_thread(room.preview))
        # It may have finished between the two looks.
        out = await asyncio.to_thread(room.result)
        if out is not None:
            return Rendered(str(out))
        await self._begin(task_id, room)
        return Rendering(0.0, None)

    async def _begin(self, task_id: str, room: Room) -> None:
        if not await asyncio.to_thread(room.exists):
            raise RenderFailed(
                "This render is not known here any more; ask for a retake.", provider=NAME, billed=Billed.NO
            )
        problem = await asyncio.to_thread(room.problem)
        if problem is not None and problem.kind == "picture":
            raise Refused(problem.text, provider=NAME)
        starts = await asyncio.to_thread(room.starts)
        if problem is not None:
            await asyncio.to_thread(room.forget_problem)
            await asyncio.to_thread(room.set_starts, 0)
            raise DiskFull("There is no room on this machine's disk for the clip; free some, it goes on by itself.")
        if starts >= MAX_STARTS:
            detail = await asyncio.to_thread(room.last_words)
            raise RenderFailed(
                "Drawing this shot failed several times; ask for a retake or another prompt.",
                provider=NAME,
                detail=detail,
                billed=Billed.NO,
            )
        try:
            await asyncio.to_thread(room.set_starts, starts + 1)
            self._children[task_id] = await _start(room.folder)
        except OSError as problem_:
            raise _storage_error(problem_) from problem_
        log.info("render started provider=%s task=%s start=%d", NAME, task_id, starts + 1)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        """Put the finished film at `into`.

        Raises:
            RenderFailed: it is gone.
            DiskFull, StorageUnavailable: it could not be written.
        """
        room = await self._room(task_id)
        try:
            await asyncio.to_thread(room.copy_result, into)
        except FileNotFoundError as problem:
            raise RenderFailed(
                "The drawn clip is gone; ask for a retake.", provider=NAME, detail=where, billed=Billed.NO
            ) from problem
        except OSError as problem:
            raise _storage_error(problem) from problem

    async def cancel(self, task_id: str) -> CancelOutcome:
        """Kill the renderer, also one that an earlier program started, and drop what it made."""
        async with self._gate(task_id):
            await self._clear(task_id)
        return CancelOutcome.STOPPED

    async def forget(self, task_id: str) -> None:
        async with self._gate(task_id):
            await self._clear(task_id)
        self._gates.pop(task_id, None)

    async def _clear(self, task_id: str) -> None:
        room = await self._room(task_id)
        await self._stop(task_id)
        await asyncio.to_thread(room.evict)
        await asyncio.to_thread(room.clear)

    async def close(self) -> None:
        """Stop the renderers that this program started. A later check begins them again, and it does not count as a failure."""
        for task_id in list(self._children):
            was_running = self._is_running_here(task_id)
            await self._stop(task_id)
            if was_running:
                room = await self._room(task_id)
                with suppress(OSError):
                    await asyncio.to_thread(room.set_starts, 0)

    def _is_running_here(self, task_id: str) -> bool:
        child = self._children.get(task_id)
        if child is None:
            return False
        if child.returncode is None:
            return True
        del self._children[task_id]
        log.info("render ended provider=%s task=%s code=%s", NAME, task_id, child.returncode)
        return False

    async def _stop(self, task_id: str) -> None:
        child = self._children.pop(task_id, None)
        if child is None:
            return
        if child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(child.wait(), _STOP_S)

    async def _room(self, task_id: str) -> Room:
        if self._root is None:
            self._root = await asyncio.to_thread(self._work, NAME)
        # A task id is ours; anything else (a slash, two dots) must not lead out of the directory.
        is_ours = _TASK_ID.fullmatch(task_id) is not None
        return Room(self._root / (task_id if is_ours else "unknown"))

    def _gate(self, task_id: str) -> asyncio.Lock:
        return self._gates.setdefault(task_id, asyncio.Lock())


def _task_id_of(key: str) -> str:
    """A directory name that only this key gives."""
    return "a" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:31]


def make_spec(order: Order) -> RenderSpec:
    """The values of a render.

    Raises:
        Refused: one that cannot be drawn.
    """
    if order.model != MODEL:
        raise Refused(f"The animatic provider has no model {order.model}; use {MODEL}.", provider=NAME)
    if order.ratio not in RATIOS or order.resolution not in RESOLUTIONS:
        raise Refused(
            f"The animatic provider draws {', '.join(RATIOS)} in {', '.join(RESOLUTIONS)}; choose one of them.",
            provider=NAME,
        )
    if order.style not in STYLES:
        raise Refused(f"The animatic provider draws the styles {', '.join(STYLES)}; choose one of them.", provider=NAME)
    if not 2 <= order.seconds <= 20:
        raise Refused("The animatic provider draws 2 to 20 seconds; choose a length between them.", provider=NAME)
    width, height = frame_size(order.ratio, order.resolution)
    return RenderSpec(
        prompt=order.prompt,
        seed=order.seed,
        style=order.style,
        width=width,
        height=height,
        frames=round(order.seconds * FPS),
        caption=order.caption,
        has_first_frame=order.first_frame is not None,
        has_last_frame=order.last_frame is not None,
    )


async def _start(folder: Path) -> Process:
    """A renderer in a session of its own, so that a signal to us does not reach it and its whole group can be killed."""
    environment = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    environment |= {
        "PYTHONPATH": str(_CODE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    stderr = await asyncio.to_thread((folder / STDERR).open, "wb")
    with stderr:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "engine.providers.animatic.child", str(folder),
            stdin=DEVNULL, stdout=DEVNULL, stderr=stderr, cwd=str(folder), env=environment, start_new_session=True,
        )  # fmt: skip


def _storage_error(problem: OSError) -> DiskFull | StorageUnavailable:
    if problem.errno in NO_ROOM:
        return DiskFull("There is no room on this machine's disk for the render; free some and try again.")
    return StorageUnavailable(f"The render's directory cannot be used ({problem.strerror}); check the data directory.")
