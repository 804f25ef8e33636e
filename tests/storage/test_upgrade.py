"""A database of the first tables, full of rows, becomes one of today's, and loses nothing on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Engine, MetaData, create_engine, inspect, text

from engine.attempts import AttemptOutcome
from engine.booking import book
from engine.errors import Defect
from engine.job_model import JobState, Payer, SayKind
from engine.jobs import finish
from engine.ledger import Balances, Bucket, Limits, Move, PotKey, entries
from engine.model import ShotOptions
from engine.ports import Writer
from storage import Inbox, SqlStore, Transcript, opened_store
from storage.migrate import alembic_config
from storage.tables import SCHEMA
from tests.databases import ANA, HOME, ON_DISK, fresh_database
from tests.fakes.clock import FakeClock

FILE = {"file": "a" * 64 + ".mp4", "bytes": 5_000_000_000, "seconds": 3.5, "width": 854, "height": 480, "fps": 24.0}
SHOT = {"prompt": "лампа 🪔", "seconds": 3.5, "ratio": "16:9", "resolution": "480p", "style": "default"}
JOB = {"person_id": 1, "story_id": 1, "provider": "animatic", "model": "animatic-1", "plan": [], "created_at": 6}
ROWS: dict[str, list[dict[str, Any]]] = {
    "person": [{"id": 1, "key": ANA.key, "name": ANA.name, "created_at": 1}],
    "place": [
        {"id": 1, "key": HOME, "current_story_id": 1, "created_at": 1},
        {"id": 2, "key": "local:away", "current_story_id": None, "created_at": 2},
    ],
    "story": [
        {
            "id": 1,
            "code": "a1",
            "place_id": 1,
            "person_id": 1,
            "title": "t",
            "tip_id": 1,
            "shot_count": 1,
            "created_at": 3,
        }
    ],
    "shot": [
        SHOT
        | {"id": 1, "story_id": 1, "number": 1, "person_id": 1, "provider": "animatic", "model": "animatic-1"}
        | {"chosen_take_id": 1, "take_count": 1, "created_at": 4}
    ],
    "take": [{"id": 1, "shot_id": 1, "number": 1, "seed": 7, "created_at": 5}],
    "clip": [FILE | {"id": 1, "take_id": 1, "shot_id": 1, "place_id": 1, "person_id": 1, "created_at": 5}],
    "film": [FILE | {"id": 1, "story_id": 1, "number": 1, "person_id": 1, "shots": ["a1-1"], "created_at": 5}],
    "job": [
        JOB
        | {"id": 1, "kind": "render", "state": "rendering", "request_key": "u1", "place_id": 1, "shot_id": 1}
        | {"take_id": 1, "task_id": "t1", "receipt": "local:1", "due_at": 9, "fence": 3},
        JOB | {"id": 2, "kind": "stitch", "state": "delivered", "request_key": "u2", "place_id": 2, "plan": [1]},
    ],
    "attempt": [
        {"id": 1, "job_id": 1, "number": 1, "key": "k", "outcome": "accepted", "task_id": "t1", "intent_at": 6}
    ],
    "outbox": [
        {
            "id": 1,
            "job_id": 1,
            "kind": "status",
            "place_id": 1,
            "nonce": "n",
            "state": "new",
            "due_at": 8,
            "created_at": 6,
        }
    ],
    "event": [
        {"id": 1, "job_id": 1, "at": 7, "fence": 1, "from_state": "queued", "to_state": "rendering", "detail": ""}
    ],
    "post": [
        {
            "id": 1,
            "place_id": 1,
            "author": ANA.key,
            "nonce": "p",
            "body": {"text": "🪔"},
            "created_at": 6,
            "changed_at": 6,
        }
    ],
}


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    yield engine
    engine.dispose()


def fill(engine: Engine) -> None:
    """A database at 0001 with rows in every table of it."""
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0001")
        tables = reflected(engine, connection)
        assert {*tables.tables} == {*ROWS, "alembic_version"}
        for table in tables.sorted_tables:
            for row in ROWS.get(table.name, []):
                connection.execute(table.insert().values(row))
        for name in ROWS if engine.dialect.name == "postgresql" else ():  # ids were given by hand
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 100)"))


def reflected(engine: Engine, connection: Any) -> MetaData:
    found = MetaData()
    schema = connection.execute(text("SELECT current_schema()")).scalar() if engine.dialect.name != "sqlite" else None
    assert schema != "public"
    found.reflect(connection)
    return found


def rows_of(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """All that is in the tables that the first program knew."""
    with engine.connect() as connection:
        tables = reflected(engine, connection).tables
        return {
            name: [dict(row) for row in connection.execute(tables[name].select().order_by("id")).mappings()]
            for name in ROWS
        }


@pytest.mark.parametrize("kind", ON_DISK)
async def test_every_row_is_there_after_the_upgrade(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """Each cell is what it was, and what is new is empty."""
    with fresh_database(kind, tmp_path) as url, opened(url) as engine:
        fill(engine)
        before = rows_of(engine)
        async with opened_store(url, clock):
            pass
        after = rows_of(engine)
        for name, rows in before.items():
            new = [{column: cell for column, cell in row.items() if column not in rows[0]} for row in after[name]]
            assert [row | fresh for row, fresh in zip(rows, new, strict=True)] == after[name]
            assert {cell for row in new for cell in row.values()} <= {None, "", 0, "render"}
        with engine.connect() as connection:
            assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == SCHEMA


@pytest.mark.parametrize("kind", ON_DISK)
async def test_an_upgraded_database_works_on(kind: str, tmp_path: Path, clock: FakeClock) -> None:
    """Its stories, jobs and messages are read and written, old rows take what is new, and a second start finds it so."""
    with fresh_database(kind, tmp_path) as url, opened(url) as engine:
        fill(engine)
        async with opened_store(url, clock) as store:
            await use(store)
        async with opened_store(url, clock) as store:
            assert await store.read(lambda tx: tx.place_options(HOME)) == ShotOptions(ratio="1:1")
            assert len(await Inbox(store).waiting("telegram")) == 1


async def use(store: SqlStore) -> None:
    story = await store.read(lambda tx: tx.current_story(HOME))
    assert story is not None
    assert (story.code, story.tip_id) == ("a1", 1)
    page = await store.read(lambda tx: tx.history(place=HOME, person=ANA.key, before=None, limit=5))
    assert [item.prompt for item in page.items] == ["лампа 🪔"]
    (job,) = await store.claim_jobs(5, 30)
    assert (job.id, job.state, job.fence, job.asked_receipt) == (1, JobState.RENDERING, 4, None)
    (say,) = await store.claim_says(5, 30)
    assert (say.kind, say.nonce) == (SayKind.STATUS, "n")
    assert [post.body for post in await Transcript(store).posts(HOME)] == [{"text": "🪔"}]

    assert await store.read(lambda tx: tx.place_options(HOME)) == ShotOptions()
    await store.write(lambda tx: tx.set_place_options(HOME, ShotOptions(ratio="1:1")))
    assert await store.write(lambda tx: tx.first_time("telegram:1"))
    assert len(await Inbox(store).keep("telegram", [("telegram:1", {})])) == 1
    await store.write(lambda tx: tx.add_story(HOME, ANA, "a second one"))
    assert await store.read(lambda tx: tx.known_as(ANA.key)) == ANA.key
    await use_money(store)


async def use_money(store: SqlStore) -> None:
    """A render that was begun before there was a ledger is booked when it ends; places and persons get pots."""
    assert (await store.read(lambda tx: tx.pots()), await store.read(lambda tx: tx.entries())) == ([], [])
    (attempt,) = await store.read(lambda tx: tx.attempts(1))
    assert (attempt.outcome, attempt.quoted_usd, attempt.settled_usd) == (AttemptOutcome.ACCEPTED, None, None)

    async def end(tx: Writer) -> None:
        job = await tx.job(1)
        assert job is not None
        assert (job.payer, job.agreed_usd, job.is_unwanted) == (None, None, False)
        ready = finish(replace(job, state=JobState.SAVING), JobState.READY, job.created_at, cost_usd=Decimal("0.5"))
        await tx.save_job(ready)
        await book(tx, ready)

    await store.write(end)
    assert await store.read(lambda tx: tx.job_balances(1)) == Balances(left=Decimal("-0.5"), spent=Decimal("0.5"))
    for pot in (PotKey(Payer.PLACE, HOME), PotKey(Payer.PERSON, ANA.key)):
        lines = entries(pot, (Move(Bucket.OUTSIDE, Bucket.LEFT, Decimal(2)),), key=f"k {pot}")
        assert await store.write(lambda tx, lines=lines: tx.post(lines))  # type: ignore[misc]  # as it is now
        limits = Limits(day_usd=Decimal(1))
        await store.write(lambda tx, pot=pot, limits=limits: tx.set_limits(pot, limits))  # type: ignore[misc]  # as it is now
        found = await store.read(lambda tx, pot=pot: tx.pot(pot))  # type: ignore[misc]  # as it is now
        assert (found.balances.left, found.limits.day_usd, found.is_open) == (Decimal(2), Decimal(1), True)


@pytest.mark.parametrize("kind", ON_DISK)
async def test_an_upgrade_that_is_cut_off_leaves_everything_as_it_was(
    kind: str, tmp_path: Path, clock: FakeClock
) -> None:
    """Somebody else's table of one of our names stops it midway; once that is gone, it goes through."""
    with fresh_database(kind, tmp_path) as url, opened(url) as engine:
        fill(engine)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE sent_file (id INTEGER)"))
        before = rows_of(engine)
        for _ in range(2):
            with pytest.raises(Defect, match="sent_file"):
                async with opened_store(url, clock):
                    pass
            assert rows_of(engine) == before
            with engine.connect() as connection:
                assert not {"request", "inbox"} & {*inspect(connection).get_table_names()}
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE sent_file"))
        async with opened_store(url, clock) as store:
            await use(store)
