"""The directory of one render, as the provider sees it: who lives in it, what came out, how often it was begun."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.providers.animatic import spec as files
from engine.providers.animatic.spec import RenderSpec

_DETAIL_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a render ended for good: `kind` is "picture" or "disk"; `text` is for a person only where it is "picture"."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Room:
    """One render's directory. Every method touches the disk: call them in a thread."""

    folder: Path

    def furnish(self, spec: RenderSpec, first_frame: Path | None, last_frame: Path | None) -> None:
        """Make the directory with its pictures; the spec comes last, so a room with a spec is whole. Repeatable.

        Raises:
            OSError: it could not be written.
        """
        if (self.folder / files.SPEC).exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        for source, name in ((first_frame, files.FIRST_FRAME), (last_frame, files.LAST_FRAME)):
            if source is not None:
                files.write_whole(self.folder / name, source.read_bytes())
        files.write_whole(self.folder / files.SPEC, spec.to_json().encode("ascii"))

    def exists(self) -> bool:
        return (self.folder / files.SPEC).exists()

    def result(self) -> Path | None:
        """The finished film; None while there is none."""
        out = self.folder / files.OUT
        return out if out.exists() else None

    def is_lived_in(self) -> bool:
        """Whether a renderer holds the lock, whoever started it."""
        return self._tenant() is not None

    def _tenant(self) -> int | None:
        """The process id of the renderer that holds the lock, 0 where it has not written it yet; None: nobody does."""
        try:
            lock = (self.folder / files.LOCK).open("r", encoding="ascii")
        except FileNotFoundError:
            return None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = lock.read().strip()
                return int(text) if text.isdigit() else 0
            return None

    def starts(self) -> int:
        """How often the render was begun and not stopped by us."""
        with suppress(OSError, ValueError):
            return int((self.folder / files.STARTS).read_text(encoding="ascii"))
        return 0

    def set_starts(self, count: int) -> None:
        files.write_whole(self.folder / files.STARTS, str(count).encode("ascii"))

    def percent(self) -> float | None:
        with suppress(OSError, ValueError, KeyError):
            return float(json.loads((self.folder / files.PROGRESS).read_bytes())["percent"])
        return None

    def preview(self) -> Path | None:
        path = self.folder / files.PREVIEW
        return path if path.exists() else None

    def problem(self) -> Problem | None:
        with suppress(OSError, ValueError, KeyError):
            left = json.loads((self.folder / files.PROBLEM).read_bytes())
            return Problem(str(left["kind"]), str(left["text"]))
        return None

    def forget_problem(self) -> None:
        (self.folder / files.PROBLEM).unlink(missing_ok=True)

    def last_words(self) -> str:
        """The end of what the renderer wrote on its standard error."""
        with suppress(OSError):
            return (self.folder / files.STDERR).read_text(encoding="utf-8", errors="replace")[-_DETAIL_CHARS:]
        return ""

    def evict(self, timeout_s: float = 5.0) -> None:
        """Kill the renderer that lives here, with its whole process group, and wait until the lock is free."""
        give_up_at = time.monotonic() + timeout_s
        while (tenant := self._tenant()) is not None and time.monotonic() < give_up_at:
            if tenant > 1:
                # The lock is held, so the process that wrote this id lives: the id cannot be somebody else's.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(tenant, signal.SIGKILL)
            time.sleep(0.02)

    def clear(self) -> None:
        """Remove the directory. Repeatable."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def copy_result(self, into: Path) -> None:
        """Put the finished film at `into`, by a link where the disk can.

        Raises:
            OSError: there is no film, or no room.
        """
        out = self.folder / files.OUT
        into.unlink(missing_ok=True)
        try:
            os.link(out, into)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOSPC):
                raise
            shutil.copyfile(out, into)
