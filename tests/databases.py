"""Databases for tests: each test gets one of its own, and it is gone afterwards."""

from __future__ import annotations

import functools
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from alembic import command
from sqlalchemy import create_engine, text

from engine.job_model import Job
from engine.model import Clip, FileKey, Person, Shot, Story, Take
from engine.new_rows import NewJob, NewShot
from engine.ports import Writer
from storage.migrate import alembic_config
from storage.tables import METADATA, SCHEMA

SERVER = os.environ.get("NEXTSHOT_TEST_POSTGRES", "")
ON_DISK = ("sqlite", "postgresql") if SERVER else ("sqlite",)
KINDS = (*ON_DISK, "memory")
"""What there is to test on: `test_postgresql_is_tested_too` says so where PostgreSQL is missing."""
ANA = Person("local:ana", "Ana")
BEN = Person("local:ben", "Ben")
HOME = "local:home"


def postgres_server() -> str:
    """The URL of a server on which tests may make schemas; skips the test where none was given."""
    if not SERVER:
        pytest.skip("NEXTSHOT_TEST_POSTGRES is not set: no PostgreSQL server to test on")
    return SERVER


@contextmanager
def fresh_postgres(server: str = "") -> Iterator[str]:
    """The URL of an empty schema. `server`: its URL; empty: that of the tests."""
    server = server or postgres_server()
    schema = f"nextshot_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield f"{server}{'&' if '?' in server else '?'}options={quote(f'-csearch_path={schema}')}"
        finally:
            connection.execute("SET client_min_messages TO warning")
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def fresh_database(kind: str, directory: Path) -> Iterator[str]:
    """The URL of an empty database of this kind."""
    if kind == "postgresql":
        with fresh_postgres() as url:
            yield url
    else:
        yield "sqlite://" if kind == "memory" else f"sqlite:///{directory / 'nextshot.db'}"


def make_tables(url: str) -> None:
    """Run the migrations without a store."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), SCHEMA)
    engine.dispose()


def put_tables(data_dir: Path) -> None:
    """Give a new data directory a database with tables: a copy of one that is made once, a tenth of a second sooner."""
    path = data_dir / "nextshot.db"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_blank())


@functools.cache
def _blank() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "blank.db"
        make_tables(f"sqlite:///{path}")
        return path.read_bytes()


@contextmanager
def shared_database(kind: str, directory: Path) -> Iterator[str]:
    """The URL of a database with tables for many tests, each of which empties it; each memory is new anyway."""
    with fresh_database(kind, directory) as url:
        if kind != "memory":
            make_tables(url)
        yield url


def empty(url: str) -> None:
    """Remove all rows, and begin to count anew."""
    if url == "sqlite://":
        return
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text(f"TRUNCATE {', '.join(METADATA.tables)} RESTART IDENTITY"))
        else:
            for table in METADATA.tables.values():
                connection.execute(table.delete())
    engine.dispose()


# --- rows to begin with ----------------------------------------------------------------------------------------------


def new_shot(story: Story, *, parent: Shot | None = None, person: Person = ANA, **changes: object) -> NewShot:
    """A shot to add."""
    values: dict[str, object] = {
        "story_id": story.id,
        "parent_id": parent.id if parent else None,
        "person": person,
        "prompt": "a lamp",
        "seconds": 3.5,
        "ratio": "16:9",
        "resolution": "480p",
        "style": "default",
        "provider": "animatic",
        "model": "animatic-1",
        "first_frame": None,
        "last_frame": None,
        **changes,
    }
    return NewShot(**values)  # type: ignore[arg-type]  # the table above names each field with its type


def new_clip(name: str = "a") -> Clip:
    """A clip whose file is named after a letter."""
    return Clip(file=FileKey(f"{name * 64}.mp4"), bytes=5_000_000_000, seconds=3.5, width=854, height=480, fps=24.0)


async def add_render(
    tx: Writer,
    story: Story,
    key: str,
    *,
    parent: Shot | None = None,
    person: Person = ANA,
    place: str = HOME,
    provider: str = "animatic",
) -> tuple[Shot, Take, Job]:
    """A shot with its first take and the job that renders it."""
    shot = await tx.add_shot(new_shot(story, parent=parent, person=person, provider=provider))
    take = await tx.add_take(shot.id, 7, None)
    job = await tx.add_job(
        NewJob(
            kind="render",
            request_key=key,
            place=place,
            person=person,
            story_id=story.id,
            shot_id=shot.id,
            take_id=take.id,
            provider=provider,
            model="animatic-1",
        )
    )
    return shot, take, job


async def add_clip(tx: Writer, story: Story, name: str = "a", *, person: Person = ANA) -> Take:
    """A shot whose take has a clip."""
    shot = await tx.add_shot(new_shot(story, person=person))
    take = await tx.add_take(shot.id, 7, None)
    await tx.add_clip(take.id, new_clip(name))
    await tx.choose_take(shot.id, take.id)
    return take
