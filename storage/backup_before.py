"""One copy of an SQLite file from before its tables are changed, for whoever wants the older program back. Blocks.

It is dropped after a week, and as soon as somebody is forgotten: it would remember them.
"""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from storage import disk
from storage.backup_rows import known_schemas
from storage.tables import SCHEMA

log = logging.getLogger(__name__)

KEPT_S = 7 * 86_400.0
ROOM_BYTES = 20_000_000


def keep_copy(path: Path) -> Path | None:
    """`nextshot.db.before-0005` beside the file, where its tables are about to be changed; None: none was made.

    Where there is no room for it, the tables are changed without: that is one transaction, and a copy is only a comfort.
    """
    found = _schema(path)
    if found is None or found == SCHEMA:
        drop_copies(path, older_than_s=KEPT_S)
        return None
    if found not in known_schemas():
        return None  # of a newer program, or another's: refused right after this
    needed = path.stat().st_size + _size(path.with_name(f"{path.name}-wal")) + ROOM_BYTES
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        log.warning("no copy kept before the tables change file=%s needed_bytes=%d free_bytes=%d", path, needed, free)
        return None
    drop_copies(path)
    copy = path.with_name(f"{path.name}.before-{SCHEMA}")
    half = copy.with_name(f"{copy.name}.half")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, path.stat().st_mode & 0o777))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(half)) as target:
        source.backup(target)  # with what is still in its log
    with half.open("rb") as file:
        os.fsync(file.fileno())
    half.replace(copy)
    disk.sync_directory(path.parent)
    log.info("copy kept before the tables change file=%s from=%s to=%s", copy, found, SCHEMA)
    return copy


def drop_copies(path: Path, older_than_s: float = 0.0) -> None:
    """Remove the copies of this file that are at least so old."""
    before = time.time() - older_than_s
    for copy in path.parent.glob(f"{path.name}.before-*"):
        if copy.stat().st_mtime <= before:
            copy.unlink(missing_ok=True)


def _schema(path: Path) -> str | None:
    with closing(sqlite3.connect(path)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
            return None
        found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found[0]) if found else None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
