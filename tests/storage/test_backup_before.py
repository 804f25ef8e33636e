"""Before tables are changed a copy is kept, for whoever wants the older program back."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from engine.errors import StorageUnavailable
from storage import opened_store
from storage.backup_before import KEPT_S, keep_copy
from storage.migrate import alembic_config
from storage.tables import SCHEMA
from tests.fakes.clock import FakeClock
from tests.storage.test_upgrade import fill, opened, rows_of


def kept(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if ".before-" in path.name)


async def test_a_copy_from_before_an_upgrade_is_what_it_was(tmp_path: Path, clock: FakeClock) -> None:
    """Also what was only in its log; it is the one that is kept, and nobody else may read it who could not before."""
    path = tmp_path / "nextshot.db"
    copy = tmp_path / f"nextshot.db.before-{SCHEMA}"
    with opened(f"sqlite:///{path}") as engine:
        fill(engine)
        before = rows_of(engine)
    path.chmod(0o600)
    (tmp_path / "nextshot.db.before-0000").write_text("of an earlier upgrade")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode=wal")
        async with opened_store(f"sqlite:///{path}", clock):
            pass
    assert kept(tmp_path) == [copy.name]
    assert copy.stat().st_mode & 0o777 == 0o600
    with opened(f"sqlite:///{copy}") as engine:
        assert rows_of(engine) == before


async def test_a_copy_goes_after_a_week_and_when_somebody_is_forgotten(tmp_path: Path, clock: FakeClock) -> None:
    """A start within the week leaves it alone."""
    url = f"sqlite:///{tmp_path / 'nextshot.db'}"
    copy = tmp_path / f"nextshot.db.before-{SCHEMA}"
    async with opened_store(url, clock):
        assert kept(tmp_path) == []  # a new one has no before
    copy.write_text("")
    async with opened_store(url, clock) as store:
        assert kept(tmp_path) == [copy.name]
        await store.database.scrub()
        assert kept(tmp_path) == []
    copy.write_text("")
    os.utime(copy, (time.time() - KEPT_S - 60,) * 2)
    async with opened_store(url, clock):
        assert kept(tmp_path) == []


async def test_a_newer_database_is_refused_without_a_copy(tmp_path: Path, clock: FakeClock) -> None:
    """Nothing is written beside what is left alone."""
    path = tmp_path / "nextshot.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
        connection.commit()
    assert keep_copy(path) is None
    with pytest.raises(StorageUnavailable, match="newer Nextshot"):
        async with opened_store(f"sqlite:///{path}", clock):
            pass
    assert kept(tmp_path) == []


def test_where_there_is_no_room_no_copy_is_made(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is said, and the upgrade goes on."""
    path = tmp_path / "nextshot.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
    engine.dispose()
    size = path.stat().st_size
    os.truncate(path, 10**13)  # a hole: SQLite reads what its header says
    assert keep_copy(path) is None
    assert "no copy kept" in caplog.text
    os.truncate(path, size)
    assert keep_copy(path) is not None
