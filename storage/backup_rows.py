"""The rows of a whole database as JSON lines, one file a table: out of one snapshot, and into an empty database of either kind.

Rows, not a copy of a database file: so a backup of SQLite goes into PostgreSQL and back, a reader's snapshot is all that it takes
beside a running server (no second writer, no checkpoint), and an old one is put into tables of its own version and migrated.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Connection, Engine, MetaData, Table, create_engine, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import BadMedia, StorageUnavailable
from storage.database import Database
from storage.migrate import alembic_config
from storage.tables import METADATA, SCHEMA

PAGE = 500
"""Rows that are read, written or put in at a time."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of one table: `NAME.jsonl`, in the order of their ids."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A whole database, in the order of its foreign keys, and the kept files that its rows refer to."""

    schema: str
    tables: tuple[TableRows, ...]
    files: tuple[str, ...]


async def dump_rows(database: Database, directory: Path) -> Rows:
    """Write all rows into this directory, from one snapshot; what an earlier dump left there is written over.

    Raises:
        StorageUnavailable, DiskFull
    """
    return await database.read(lambda connection: _dump(connection, directory))


async def _dump(connection: AsyncConnection, directory: Path) -> Rows:
    tables, files = [], _Files()
    for table in METADATA.sorted_tables:
        with ExitStack() as stack:
            # a snapshot disturbs nobody, so it may wait for the disk, as no other transaction may
            writing = _Writing(stack.enter_context((directory / f"{table.name}.jsonl").open("wb")), table.name, files)
            last = -1
            while True:
                found = await connection.execute(
                    select(table).where(table.c.id > last).order_by(table.c.id).limit(PAGE)
                )
                page = [dict(row) for row in found.mappings()]
                await asyncio.to_thread(writing.add, page)
                if len(page) < PAGE:
                    break
                last = page[-1]["id"]
            tables.append(writing.ended())
    return Rows(SCHEMA, tuple(tables), tuple(sorted(files.keys)))


class _Writing:
    """One table on its way to the disk."""

    def __init__(self, file: Any, name: str, files: _Files) -> None:
        self._file, self._name, self._files = file, name, files
        self._digest = hashlib.sha256()
        self._rows = self._bytes = 0

    def add(self, page: Sequence[Mapping[str, Any]]) -> None:
        lines = "".join(f"{json.dumps(row, separators=(',', ':'))}\n" for row in page).encode()
        self._digest.update(lines)
        self._file.write(lines)
        self._rows += len(page)
        self._bytes += len(lines)
        for row in page:
            self._files.see(self._name, row)

    def ended(self) -> TableRows:
        return TableRows(self._name, self._rows, self._bytes, self._digest.hexdigest())


class _Files:
    """Which kept files rows refer to: as `Reader.file_is_used` has it, for all at once."""

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self._deleted: set[int] = set()
        """Of shots, which come before their takes."""
        self._under_way: set[int] = set()
        """Of jobs, which come before what is wanted of their films."""

    def see(self, table: str, row: Mapping[str, Any]) -> None:
        match table:
            case "shot" if row["deleted_at"] is not None:
                self._deleted.add(row["id"])
            case "shot":
                self.keys |= {*filter(None, (row["first_frame"], row["last_frame"])), *(row["reference_keys"] or ())}
            case "take" if row["first_frame"] and row["shot_id"] not in self._deleted:
                self.keys.add(row["first_frame"])
            case "clip":
                self.keys.add(row["file"])
            case "film" if row["deleted_at"] is None:
                self.keys.add(row["file"])
            case "job" if row["finished_at"] is None:
                self._under_way.add(row["id"])
            case "film_order" if row["job_id"] in self._under_way:
                self.keys |= {*filter(None, (row["music"], row["voice"]))}


def known_schemas() -> frozenset[str]:
    """Every version of the tables that this program can bring up to date."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # see storage.migrate

    scripts = ScriptDirectory(str(Path(__file__).parent / "migrations"))
    return frozenset(script.revision for script in scripts.walk_revisions())


def has_tables(url: str) -> bool:
    """Whether there are tables of ours, or of somebody else under our names. Blocks."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            return bool({*inspect(connection).get_table_names()} & {*METADATA.tables, "alembic_version"})
    finally:
        engine.dispose()


def load_rows(url: str, schema: str, tables: Sequence[TableRows], directory: Path) -> None:
    """Put the rows into an empty database, in tables of their own version, and bring these up to date. Blocks.

    All or nothing; but on SQLite a run that is cut off leaves a half file, which the caller throws away.

    Raises:
        BadMedia: the rows do not fit their tables.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            _load(connection, schema, tables, directory)
    except (IntegrityError, DataError) as error:
        raise BadMedia("The rows of the backup do not fit their tables; it is damaged. Nothing was changed.") from error
    finally:
        engine.dispose()


def _load(connection: Connection, schema: str, tables: Sequence[TableRows], directory: Path) -> None:
    from alembic import command  # noqa: PLC0415  # see storage.migrate

    command.upgrade(alembic_config(connection), schema)
    made = MetaData()
    made.reflect(connection)
    for each in tables:
        table = made.tables.get(each.name)
        if table is None:
            raise BadMedia(f"The backup has a table {each.name} that version {schema} has not; it is damaged.")
        _take_nulls_as_such(table)
        for page in _pages(directory / f"{each.name}.jsonl"):
            if not {*page[0]} <= {*table.c.keys()}:
                raise BadMedia(f"The backup has columns of {each.name} that version {schema} has not; it is damaged.")
            connection.execute(table.insert(), page)
        if connection.dialect.name == "postgresql" and each.rows:
            connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))")  # noqa: S608  # a name of our own table
            )
    command.upgrade(alembic_config(connection), SCHEMA)
    if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise BadMedia("The backup holds rows that refer to nothing; it is damaged.")


def _take_nulls_as_such(table: Table) -> None:
    for column in table.columns:
        if isinstance(column.type, JSON) and column.nullable:
            column.type.none_as_null = True


def _pages(path: Path) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    with path.open("rb") as file:
        for line in file:
            page.append(json.loads(line))
            if len(page) == PAGE:
                yield page
                page = []
    if page:
        yield page


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return create_engine(parsed.set(drivername="sqlite"))
        case "postgresql":
            return create_engine(parsed.set(drivername="postgresql+psycopg"))
        case other:
            raise StorageUnavailable(f"Nextshot keeps its rows in sqlite:///… or postgresql://…, not in {other}.")
