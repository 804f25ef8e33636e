"""What a platform calls the files that it has from us already, so that none is uploaded twice."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.store import SqlStore
from storage.tables import SENT_FILE
from storage.transaction import Transaction


class SentFiles:
    """The platforms' own ids of our files, through the store's own transactions.

    `account` is the one that sent the file (another one cannot use the id), `kind` is what it was sent as.
    """

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def find(self, account: str, file: str, kind: str) -> str | None:
        """The platform's id; None: it does not have the file, as far as we know."""

        async def work(connection: AsyncConnection) -> str | None:
            return await _Rows(connection, self._store.clock).find(account, file, kind)

        return await self._store.database.read(work)

    async def keep(self, account: str, file: str, kind: str, remote_id: str) -> None:
        """Remember the platform's id; the newest one counts."""

        async def work(connection: AsyncConnection) -> None:
            await _Rows(connection, self._store.clock).keep(account, file, kind, remote_id)

        await self._store.database.write(work)

    async def forget(self, account: str, file: str, kind: str) -> None:
        """The platform knows this id no longer."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(SENT_FILE).where(*_is(account, file, kind)))

        await self._store.database.write(work)


class _Rows(Transaction):
    """Finding and writing ids inside a transaction."""

    async def find(self, account: str, file: str, kind: str) -> str | None:
        return await self._find(
            select(SENT_FILE.c.remote_id).where(*_is(account, file, kind)), lambda row: str(row["remote_id"])
        )

    async def keep(self, account: str, file: str, kind: str, remote_id: str) -> None:
        cells = {"account": account, "file": file, "kind": kind, "remote_id": remote_id, "created_at": self._now()}
        if await self._add_once(SENT_FILE, ("account", "file", "kind"), **cells) is None:
            await self._change(update(SENT_FILE).where(*_is(account, file, kind)).values(remote_id=remote_id))


def _is(account: str, file: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return (SENT_FILE.c.account == account, SENT_FILE.c.file == file, SENT_FILE.c.kind == kind)
