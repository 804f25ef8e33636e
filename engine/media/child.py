"""The child process: reads one job, limits itself, does the work, and says percents and one result as JSON lines."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.errors import BadMedia, DiskFull, EngineError, MediaError, MediaLimit
from engine.media.report import Report

Work = Callable[..., dict[str, Any]]
"""Keyword arguments of the job, `report`, and where there is a target `out` (write this) and `scratch` (a directory)."""


def _in(room: str, name: str) -> Work:
    """The function, imported when it is called: a measuring child need not load what a film takes."""

    def work(**arguments: Any) -> dict[str, Any]:
        made: dict[str, Any] = getattr(import_module(f"engine.media.{room}"), name)(**arguments)
        return made

    return work


WORKS: Mapping[str, Work] = {
    "probe": _in("measure", "measure"),
    "first_frame": _in("frames", "write_first"),
    "last_frame": _in("frames", "write_last"),
    "frame_at": _in("frames", "write_at"),
    "sharp_frame": _in("frames", "write_sharp"),
    "thumbnail": _in("frames", "write_thumbnail"),
    "poster": _in("frames", "write_poster"),
    "small": _in("frames", "write_small"),
    "spritesheet": _in("frames", "write_spritesheet"),
    "picture": _in("pictures", "write_clean"),
    "crop": _in("pictures", "write_cropped"),
    "sendable": _in("sendable", "write_sendable"),
    "stitch": _in("film", "stitch"),
    "fit": _in("fitting", "fit"),
    "export": _in("exporting", "export"),
    "check_sound": _in("sound_file", "check"),
    "cut": _in("cutting", "cut"),
    "with_sound": _in("silence", "add_silence"),
}


def serve(works: Mapping[str, Work]) -> int:
    """Do the one job that comes on stdin; the exit code."""
    job = json.loads(sys.stdin.buffer.readline() or b"{}")
    if not job:
        return 1
    scratch = Path(job["scratch"]) if job["scratch"] else None
    threading.Thread(target=_end_with_the_parent, args=(scratch,), name="parent watch", daemon=True).start()
    _limit(job)
    try:
        _say(result=_do(works[job["work"]], job, scratch))
    except BadMedia as error:
        _say(error="BadMedia", sentence=str(error), clip=error.clip)
    except EngineError as error:
        _say(error=type(error).__name__, sentence=str(error))
    except MemoryError:
        _say(
            error=MediaLimit.__name__,
            sentence="The video needs more memory than it may have; use a shorter or smaller one.",
        )
    except OSError as error:  # av's errors that carry an errno are OSErrors too
        _say_system_error(error)
    except Exception:  # noqa: BLE001  # the last word of a process: the parent logs it and tells a person a sentence
        _say(error="Exception", detail=traceback.format_exc()[-2000:])
    return 0


def _do(work: Work, job: Mapping[str, Any], scratch: Path | None) -> dict[str, Any]:
    report = Report(_say, float(job["wall_s"]))
    if scratch is None:
        return work(**job["arguments"], report=report)
    target = Path(job["target"])
    scratch.mkdir(parents=True)
    try:
        out = scratch / f"out{target.suffix}"
        result = work(**job["arguments"], report=report, out=out, scratch=scratch)
        _put_in_place(out, target)
        return result
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _put_in_place(out: Path, target: Path) -> None:
    """Rename once the bytes are on the disk, then write the directory too: a crash leaves the old file or the new one."""
    descriptor = os.open(out, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    out.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _limit(job: Mapping[str, Any]) -> None:
    """Bound memory, file size and processor time. The hard processor limit stays open: more time may be allowed later."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_bytes"], job["file_bytes"]))
    if sys.platform != "darwin":  # macOS refuses to set it
        resource.setrlimit(resource.RLIMIT_AS, (job["memory_bytes"], job["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_CPU, (int(job["wall_s"] * (os.cpu_count() or 1)) + 1, resource.RLIM_INFINITY))
    with contextlib.suppress(OSError):
        os.nice(10)
    with contextlib.suppress(OSError):  # where the machine's memory is used up, this one goes and not who started it
        Path("/proc/self/oom_score_adj").write_bytes(b"900")


def _end_with_the_parent(scratch: Path | None) -> None:
    """The parent keeps our stdin open as long as it lives."""
    os.read(0, 1)
    if scratch:
        shutil.rmtree(scratch, ignore_errors=True)
    os._exit(1)


def _say(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


def _say_system_error(error: OSError) -> None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        name, sentence = DiskFull.__name__, "The disk is full, so nothing was written; free some room and try again."
    elif error.errno == errno.ENOMEM:
        name, sentence = (
            MediaLimit.__name__,
            "The video needs more memory than it may have; use a shorter or smaller one.",
        )
    elif error.errno == errno.EFBIG:
        name, sentence = MediaLimit.__name__, "The file would grow larger than it may be; use fewer or shorter clips."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
        name = MediaError.__name__
        sentence = (
            f"The file could not be written ({os.strerror(error.errno)}); check that the data directory is writable."
        )
    else:
        _say(error="OSError", detail=traceback.format_exc()[-2000:])
        return
    _say(error=name, sentence=sentence)


if __name__ == "__main__":
    # Without the interpreter's farewell: nothing of a decoder's threads is worth waiting for.
    os._exit(serve(WORKS))
