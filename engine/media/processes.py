"""Child processes for media work: forked from a server that has everything loaded, or started anew where that is not safe."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.media.fork_server import JOB, KILL, MESSAGE

FORKS = sys.platform == "linux"
"""Elsewhere a process that has loaded a system's video libraries must not fork."""
_ROOT = Path(__file__).parents[2]
_ENVIRONMENT = {
    # Nothing of ours leaks into a process that reads hostile files; few arenas keep its address space small. Packets and pictures
    # come and go: what was freed is kept for the next one, rather than given back and asked for again page by page.
    "PYTHONPATH": str(_ROOT),
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(32 << 20),
    "OPENBLAS_NUM_THREADS": "1",
}
_WIND_UP_S = 10.0
"""How long one that was killed may take to be gone."""


@dataclass(slots=True)
class Child:
    """One child. It ends when `writer` closes; where a forked one ends by itself, its exit code comes as the last line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    kill: Callable[[], None]
    """At once, with all that it started."""
    process: asyncio.subprocess.Process | None = None
    """None: it is forked."""
    forsake: Callable[[], None] | None = None
    """Give its fork server up, which does not do its part. Blocks."""
    is_forsaken: bool = False
    """Its end did not come: its fork server hangs, and the next child has a new one."""

    async def gone(self) -> int | None:
        """Its exit code, once it has ended; None: its last line has it."""
        if self.process is not None:
            return await self.process.wait()
        try:
            async with asyncio.timeout(_WIND_UP_S):
                while await self.reader.readline():
                    pass
        except TimeoutError:
            self.is_forsaken = True
            if self.forsake is not None:
                await asyncio.to_thread(self.forsake)
        except (OSError, ValueError):
            pass
        await self._hang_up()
        return None

    async def dismiss(self) -> None:
        """It has done its work: it goes now, and of a forked one nobody waits until its memory is given back."""
        self.kill()
        if self.process is not None:
            await self.process.wait()
        await self._hang_up()

    async def _hang_up(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


async def start(module: str) -> Child:
    """A child that serves one job of the works of `module`."""
    return await (_forked(module) if FORKS else _executed(module))


async def _executed(module: str) -> Child:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
        env=_ENVIRONMENT,
    )
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101

    def kill() -> None:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    return Child(process.stdout, process.stdin, kill, process)


async def _forked(module: str) -> Child:
    # no task, which an ending loop would cancel: the thread's socket would have no owner
    asking = asyncio.get_running_loop().run_in_executor(None, _ask, module)
    try:
        asked = await asyncio.shield(asking)
    except asyncio.CancelledError:
        asking.add_done_callback(_drop)
        raise
    try:
        reader, writer = await asyncio.open_connection(sock=asked.ours)
    except BaseException:
        asked.drop()
        raise
    return Child(reader, writer, asked.kill, forsake=asked.forsake)


class _Server:
    """The fork server of one module."""

    def __init__(self, module: str) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", "engine.media.fork_server", str(theirs.fileno()), module]
            self._process = subprocess.Popen(  # noqa: S603  # a module of ours
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=_ENVIRONMENT,
            )
        self._control.settimeout(_WIND_UP_S)
        self._at_once = self._control.dup()
        self._at_once.settimeout(0)

    def ask(self, number: int, job: socket.socket) -> None:
        """Raises OSError: it is not there any more."""
        socket.send_fds(self._control, [MESSAGE.pack(JOB, number)], [job.fileno()])

    def kill(self, number: int) -> None:
        """Never blocks. One that has no room for it hangs, and is given up when the child's end does not come."""
        with contextlib.suppress(OSError):
            self._at_once.send(MESSAGE.pack(KILL, number))

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._control.close()
        self._at_once.close()
        self._process.kill()
        self._process.wait()


_servers: dict[str, _Server] = {}
_numbers = itertools.count(1)
_asking = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A child that a fork server was asked for."""

    ours: socket.socket
    module: str
    server: _Server
    number: int

    def kill(self) -> None:
        self.server.kill(self.number)

    def drop(self) -> None:
        """Nobody wants it any more."""
        self.kill()
        self.ours.close()

    def forsake(self) -> None:
        """Its children go on, and end with their sockets."""
        with _asking:
            if _servers.get(self.module) is self.server:
                del _servers[self.module]
            self.server.stop()


def _drop(asking: asyncio.Future[_Asked]) -> None:
    if not asking.cancelled() and asking.exception() is None:
        asking.result().drop()


def _ask(module: str) -> _Asked:
    ours, theirs = socket.socketpair()
    try:
        number = next(_numbers)
        with theirs, _asking:
            server = _servers.get(module)
            try:
                if server is None or not server.lives:
                    raise BrokenPipeError
                server.ask(number, theirs)
            except OSError:
                if server is not None:
                    server.stop()
                server = _servers[module] = _Server(module)
                server.ask(number, theirs)
    except BaseException:
        ours.close()
        raise
    return _Asked(ours=ours, module=module, server=server, number=number)


@atexit.register
def _stop() -> None:
    for server in _servers.values():
        server.stop()
    _servers.clear()
