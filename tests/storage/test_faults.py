"""What a database or a disk says, with real causes, as sentences that say what is wrong and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import EngineError, StorageUnavailable
from storage import open_store, opened_store, postgres
from storage.database import Database
from storage.sqlite import open_sqlite
from storage.store import SqlStore
from tests.databases import ANA, HOME, fresh_postgres, postgres_server
from tests.fakes.clock import FakeClock


async def sentence_of(url: str, clock: FakeClock) -> str:
    """What opening says."""
    with pytest.raises(StorageUnavailable) as caught:
        await (await open_store(url, clock)).close()
    assert str(caught.value).endswith(".")
    return str(caught.value)


async def test_a_directory_that_is_not_there(tmp_path: Path, clock: FakeClock) -> None:
    """The path is in the sentence."""
    path = tmp_path / "none" / "nextshot.db"
    assert f"{path} cannot be opened" in await sentence_of(f"sqlite:///{path}", clock)


async def test_a_file_that_is_no_database(tmp_path: Path, clock: FakeClock) -> None:
    """And it is left as it was."""
    path = tmp_path / "nextshot.db"
    path.write_bytes(b"my diary, not a database " * 100)
    assert "not a database" in await sentence_of(f"sqlite:///{path}", clock)
    assert path.read_bytes() == b"my diary, not a database " * 100


async def test_a_directory_where_the_file_should_be(tmp_path: Path, clock: FakeClock) -> None:
    """No database can be opened there, also by root."""
    assert "cannot be opened" in await sentence_of(f"sqlite:///{tmp_path}", clock)


async def test_a_read_only_database(tmp_path: Path, clock: FakeClock) -> None:
    """A real read-only file; root may write it all the same, so root is somebody else for the test."""
    path = tmp_path / "nextshot.db"
    async with opened_store(f"sqlite:///{path}", clock) as store:
        await store.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=delete")
    connection.close()
    path.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    said = as_nobody(
        f"""
async def work(tx):
    await tx.add_story("local:home", ANA, "x")
await (await open_store("sqlite:///{path}", now)).write(work)
""",
        readable=tmp_path,
    )
    assert said == f"The database {path} is read-only; make the file and its directory writable."


async def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    """Files and locks say so as well."""
    said = as_nobody(f'LocalFiles(Path("{tmp_path}/data"))', readable=tmp_path)
    assert said == f"{tmp_path}/data may not be written by this user; change its owner or its permissions."
    said = as_nobody(f'DirectoryLock(Path("{tmp_path}")).acquire()', readable=tmp_path)
    assert "may not be written by this user" in said


def as_nobody(body: str, readable: Path) -> str:
    """What the error of ours says that `body` raises when run by a user without rights; skips where there is none."""
    script = f"""
import asyncio, os
from datetime import UTC, datetime
from pathlib import Path
from engine.errors import EngineError
from engine.model import Person
from storage import DirectoryLock, LocalFiles, open_store
ANA = Person("local:ana", "Ana")
now = lambda: datetime.now(UTC)
async def import_everything():  # which a user without rights may not read
    await (await open_store("sqlite://", now)).close()
    await asyncio.to_thread(str)
asyncio.run(import_everything())
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
async def main():
{chr(10).join("    " + line for line in body.splitlines())}
try:
    asyncio.run(main())
except EngineError as error:
    print(error, flush=True)
os._exit(0)
"""
    if os.geteuid() == 0:
        for directory in (readable, *readable.parents):
            if str(directory).startswith("/tmp/") and directory.stat().st_uid == 0:  # noqa: S108  # pytest's own
                directory.chmod(directory.stat().st_mode | 0o055)
    else:
        readable.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    readable.chmod(0o755)
    if "PermissionError" in done.stderr and not done.stdout:
        pytest.skip("the user nobody cannot reach the test's files")
    assert done.stdout, done.stderr
    return done.stdout.strip()


async def test_a_database_that_another_process_locks(tmp_path: Path, clock: FakeClock) -> None:
    """Opening and writing both say who to look for; reading goes on."""
    path = tmp_path / "nextshot.db"
    async with opened_store(f"sqlite:///{path}", clock) as store:
        await store.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
    database: Database = await open_sqlite(path, busy_ms=100)
    store = SqlStore(database, clock)
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.read()",
        str(path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdin
    assert holder.stdout
    try:
        assert await holder.stdout.readline() == b"held\n"
        with pytest.raises(StorageUnavailable, match="locked by another program"):
            await store.write(lambda tx: tx.add_story(HOME, ANA, "x"))
        with pytest.raises(StorageUnavailable, match="locked by another program"):
            await open_sqlite(path, busy_ms=100)
        assert len(await store.read(lambda tx: tx.stories(HOME))) == 1
    finally:
        holder.stdin.close()
        await holder.wait()
    await store.write(lambda tx: tx.add_story(HOME, ANA, "x"))
    await store.close()


@pytest.mark.parametrize(
    "url", ["", "nextshot.db", "mysql://root:secretword@localhost/x", "://", "postgresql://a:secretword@h:x/"]
)
async def test_a_url_of_no_use(url: str, clock: FakeClock) -> None:
    """It says what is expected, and never a password."""
    said = await sentence_of(url, clock)
    assert "sqlite:///" in said
    assert "secretword" not in said


async def test_postgresql_that_is_not_there(clock: FakeClock) -> None:
    """Nobody listens on that port."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        said = await sentence_of(f"postgresql://ana:secretword@127.0.0.1:{port}/nextshot", clock)
    assert said == "PostgreSQL at 127.0.0.1/nextshot cannot be reached; check that it runs and takes connections."


