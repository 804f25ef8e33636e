"""One process per data directory: a lock that the kernel lets go of when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from engine.errors import StorageUnavailable
from storage.faults import disk_error

NAME = "nextshot.lock"
LOOKS = 5
LOOK_S = 0.01


class DirectoryLock:
    """Holds a directory from `acquire` to `release`, or inside a `with`.

    `info` is written into the lock file beside the pid, for whoever finds it held. The file stays: to remove it would let two
    processes hold two files of one name.
    """

    def __init__(self, directory: Path, **info: Any) -> None:
        self.path = directory / NAME
        self._info = info
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock at once.

        Raises:
            StorageUnavailable: another process holds it, or the directory cannot be written.
        """
        descriptor = self._open()
        try:
            _take(descriptor)
            self._descriptor = descriptor
            self.tell(**self._info)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StorageUnavailable(self._held_sentence()) from error
        except OSError as error:
            os.close(descriptor)
            self._descriptor = None
            raise disk_error(error, str(self.path)) from error

    def tell(self, **info: Any) -> None:
        """Replace what others read in it; the pid is always there. Only while it is held."""
        if self._descriptor is None:
            return
        self._info = info
        text = json.dumps({"pid": os.getpid(), **info}).encode()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)

    def release(self) -> None:
        """Let go. A second time does nothing."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise disk_error(error, str(self.path)) from error

    def _held_sentence(self) -> str:
        holder = read_holder(self.path.parent) or {}
        who = f"process {holder['pid']}" if "pid" in holder else "another process"
        return f"{self.path.parent} is in use by {who}; stop that one, or choose another data directory."


def _take(descriptor: int) -> None:
    """Raises BlockingIOError where another process holds it. Somebody who only looks, holds it for an instant: wait that out."""
    for _ in range(LOOKS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_S)
        else:
            return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_holder(directory: Path) -> Mapping[str, Any] | None:
    """What the process that holds this directory wrote into the lock (`pid` and more); None: nobody holds it."""
    path = directory / NAME
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A shared lock is had only where nobody holds the exclusive one.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            found = json.loads(os.pread(descriptor, 65_536, 0))
        except ValueError:  # it is being written at this instant
            found = {}
        return found if isinstance(found, dict) else {}
    else:
        return None
    finally:
        os.close(descriptor)
