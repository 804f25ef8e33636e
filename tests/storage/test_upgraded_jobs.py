"""Jobs of every state that an older program left behind are there after the upgrade, and go on to their end."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine

from engine.job_model import JobState
from engine.model import FileKey
from engine.providers.base import Order, Recovery
from storage import LocalFiles, opened_store
from storage.migrate import alembic_config
from storage.rows import to_ms
from tests.databases import ANA, HOME, ON_DISK, fresh_database
from tests.fakes.clock import FakeClock
from tests.fakes.provider import Render, ScriptedProvider, write_clip
from tests.house import opened_house
from tests.storage.test_upgrade import reflected

OLDER = ("0002", "0003", "0004")
"""The schemas of released programs whose jobs had these states; asking for a price came with the next one."""
S = JobState
STATES = (S.QUEUED, S.SUBMITTING, S.RENDERING, S.SAVING, S.READY, S.UNCONFIRMED, S.DELIVERED, S.FAILED, S.CANCELLED)
"""Of job 1, 2, …, which renders shot a1-1, a1-2, …"""
GOES_ON = STATES[:5]
ENDS = {S.UNCONFIRMED: S.UNCONFIRMED, **dict.fromkeys((*GOES_ON, S.DELIVERED), S.DELIVERED)}
IS_TAKEN = {S.RENDERING, S.SAVING, S.READY, S.DELIVERED}
ORDER = Order(prompt="a lamp", seconds=0.5, ratio="16:9", resolution="480p", seed=7, style="plain", model="one")


def rows_left(revision: str, now_ms: int, clip: FileKey) -> dict[str, list[dict[str, Any]]]:
    """What a process that was killed has left: a job of each state, its requests and its messages, one under a lease."""
    rows: dict[str, list[dict[str, Any]]] = {
        "person": [{"id": 1, "key": ANA.key, "name": ANA.name, "created_at": 1}],
        "place": [{"id": 1, "key": HOME, "current_story_id": 1, "created_at": 1}],
        "story": [{"id": 1, "code": "a1", "place_id": 1, "person_id": 1, "title": "t", "tip_id": 9, "created_at": 2}],
        **{name: [] for name in ("shot", "take", "clip", "job", "attempt", "outbox", "event")},
    }
    rows["story"][0]["shot_count"] = len(STATES)
    made = {"person_id": 1, "created_at": now_ms - 60_000}
    model = {"provider": "scripted", "model": "one"}
    look = {"prompt": "a lamp", "seconds": 0.5, "ratio": "16:9", "resolution": "480p", "style": "plain"}
    file = {"file": clip, "bytes": 1, "seconds": 0.5, "width": 64, "height": 36, "fps": 24.0, "place_id": 1}
    for number, state in enumerate(STATES, 1):
        is_there = state in {S.READY, S.DELIVERED}
        chosen = {"chosen_take_id": number if is_there else None, "take_count": 1}
        rows["shot"].append(look | model | made | chosen | {"id": number, "story_id": 1, "number": number})
        rows["take"].append({"id": number, "shot_id": number, "number": 1, "seed": 7, "created_at": 3})
        if is_there:
            rows["clip"].append(file | made | {"id": number, "take_id": number, "shot_id": number})
        job: dict[str, Any] = {"id": number, "kind": "render", "state": str(state), "request_key": f"u{number}"}
        job |= {"place_id": 1, "story_id": 1, "shot_id": number, "take_id": number, "plan": [], "fence": number}
        job |= {"task_id": f"t{number}" if state in IS_TAKEN else None, "started_at": now_ms - 30_000}
        job |= {"due_at": now_ms - 1_000 if state in GOES_ON[:4] else None}
        if state is S.RENDERING:
            job |= {"due_at": now_ms + 20_000, "lease_until": now_ms + 20_000, "was_due_at": now_ms - 5_000}
        if state in {S.UNCONFIRMED, S.FAILED}:
            billed = "unknown" if state is S.UNCONFIRMED else "no"
            job |= {"failure_kind": "Unconfirmed", "failure_sentence": "Who knows.", "failure_billed": billed}
        if revision == "0004":  # the first that had a price
            job |= {"quoted_usd": "0.25"}
        rows["job"].append(job | model | made)
        if state not in {S.QUEUED, S.CANCELLED}:
            outcome = "accepted" if state in IS_TAKEN else "intended" if state is S.SUBMITTING else "unknown"
            tried = {"id": number, "job_id": number, "number": 1, "key": f"k{number}", "outcome": outcome}
            rows["attempt"].append(tried | {"task_id": job["task_id"], "intent_at": now_ms - 30_000})
        said = {"job_id": number, "place_id": 1, "created_at": now_ms}
        status = {"id": number, "kind": "status", "nonce": f"s{number}", "state": "new", "due_at": now_ms}
        was_said = {} if state in GOES_ON[:4] else {"state": "sent", "due_at": None}
        rows["outbox"].append(status | said | was_said)
        if state is S.READY:
            result = {"id": 99, "kind": "result", "nonce": "r", "state": "new", "due_at": now_ms}
            rows["outbox"].append(result | said)
        moved = {"id": number, "job_id": number, "at": now_ms - 30_000, "fence": number, "detail": ""}
        rows["event"].append(moved | {"from_state": "queued", "to_state": str(state)})
    return rows


def leave(url: str, revision: str, rows: dict[str, list[dict[str, Any]]]) -> None:
    """A database of that revision with these rows."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), revision)
        tables = reflected(engine, connection).tables
        for name, found in rows.items():
            for row in found:
                connection.execute(tables[name].insert().values(row))
            if engine.dialect.name == "postgresql":  # ids were given by hand
                connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), 100)")
    engine.dispose()


