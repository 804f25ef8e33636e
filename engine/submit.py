"""The one request that may cost money: gate, intent, a last look, send, and what to do when the answer is lost.

The order is the proof (the crash points are in docs/design.md): the intent is committed before the bytes leave; right before they
leave the fence and the intent's age are read again; nothing here or below sends twice; "it was never taken" is believed only
after `ABSENT_AFTER_S`, which is longer than `INTENT_LASTS_S`, so a frozen sender that wakes up late finds its intent too old.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from engine.derive import LAST_FRAME, derived
from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    EngineError,
    MediaError,
    ModelRetired,
    NothingToContinue,
    OutOfCredit,
    RateLimited,
    Refused,
    StaleFence,
    StorageError,
    Unavailable,
    Unconfirmed,
)
from engine.housekeeping import work_name
from engine.jobs import LIVE, move
from engine.model import Attempt, AttemptOutcome, Job, JobState, Shot, Take
from engine.outcome import Outcome, World, after_error, error_detail, failed, unconfirmed
from engine.ports import Reader, Writer
from engine.providers.base import Order, Prepared, Provider, Recovery, Sent, Taken

log = logging.getLogger(__name__)

SEND_S = 60.0
"""The longest that a request may take."""
INTENT_LASTS_S = 60.0
"""An intent older than this is never sent."""
ABSENT_AFTER_S = 130.0
"""Longer than `INTENT_LASTS_S` + `SEND_S`: after it, what the provider does not list was never taken."""
LOOK_AGAIN_S = 5.0
LINE_S = 1.0
PARENT_S = 2.0


async def submit(job: Job, world: World) -> Outcome:
    """QUEUED → SUBMITTING (committed) → RENDERING, or QUEUED still while it has to wait."""
    now = world.clock()
    shot, take, parent, parent_take, parent_job = await world.store.read(lambda tx: _material(tx, job))
    if parent is not None and shot.first_frame is None and (parent_take is None or parent_take.clip is None):
        if parent_job and parent_job.state in LIVE:
            later = now + timedelta(seconds=PARENT_S)
            return Outcome(job=replace(job, waits_for=parent.code, due_at=later))
        if parent.deleted_at is not None:
            raise NothingToContinue(
                f"{parent.code}, which {job.subject} continues, was deleted; /continue another shot."
            )
        raise NothingToContinue(
            f"{parent.code}, which {job.subject} continues, has no clip; "
            f"/retake {parent.code} first, then /retake {job.subject}."
        )
    provider = world.providers[job.provider]
    ahead = await world.store.read(lambda tx: tx.count_ahead(job))
    if ahead >= provider.pace.in_flight:
        return Outcome(job=replace(job, waits_for=None, due_at=now + timedelta(seconds=LINE_S)))

    key = f"{job.id}-{secrets.token_hex(8)}"
    order = await _order(shot, take, parent_take, world)
    prepared = await provider.prepare(order, key)  # uploads happen here, where nothing can be lost yet
    await asyncio.to_thread(world.files.work, work_name(job))

    async def intend(tx: Writer) -> Attempt:
        await tx.start_take(take.id, parent_take.id if parent_take else None)
        attempt = await tx.add_attempt(job.id, key)
        await tx.save_job(replace(submitting, due_at=attempt.intent_at + timedelta(seconds=SEND_S + LOOK_AGAIN_S)))
        return attempt

    submitting = move(job, JobState.SUBMITTING, waits_for=None)
    attempt = await world.store.write(intend)
    await world.announce(submitting)
    if not await _is_fresh(submitting, attempt, world):
        await _close(attempt, AttemptOutcome.ABSENT, world)
        return Outcome(job=move(submitting, JobState.QUEUED, due_at=world.clock()), detail="grew too old, never sent")
    return await _send(submitting, attempt, prepared, provider, world, tries=job.tries)


async def reconcile(job: Job, world: World) -> Outcome:
    """A job found in SUBMITTING was cut off between intent and answer: look it up, or ask its person. Never a blind repeat."""
    provider = world.providers[job.provider]
    attempts = await world.store.read(lambda tx: tx.attempts(job.id))
    attempt = attempts[-1]
    match provider.recovery:
        case Recovery.SAME_KEY:
            prepared = await provider.prepare(await _same_order(job, world), attempt.key)
            return await _send(job, attempt, prepared, provider, world)
        case Recovery.LOOKUP:
            known = await world.store.read(lambda tx: tx.task_ids(job.provider))
            sent = Sent(key=attempt.key, order=await _same_order(job, world), at=attempt.intent_at, known=known)
            try:
                task_id = await provider.find(sent)
            except Unconfirmed as several:
                return await _unconfirmed(job, attempt, world, detail=error_detail(several))
            if task_id is not None:
                return await _accepted(job, attempt, Taken(task_id), provider, world)
            now = world.clock()
            if now - attempt.intent_at < timedelta(seconds=ABSENT_AFTER_S):
                return Outcome(job=replace(job, due_at=now + timedelta(seconds=LOOK_AGAIN_S)))
            await _close(attempt, AttemptOutcome.ABSENT, world)
            return Outcome(job=move(job, JobState.QUEUED, due_at=now), detail="absent at the provider")
        case Recovery.NONE:
            return await _unconfirmed(job, attempt, world, detail="found in SUBMITTING")


async def _send(
    job: Job, attempt: Attempt, prepared: Prepared, provider: Provider, world: World, *, tries: int = 0
) -> Outcome:
    try:
        async with asyncio.timeout(SEND_S):
            taken = await provider.submit(prepared)
    except (RateLimited, Unavailable, StorageError) as error:
        await _close(attempt, AttemptOutcome.REJECTED, world)
        queued = move(job, JobState.QUEUED, tries=tries)
        return after_error(queued, error, world.clock())
    except (Refused, BadShot, OutOfCredit, AuthFailed, ModelRetired, MediaError) as error:
        await _close(attempt, AttemptOutcome.REJECTED, world)
        return failed(job, error, world.clock(), billed=Billed.NO, detail=error_detail(error))
    except (EngineError, TimeoutError) as error:
        return await _unconfirmed(job, attempt, world, detail=f"{type(error).__name__}: {error}")
    except Exception as error:
        # a defect of the adapter, after which nobody knows whether the bytes left: the same as a lost answer
        log.exception("submit crashed job=%d provider=%s", job.id, job.provider)
        return await _unconfirmed(job, attempt, world, detail=f"{type(error).__name__}: {error}")
    return await _accepted(job, attempt, taken, provider, world)


async def _accepted(job: Job, attempt: Attempt, taken: Taken, provider: Provider, world: World) -> Outcome:
    await _close(attempt, AttemptOutcome.ACCEPTED, world, taken.task_id)
    now = world.clock()
    due_at = now + timedelta(seconds=provider.pace.first_s)
    return Outcome(job=move(job, JobState.RENDERING, task_id=taken.task_id, started_at=now, due_at=due_at))


async def _unconfirmed(job: Job, attempt: Attempt, world: World, *, detail: str) -> Outcome:
    await _close(attempt, AttemptOutcome.UNKNOWN, world)
    return unconfirmed(job, world.clock(), detail=detail)


async def _is_fresh(job: Job, attempt: Attempt, world: World) -> bool:
    """Right before the bytes leave: whether the intent may still be sent. The process may have been frozen since.

    Raises:
        StaleFence: the job is somebody else's now; nothing was sent.
    """
    fresh = await world.store.read(lambda tx: tx.job(job.id))
    if fresh is None or fresh.fence != job.fence or fresh.state is not JobState.SUBMITTING:
        raise StaleFence(f"job {job.id} changed hands before its request left")
    return world.clock() - attempt.intent_at <= timedelta(seconds=INTENT_LASTS_S)


async def _close(attempt: Attempt, outcome: AttemptOutcome, world: World, task_id: str | None = None) -> None:
    await world.store.write(lambda tx: tx.close_attempt(attempt.id, outcome, task_id))


async def _material(tx: Reader, job: Job) -> tuple[Shot, Take, Shot | None, Take | None, Job | None]:
    """The shot, its take, its parent, the parent's take to start from, and the parent's newest job.

    Once the intent is written the take to start from is the one that it names: the same key must mean the same request.
    """
    shot = await tx.shot(job.shot_id or 0)
    take = await tx.take(job.take_id or 0)
    if shot is None or take is None:
        raise Refused(f"{job.subject} was deleted before it was rendered.")
    parent = await tx.shot(shot.parent_id) if shot.parent_id else None
    start_id = take.parent_take_id if job.state is JobState.SUBMITTING else parent and parent.chosen_take_id
    parent_take = await tx.take(start_id) if start_id else None
    parent_job = next(iter(await tx.jobs_of_shots([parent.id])), None) if parent else None
    return shot, take, parent, parent_take, parent_job


async def _same_order(job: Job, world: World) -> Order:
    """The order that was sent: from the take that the intent names."""
    shot, take, _, parent_take, _ = await world.store.read(lambda tx: _material(tx, job))
    return await _order(shot, take, parent_take, world)


async def _order(shot: Shot, take: Take, parent_take: Take | None, world: World) -> Order:
    first: Path | None = None
    if shot.first_frame is not None:
        first = world.files.path(shot.first_frame)
    elif parent_take is not None and parent_take.clip is not None:
        first = await derived(world.files, parent_take.clip.file, LAST_FRAME)
    return Order(
        prompt=shot.prompt,
        seconds=shot.seconds,
        ratio=shot.ratio,
        resolution=shot.resolution,
        seed=take.seed,
        style=shot.style,
        model=shot.model,
        caption=shot.code,
        first_frame=first,
        last_frame=world.files.path(shot.last_frame) if shot.last_frame else None,
    )
