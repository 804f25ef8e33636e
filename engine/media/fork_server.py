"""A process that has loaded everything that media work needs, and makes a fresh child of itself for each piece of it.

To start Python and to load the codecs takes most of a short piece of work; a fork takes none of it. Each child is as much on its
own as one that was started: a session of its own, its own limits, nothing of an earlier one in its memory. The server has one
thread, reads no media itself, and ends when whoever started it does, or when nobody wanted anything for a while.

Over the control socket come messages of nine bytes: `j` and a number, with the job's socket beside it; `k` and a number: kill that
one. The child speaks and listens on the job's socket; when it is over, its exit code is said there by the server.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

MESSAGE = struct.Struct("!cQ")
JOB, KILL = b"j", b"k"
IDLE_S = 30.0
ROOMS = (
    "measure",
    "frames",
    "pictures",
    "sendable",
    "film",
    "fitting",
    "exporting",
    "cutting",
    "silence",
    "sound_file",
)
"""What is loaded beforehand: the rooms of `engine.media.child`."""
LATER = ("numpy.fft", *(f"PIL.{kind}ImagePlugin" for kind in ("Bmp", "Gif", "Jpeg", "Png", "Ppm")))
"""What they would load when they first need it."""


@dataclass(slots=True)
class _Child:
    pid: int
    gone: int
    """A descriptor that is ready when it has ended."""
    socket: socket.socket


def serve_forks(control: socket.socket, module: str) -> None:
    """Until the control socket closes, or nothing was wanted for `IDLE_S`. `module` has the works."""
    works = import_module(module).WORKS
    serve = import_module("engine.media.child").serve
    for name in (*(f"engine.media.{room}" for room in ROOMS), *LATER):
        import_module(name)
    gc.freeze()
    children: dict[int, _Child] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(control, selectors.EVENT_READ, None)
        while True:
            events = ready.select(None if children else IDLE_S)
            if not events and not children:
                return
            for key, _ in events:
                if key.data is not None:
                    _bury(children.pop(key.data), ready)
                    continue
                message, sockets = _receive(control)
                if message is None:
                    return  # every child sees its own socket close, and ends
                kind, number = message
                if kind == JOB and sockets:
                    child = _fork(sockets[0], works, serve)
                    children[number] = child
                    ready.register(child.gone, selectors.EVENT_READ, number)
                elif kind == KILL and number in children:
                    with contextlib.suppress(ProcessLookupError):  # it is not a session of its own yet
                        os.killpg(children[number].pid, signal.SIGKILL)
                    os.kill(children[number].pid, signal.SIGKILL)


def _receive(control: socket.socket) -> tuple[tuple[bytes, int] | None, list[socket.socket]]:
    """One message and the sockets that came with it; None: nobody is there any more."""
    data, descriptors, _, _ = socket.recv_fds(control, MESSAGE.size, 1)
    sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    while data and len(data) < MESSAGE.size:
        more = control.recv(MESSAGE.size - len(data))
        data = data + more if more else b""
    if not data:
        return None, sockets
    kind, number = MESSAGE.unpack(data)
    return (kind, number), sockets


def _fork(job: socket.socket, works: object, serve: object) -> _Child:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.setsid()
            os.dup2(job.fileno(), 0)
            os.dup2(job.fileno(), 1)
            close_files()
            code = serve(works)  # type: ignore[operator]  # the function of a module that was loaded by its name
        finally:
            os._exit(code)
    return _Child(pid, os.pidfd_open(pid), job)


def close_files() -> None:
    """All but the first three, however many there are."""
    try:
        last = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    except OSError:
        last = 65_535
    os.closerange(3, last + 1)


def _bury(child: _Child, ready: selectors.BaseSelector) -> None:
    """Take the exit code, and say it last."""
    ready.unregister(child.gone)
    os.close(child.gone)
    _, status = os.waitpid(child.pid, 0)
    with child.socket, contextlib.suppress(OSError):
        child.socket.settimeout(0)  # who does not listen any more does not hold up the others
        child.socket.sendall(b'\n{"exit": %d}\n' % os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _control:
        serve_forks(_control, sys.argv[2])
    os._exit(0)
