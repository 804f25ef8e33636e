"""Kept files on this machine's disk: engine.ports.Files.

    <root>/files/ab/ab12….mp4          named by the sha256 of its bytes, never changed
    <root>/files/tmp/…                 being written; a name in `files/ab` is always a whole file
    <root>/derived/ab12…/<name>        made from a kept file, may be lost
    <root>/work/<name>/                work in progress

A file is written beside its place, fsynced, renamed, and its directory fsynced, so that after a power cut it is all there or
not at all.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import aiofiles

from engine.errors import BadMedia, Defect
from engine.model import FileKey
from storage import disk
from storage.faults import disk_error

_KEY = re.compile(r"[0-9a-f]{64}\.[a-z0-9]{1,8}")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


class LocalFiles:
    """engine.ports.Files under one directory, which is made where it is missing."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self._files = self._root / "files"
        self._tmp = self._files / "tmp"
        self._derived = self._root / "derived"
        self._work = self._root / "work"
        self._held: Counter[FileKey] = Counter()
        self._names = asyncio.Lock()
        """Held while a name appears or disappears, so that a file is never deleted between two adoptions of it."""
        with _disk(self._root):
            for directory in (self._tmp, self._derived, self._work):
                directory.mkdir(parents=True, exist_ok=True)

    @classmethod
    async def open(cls, root: Path) -> Self:
        """The same, made without a wait on the event loop."""
        return await asyncio.to_thread(cls, root)

    async def adopt(self, path: Path) -> FileKey:
        suffix = _checked(_SUFFIX, path.suffix.lower(), "suffix")
        with _disk(path):
            digest = await asyncio.to_thread(disk.hash_and_sync, path)
        key = FileKey(digest + suffix)
        try:
            return await self._give_name(path, key)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise disk_error(error, str(self._files)) from error
        # It lies on another disk, where a rename cannot reach.
        copy = self._new_tmp(suffix)
        try:
            with _disk(self._files):
                await asyncio.to_thread(disk.copy_and_sync, path, copy)
                await self._give_name(copy, key)
                await asyncio.to_thread(path.unlink, missing_ok=True)
        finally:
            await asyncio.to_thread(copy.unlink, missing_ok=True)
        return key

    async def adopt_stream(self, chunks: AsyncIterator[bytes], suffix: str, *, limit_bytes: int) -> FileKey:
        tmp = self._new_tmp(_checked(_SUFFIX, suffix.lower(), "suffix"))
        try:
            with _disk(self._files):
                digest = await self._write(chunks, tmp, limit_bytes)
                return await self._give_name(tmp, FileKey(digest + tmp.suffix))
        finally:
            await asyncio.to_thread(tmp.unlink, missing_ok=True)

    def release(self, key: FileKey) -> None:
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]

    def path(self, key: FileKey) -> Path:
        _checked(_KEY, key, "file key")
        return self._files / key[:2] / key

    async def exists(self, key: FileKey) -> bool:
        return await asyncio.to_thread(self.path(key).is_file)

    async def delete(self, key: FileKey) -> bool:
        return await self._delete(key, unchanged_for_s=0)

    def derived(self, key: FileKey, name: str) -> Path:
        directory = self._derived_from(key)
        made = directory / _checked(_NAME, name, "file name")
        with _disk(directory):
            directory.mkdir(parents=True, exist_ok=True)
        return made

    def work(self, name: str) -> Path:
        directory = self._work / _checked(_NAME, name, "directory name")
        with _disk(directory):
            directory.mkdir(parents=True, exist_ok=True)
        return directory

    async def works(self) -> Sequence[str]:
        with _disk(self._work):
            return await asyncio.to_thread(os.listdir, self._work)

    async def drop_work(self, name: str) -> None:
        directory = self._work / _checked(_NAME, name, "directory name")
        with _disk(directory):
            await asyncio.to_thread(disk.remove_tree, directory)

    async def free_bytes(self) -> int:
        with _disk(self._root):
            return (await asyncio.to_thread(shutil.disk_usage, self._root)).free

    async def sweep(self, is_used: Callable[[FileKey], Awaitable[bool]], older_than_s: float) -> int:
        with _disk(self._root):
            kept, left = await asyncio.to_thread(self._older_than, older_than_s)
            for path in left:
                await asyncio.to_thread(disk.remove_tree, path)
        removed = len(left)
        for key in kept:
            if not await is_used(key):
                removed += await self._delete(key, unchanged_for_s=older_than_s)
        return removed

    async def _delete(self, key: FileKey, unchanged_for_s: float) -> bool:
        path = self.path(key)
        async with self._names:
            if key in self._held:
                return False
            with _disk(path):
                return await asyncio.to_thread(disk.delete_if_old, path, self._derived_from(key), unchanged_for_s)

    async def _give_name(self, path: Path, key: FileKey) -> FileKey:
        """Move a whole file to its place, or drop it where the same one is there. Raises OSError."""
        async with self._names:
            self._held[key] += 1
            try:
                await asyncio.to_thread(disk.move, path, self.path(key))
            except BaseException:
                self.release(key)
                raise
        return key

    async def _write(self, chunks: AsyncIterator[bytes], tmp: Path, limit_bytes: int) -> str:
        """The sha256 of what was written and fsynced."""
        digest = hashlib.sha256()
        arrived = 0
        async with aiofiles.open(tmp, "xb", buffering=0) as file:
            async for piece in _gather(chunks):
                arrived += len(piece)
                if arrived > limit_bytes:
                    raise BadMedia(f"The file is larger than {limit_bytes / 1e6:.0f} MB; it was not kept.")
                await asyncio.to_thread(digest.update, piece)
                await _write_whole(file.write, piece)
            await asyncio.to_thread(os.fsync, file.fileno())
        return digest.hexdigest()

    def _new_tmp(self, suffix: str) -> Path:
        return self._tmp / f"{secrets.token_hex(12)}{suffix}"

    def _derived_from(self, key: FileKey) -> Path:
        return self._derived / _checked(_KEY, key, "file key").partition(".")[0]

    def _older_than(self, age_s: float) -> tuple[list[FileKey], list[Path]]:
        """Kept files, and what is left of unfinished writes and of files that are gone."""
        before = time.time() - age_s
        kept = [FileKey(path.name) for path in self._files.glob("??/*") if _KEY.fullmatch(path.name)]
        present = {key.partition(".")[0] for key in kept}
        left = [path for path in self._tmp.iterdir() if path.lstat().st_mtime <= before]
        left += [
            path for path in self._derived.iterdir() if path.name not in present and path.lstat().st_mtime <= before
        ]
        # A picture that was cut off on its way in. What lies deeper belongs to whoever made its directory.
        left += [path for path in self._work.glob("*/*") if path.is_file() and path.lstat().st_mtime <= before]
        return [key for key in kept if self.path(key).lstat().st_mtime <= before], left


async def _gather(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces worth a trip to a thread."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= disk.AT_ONCE_BYTES:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


async def _write_whole(write: Callable[[bytes], Awaitable[int]], piece: bytes) -> None:
    """An unbuffered write may take only a part, on a disk that is nearly full."""
    rest = memoryview(piece)
    while rest:
        rest = rest[await write(bytes(rest)) :]


def _checked(shape: re.Pattern[str], text: str, word: str) -> str:
    """The text. Names come from our own code only, so a wrong one is ours to mend and never reaches the disk."""
    if shape.fullmatch(text) is None:
        raise Defect(f"{text!r} is no {word}.")
    return text


@contextmanager
def _disk(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(error, str(where)) from error