async def test_postgresql_that_refuses_the_password(clock: FakeClock) -> None:
    """The password is in no sentence and in no cause."""
    server = urlsplit(postgres_server())
    wrong = server._replace(netloc=f"{server.username}:secretword@{server.hostname}:{server.port}").geturl()
    with pytest.raises(StorageUnavailable, match="refused the user name or the password") as caught:
        await open_store(wrong, clock)
    error: BaseException | None = caught.value
    while error is not None:
        assert "secretword" not in str(error)
        error = error.__cause__


async def test_postgresql_without_the_database(clock: FakeClock) -> None:
    """It says to create it."""
    server = urlsplit(postgres_server())
    assert "has no such database" in await sentence_of(server._replace(path="/not_there").geturl(), clock)


async def test_postgresql_that_went_away_comes_back(clock: FakeClock) -> None:
    """Connections that the server closed are replaced: one restart costs at most the work under way."""
    import psycopg  # only where there is a server

    with fresh_postgres() as url:
        async with opened_store(url, clock) as store:
            await store.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
            with psycopg.connect(postgres_server(), autocommit=True) as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'nextshot' AND query LIKE '%nextshot_%' OR application_name = 'nextshot'"
                )
            assert len(await store.read(lambda tx: tx.stories(HOME))) == 1


@pytest.mark.parametrize("apart_s", [5.0, -1.0])
async def test_a_clock_that_is_not_the_servers_is_told(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, apart_s: float
) -> None:
    """Once, at the start; not where both agree."""
    monkeypatch.setattr(postgres, "CLOCKS_APART_S", apart_s)
    with fresh_postgres() as url:
        async with opened_store(url, clock):
            told = [each.message for each in caplog.records if "NTP" in each.message]
    assert len(told) == (apart_s < 0)


async def test_whoever_is_frozen_in_a_transaction_holds_up_nobody_for_long(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends it, what waits for its rows goes on, and the late one is told when it wakes up: its connection is gone."""
    with fresh_postgres() as url:
        monkeypatch.setattr(postgres, "STANDS_STILL_S", 1.0)
        async with opened_store(url, clock) as frozen, opened_store(url, clock) as other:
            await frozen.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
            is_in, gate = asyncio.Event(), asyncio.Event()

            async def name_it(connection: AsyncConnection, title: str) -> None:
                await connection.execute(text("UPDATE story SET title = :title"), {"title": title})

            async def late(connection: AsyncConnection) -> None:
                await name_it(connection, "The frozen lamp")
                is_in.set()
                await gate.wait()
                await name_it(connection, "The late lamp")

            writing = asyncio.create_task(frozen.database.write(late), name="frozen")
            await asyncio.wait_for(is_in.wait(), 20)
            await asyncio.wait_for(other.database.write(lambda connection: name_it(connection, "The other lamp")), 20)
            gate.set()
            with pytest.raises(StorageUnavailable):
                await writing
            (after,) = await frozen.read(lambda tx: tx.stories(HOME))
            assert after.title == "The other lamp"


async def test_a_closed_store_says_so(tmp_path: Path, clock: FakeClock) -> None:
    """Reading and writing."""
    store = await open_store(f"sqlite:///{tmp_path / 'nextshot.db'}", clock)
    await store.close()
    for call in (store.write, store.read):
        with pytest.raises(EngineError, match="is closed"):
            await call(lambda tx: tx.stories(HOME))
