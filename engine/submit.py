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
from decimal import Decimal

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    EngineError,
    MediaError,
    ModelRetired,
    OutOfCredit,
    RateLimited,
    Refused,
    StaleFence,
    StorageError,
    Unavailable,
    Unconfirmed,
)
from engine.housekeeping import work_name
from engine.jobs import move
from engine.model import Job, JobState
from engine.orders import material, order_of
from engine.outcome import RETRIES, Outcome, World, after_error, error_detail, failed, unconfirmed
from engine.ports import Writer
from engine.providers.base import Order, Prepared, Provider, Recovery, Sent, Taken
from engine.stills import added, quote_with_picture

log = logging.getLogger(__name__)

SEND_S = 60.0
"""The longest that a request may take."""
INTENT_LASTS_S = 60.0
"""An intent older than this is never sent."""
ABSENT_AFTER_S = 130.0
"""Longer than `INTENT_LASTS_S` + `SEND_S`: after it, what the provider does not list was never taken."""
LOOK_AGAIN_S = 5.0
ABSENT_MOST = 5
"""So many requests in a row that vanish are a service that does not work."""
LINE_S = 1.0
PARENT_S = 2.0
QUOTE_S = 10.0
"""How long a render waits for its price."""


async def submit(job: Job, world: World) -> Outcome:
    """QUEUED → SUBMITTING (committed) → RENDERING, or QUEUED still while it has to wait."""
    now = world.clock()
    found = await world.store.read(lambda tx: material(tx, job))
    if found.waits and found.parent is not None:
        later = now + timedelta(seconds=PARENT_S)
        return Outcome(job=replace(job, waits_for=found.parent.code, due_at=later))
    found.check()
    provider = world.providers[job.provider]
    ahead = await world.store.read(lambda tx: tx.count_ahead(job))
    if ahead >= provider.pace.in_flight:
        return Outcome(job=replace(job, waits_for=None, due_at=now + timedelta(seconds=LINE_S)))

    key = f"{job.id}-{secrets.token_hex(8)}"
    order = await order_of(found, provider, world)
    quoted_usd = quote_with_picture(found.shot, found.take, await _quoted(provider, order), world)
    prepared = await provider.prepare(order, key)  # uploads happen here, where nothing can be lost yet
    await asyncio.to_thread(world.files.work, work_name(job))

    async def intend(tx: Writer) -> Attempt:
        await tx.start_take(found.take.id, found.parent_take.id if found.parent_take else None)
        attempt = await tx.add_attempt(job.id, key)
        await tx.save_job(replace(submitting, due_at=attempt.intent_at + timedelta(seconds=SEND_S + LOOK_AGAIN_S)))
        return attempt

    notes = tuple(dict.fromkeys((*job.notes, *prepared.notes)))
    submitting = move(job, JobState.SUBMITTING, waits_for=None, quoted_usd=quoted_usd, notes=notes)
    attempt = await world.store.write(intend)
    await world.announce(submitting)
    if not await is_fresh(submitting, attempt, world):
        await _close(attempt, AttemptOutcome.ABSENT, world)
        return Outcome(job=move(submitting, JobState.QUEUED, due_at=world.clock()), detail="grew too old, never sent")
    return await _send(submitting, attempt, prepared, provider, world, tries=job.tries)


async def reconcile(job: Job, world: World) -> Outcome:
    """A job found in SUBMITTING was cut off between intent and answer: look it up, or ask its person. Never a blind repeat."""
    provider = world.providers[job.provider]
    tried = await world.store.read(lambda tx: tx.attempts(job.id))
    attempts = [each for each in tried if each.what is AttemptFor.RENDER]
    attempt = attempts[-1]
    match provider.recovery:
        case Recovery.SAME_KEY:
            prepared = await provider.prepare(await _same_order(job, provider, world), attempt.key)
            return await _send(job, attempt, prepared, provider, world)
        case Recovery.LOOKUP:
            known = await world.store.read(lambda tx: tx.task_ids(job.provider))
            sent = Sent(
                key=attempt.key, order=await _same_order(job, provider, world), at=attempt.intent_at, known=known
            )
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
            if len(attempts) >= ABSENT_MOST:
                never = Unavailable(
                    f"{job.provider} did not take {job.subject} {len(attempts)} times; try again later."
                )
                return failed(job, never, now, billed=Billed.NO, detail="absent at the provider")
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
        return await _unknown(job, attempt, error, provider, world)
    except Exception as error:
        # a defect of the adapter, after which nobody knows whether the bytes left: the same as a lost answer
        log.exception("submit crashed job=%d provider=%s", job.id, job.provider)
        return await _unknown(job, attempt, error, provider, world)
    return await _accepted(job, attempt, taken, provider, world)


async def _accepted(job: Job, attempt: Attempt, taken: Taken, provider: Provider, world: World) -> Outcome:
    await _close(attempt, AttemptOutcome.ACCEPTED, world, taken.task_id)
    now = world.clock()
    due_at = now + timedelta(seconds=provider.pace.first_s)
    said = {
        "task_id": taken.task_id,
        "cost_usd": added(job.cost_usd, taken.usd),
    }  # a painted first frame was paid before
    return Outcome(job=move(job, JobState.RENDERING, **said, started_at=now, due_at=due_at))


async def _unknown(job: Job, attempt: Attempt, error: Exception, provider: Provider, world: World) -> Outcome:
    """The answer was lost: it stays in SUBMITTING to be looked up where that can be, else its person is asked."""
    detail = f"{type(error).__name__}: {getattr(error, 'detail', '') or error}"
    if provider.recovery is Recovery.NONE or job.tries >= RETRIES:
        return await _unconfirmed(job, attempt, world, detail=detail)
    due_at = world.clock() + timedelta(seconds=LOOK_AGAIN_S)
    return Outcome(job=replace(job, tries=job.tries + 1, due_at=due_at), detail=detail)


async def _unconfirmed(job: Job, attempt: Attempt, world: World, *, detail: str) -> Outcome:
    await _close(attempt, AttemptOutcome.UNKNOWN, world)
    return unconfirmed(job, world.clock(), detail=detail)


async def is_fresh(job: Job, attempt: Attempt, world: World) -> bool:
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


async def _same_order(job: Job, provider: Provider, world: World) -> Order:
    """The order that was sent: from the take that the intent names."""
    return await order_of(await world.store.read(lambda tx: material(tx, job)), provider, world)


async def _quoted(provider: Provider, order: Order) -> Decimal | None:
    """What it will cost, in US dollars. Whatever goes wrong here, the price is only not known."""
    try:
        async with asyncio.timeout(QUOTE_S):
            return (await provider.quote(order)).usd
    except Exception as error:  # noqa: BLE001  # a price that is wrong here is no reason to lose a shot
        log.warning("no quote provider=%s: %s: %s", provider.name, type(error).__name__, error)
        return None