def old_clip(tmp_path: Path) -> FileKey:
    """A clip where the house keeps its own."""
    key = FileKey(f"{'a' * 64}.mp4")
    path = LocalFiles(tmp_path / "files").path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, seconds=0.5, colour=7)
    return key


@pytest.mark.parametrize("kind", ON_DISK)
@pytest.mark.parametrize("revision", OLDER)
async def test_a_job_of_every_state_survives_the_upgrade(
    kind: str, revision: str, tmp_path: Path, clock: FakeClock
) -> None:
    """In its state, with its request and its messages; what goes on is claimed and delivered once, and nothing is sent again."""
    provider = ScriptedProvider(recovery=Recovery.LOOKUP, finishes_at_check=1)
    for number, state in enumerate(STATES, 1):  # what was taken, and the one whose answer was lost
        if state in IS_TAKEN | {S.SUBMITTING}:
            provider.renders[f"t{number}"] = Render(ORDER, f"k{number}")
    with fresh_database(kind, tmp_path) as url:
        leave(url, revision, rows_left(revision, to_ms(clock()), old_clip(tmp_path)))
        async with opened_house(tmp_path, clock, provider, url=url) as house:
            jobs = [await house.job(number) for number in range(1, len(STATES) + 1)]
            assert [(job.state, job.fence, job.request_key) for job in jobs] == [
                (state, number, f"u{number}") for number, state in enumerate(STATES, 1)
            ]
            tried = [await house.store.read(lambda tx, at=job.id: tx.attempts(at)) for job in jobs]  # type: ignore[misc]  # as it is now
            assert [len(each) for each in tried] == [0, 1, 1, 1, 1, 1, 1, 1, 0]
            assert {each.id for each in await house.store.claim_jobs(9, 0)} == {1, 2, 4}  # the third is under a lease
            clock.advance(1)

            await house.run(60)
            jobs = [await house.job(job.id) for job in jobs]
            assert [job.state for job in jobs] == [ENDS.get(state, state) for state in STATES]
            assert (provider.submits, jobs[1].task_id) == (1, "t2")  # only what had never left
            shown = [message.reply.video.name for message in house.chat.videos if message.reply.video]
            assert sorted(shown) == [f"a1-{number}.mp4" for number in range(1, 6)]
            spent = {job.id: (await house.store.read(lambda tx, at=job.id: tx.job_balances(at))).spent for job in jobs}  # type: ignore[misc]  # as it is now
            priced = Decimal("0.25") if revision == "0004" else Decimal(0)
            assert [spent[number] for number in (3, 4)] == [priced, priced]

            await house.press("cancel", "a1-6")  # "Leave it"
            assert (await house.job(6)).state is S.CANCELLED
        async with opened_store(url, clock) as store:
            clock.advance(86_400)
            assert await store.claim_jobs(9, 30) == []  # all came to their end
