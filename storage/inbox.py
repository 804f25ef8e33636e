"""What a platform handed over: on the disk before it is acknowledged, so that a crash loses none and none is given out twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import sweep
from storage.store import SqlStore
from storage.tables import INBOX
from storage.transaction import Transaction

_EMPTY = "{}"


@dataclass(frozen=True, slots=True)
class Kept:
    """One update."""

    id: int
    key: str
    body: Mapping[str, Any]
    """As JSON has it."""


class Inbox:
    """The updates of every platform, through the store's own transactions."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._doubtful: set[str] = set()
        """Keys of batches whose `keep` failed: they may be on the disk, and nobody was given them."""

    async def keep(self, platform: str, updates: Sequence[tuple[str, Mapping[str, Any]]]) -> Sequence[Kept]:
        """Write the updates, by key, that were never seen, and give those in their order once they are on the disk.

        One that was seen before is not given, done or not; but after a `keep` that raised, the same updates can be handed in again.
        """
        # As text of plain ASCII: whatever a person typed (U+0000, half a surrogate pair) comes back as it came, and a
        # database that looks into JSON refuses some of that.
        texts: dict[str, tuple[Mapping[str, Any], str]] = {}
        for key, body in updates:
            texts.setdefault(key, (body, json.dumps(dict(body))))
        if not texts:
            return []
        doubtful = self._doubtful & texts.keys()

        async def work(connection: AsyncConnection) -> list[Kept]:
            rows = _Rows(connection, self._store.clock)
            kept = []
            for key, (body, text) in texts.items():
                row_id = await rows.add(platform, key, text)
                if row_id is None and key in doubtful:
                    row_id = await rows.open_id(key)
                if row_id is not None:
                    kept.append(Kept(row_id, key, body))
            return kept

        try:
            kept = await self._store.database.write(work)
        except BaseException:  # cancelled too: the commit may have been made, and only its news be lost
            self._doubtful |= texts.keys()
            raise
        self._doubtful -= texts.keys()
        return kept

    async def waiting(self, platform: str) -> Sequence[Kept]:
        """Those that are kept and not done, oldest first: what a start after a crash goes on with."""
        kept = select(INBOX.c.id, INBOX.c.key, INBOX.c.body).where(
            INBOX.c.platform == platform, INBOX.c.done_at.is_(None)
        )

        async def work(connection: AsyncConnection) -> list[Kept]:
            rows = await connection.execute(kept.order_by(INBOX.c.id))
            return [Kept(row.id, row.key, json.loads(row.body)) for row in rows]

        return await self._store.database.read(work)

    async def done(self, ids: Sequence[int]) -> None:
        """Nothing is left to do for these. Their bodies go; their keys stay until they are swept."""

        async def work(connection: AsyncConnection) -> None:
            await _Rows(connection, self._store.clock).close(ids)

        if ids:
            await self._store.database.write(work)

    async def first_time(self, key: str) -> bool:
        """Note for good that this was said or done; False: it was noted before. Keys are shared with those of updates."""

        async def work(connection: AsyncConnection) -> bool:
            return await _Rows(connection, self._store.clock).note(key)

        return await self._store.database.write(work)

    async def notes(self, prefix: str) -> Sequence[str]:
        """The keys of notes that begin so."""
        noted = select(INBOX.c.key).where(
            INBOX.c.platform == sweep.NOTES, INBOX.c.key.startswith(prefix, autoescape=True)
        )

        async def work(connection: AsyncConnection) -> Sequence[str]:
            return (await connection.execute(noted.order_by(INBOX.c.id))).scalars().all()

        return await self._store.database.read(work)

    async def sweep(self, older_than_s: float) -> int:
        """Forget updates that were done that long ago; how many. What is not done stays, and so do notes."""
        return await sweep.inbox(self._store.database, self._store.now_ms() - round(older_than_s * 1000))


class _Rows(Transaction):
    """Writing updates inside a transaction."""

    async def add(self, platform: str, key: str, body: str) -> int | None:
        """Its id; None: it was there."""
        return await self._add_once(INBOX, ("key",), platform=platform, key=key, body=body, created_at=self._now())

    async def open_id(self, key: str) -> int | None:
        """Its id; None: it is done, or not there."""
        found: int | None = await self._value(select(INBOX.c.id).where(INBOX.c.key == key, INBOX.c.done_at.is_(None)))
        return found

    async def close(self, ids: Sequence[int]) -> None:
        closed = update(INBOX).where(INBOX.c.id.in_(ids), INBOX.c.done_at.is_(None))
        await self._change(closed.values(done_at=self._now(), body=_EMPTY))

    async def note(self, key: str) -> bool:
        cells = {"platform": sweep.NOTES, "key": key, "body": _EMPTY}
        return await self._add_once(INBOX, ("key",), **cells, created_at=self._now(), done_at=self._now()) is not None
