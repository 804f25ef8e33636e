"""Brings a database's tables to the shape that this program works on, by the migrations beside it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from engine.errors import StorageUnavailable
from storage.tables import METADATA, SCHEMA

if TYPE_CHECKING:
    from alembic.config import Config

log = logging.getLogger(__name__)

_LOCK = 0x4E657874
"""The number under which processes on one PostgreSQL take turns here."""


async def bring_up_to_date(engine: AsyncEngine, where: str) -> None:
    """Run what is missing, in one transaction: after a crash or a failure the tables are as they were.

    Raises:
        StorageUnavailable: the database belongs to a newer or another program.
    """
    async with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = await connection.run_sync(_revision)
    if found == SCHEMA:
        return
    if engine.dialect.name == "sqlite":
        await _switch_foreign_keys(engine, on=False)  # a table that is rebuilt is dropped on the way
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade, where)
    finally:
        if engine.dialect.name == "sqlite":
            await _switch_foreign_keys(engine, on=True)
    log.info("tables migrated database=%s from=%s to=%s", where, found or "nothing", SCHEMA)


async def _switch_foreign_keys(engine: AsyncEngine, *, on: bool) -> None:
    """Outside of any transaction, where alone SQLite lets it be switched."""
    async with engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is not None:
            await driver.execute(f"PRAGMA foreign_keys={'on' if on else 'off'}")


def _revision(connection: Connection) -> str | None:
    """The migration that the database is at; None: it has none of our tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def tables_of_others(connection: Connection) -> list[str]:
    """The tables that stand in the way of ours in a database that no migration of ours has made."""
    return sorted({*inspect(connection).get_table_names()} & {*METADATA.tables})


def others_sentence(where: str, tables: Sequence[str]) -> str:
    """What is wrong with it and what to do."""
    return (
        f"The database {where} belongs to another program (it has a table {tables[0]} that Nextshot did not make); "
        "choose another data directory or database."
    )


def _upgrade(connection: Connection, where: str) -> None:
    from alembic import command  # noqa: PLC0415  # most starts find nothing to do, and Alembic is a tenth of a second
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

    config = alembic_config(connection)
    found = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StorageUnavailable(
            f"The database {where} was made by a newer Nextshot (its tables are of version {found}, this program knows {SCHEMA}); "
            "install the newer program, or choose another data directory."
        )
    if found is None and (foreign := tables_of_others(connection)):
        raise StorageUnavailable(others_sentence(where, foreign))
    command.upgrade(config, SCHEMA)
    if (
        connection.dialect.name == "sqlite"
        and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None
    ):
        raise StorageUnavailable(
            f"The database {where} holds rows that refer to nothing; put back a copy of it that is whole."
        )


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for a database that is open already."""
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
