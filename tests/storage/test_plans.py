"""How the database finds rows: by an index, without a sort, whatever is in the table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.job_model import Payer, SayKind
from engine.ledger import Bucket, Move, PotKey
from engine.ledger import entries as ledger_entries
from engine.model import FileKey, Person, ShotOptions
from storage import Inbox, SentFiles, SqlStore, opened_store
from storage.sqlite import SqliteDatabase
from storage.tables import CLIP, ENTRY, INBOX, JOB, PERSON, PLACE, POT, REQUEST, SENT_FILE, SHOT, STORY, TAKE
from tests.databases import ANA, HOME, make_tables
from tests.fakes.clock import FakeClock

ROWS = 3_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a file with clips of three people in two places, and as many jobs that are over."""
    url = f"sqlite:///{tmp_path_factory.mktemp('plans') / 'nextshot.db'}"
    make_tables(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        fill(connection)
    engine.dispose()
    return url


@pytest.fixture
async def store(filled: str, clock: FakeClock) -> AsyncIterator[SqlStore]:
    async with opened_store(filled, clock) as opened:
        yield opened


def fill(connection: Connection) -> None:
    people = [ANA.key, "local:ben", "local:eve"]
    numbers = range(1, ROWS + 1)
    connection.execute(insert(PERSON), [{"key": key, "name": key, "created_at": 0} for key in people])
    connection.execute(insert(PLACE), [{"key": key, "created_at": 0} for key in (HOME, "local:away")])
    story = {"code": "a1", "place_id": 1, "person_id": 1, "title": "", "created_at": 0}
    connection.execute(insert(STORY), [story])
    shot: dict[str, Any] = dict.fromkeys(("prompt", "ratio", "resolution", "style", "provider", "model"), "")
    shot |= {"story_id": 1, "person_id": 1, "seconds": 1.0, "created_at": 0}
    connection.execute(insert(SHOT), [shot | {"number": number} for number in numbers])
    take = {"number": 1, "seed": 1, "created_at": 0}
    connection.execute(insert(TAKE), [take | {"shot_id": number} for number in numbers])
    clip = {"file": "f", "bytes": 1, "seconds": 1.0, "width": 1, "height": 1, "fps": 24.0, "created_at": 0}
    owners = [{"place_id": 1 + number % 2, "person_id": 1 + number % 3} for number in numbers]
    ids = [{"take_id": number, "shot_id": number} for number in numbers]
    connection.execute(insert(CLIP), [clip | owner | own for owner, own in zip(owners, ids, strict=True)])
    job = {"kind": "render", "state": "delivered", "place_id": 1, "person_id": 1, "story_id": 1, "plan": []}
    job |= {"provider": "animatic", "model": "", "created_at": 0}
    connection.execute(insert(JOB), [job | {"request_key": str(n), "shot_id": n} for n in numbers])
    update = {"platform": "telegram", "body": "{}", "created_at": 0, "done_at": 0}
    connection.execute(insert(INBOX), [update | {"key": str(n)} for n in numbers])
    connection.execute(insert(REQUEST), [{"key": str(n), "created_at": n} for n in numbers])
    sent = {"account": "telegram:1", "kind": "video", "remote_id": "r", "created_at": 0}
    connection.execute(insert(SENT_FILE), [sent | {"file": str(n)} for n in numbers])
    pots = [("house", None, None), ("place 1", 1, None), ("person 1", None, 1)]
    cells = [{"key": key, "created_at": 0, "place_id": place, "person_id": person} for key, place, person in pots]
    connection.execute(insert(POT), cells)
    entry = {"story_id": 1, "bucket": "spent", "micros": 1, "why": "settle", "at": 0}
    entries = [{"job_id": n, "pot_id": 1 + n % 3, "day": n % 100, "key": str(n)} for n in numbers]
    connection.execute(insert(ENTRY), [entry | own for own in entries])


async def plan_of(store: SqlStore, call: Any) -> str:
    """The plans of all statements that `call` sends, one line for each step."""
    assert isinstance(store.database, SqliteDatabase)
    sent: list[tuple[str, Any]] = []

    def remember(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append((statement, parameters))

    engines = [store.database._engine.sync_engine, store.database._readers.sync_engine]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", remember)
    await call()
    for engine in engines:
        event.remove(engine, "before_cursor_execute", remember)

    async def explain(connection: AsyncConnection) -> list[str]:
        return [
            row["detail"]
            for statement, parameters in sent
            for row in (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)).mappings()
        ]

    return "\n".join(await store.database.read(explain))


@pytest.mark.parametrize(
    ("whose", "index"),
    [
        ({"place": HOME, "person": None}, "ix_clip_place_id_id (place_id=?"),
        ({"place": None, "person": ANA.key}, "ix_clip_person_id_id (person_id=?"),
        ({"place": HOME, "person": ANA.key}, "ix_clip_place_id_person_id_id (place_id=? AND person_id=?"),
    ],
)
@pytest.mark.parametrize("before", [None, 1_500])
async def test_a_page_of_history_is_an_index_look_up(
    store: SqlStore, whose: dict[str, str | None], index: str, before: int | None
) -> None:
    """The first page and a deep one: one walk along the index from its place, no scan, no sort."""

    async def page() -> None:
        found = await store.read(lambda tx: tx.history(**whose, before=before, limit=20))
        assert len(found.items) == 20

    plan = await plan_of(store, page)
    assert f"SEARCH clip USING INDEX {index}" in plan
    if before is not None:
        assert "AND id<?)" in plan or "AND rowid<?)" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("what", "index"),
    [
        ("claim_jobs", "SEARCH job USING COVERING INDEX ix_job_due_at (due_at<?)"),
        ("claim_looks", "SEARCH job USING INDEX ix_job_due_at (due_at<?)"),
        ("claim_others", "SEARCH job USING INDEX ix_job_due_at (due_at<?)"),
        ("claim_says", "SEARCH outbox USING INDEX ix_outbox_due_at (due_at<?)"),
        ("release_leases", "ix_job_due_at"),
        ("make_due", "job USING INTEGER PRIMARY KEY (rowid=?)"),
        ("spread_due", "ix_job_provider_state_id (provider=? AND state=?"),
        ("make_waiters_due", "ix_job_waits_for (waits_for=?)"),
        ("line_mark", "SEARCH job USING COVERING INDEX ix_job_provider_state_id (provider=? AND state=?"),
        ("line", "SEARCH earlier USING COVERING INDEX ix_job_started_at (person_id=? AND provider=?"),
        ("flights", "ix_job_provider_state_id (provider=? AND state=?"),
        ("lines_of", "ix_job_person_id (person_id=?)"),
        ("durations", "ix_job_rendered_at (provider=? AND model=?"),
        ("job_by_request", "(request_key=?)"),
        ("job_by_receipt", "ix_outbox_receipt (receipt=?)"),
        ("jobs_of_shots", "ix_job_shot_id_id (shot_id=?)"),
        ("job_of_take", "ix_job_shot_id_id (shot_id=?)"),
        ("jobs_of_place", "ix_job_place_id_state_id (place_id=? AND state=?)"),
        ("newest_shot", "(story_id=?)"),
        ("file_is_used", "ix_clip_file (file=?)"),
    ],
)
async def test_what_is_asked_often_never_walks_a_table(store: SqlStore, what: str, index: str) -> None:
    """Finished jobs cost the tick nothing, and every look-up has its index: of the few shots with references, all are read."""
    few = (
        *("SCAN picked", "SCAN waiting", "SCAN job USING COVERING INDEX ix_job_due_at"),
        "SCAN shot USING INDEX ix_shot_reference_keys",
    )
    job = await store.read(lambda tx: tx.job(1))
    take = await store.read(lambda tx: tx.take(1))
    assert job is not None
    assert take is not None
    calls: dict[str, Any] = {
        "claim_jobs": lambda: store.claim_jobs(10, 1),
        "claim_looks": lambda: store.claim_jobs(10, 1, looks=True),
        "claim_others": lambda: store.claim_jobs(10, 1, looks=False),
        "claim_says": lambda: store.claim_says(10, 1),
        "release_leases": store.release_leases,
        "make_due": lambda: store.write(lambda tx: tx.make_due([1, 2])),
        "spread_due": lambda: store.write(lambda tx: tx.spread_due("animatic", 5)),
        "make_waiters_due": lambda: store.write(lambda tx: tx.make_waiters_due("a1-1")),
        "line_mark": lambda: store.read(lambda tx: tx.line_mark("animatic")),
        "line": lambda: store.read(lambda tx: tx.line("animatic")),
        "flights": lambda: store.read(lambda tx: tx.flights(["animatic", "other"])),
        "lines_of": lambda: store.read(lambda tx: tx.lines_of(job)),
        "durations": lambda: store.read(lambda tx: tx.durations("animatic", "one")),
        "job_by_request": lambda: store.read(lambda tx: tx.job_by_request("1")),
        "job_by_receipt": lambda: store.read(lambda tx: tx.job_by_receipt("r")),
        "jobs_of_shots": lambda: store.read(lambda tx: tx.jobs_of_shots([1, 2])),
        "job_of_take": lambda: store.read(lambda tx: tx.job_of_take(take)),
        "jobs_of_place": lambda: store.read(lambda tx: tx.jobs_of_place(HOME, frozenset({job.state}))),
        "newest_shot": lambda: store.read(lambda tx: tx.newest_shot(HOME)),
        "file_is_used": lambda: store.read(lambda tx: tx.file_is_used("f")),  # type: ignore[arg-type]
    }
    await store.write(lambda tx: tx.owe(1, SayKind.STATUS))
    plan = await plan_of(store, calls[what])
    assert index in plan
    scans = [line for line in plan.splitlines() if line.startswith("SCAN") and "CONSTANT" not in line]
    assert [line for line in scans if line not in few] == []


