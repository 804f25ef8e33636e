"""The data directory, its holder, and the database."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

import storage
from bot.control.remote import reach
from bot.doctor.finding import Finding, ok, problem, warning
from bot.settings import Settings
from engine.errors import EngineError
from storage import read_holder, sqlite_has_wal_reset_bug
from storage.faults import telling
from storage.migrate import others_sentence, tables_of_others
from storage.tables import SCHEMA

FREE_LEAST_BYTES = 1_000_000_000
CONNECT_S = 5


def check_directory(settings: Settings) -> Iterator[Finding]:
    """Whether the data directory is there or can be made, can be written, and has room."""
    directory = settings.data_dir
    there = next(path for path in (directory, *directory.parents) if path.exists())
    if not there.is_dir():
        yield problem(f"{there} is a file: choose another directory with NEXTSHOT_DATA_DIR.")
        return
    if not _can_write(there):
        yield problem(
            f"{there} cannot be written: change its permissions, or choose another one with NEXTSHOT_DATA_DIR."
        )
        return
    yield ok(f"{directory} can be written." if there == directory else f"{directory} will be made at the first start.")
    free = shutil.disk_usage(there).free
    room = f"{free / 1e9:.1f} GB are free on its disk"
    yield ok(f"{room}.") if free >= FREE_LEAST_BYTES else warning(f"Only {room}: make some room.")


def _can_write(directory: Path) -> bool:
    """Tried, not asked: permissions are not the only thing that forbids it."""
    if not os.access(directory, os.W_OK | os.X_OK):
        return False
    try:
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def check_holder(settings: Settings) -> Iterator[Finding]:
    """Who has the data directory open, and whether it answers."""
    holder = read_holder(settings.data_dir)
    if holder is None:
        yield ok("Nobody has the data directory open.")
        return
    who = f"Process {holder.get('pid', '?')} has the data directory open"
    address = holder.get("socket")
    if not isinstance(address, str):
        yield warning(f"{who} and serves no other process: if it stays so, stop it.")
        return
    try:
        asyncio.run(_meet(address))
    except EngineError as error:
        yield warning(f"{who} but does not answer ({error}): if it stays so, stop it.")
    else:
        yield ok(f"{who} and answers.")


async def _meet(address: str) -> None:
    async with reach(address):
        return


def check_sqlite(settings: Settings) -> Iterator[Finding]:
    if make_url(settings.store_url).get_backend_name() != "sqlite":
        return
    version = sqlite3.sqlite_version
    if sqlite_has_wal_reset_bug():
        yield warning(
            f"SQLite {version} has the WAL-reset bug (sqlite.org/wal.html). Nextshot writes from one process only, where it does "
            "not happen: let no other program write to the database or copy its WAL, or use a Python with SQLite 3.51.3 or newer."
        )
    else:
        yield ok(f"SQLite {version}.")


def check_database(settings: Settings) -> Iterator[Finding]:
    """Whether it opens and which version its tables have. Read only."""
    url = make_url(settings.store_url)
    where = url.render_as_string(hide_password=True)
    arguments: dict[str, object] = {}
    if url.get_backend_name() == "sqlite":
        if url.database in {None, "", ":memory:"}:
            yield warning("The database is in memory: everything is gone when the program ends.")
            return
        path = Path(str(url.database))
        if read_holder(settings.data_dir) is not None:
            yield ok(f"{path} is open in the process that has the data directory.")
            return
        if not path.exists():
            yield ok(f"{path} will be made at the first start.")
            return
        if not os.access(path, os.W_OK):
            yield problem(f"{path} is read-only: make the file writable for this user.")
            return
        url = url.set(drivername="sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})
        where = str(path)
    else:
        url = url.set(drivername="postgresql+psycopg")
        arguments["connect_timeout"] = CONNECT_S
    with telling(where):
        engine = create_engine(url, connect_args=arguments)
        try:
            with engine.connect() as connection:
                made = inspect(connection).has_table("alembic_version")
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if made else None
                others = [] if found is not None else tables_of_others(connection)
        finally:
            engine.dispose()
    yield problem(others_sentence(where, others)) if others else _of_schema(where, found)


def check_keeping(settings: Settings) -> Iterator[Finding]:
    """How long stories are kept."""
    if settings.keep_days is None:
        yield ok("Stories are kept for ever; NEXTSHOT_KEEP_DAYS would end that.")
    else:
        yield ok(
            f"Words and clips of a story go {settings.keep_days} days after the last thing was made in it (NEXTSHOT_KEEP_DAYS)."
        )


def _of_schema(where: str, found: str | None) -> Finding:
    if found == SCHEMA:
        return ok(f"{where} opens; its tables are of version {SCHEMA}.")
    known = {
        script.revision
        for script in ScriptDirectory(str(Path(storage.__file__).parent / "migrations")).walk_revisions()
    }
    if found is None or found in known:
        return ok(f"{where} opens; its tables will be brought to version {SCHEMA} at the next start.")
    return problem(
        f"{where} was made by a newer Nextshot (its tables are of version {found}, this program knows {SCHEMA}): install the "
        "newer program, or choose another data directory."
    )
