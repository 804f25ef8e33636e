"""Scrubbing a database file: what is written anew, and how often."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from engine.forget_ports import SCRUB_EVERY_S
from storage import opened_store
from storage.sqlite import SqliteDatabase
from tests.fakes.clock import FakeClock


async def test_the_file_is_written_anew_once_an_hour_at_most(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write waits for that; copies from before an upgrade go at once all the same."""
    path = tmp_path / "nextshot.db"
    now_s = 50.0
    monkeypatch.setattr("storage.sqlite.time.monotonic", lambda: now_s)
    async with opened_store(f"sqlite:///{path}", clock) as store:
        assert isinstance(store.database, SqliteDatabase)

        async def size_after(freed: str) -> int:
            for work in (f"CREATE TABLE {freed} AS SELECT zeroblob(400000) AS b", f"DROP TABLE {freed}"):
                await store.database.write(lambda connection, work=work: connection.execute(text(work)))  # type: ignore[misc]
            copy = tmp_path / f"{path.name}.before-0001"
            copy.write_text("")
            await store.scrub()
            assert not copy.exists()
            return path.stat().st_size

        small = await size_after("a")
        now_s += SCRUB_EVERY_S - 1
        assert await size_after("b") > small + 300_000
        now_s += 1
        assert await size_after("c") == small
