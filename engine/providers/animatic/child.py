"""The renderer as a process of its own: `python -m engine.providers.animatic.child <directory>`.

It reads the spec in the directory, holds the lock there while it lives, and leaves the finished film or a problem.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from engine.errors import BadMedia
from engine.providers.animatic import spec as files

BUSY = 75
"""Exit code: another renderer holds this directory."""
_LOCK_TRIES = 40
_CPU_S = 1800
_MEMORY_BYTES = 2 * 1024**3
_FILE_BYTES = 2 * 1024**3


def main() -> int:
    folder = Path(sys.argv[1])
    lock = _take_lock(folder)
    if lock is None:
        return BUSY
    with lock:
        _limit_itself()
        return _render(folder)


def _take_lock(folder: Path) -> IO[str] | None:
    """The lock of the directory; None: another renderer lives there. A glance of the provider holds it for a moment only."""
    lock = (folder / files.LOCK).open("a+", encoding="ascii")
    for _ in range(_LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.025)
            continue
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        return lock
    lock.close()
    return None


def _limit_itself() -> None:
    """Be nice to the rest of the machine, and die rather than eat it."""
    with suppress(OSError):
        os.nice(10)
    for kind, limit in (
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        wanted = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        with suppress(OSError, ValueError):  # macOS refuses some of them
            resource.setrlimit(kind, (wanted, wanted))


def _render(folder: Path) -> int:
    # Imported under the limits and after the lock: numpy and the codecs take a quarter of a second.
    from engine.providers.animatic.film import render  # noqa: PLC0415 - see above
    from engine.providers.animatic.report import Reporter  # noqa: PLC0415 - see above

    out = folder / files.OUT
    if out.exists():
        return 0
    order = files.RenderSpec.from_json((folder / files.SPEC).read_text(encoding="ascii"))
    first = folder / files.FIRST_FRAME if order.has_first_frame else None
    last = folder / files.LAST_FRAME if order.has_last_frame else None
    beside = folder / ".out.mp4"
    try:
        render(order, beside, Reporter(folder), first, last)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(out)
    except BadMedia as problem:
        _leave_problem(folder, "picture", str(problem))
        return 1
    except OSError as problem:
        beside.unlink(missing_ok=True)
        if problem.errno in files.NO_ROOM:
            _leave_problem(folder, "disk", repr(problem))
        raise
    return 0


def _leave_problem(folder: Path, kind: str, text: str) -> None:
    with suppress(OSError):
        files.write_whole(folder / files.PROBLEM, json.dumps({"kind": kind, "text": text}).encode())


if __name__ == "__main__":
    sys.exit(main())
