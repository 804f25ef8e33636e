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
    # Nothing of ours leaks into a process that reads hostile files; few arenas keep its address space small.
    "PYTHONPATH": str(_ROOT),
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "OPENBLAS_NUM_THREADS": "1",
}
_WIND_UP_S = 10.0
"""How long one that was killed may take to be gone."""


@dataclass(slots=True)
class Child:
    """One child. It ends when `writer` closes; a forked one says its exit code as its last line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    kill: Callable[[], None]
    """At once, with all that it started."""
    process: asyncio.subprocess.Process | None = None
    """None: it is forked."""

    async def gone(self) -> int | None:
        """Its exit code, once it has ended; None: its last line has it."""
        if self.process is not None:
            return await self.process.wait()
        with contextlib.suppress(TimeoutError, OSError, ValueError):
            async with asyncio.timeout(_WIND_UP_S):
                while await self.reader.readline():
                    pass
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
        return None


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
    ours, kill = await asyncio.to_thread(_ask, module)
    reader, writer = await asyncio.open_connection(sock=ours)
    return Child(reader, writer, kill)


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

    def ask(self, number: int, job: socket.socket) -> None:
        """Raises OSError: it is not there any more."""
        socket.send_fds(self._control, [MESSAGE.pack(JOB, number)], [job.fileno()])

    def kill(self, number: int) -> None:
        with contextlib.suppress(OSError):
            self._control.sendall(MESSAGE.pack(KILL, number))

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()


_servers: dict[str, _Server] = {}
_numbers = itertools.count(1)
_asking = threading.Lock()


def _ask(module: str) -> tuple[socket.socket, Callable[[], None]]:
    """Our end of a new child's socket, and how to kill it."""
    ours, theirs = socket.socketpair()
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
    return ours, lambda: server.kill(number)


@atexit.register
def _stop() -> None:
    for server in _servers.values():
        server.stop()
    _servers.clear()
