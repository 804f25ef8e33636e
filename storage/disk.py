"""The plain disk work of `storage.files`: every function here blocks, and belongs in a thread. They raise OSError."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path

AT_ONCE_BYTES = 1 << 20


def hash_and_sync(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    return digest


def copy_and_sync(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("xb") as writing:
        shutil.copyfileobj(reading, writing, AT_ONCE_BYTES)
        writing.flush()
        os.fsync(writing.fileno())


def move(source: Path, target: Path) -> None:
    if target.exists():
        os.utime(target)  # a sweep that thought it old looks again
        source.unlink()
        return
    if not target.parent.exists():
        target.parent.mkdir(exist_ok=True)
        sync_directory(target.parent.parent)
    source.rename(target)
    os.utime(target)
    sync_directory(target.parent)


def delete_if_old(path: Path, derived: Path, age_s: float) -> bool:
    try:
        if path.stat().st_mtime > time.time() - age_s and age_s > 0:
            return False
        path.unlink()
    except FileNotFoundError:
        return False
    remove_tree(derived)
    sync_directory(path.parent)
    return True


def remove_tree(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