@pytest.mark.parametrize(
    ("what", "indexes"),
    [
        ("known_as", ["person USING INDEX sqlite_autoindex_person_1 (key=?)", "one USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("identities", ["(key=?)", "person USING INDEX ix_person_joined_id (joined_id=?)"]),
        ("link_code", ["link_code USING INDEX sqlite_autoindex_link_code_2 (hash=?)"]),
        ("link_misses", ["ix_link_miss_person_id_created_at (person_id=? AND created_at>?)"]),
        ("put_link_code", ["link_code USING INDEX sqlite_autoindex_link_code_1 (person_id=?)"]),
        (
            "join_persons",
            [f"{table} USING COVERING INDEX ix_{table}_person_id (person_id=?)" for table in ("story", "shot", "film", "job")]
            + ["clip USING COVERING INDEX ix_clip_person_id_id (person_id=?)"],
        ),
    ],
)  # fmt: skip
async def test_who_is_whom_is_found_by_an_index(
    store: SqlStore, clock: FakeClock, what: str, indexes: list[str]
) -> None:
    """Before every command, and for a join in a place with a million jobs."""
    mae, tom = Person("telegram:1", "Mae"), Person("discord:2", "Tom")
    calls: dict[str, Any] = {
        "known_as": lambda: store.read(lambda tx: tx.known_as(ANA.key)),
        "identities": lambda: store.read(lambda tx: tx.identities(ANA.key)),
        "link_code": lambda: store.read(lambda tx: tx.link_code("hash")),
        "link_misses": lambda: store.read(lambda tx: tx.link_misses(ANA.key, clock())),
        "put_link_code": lambda: store.write(lambda tx: tx.put_link_code(ANA, "hash", clock())),
        "join_persons": lambda: store.write(lambda tx: tx.join_persons(mae, tom)),
    }
    await store.write(lambda tx: tx.part_identities([tom.key]))
    for person in (mae, tom):
        await store.write(lambda tx, person=person: tx.know(HOME, person))  # type: ignore[misc]
    plan = await plan_of(store, calls[what])
    assert [index for index in indexes if index not in plan] == [], plan
    assert not [line for line in plan.splitlines() if line.startswith("SCAN")]
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("what", "indexes"),
    [
        ("waiting", ["ix_inbox_not_done (platform=?)"]),
        ("keep", []),
        ("done", ["INTEGER PRIMARY KEY (rowid=?)"]),
        ("first_time", []),
        (
            "sweep",
            [
                "ix_request_created_at (created_at<?)",
                "ix_inbox_done_at (done_at<?)",
                "ix_link_code_expires_at (expires_at<?)",
                "ix_link_miss_created_at (created_at<?)",
            ],
        ),
        ("find", ["INDEX sqlite_autoindex_sent_file_1 (account=? AND file=? AND kind=?)"]),
        ("forget", ["INDEX sqlite_autoindex_sent_file_1 (account=? AND file=? AND kind=?)"]),
        ("place_options", ["(key=?)"]),
        ("set_place_options", ["(key=?)"]),
        (
            "move_place",
            [
                "outbox USING COVERING INDEX sqlite_autoindex_outbox_1 (job_id=?)",
                "job USING COVERING INDEX ix_job_place_id_state_id (place_id=?)",
                "story USING COVERING INDEX ix_story_place_id_id (place_id=?)",
                "clip USING COVERING INDEX ix_clip_place_id_",
                "post USING",
            ],
        ),
    ],
)
async def test_updates_and_sent_files_are_found_by_an_index(store: SqlStore, what: str, indexes: list[str]) -> None:
    """However many are done, and nothing is sorted."""
    inbox, sent, file = Inbox(store), SentFiles(store), FileKey("7")
    calls: dict[str, Any] = {
        "waiting": lambda: inbox.waiting("telegram"),
        "keep": lambda: inbox.keep("telegram", [("new", {})]),
        "done": lambda: inbox.done([1, 2]),
        "first_time": lambda: store.write(lambda tx: tx.first_time("7")),
        "sweep": lambda: store.sweep(1),
        "find": lambda: sent.find("telegram:1", file, "video"),
        "forget": lambda: sent.forget("telegram:1", FileKey("8"), "video"),
        "place_options": lambda: store.read(lambda tx: tx.place_options(HOME)),
        "set_place_options": lambda: store.write(lambda tx: tx.set_place_options(HOME, ShotOptions(ratio="1:1"))),
        "move_place": lambda: store.write(lambda tx: tx.move_place("local:away", "local:elsewhere")),
    }
    # A new place is shown as a scan of what refers to places, which SQLite does only when such a row waits for it: never here.
    await store.write(lambda tx: tx.know("local:elsewhere", ANA))
    plan = await plan_of(store, calls[what])
    assert [index for index in indexes if index not in plan] == []
    assert not [line for line in plan.splitlines() if line.startswith("SCAN")]
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("what", "indexes"),
    [
        ("pot", ["pot USING INDEX uq_pot_place_id (place_id=?)", "ix_entry_pot_id_bucket (pot_id=?"]),
        ("own pot", ["pot USING INDEX uq_pot_person_id (person_id=?)", "ix_entry_pot_id_bucket (pot_id=?"]),
        ("job_balances", ["entry USING INDEX ix_entry_job_id (job_id=?)"]),
        ("of a shot", ["job USING COVERING INDEX ix_job_shot_id_id (shot_id=?)", "ix_entry_job_id (job_id=?)"]),
        ("of a story", ["entry USING INDEX ix_entry_story_id (story_id=?)"]),
        ("of a day", ["entry USING INDEX ix_entry_day (day=?)"]),
        ("of a place's day", ["entry USING INDEX ix_entry_day (day=?)", "job USING INTEGER PRIMARY KEY (rowid=?)"]),
        ("of a person's day", ["entry USING INDEX ix_entry_day (day=?)", "ix_job_person_id (person_id=? AND rowid=?)"]),
        ("post", ["entry USING COVERING INDEX uq_entry_key (key=?)"]),
        ("jobs_with_unknown", ["ix_entry_pot_id_bucket (pot_id=? AND bucket=?)"]),
        ("told_costs", ["ix_job_rendered_at (provider=? AND model=?", "attempt USING INDEX"]),
        ("in doubt here", ["job USING INDEX ix_job_place_id_state_id (place_id=?)", "attempt USING INDEX"]),
    ],
)  # fmt: skip
async def test_money_is_counted_by_an_index(store: SqlStore, what: str, indexes: list[str]) -> None:
    """Before every render that costs something: of its pot, its shot, its story and its day only, however old the house is."""
    place, person, day = PotKey(Payer.PLACE, HOME), PotKey(Payer.PERSON, ANA.key), date(1970, 1, 2)
    lines = ledger_entries(place, (Move(Bucket.OUTSIDE, Bucket.LEFT, Decimal(1)),), key="1")
    calls: dict[str, Any] = {
        "pot": lambda: store.read(lambda tx: tx.pot(place)),
        "own pot": lambda: store.read(lambda tx: tx.pot(person)),
        "job_balances": lambda: store.read(lambda tx: tx.job_balances(1)),
        "of a shot": lambda: store.read(lambda tx: tx.committed(shot_id=1)),
        "of a story": lambda: store.read(lambda tx: tx.committed(story_id=1)),
        "of a day": lambda: store.read(lambda tx: tx.committed(day=day)),
        "of a place's day": lambda: store.read(lambda tx: tx.committed(place=HOME, day=day)),
        "of a person's day": lambda: store.read(lambda tx: tx.committed(person=ANA.key, day=day)),
        "post": lambda: store.write(lambda tx: tx.post(lines)),
        "jobs_with_unknown": lambda: store.read(lambda tx: tx.jobs_with_unknown()),
        "told_costs": lambda: store.read(lambda tx: tx.told_costs("animatic", "one")),
        "in doubt here": lambda: store.read(lambda tx: tx.jobs_in_doubt(HOME)),
    }
    plan = await plan_of(store, calls[what])
    assert [index for index in indexes if index not in plan] == [], plan
    scans = [line for line in plan.splitlines() if line.startswith("SCAN") and "CONSTANT" not in line]
    assert [line for line in scans if not line.startswith(("SCAN pot", "SCAN newest"))] == []  # of twenty
