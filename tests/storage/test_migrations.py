"""The tables and the migrations say the same, and a database of another time is met with a sentence."""

from __future__ import annotations

import ast
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import StorageUnavailable
from storage import opened_store
from storage.migrate import alembic_config
from storage.tables import METADATA, SCHEMA
from tests.databases import ANA, HOME, KINDS, ON_DISK, fresh_database
from tests.fakes.clock import FakeClock


def differences(connection: Connection) -> list[Any]:
    """What a new migration would have to do."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, METADATA))


@pytest.mark.parametrize("kind", KINDS)
async def test_migrations_make_the_tables(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """Nothing is left to do for Alembic's comparison, and it would notice."""

    async def compare(connection: AsyncConnection) -> list[Any]:
        return await connection.run_sync(differences)

    async def drop_an_index(connection: AsyncConnection) -> None:
        await connection.execute(text("DROP INDEX ix_clip_place_id_id"))

    with fresh_database(kind, tmp_path) as url:
        async with opened_store(url, clock) as store:
            assert await store.database.write(compare) == []
            await store.database.write(drop_an_index)
            assert [found[0] for found in await store.database.write(compare)] == ["add_index"]


@pytest.mark.parametrize("kind", ON_DISK)
async def test_partial_indexes_are_partial(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """Alembic does not compare their conditions, so they are read here."""
    query = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%NULL%'",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = current_schema() AND indexdef LIKE '%WHERE%NULL%'",
    }[kind]

    async def ask(connection: AsyncConnection) -> dict[str, str]:
        return {row[0]: row[1] for row in await connection.execute(text(query))}

    with fresh_database(kind, tmp_path) as url:
        async with opened_store(url, clock) as store:
            found = await store.database.read(ask)
    names = "inbox_done_at inbox_not_done job_due_at job_waits_for outbox_due_at outbox_receipt person_joined_id"
    names += " shot_first_frame shot_last_frame shot_reference_keys take_first_frame entry_job_id entry_story_id"
    names += " job_started_at job_rendered_at film_order_music film_order_voice"
    unique = {"uq_job_provider_task_id", "uq_pot_place_id", "uq_pot_person_id", "uq_entry_key"}
    assert set(found) == {f"ix_{name}" for name in names.split()} | unique
    assert "done_at IS NULL" in found["ix_inbox_not_done"]
    assert {name for name, sql in found.items() if "UNIQUE" in sql} == unique


@pytest.mark.parametrize("kind", ON_DISK)
async def test_a_second_start_finds_everything(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """Opening again migrates nothing and loses nothing."""
    with fresh_database(kind, tmp_path) as url:
        async with opened_store(url, clock) as store:
            story = await store.write(lambda tx: tx.add_story(HOME, ANA, "The lamp"))
        async with opened_store(url, clock) as store:
            assert await store.read(lambda tx: tx.current_story(HOME)) == story


@pytest.mark.parametrize("kind", ON_DISK)
async def test_a_newer_database_is_refused_and_left_alone(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """One sentence says why and what to do."""

    async def age(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with fresh_database(kind, tmp_path) as url:
        async with opened_store(url, clock) as store:
            await store.database.write(age)
        for _ in range(2):
            with pytest.raises(StorageUnavailable, match=r"made by a newer Nextshot .* version 9999"):
                async with opened_store(url, clock):
                    pass


async def test_a_migration_that_is_cut_off_leaves_the_file_as_it_was(tmp_path: Path, clock: FakeClock) -> None:
    """Half of the tables are never there: somebody else's index of one of our names stops it midway."""
    path = tmp_path / "nextshot.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
        connection.execute("CREATE INDEX ix_clip_place_id_id ON other (id)")
    connection.close()
    for _ in range(2):
        with pytest.raises(Exception, match="ix_clip_place_id_id"):
            async with opened_store(f"sqlite:///{path}", clock):
                pass
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("other",)]
    connection.close()


async def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path, clock: FakeClock) -> None:
    """One sentence names the table that is not ours."""
    path = tmp_path / "nextshot.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE story (id INTEGER)")
    connection.close()
    for _ in range(2):
        with pytest.raises(StorageUnavailable, match="belongs to another program .* table story "):
            async with opened_store(f"sqlite:///{path}", clock):
                pass
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("story",)]
    connection.close()


def test_the_program_knows_its_newest_migration() -> None:
    """`SCHEMA`, which a start compares, is the head of one line of migrations."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(alembic_config(connection))
    engine.dispose()
    assert scripts.get_heads() == [SCHEMA]


def test_migrations_know_no_tables_of_today() -> None:
    """A migration of last year must run on the program of next year."""
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(alembic_config(connection))
    engine.dispose()
    for script in scripts.walk_revisions():
        tree = ast.parse(Path(script.path).read_text())
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not {name for name in imported if name and name.startswith(("storage", "engine", "bot"))}
