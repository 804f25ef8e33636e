"""The product, broken on purpose in one way each: what looks after it has to see every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from sqlalchemy import select

from engine import settle, submit
from engine.job_model import Job, JobState
from engine.jobs import move
from engine.outcome import Outcome
from engine.providers.base import Recovery
from storage.job_writes import JobWrites
from storage.tables import JOB
from tests.simulation.world import Drawn

Mutation = Callable[[], Any]


@contextmanager
def no_last_look() -> Iterator[None]:
    """The request leaves however long ago its intent was written, and whoever has the job now."""

    async def is_fresh(*_: object) -> bool:
        return True

    with patch.object(submit, "is_fresh", is_fresh):
        yield


@contextmanager
def absence_believed_too_early() -> Iterator[None]:
    """What a service does not list was never taken, though the request may be on its way still."""
    with patch.object(submit, "ABSENT_AFTER_S", 0.0):
        yield


@contextmanager
def sent_again_at_a_restart() -> Iterator[None]:
    """Who finds a job in SUBMITTING sends it."""

    async def reconcile(job: Job, world: Any) -> Outcome:
        return Outcome(job=move(job, JobState.QUEUED, due_at=world.clock()))

    with patch.object(submit, "reconcile", reconcile):
        yield


@contextmanager
def task_id_not_written() -> Iterator[None]:
    """The answer to a paid request is heard and forgotten."""
    accepted = submit._accepted

    async def forgetful(*said: Any) -> Outcome:
        outcome = await accepted(*said)
        return replace(outcome, job=replace(outcome.job, task_id=None))

    with patch.object(submit, "_accepted", forgetful):
        yield


@contextmanager
def no_fence() -> Iterator[None]:
    """Whoever comes last is right."""
    save_job = JobWrites.save_job

    async def save_any(self: JobWrites, job: Job, *, detail: str = "") -> None:
        fence = await self._value(select(JOB.c.fence).where(JOB.c.id == job.id))
        await save_job(self, replace(job, fence=fence), detail=detail)

    with patch.object(JobWrites, "save_job", save_any):
        yield


@contextmanager
def nothing_booked_at_the_end() -> Iterator[None]:
    """What a step came to is not posted."""

    async def book(*_: object, **__: object) -> None:
        return

    with patch.object(settle, "book", book):
        yield


@contextmanager
def sending_not_noted() -> Iterator[None]:
    """A message leaves without a word in its row that it may have."""
    save_say = JobWrites.save_say

    async def unnoted(self: JobWrites, say: Any, state: Any, **more: Any) -> None:
        if state != "sending":
            await save_say(self, say, state, **more)

    with patch.object(JobWrites, "save_say", unnoted):
        yield


MUTATIONS: Mapping[str, Mutation] = {
    each.__name__: each
    for each in (
        no_last_look,
        absence_believed_too_early,
        sent_again_at_a_restart,
        task_id_not_written,
        no_fence,
        nothing_booked_at_the_end,
        sending_not_noted,
    )
}


def looked_up(drawn: Drawn) -> Drawn:
    """The same world with several processes that freeze for as long as a request is waited for, and a service that can be asked."""
    return replace(
        drawn,
        processes=3,
        recoveries=(Recovery.LOOKUP,),
        freeze_most_s=200.0,
        is_violent=3.0,
        is_slow=5.0,
        asks=False,
        pots_only=False,
    )


def looked_up_alone(drawn: Drawn) -> Drawn:
    """The same world with one process: when it starts anew it looks at once at what it has just sent."""
    return replace(looked_up(drawn), processes=1)


def unread(drawn: Drawn) -> Drawn:
    """The same world with one process and a chat that shows twice what it is told twice."""
    return replace(drawn, processes=1, dedupes=False, is_violent=3.0, asks=False, pots_only=False)


def unasked(drawn: Drawn) -> Drawn:
    """The same world with one process and a service that tells nothing."""
    return replace(drawn, processes=1, recoveries=(Recovery.NONE,), is_violent=3.0, asks=False, pots_only=False)
