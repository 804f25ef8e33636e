"""Makes a backup beside whoever works on the house: rows from a snapshot, then every kept file that they refer to.

Files are never changed, so they may be copied at leisure. They are copied first and the rows are read again at the end: what came
meanwhile is added, and what somebody deleted meanwhile is in no row and is not put back.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

from engine.errors import DiskFull, NotPossible
from storage import disk
from storage.backup_archive import About, ArchiveWriter, Manifest, Progress
from storage.backup_rows import Rows
from storage.faults import disk_error
from storage.rows import to_ms
from storage.tables import SCHEMA

ROUNDS = 3
"""How often the rows are read again because a file was deleted right after they were read."""
ROOM_BYTES = 20_000_000
"""What is left free on the target's disk at the least."""
_BLOCK = 1_024
"""What a tar file needs beside each file at the most."""

_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
"""What a file system says that has no second names, as on a stick."""

P = ParamSpec("P")
T = TypeVar("T")

DumpRows = Callable[[Path], Awaitable[Rows]]
"""Writes all rows into a directory: `backup_rows.dump_rows` here, or in the process that has the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What was made."""

    path: Path
    bytes: int
    manifest: Manifest


async def back_up(
    dump: DumpRows, files: Path, target: Path, progress: Progress, *, made_by: str, clock: Callable[[], datetime]
) -> Backup:
    """Write one new file, `target`, or one with a name of its own where that is a directory. Unfinished ones have other names.

    `files`: the directory of the kept files. `made_by`: this program and its version.

    Raises:
        NotPossible: there is something of this name, or another backup is being written there.
        DiskFull: it would not fit; nothing was left there.
        StorageUnavailable
    """
    if await asyncio.to_thread(target.is_dir):
        target /= f"nextshot-{clock():%Y-%m-%d-%H%M%S}.tar"
    making = _Making(dump, files, target, progress)
    try:
        return await making.make(About(schema=SCHEMA, made_by=made_by, id=secrets.token_hex(16)), clock)
    except OSError as error:
        raise disk_error(error, str(target.parent)) from error
    finally:
        await asyncio.to_thread(making.clear)


class _Making:
    def __init__(self, dump: DumpRows, files: Path, target: Path, progress: Progress) -> None:
        self._dump, self._files, self._target, self._progress = dump, files, target, progress
        self._part = target.with_name(f".{target.name}.part")
        self._rows = target.with_name(f".{target.name}.rows")
        self._open = ExitStack()
        self._is_ours = False

    async def make(self, about: About, clock: Callable[[], datetime]) -> Backup:
        file = await asyncio.to_thread(self._begin)
        rows = await self._dump(self._rows)
        await asyncio.to_thread(self._check_room, rows)
        writer = ArchiveWriter(file, about, self._progress)
        await self._in_thread(writer.add_files, self._paths(rows.files))
        for _ in range(ROUNDS):
            made_at = clock()
            rows = await self._dump(self._rows)
            lacking = [path for path in self._paths(rows.files) if path.name not in writer.files]
            await self._in_thread(writer.add_files, lacking)
            if all(path.name in writer.files for path in lacking):
                break
        manifest = await self._in_thread(writer.finish, self._rows, rows.tables, rows.files, to_ms(made_at))
        return await asyncio.to_thread(self._end, manifest)

    def clear(self) -> None:
        """Leave nothing half behind."""
        if self._is_ours:
            self._let_go()
        self._open.close()

    def _begin(self) -> IO[bytes]:
        file = self._take_part()
        while not _is_named(file, self._part):  # another one was finished, or gave up, between opening and locking
            file.close()
            file = self._take_part()
        self._is_ours = True
        if self._target.exists():
            raise self._is_taken()
        file.truncate()  # what a killed one left
        disk.remove_tree(self._rows)  # of one that was killed
        self._rows.mkdir(mode=0o700)
        return file

    def _take_part(self) -> IO[bytes]:
        if self._target.exists():
            raise self._is_taken()
        descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        file = self._open.enter_context(os.fdopen(descriptor, "wb"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotPossible(f"Another backup is being written to {self._target}: wait for it.") from error
        return file

    def _is_taken(self) -> NotPossible:
        return NotPossible(f"{self._target} is there already: choose another name. Nothing was written.")

    def _let_go(self) -> None:
        """The name last: whoever comes after it has rows of his own."""
        disk.remove_tree(self._rows)
        self._part.unlink(missing_ok=True)
        self._is_ours = False

    def _paths(self, keys: Iterable[str]) -> list[Path]:
        return [self._files / key[:2] / key for key in keys]

    def _check_room(self, rows: Rows) -> None:
        sizes = [_size(path) for path in self._paths(rows.files)]
        in_rows = sum(each.bytes for each in rows.tables)
        self._progress.total_bytes = sum(sizes) + in_rows
        needed = sum(sizes) + len(sizes) * _BLOCK + 2 * in_rows + ROOM_BYTES
        free = shutil.disk_usage(self._target.parent).free
        if free < needed:
            raise DiskFull(
                f"The backup needs {needed / 1e6:.0f} MB and {self._target.parent} has {free / 1e6:.0f} MB left; make room, or "
                "choose another disk. Nothing was written."
            )

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """In a thread, which is told to stop where this is cancelled, and waited for."""
        running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._progress.stop.set()
            await asyncio.gather(running, return_exceptions=True)
            raise

    def _end(self, manifest: Manifest) -> Backup:
        size = self._part.stat().st_size
        self._name()
        disk.sync_directory(self._target.parent)
        return Backup(path=self._target, bytes=size, manifest=manifest)

    def _name(self) -> None:
        """Give it its name, unless somebody else has it by now."""
        try:
            os.link(self._part, self._target)
        except FileExistsError as error:
            raise self._is_taken() from error
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if self._target.exists():
                raise self._is_taken() from error
            self._part.rename(self._target)
        self._let_go()


def _is_named(file: IO[bytes], path: Path) -> bool:
    """Whether the file of this name is still the one that is open."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
