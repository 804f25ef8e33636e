"""A render that is told to stop: what its service makes of it, and what its person hears of the money."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from engine.booking import book
from engine.errors import StorageError
from engine.job_model import MAY_STILL_COST, WAS_CHARGED, Job, JobKind, JobState, SayKind
from engine.outcome import World
from engine.ports import Writer
from engine.providers.base import CancelOutcome

log = logging.getLogger(__name__)

CANCEL_S = 10.0
"""How long a service has to say that it stopped."""
TOLD_AFTER_S = 2 * CANCEL_S
"""When a cancelled job is told of by itself, where this process dies before its service has answered."""


def cost_note(job: Job) -> str:
    """What a render that is cancelled now may cost, until its service says that it stopped; empty: nothing."""
    is_free = job.quoted_usd == 0 and not job.cost_usd
    if job.task_id is None or job.kind is not JobKind.RENDER or is_free:
        return ""
    return WAS_CHARGED if job.state is JobState.SAVING else MAY_STILL_COST


async def stop(job: Job, task_id: str, world: World) -> CancelOutcome:
    """Tell its service. Whatever goes wrong there is only logged: the job is over in any case."""
    provider = world.providers.get(job.provider)
    if provider is None:
        log.warning("not stopped job=%d: provider=%s is not set up any more", job.id, job.provider)
        return CancelOutcome.MAY_STILL_COST
    try:
        async with asyncio.timeout(CANCEL_S):
            return await provider.cancel(task_id)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is no news of the render
        log.warning("not stopped job=%d provider=%s: %s: %s", job.id, job.provider, type(error).__name__, error)
        return CancelOutcome.MAY_STILL_COST


async def stop_cancelled(job: Job, task_id: str, world: World) -> Job:
    """`stop` for a job that was cancelled; then it is told of, with what its service said."""
    if await stop(job, task_id, world) is CancelOutcome.STOPPED:
        job = replace(job, notes=tuple(note for note in job.notes if note != MAY_STILL_COST))

    async def tell(tx: Writer) -> None:
        fresh = await tx.job(job.id)
        if fresh is not None and fresh.state is JobState.CANCELLED:
            told = replace(fresh, notes=job.notes)
            await tx.save_job(told)
            await book(tx, told)
        await tx.hasten(job.id, SayKind.FAILURE)

    try:
        await world.store.write(tell)
    except StorageError as error:
        log.warning("what became of a cancelled render is not written job=%d: %s", job.id, error)
    return job
