"""What becomes of live jobs when a backup is put back: reality went on without it, and may have paid for them since.

A job that was QUEUED then may have been sent, one in SUBMITTING may have been found absent and sent anew, and a render that its
service no longer lists may have been fetched and forgotten. So nothing of a backup is sent by itself: its person is asked. What
has a task id is only checked and fetched, which costs nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Container
from dataclasses import replace
from datetime import datetime

from engine.attempts import AttemptOutcome
from engine.job_model import Job, JobKind, JobState
from engine.jobs import move
from engine.ledger import ZERO, painted_usd
from engine.outcome import is_unresolved, unconfirmed
from engine.ports import Writer
from engine.settle import settle

DETAIL = "put back from a backup"


async def settle_restored(tx: Writer, job: Job, backup_at: datetime, free: Container[str]) -> bool:
    """Make sure that this live job of a backup is not paid for a second time; whether its person is asked.

    `free`: the providers that charge nobody. The transaction's clock stands at `backup_at`: a look-up reaches back to it.
    """
    shot = await tx.shot(job.shot_id) if job.shot_id is not None else None
    if job.kind is JobKind.STITCH or shot is None or (job.provider in free and not shot.still):
        return False
    if job.state is JobState.ASKING:
        note = f"Put back from a backup of {backup_at:%Y-%m-%d %H:%M} UTC: if it was agreed to since, it may exist already."
        await tx.save_job(replace(job, notes=tuple(dict.fromkeys((*job.notes, note)))), detail=DETAIL)
        return True
    if job.state not in {JobState.QUEUED, JobState.SUBMITTING}:
        return False
    attempts = await tx.attempts(job.id)
    if job.state is JobState.QUEUED:
        key = f"{job.id}-{secrets.token_hex(8)}"
        render_usd = None if job.quoted_usd is None else max(ZERO, job.quoted_usd - painted_usd(attempts))
        attempts = [await tx.add_attempt(job.id, key, quoted_usd=render_usd)]
        job = move(job, JobState.SUBMITTING, waits_for=None)
        await tx.save_job(job, detail=DETAIL)
    for attempt in attempts:
        if is_unresolved(attempt):
            await tx.close_attempt(attempt.id, AttemptOutcome.UNKNOWN, attempt.task_id)
    await settle(tx, unconfirmed(job, backup_at, detail=DETAIL))
    return True
