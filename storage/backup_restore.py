"""Puts a backup into an empty house: all of it, or nothing that can be mistaken for it.

1. `restore.unfinished` is written: no house is opened here while it is there, and the same backup can be put back again.
2. Everything is unpacked beside and compared with the manifest. Up to here a failure takes the mark away again.
3. Files get their names, then the rows are there at once: a rename on SQLite, a commit on PostgreSQL.
4. Live jobs that reality may have paid for since become questions (`engine.restored`), and the mark goes.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from sqlalchemy import insert, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.attempts import AttemptOutcome
from engine.errors import DiskFull, NotPossible, StorageUnavailable
from engine.job_model import JobKind, JobState
from engine.jobs import LIVE
from engine.restored import DETAIL, settle_restored
from storage import disk
from storage.backup_archive import About, Manifest, Progress, read_about, unpack
from storage.backup_rows import has_tables, known_schemas, load_rows
from storage.faults import disk_error, telling
from storage.lock import NAME as LOCK_NAME
from storage.store import SqlStore, opened_store
from storage.tables import ATTEMPT, EVENT, INBOX, JOB, SCHEMA

P = ParamSpec("P")
T = TypeVar("T")

MARK = "restore.unfinished"
_HALF_MARK = "restore.half"
_STAGING = "restoring"
_LOG = "nextshot.log"
ROOM_BYTES = 50_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was put back."""

    manifest: Manifest
    asked: int
    """Jobs whose persons are asked, because they may have been paid since."""
    live: int
    """Jobs that go on at the next start."""
    unheard: int
    """Updates that were not answered when the backup was made, and are left so."""


def refuse_unfinished(directory: Path) -> None:
    """Raises StorageUnavailable: a backup was put into this data directory by half."""
    found = _read_mark(directory)
    if found is not None:
        raise StorageUnavailable(
            f"{found.get('source')} was put back into {directory} by half: run `nextshot restore {found.get('source')}` again, or "
            "choose another data directory."
        )


def read_known(source: Path) -> About:
    """What this backup is, where this program can put it back.

    Raises:
        NotPossible: it is none, or of a newer program.
    """
    about = read_about(source)
    if about.schema not in known_schemas():
        raise NotPossible(
            f"{source} was made by a newer Nextshot ({about.made_by}, tables of version {about.schema}; this program "
            f"knows {SCHEMA}); install that one to put it back. Nothing was changed."
        )
    return about


async def restore(source: Path, directory: Path, url: str, progress: Progress, *, free: Container[str]) -> Restored:
    """Put the backup into this data directory, whose lock is held, and this database. `free`: the providers that charge nobody.

    Raises:
        NotPossible: it is no backup, of a newer program, or the house is not empty; nothing was changed.
        BadMedia: it is damaged; nothing was changed.
        DiskFull, StorageUnavailable
    """
    restoring = _Restoring(source, directory, url, progress)
    try:
        with telling(str(directory)):
            manifest = await restoring.put_back()
        made_at = datetime.fromtimestamp(manifest.made_at_ms / 1000, UTC)
        async with opened_store(url, lambda: made_at) as store:
            unheard, asked, live = await _settle(store, made_at, free)
        await asyncio.to_thread(restoring.finish)
    except OSError as error:
        raise disk_error(error, str(directory)) from error
    return Restored(manifest=manifest, asked=asked, live=live, unheard=unheard)


