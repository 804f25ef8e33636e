"""What was said in the web chat: that page is a platform of ours, so its messages are ours to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.rows import Cells, from_ms, to_ms
from storage.store import SqlStore, SqlWriter
from storage.tables import PLACE, POST

_POSTS: Select[Any] = select(POST, PLACE.c.key.label("place")).join(PLACE, PLACE.c.id == POST.c.place_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message."""

    id: int
    place: str
    author: str
    """The key of the person who wrote it; empty where the bot did."""
    body: Mapping[str, Any]
    """As JSON has it."""
    revision: int
    """1, and one more with every change."""
    created_at: datetime
    changed_at: datetime


class Transcript:
    """The messages of every place of the web chat, through the store's own transactions."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    async def add(self, place: str, *, author: str, body: Mapping[str, Any], nonce: str) -> Post:
        """A new message. The same nonce again gives the message that is there, unchanged."""

        async def work(connection: AsyncConnection) -> Post:
            return await _Posts(connection, self._store.clock).add(place, author=author, body=body, nonce=nonce)

        return await self._store.database.write(work)

    async def change(self, post_id: int, body: Mapping[str, Any]) -> Post | None:
        """The message with another body; None: there is none with this id."""

        async def work(connection: AsyncConnection) -> Post | None:
            return await _Posts(connection, self._store.clock).change(post_id, body)

        return await self._store.database.write(work)

    async def post(self, post_id: int) -> Post | None:
        return next(iter(await self._read(_POSTS.where(POST.c.id == post_id))), None)

    async def posts(self, place: str, *, before: int | None = None, limit: int = 100) -> Sequence[Post]:
        """The newest `limit` of a place, or those right before the id `before`; oldest first."""
        newest = _POSTS.where(PLACE.c.key == place).order_by(POST.c.id.desc()).limit(limit)
        if before is not None:
            newest = newest.where(POST.c.id < before)
        return (await self._read(newest))[::-1]

    async def changed_since(self, place: str, since: datetime) -> Sequence[Post]:
        """What was added or changed at that time or later, in the order of the changes."""
        changed = _POSTS.where(PLACE.c.key == place, POST.c.changed_at >= to_ms(since))
        return await self._read(changed.order_by(POST.c.changed_at, POST.c.id))

    async def places(self) -> Sequence[str]:
        """Every place with a message, by key."""

        async def work(connection: AsyncConnection) -> Sequence[str]:
            talked = select(POST.c.id).where(POST.c.place_id == PLACE.c.id).exists()
            return (await connection.execute(select(PLACE.c.key).where(talked).order_by(PLACE.c.key))).scalars().all()

        return await self._store.database.read(work)

    async def _read(self, posts: Select[Any]) -> list[Post]:
        async def work(connection: AsyncConnection) -> list[Post]:
            return [_post_of(row) for row in (await connection.execute(posts)).mappings()]

        return await self._store.database.read(work)


class _Posts(SqlWriter):
    """Writing messages inside a transaction."""

    async def add(self, place: str, *, author: str, body: Mapping[str, Any], nonce: str) -> Post:
        now = self._now()
        place_id = await self._place_id(place)
        await self._add_once(
            POST,
            ("nonce",),
            place_id=place_id,
            author=author,
            nonce=nonce,
            body=dict(body),
            created_at=now,
            changed_at=now,
        )
        return _post_of(await self._the(_POSTS.where(POST.c.nonce == nonce)))

    async def change(self, post_id: int, body: Mapping[str, Any]) -> Post | None:
        changed = update(POST).where(POST.c.id == post_id)
        await self._change(changed.values(body=dict(body), revision=POST.c.revision + 1, changed_at=self._now()))
        return await self._find(_POSTS.where(POST.c.id == post_id), _post_of)


def _post_of(row: Cells) -> Post:
    return Post(
        id=row["id"],
        place=row["place"],
        author=row["author"],
        body=row["body"],
        revision=row["revision"],
        created_at=from_ms(row["created_at"]),
        changed_at=from_ms(row["changed_at"]),
    )
