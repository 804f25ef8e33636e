"""What the operator asks for is found without a walk through all that was ever said or done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from engine.job_model import JobState, SayState
from engine.ports import Reader
from storage import opened_store
from tests.fakes.clock import FakeClock
from tests.storage.test_plans import plan_of

ASKED: dict[str, tuple[Callable[[Reader], Awaitable[Any]], str]] = {
    "standing": (lambda tx: tx.standing(), "ix_outbox_not_sent"),
    "messages": (lambda tx: tx.messages(frozenset({SayState.FAILED}), 10), "ix_outbox_not_sent"),
    "troubles": (lambda tx: tx.troubles(), "ix_outbox_not_sent"),
    "passages": (lambda tx: tx.passages(7, 10), "event USING INTEGER PRIMARY KEY (rowid>?)"),
    "sums": (lambda tx: tx.sums(7), "entry USING INTEGER PRIMARY KEY (rowid>?"),
    "jobs": (lambda tx: tx.all_jobs(frozenset({JobState.READY}), 10), "SEARCH event USING INDEX ix_event_job_id_id"),
}


async def test_the_operator_s_questions_use_an_index(tmp_path: Path, clock: FakeClock) -> None:
    """Messages that were sent, and events and entries that were counted, cost nothing."""
    async with opened_store(f"sqlite:///{tmp_path / 'nextshot.db'}", clock) as store:
        for name, (work, index) in ASKED.items():
            plan = await plan_of(store, partial(store.read, work))
            assert index in plan, (name, plan)
            assert not {"SCAN outbox", "SCAN event"} & set(plan.splitlines()), (name, plan)