class _Restoring:
    def __init__(self, source: Path, directory: Path, url: str, progress: Progress) -> None:
        self._source, self._directory, self._url, self._progress = source, directory, url, progress
        self._staging = directory / _STAGING
        parsed = make_url(url)
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        self._database = Path(parsed.database or "") if self._is_sqlite else None
        self._mark = directory / MARK

    async def put_back(self) -> Manifest:
        about = await asyncio.to_thread(self._check)
        try:
            manifest = await self._in_thread(self._unpack, about)
        except BaseException:
            await asyncio.to_thread(self._take_back)
            raise
        await asyncio.to_thread(self._put_in_place, manifest)
        return manifest

    def finish(self) -> None:
        disk.remove_tree(self._staging)
        self._mark.unlink()
        disk.sync_directory(self._directory)

    def _check(self) -> About:
        if self._database is not None and str(self._database) in {"", ".", ":memory:"}:
            raise NotPossible("The database is in memory: there is nothing to put a backup into. Nothing was changed.")
        about = read_known(self._source)
        begun = _read_mark(self._directory)
        is_again = begun is not None and begun.get("backup") == about.id
        if not is_again:
            self._refuse_full(begun)
        size = self._source.stat().st_size
        free = shutil.disk_usage(self._directory).free
        if free < 2 * size + ROOM_BYTES and not is_again:
            raise DiskFull(
                f"{self._directory} has {free / 1e6:.0f} MB left and {(2 * size + ROOM_BYTES) / 1e6:.0f} MB are needed; make room. "
                "Nothing was changed."
            )
        return about

    def _refuse_full(self, begun: dict[str, str] | None) -> None:
        """Where another backup was put back by half, its files may lie there; its rows may not."""
        expected = {LOCK_NAME, _HALF_MARK}
        if begun is not None:
            expected |= {MARK, _STAGING, "files"} | ({self._half_database.name} if self._database else set())
        there = [
            path
            for path in self._directory.iterdir()
            if path.name not in expected and not path.name.startswith(_LOG) and not _is_empty(path)
        ]
        if there or (self._database is not None and self._database.exists()):
            what = there[0] if there else self._database
            raise NotPossible(
                f"{self._directory} is not empty ({what} is there): a backup is put into an empty data directory only. "
                "Nothing was changed."
            )
        if self._database is None and has_tables(self._url):
            raise NotPossible(
                "The database has tables already: a backup is put into an empty one only. Nothing was changed."
            )

    def _unpack(self, about: About) -> Manifest:
        self._progress.total_bytes = self._source.stat().st_size
        half = self._mark.with_name(_HALF_MARK)
        with half.open("w", encoding="utf-8") as file:
            json.dump({"source": str(self._source), "backup": about.id}, file)
        half.replace(self._mark)
        disk.sync_directory(self._directory)
        disk.remove_tree(self._staging)
        self._staging.mkdir(mode=0o700)
        manifest = unpack(self._source, self._staging, self._progress)
        if self._database is not None and not self._database.exists():
            made = self._half_database
            made.unlink(missing_ok=True)
            load_rows(f"sqlite:///{made}", manifest.about.schema, manifest.tables, self._staging / "rows")
        return manifest

    @property
    def _half_database(self) -> Path:
        assert self._database is not None  # noqa: S101  # asked of SQLite only
        return self._database.with_name(f"{self._database.name}.restoring")

    def _take_back(self) -> None:
        """Nothing was put in place: the house is as empty as before."""
        disk.remove_tree(self._staging)
        if self._database is not None:
            self._half_database.unlink(missing_ok=True)
            if self._database.exists():
                return  # an earlier run had come further
        elif has_tables(self._url):
            return
        self._mark.unlink(missing_ok=True)

    def _put_in_place(self, manifest: Manifest) -> None:
        for key in manifest.files:
            staged = self._staging / "files" / key
            target = self._directory / "files" / key[:2] / key
            target.parent.mkdir(parents=True, exist_ok=True)
            staged.replace(target)
        for parent in {self._directory / "files" / key[:2] for key in manifest.files}:
            disk.sync_directory(parent)
        if manifest.files:
            disk.sync_directory(self._directory / "files")
        if self._database is None:
            if not has_tables(self._url):  # else an earlier run had come that far
                load_rows(self._url, manifest.about.schema, manifest.tables, self._staging / "rows")
        elif not self._database.exists():
            self._half_database.replace(self._database)
            disk.sync_directory(self._database.parent)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        running = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            self._progress.stop.set()
            await asyncio.gather(running, return_exceptions=True)
            raise


async def _settle(store: SqlStore, made_at: datetime, free: Container[str]) -> tuple[int, int, int]:
    """Updates left unheard, jobs asked about, jobs that go on. May be done again."""
    unheard, ids = await store.database.write(lambda connection: _rows(connection, store.now_ms(), free))
    asked = live = 0
    for job_id in ids:
        job = await store.read(lambda tx, job_id=job_id: tx.job(job_id))  # type: ignore[misc]  # a default is not inferred
        if job is not None and await store.write(lambda tx, job=job: settle_restored(tx, job, made_at, free)):  # type: ignore[misc]  # as above
            asked += 1
        else:
            live += 1
    return unheard, asked, live


async def _rows(connection: AsyncConnection, made_at_ms: int, free: Container[str]) -> tuple[int, list[int]]:
    """What has no rules of the engine's: updates that may have been answered since, renders of this machine, leases."""
    unheard = (
        update(INBOX).where(INBOX.c.done_at.is_(None), INBOX.c.platform != "").values(done_at=made_at_ms, body="{}")
    )
    left = (await connection.execute(unheard)).rowcount
    live = select(JOB.c.id, JOB.c.state, JOB.c.kind, JOB.c.provider, JOB.c.fence).where(
        JOB.c.state.in_([*map(str, LIVE)])
    )
    ids = []
    for job_id, state, kind, provider, fence in (await connection.execute(live.order_by(JOB.c.id))).all():
        ids.append(job_id)
        begun = state in {JobState.SUBMITTING, JobState.RENDERING, JobState.SAVING}
        if not (begun and kind == JobKind.RENDER and provider in free):
            continue
        # its work directory is not in the backup: it is begun again, which costs nothing
        again = {
            "task_id": None,
            "percent": None,
            "preview": None,
            "started_at": None,
            "tries": 0,
            "due_at": made_at_ms,
        }
        await connection.execute(update(JOB).where(JOB.c.id == job_id).values(state=str(JobState.QUEUED), **again))
        gone = update(ATTEMPT).where(ATTEMPT.c.job_id == job_id, ATTEMPT.c.what == "render")
        await connection.execute(gone.values(outcome=str(AttemptOutcome.ABSENT), task_id=None, closed_at=made_at_ms))
        moved = {"from_state": state, "to_state": str(JobState.QUEUED), "detail": DETAIL, "fence": fence}
        await connection.execute(insert(EVENT).values(job_id=job_id, at=made_at_ms, **moved))
    return left, ids


def _read_mark(directory: Path) -> dict[str, str] | None:
    try:
        found = json.loads((directory / MARK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageUnavailable(f"{directory / MARK} cannot be read; choose another data directory.") from error
    return found if isinstance(found, dict) else {}


def _is_empty(path: Path) -> bool:
    """Whether it is a directory with nothing in it, however deep."""
    return path.is_dir() and not path.is_symlink() and all(map(_is_empty, path.iterdir()))
