"""The life of a job as one table, and the only maker of a next state.

Why it is this table:

* SUBMITTING is committed before a request that may cost money leaves, and left right after its answer. A job that is found
  in it was interrupted there: it is looked up, or becomes UNCONFIRMED and asks its person. It is never sent again by itself.
* READY and DELIVERED are two states: a failed upload never reads as a failed render.
* A stitch has no provider: it goes from QUEUED to SAVING.
* SUBMITTING → QUEUED is the answer "certainly not taken" (a rate limit, no connection): nothing was paid, it may ask again.
* ASKING comes first where a price needs somebody's word, and again where it turns out higher right before the request.
* UNCONFIRMED is no end: its person may say "again, I know it may cost twice" (→ QUEUED) or "leave it" (→ CANCELLED), and a
  lookup may still find the render (→ RENDERING).
"""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from engine.errors import IllegalMove
from engine.job_model import Job, JobState, job_with

S = JobState

MOVES: dict[JobState, frozenset[JobState]] = {
    S.ASKING: frozenset({S.ASKING, S.QUEUED, S.FAILED, S.CANCELLED}),
    S.QUEUED: frozenset({S.QUEUED, S.ASKING, S.SUBMITTING, S.SAVING, S.FAILED, S.CANCELLED}),
    S.SUBMITTING: frozenset({S.SUBMITTING, S.RENDERING, S.QUEUED, S.FAILED, S.UNCONFIRMED}),
    S.RENDERING: frozenset({S.RENDERING, S.SAVING, S.FAILED, S.CANCELLED}),
    S.SAVING: frozenset({S.SAVING, S.READY, S.FAILED, S.CANCELLED}),
    S.READY: frozenset({S.DELIVERED}),
    S.DELIVERED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
    S.UNCONFIRMED: frozenset({S.QUEUED, S.RENDERING, S.CANCELLED}),
}

LIVE = frozenset({S.ASKING, S.QUEUED, S.SUBMITTING, S.RENDERING, S.SAVING})
"""A clip may still come of it by itself, or once its price is agreed to."""
IN_FLIGHT = frozenset({S.SUBMITTING, S.RENDERING})
"""It takes one of its provider's places."""
WITH_CLIP = frozenset({S.READY, S.DELIVERED})
OVER = frozenset({S.FAILED, S.CANCELLED, S.DELIVERED})
"""No move leads out."""
_NAMES = frozenset(each.name for each in fields(Job))


def move(job: Job, to: JobState, **changes: Any) -> Job:
    """The job in its next state, with other fields replaced.

    Raises:
        IllegalMove: the table has no such move; the job is as it was.
    """
    if to not in MOVES[job.state]:
        raise IllegalMove(f"job {job.id} cannot go from {job.state} to {to}")
    if to is not job.state:
        changes.setdefault("tries", 0)
    if to not in LIVE:
        changes.setdefault("due_at", None)
        changes.setdefault("waits_for", None)
    if not changes.keys() <= _NAMES:
        raise TypeError(f"a job has no {', '.join(sorted(changes.keys() - _NAMES))}")
    return job_with(vars(job), **changes, state=to)


def finish(job: Job, to: JobState, now: datetime, **changes: Any) -> Job:
    """`move`, with the time at which the engine's work on it ended."""
    return move(job, to, finished_at=now, **changes)
