"""Removing what was kept only so that no update is acted on twice, and codes that nobody can use any more.

A thousand rows to a transaction: on SQLite everybody who writes waits for it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.tables import INBOX, LINK_CODE, LINK_MISS, REQUEST

AT_ONCE = 1_000
NOTES = ""
"""The platform of notes in the inbox, which are never swept."""


async def requests(database: Database, before: int) -> int:
    """How many updates that were acted on at `before` (epoch milliseconds) or earlier are forgotten now."""
    return await _remove(database, REQUEST, REQUEST.c.created_at <= before, REQUEST.c.created_at)


async def inbox(database: Database, before: int) -> int:
    """How many kept updates that were done at `before` (epoch milliseconds) or earlier are forgotten now. Notes stay."""
    return await _remove(database, INBOX, (INBOX.c.done_at <= before) & (INBOX.c.platform != NOTES), INBOX.c.done_at)


async def link_codes(database: Database, now: int) -> int:
    """How many one-time codes that expired until `now` (epoch milliseconds) are forgotten."""
    return await _remove(database, LINK_CODE, LINK_CODE.c.expires_at <= now, LINK_CODE.c.expires_at)


async def link_misses(database: Database, before: int) -> int:
    """How many wrong codes that were said at `before` (epoch milliseconds) or earlier are forgotten now."""
    return await _remove(database, LINK_MISS, LINK_MISS.c.created_at <= before, LINK_MISS.c.created_at)


async def _remove(database: Database, table: Table, is_old: ColumnElement[bool], order: Column[Any]) -> int:
    old = select(table.c.id).where(is_old).order_by(order).limit(AT_ONCE)
    removed = 0

    async def work(connection: AsyncConnection) -> int:
        return (await connection.execute(delete(table).where(table.c.id.in_(old)))).rowcount

    while count := await database.write(work):
        removed += count
        if count < AT_ONCE:
            break
    return removed
