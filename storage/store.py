"""The store: engine.ports.Store on SQLite, in memory or on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from engine.errors import StorageUnavailable
from engine.job_model import Job, Say
from engine.ports import Clock, Reader, Writer
from storage import claim, sweep
from storage.database import Database
from storage.emptying import EmptyReads, EmptyWrites
from storage.film_orders import FilmOrderReads, FilmOrderWrites
from storage.forgetting import ForgetReads, ForgetWrites
from storage.identities import IdentityReads, IdentityWrites
from storage.job_reads import JobReads
from storage.job_writes import JobWrites
from storage.ledger_reads import LedgerReads
from storage.ledger_writes import LedgerWrites
from storage.line import LineReads, LineWrites
from storage.looks import SaveLook
from storage.oversight import OversightReads, OversightWrites
from storage.place_writes import PlaceWrites
from storage.postgres import open_postgres
from storage.rows import to_ms
from storage.sqlite import open_memory, open_sqlite
from storage.story_reads import StoryReads
from storage.story_writes import StoryWrites

T = TypeVar("T")


class SqlReader(
    StoryReads,
    JobReads,
    LineReads,
    IdentityReads,
    LedgerReads,
    ForgetReads,
    EmptyReads,
    OversightReads,
    FilmOrderReads,
):
    """engine.ports.Reader on an open transaction."""


class SqlWriter(
    JobWrites,
    LineWrites,
    PlaceWrites,
    IdentityWrites,
    LedgerWrites,
    ForgetWrites,
    EmptyWrites,
    StoryWrites,
    StoryReads,
    JobReads,
    LineReads,
    IdentityReads,
    LedgerReads,
    ForgetReads,
    EmptyReads,
    OversightWrites,
    OversightReads,
    FilmOrderWrites,
    FilmOrderReads,
):
    """engine.ports.Writer on an open transaction."""


class SqlStore:
    """engine.ports.Store on an open database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    async def read(self, work: Callable[[Reader], Awaitable[T]]) -> T:
        return await self.database.read(lambda connection: work(SqlReader(connection, self.clock)))

    async def write(self, work: Callable[[Writer], Awaitable[T]]) -> T:
        return await self.database.write(lambda connection: work(SqlWriter(connection, self.clock)))

    async def claim_jobs(self, limit: int, lease_s: float, *, looks: bool | None = None) -> Sequence[Job]:
        now, lease_ms = self.now_ms(), round(lease_s * 1000)
        return await self.database.claim(lambda connection: claim.claim_jobs(connection, now, limit, lease_ms, looks))

    async def claim_says(self, limit: int, lease_s: float) -> Sequence[Say]:
        now, lease_ms = self.now_ms(), round(lease_s * 1000)
        return await self.database.claim(lambda connection: claim.claim_says(connection, now, limit, lease_ms))

    async def renew(self, held: Job | Say, lease_s: float) -> bool:
        now, lease_ms = self.now_ms(), round(lease_s * 1000)
        return await self.database.claim(lambda connection: claim.renew(connection, held, now, lease_ms))

    async def save_look(self, job: Job) -> None:
        await self.database.write(SaveLook(job, self.clock))

    async def release_leases(self) -> int:
        now = self.now_ms()
        return await self.database.claim(lambda connection: claim.release_leases(connection, now))

    async def sweep(self, older_than_s: float) -> int:
        """Forget updates that were acted on that long ago, kept ones that are done too; how many. And codes that expired.

        One that is handed over again after that is acted on again, but for jobs: `request_key` stays.
        """
        now = self.now_ms()
        before = now - round(older_than_s * 1000)
        await sweep.link_codes(self.database, now)
        await sweep.link_misses(self.database, before)
        return await sweep.requests(self.database, before) + await sweep.inbox(self.database, before)

    async def scrub(self) -> None:
        await self.database.scrub()

    def now_ms(self) -> int:
        """The clock in epoch milliseconds."""
        return to_ms(self.clock())

    async def close(self) -> None:
        """Finish what was begun; every later call raises StorageUnavailable."""
        await self.database.close()


async def open_store(url: str, clock: Clock) -> SqlStore:
    """The store at `sqlite:///path`, `sqlite://` (in memory, gone when closed) or `postgresql://user:password@host/name`.

    A file that is not there is made; its directory must exist. The caller closes it.

    Raises:
        DiskFull, StorageUnavailable: also for a database of a newer program.
    """
    return SqlStore(await _open_database(url), clock)


@asynccontextmanager
async def opened_store(url: str, clock: Clock) -> AsyncIterator[SqlStore]:
    """`open_store` for an `async with`."""
    store = await open_store(url, clock)
    try:
        yield store
    finally:
        await store.close()


async def _open_database(text: str) -> Database:
    url = _parse(text)
    match url.get_backend_name():
        case "sqlite" if url.database in (None, "", ":memory:"):
            return await open_memory()
        case "sqlite":
            return await open_sqlite(Path(url.database or ""))
        case "postgresql" | "postgres":
            return await open_postgres(url)
        case other:
            raise StorageUnavailable(f"Nextshot keeps its rows in sqlite:///… or postgresql://…, not in {other}.")


def _parse(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:  # its text may hold a password
        raise StorageUnavailable(
            "The database URL cannot be read; write sqlite:///path or postgresql://user@host/name."
        ) from error
