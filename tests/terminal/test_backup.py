"""`nextshot backup` beside a running server, and what the command line says of databases that are not its own."""

from __future__ import annotations

import functools
import sqlite3
from pathlib import Path

import pytest

from engine.errors import Defect
from engine.open import open_studio, utc_now
from storage import LocalFiles, open_store, opened_store
from storage.backup_archive import Progress
from storage.backup_restore import restore
from storage.backup_rows import dump_rows
from tests.databases import ANA, HOME, make_tables
from tests.fakes.provider import ScriptedProvider
from tests.terminal.processes import Terminal

pytestmark = pytest.mark.timeout(240)


async def test_a_backup_is_made_beside_a_running_server(tmp_path: Path) -> None:
    """By the server's own reader; what is put back elsewhere is what the server has, and the server goes on."""
    terminal = Terminal(tmp_path)
    terminal.data.mkdir()
    store = await open_store(f"sqlite:///{terminal.data / 'nextshot.db'}", utc_now)
    await store.write(lambda tx: tx.add_story(HOME, ANA, "kept before it was closed"))
    await store.close()
    with terminal.server() as (process, _):
        made = terminal.run("backup", "b.tar", "--json")
        assert made.code == 0, made
        assert made.last["file"] == str(tmp_path / "b.tar")
        assert "Not in it: settings, keys and logs" in made.err
        assert process.poll() is None
    new = tmp_path / "new"
    new.mkdir()
    url = f"sqlite:///{new / 'nextshot.db'}"
    await restore(tmp_path / "b.tar", new, url, Progress(), free=frozenset())
    async with opened_store(url, utc_now) as other:
        (story,) = await other.read(lambda tx: tx.stories(HOME))
    assert story.title == "kept before it was closed"


async def test_rows_come_over_the_socket_as_they_are_here(tmp_path: Path) -> None:
    """The same files and the same answer; a house that gives no rows says so."""
    from bot.control.remote import reach
    from bot.control.server import serve_desk

    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    far.mkdir()
    async with opened_store("sqlite://", utc_now) as store:
        await store.write(lambda tx: tx.add_story(HOME, ANA, "Лампа"))
        async with open_studio(store, LocalFiles(tmp_path / "files"), [ScriptedProvider()]) as studio:
            dump = functools.partial(dump_rows, store.database)
            async with serve_desk(studio, dump) as address, reach(address) as remote:
                assert await remote.dump_rows(far) == await dump(near)
            async with serve_desk(studio) as address, reach(address) as remote:
                with pytest.raises(Defect, match="no rows"):
                    await remote.dump_rows(far)
    assert _read(near) == _read(far)


def _read(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_an_older_nextshot_refuses_a_newer_database(tmp_path: Path) -> None:
    """One sentence, an exit code that is not 0, and not a byte is changed."""
    terminal = Terminal(tmp_path)
    terminal.data.mkdir()
    path = terminal.data / "nextshot.db"
    make_tables(f"sqlite:///{path}")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=wal")  # as every database of ours
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = path.read_bytes()
    ended = terminal.run("stories")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "made by a newer Nextshot (its tables are of version 9999" in ended.err
    assert path.read_bytes() == before
    assert sorted(each.name for each in terminal.data.iterdir()) == ["nextshot.db", "nextshot.lock"]
