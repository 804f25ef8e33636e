"""A child that does what a broken decoder might do. `python -m tests.media.misbehaving` in the place of the real one."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import BadMedia
from engine.media.child import Work, serve


def hang(*, note: str | None = None, out: Path | None = None, **_: Any) -> dict[str, Any]:
    if out:
        out.write_bytes(b"half a file")
    if note:
        Path(note).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(600)
    return {}


def doze(*, note: str, out: Path, **_: Any) -> dict[str, Any]:
    Path(note).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(0.5)
    out.write_bytes(b"whole")
    return {}


def spin(**_: Any) -> dict[str, Any]:
    while True:
        pass


def crash(**_: Any) -> dict[str, Any]:
    os.abort()


def swell(**_: Any) -> dict[str, Any]:
    return {"bytes": len(bytearray(6 << 30))}


def fill(*, out: Path, **_: Any) -> dict[str, Any]:
    with out.open("wb") as file:
        for _block in range(64):
            file.write(bytes(1 << 20))
    return {}


def stumble(**_: Any) -> dict[str, Any]:
    raise RuntimeError("/a/secret/path is wrong")


def babble(**_: Any) -> dict[str, Any]:
    sys.stdout.write("Once upon a time\n")
    sys.stdout.flush()
    time.sleep(600)
    return {}


def stay(*, note: str, **_: Any) -> dict[str, Any]:
    Path(note).write_text(str(os.getpid()), encoding="ascii")
    sys.stdout.write('{"result": {}}\n')
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGSTOP)
    return {}


def refuse(**_: Any) -> dict[str, Any]:
    raise BadMedia("It is not one.", clip=3)


def tell(**_: Any) -> dict[str, Any]:
    return {"environment": sorted(os.environ), "session": os.getsid(0), "nice": os.nice(0)}


def write(*, out: Path, **_: Any) -> dict[str, Any]:
    out.write_bytes(b"whole")
    return {}


WORKS: Mapping[str, Work] = {
    work.__name__: work for work in (hang, doze, spin, crash, swell, fill, stumble, babble, stay, refuse, tell, write)
}

if __name__ == "__main__":
    sys.exit(serve(WORKS))
