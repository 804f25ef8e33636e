"""The one request that may cost money: gate, intent, a last look, send, and what to do when the answer is lost.

The order is the proof (the crash points are in docs/design.md): the intent is committed before the bytes leave; right before they
leave the fence and the intent's age are read again; nothing here or below sends twice; "it was never taken" is believed only
by who has known of the intent for `ABSENT_AFTER_S`, which is longer than `INTENT_LASTS_S`, so a frozen sender that wakes up late
finds its intent too old. How long it was known is told by no clock on a wall: two machines may disagree, and clocks are set.

Longer than other rooms: the whole proof stands in one place.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from engine.admission import FRONT_S, has_room, in_line, is_its_turn
from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.booking import book
from engine.budget import repriced
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
from engine.job_model import Job, JobState
from engine.jobs import move
from engine.ledger import ZERO, painted_usd
from engine.orders import material, order_of
from engine.outcome import (
    RETRIES,
    Outcome,
    World,
    after_error,
    billed_before,
    error_detail,
    failed,
    is_unresolved,
    unconfirmed,
)
from engine.paid_steps import begin_paying
from engine.ports import Writer
from engine.providers.base import Order, Prepared, Provider, Recovery, Sent, Taken
from engine.spread import Spread, known_spread
from engine.stills import added, cost_with_pictures, needs_picture, quote_with_pictures

log = logging.getLogger(__name__)

SEND_S = 60.0
"""The longest that a request may take."""
INTENT_LASTS_S = 60.0
"""An intent older than this is never sent."""
ABSENT_AFTER_S = 130.0
"""Longer than `INTENT_LASTS_S` + `SEND_S`: after it, what the provider does not list was never taken."""
NEVER_SENT = "cancelled or grew too old, never sent"
LOOK_AGAIN_S = 5.0
SENDING = timedelta(seconds=INTENT_LASTS_S + SEND_S + LOOK_AGAIN_S)
"""How long after its intent nobody else looks at a request: as late as it may leave, and as long as it may take."""
ABSENT_MOST = 5
"""So many requests in a row that vanish are a service that does not work."""
PARENT_S = 2.0
QUOTE_S = 10.0
"""How long a render waits for its price."""
LOOK_UPS = 5
"""How often a look-up is tried again whose person has said already that it may cost twice."""


async def submit(job: Job, world: World) -> Outcome:
    """QUEUED → SUBMITTING (committed) → RENDERING, or QUEUED still while it has to wait."""
    now = world.clock()
    found = await world.store.read(lambda tx: material(tx, job))
    if found.waits and found.parent is not None:
        later = now + timedelta(seconds=PARENT_S)
        waiting = replace(job, waits_for=found.parent.code, due_at=later)
        return Outcome(job=waiting, gives_way=job.waits_for is None)
    found.check()
    provider = world.provider(job.provider, job.subject)
    if not await is_its_turn(job, world):
        return Outcome(job=in_line(job, world))
    if needs_picture(found.shot, found.take):  # it became its turn since it was looked whether it is to be painted
        return Outcome(job=in_line(job, world, 0.0))
    before = await world.store.read(lambda tx: tx.attempts(job.id))
    taken = await _taken_before(job, before, provider, world)
    if taken is not None:
        return taken

    key = f"{job.id}-{secrets.token_hex(8)}"
    order = await order_of(found, provider, world)
    render_usd = await _quoted(provider, order, world)
    spread = await world.store.read(lambda tx: known_spread(tx, job.provider, job.model))
    usd = quote_with_pictures(spread.most_usd(render_usd), before)
    prepared = await provider.prepare(order, key)  # uploads happen here, where nothing can be lost yet
    await asyncio.to_thread(world.files.work, work_name(job))

    notes = tuple(dict.fromkeys((*job.notes, *prepared.notes)))

    async def intend(tx: Writer) -> tuple[Job, Attempt | None]:
        if not await has_room(tx, job, world):
            return in_line(job, world, FRONT_S), None
        priced = await repriced(tx, world.rules, job, usd, world.clock())
        if priced.state is JobState.ASKING:
            return priced, None
        await tx.start_take(found.take.id, found.parent_take.id if found.parent_take else None)
        attempt = await tx.add_attempt(job.id, key, quoted_usd=_render_usd(priced, render_usd, before, spread))
        submitting = move(priced, JobState.SUBMITTING, waits_for=None, notes=notes)
        await tx.save_job(replace(submitting, due_at=attempt.intent_at + SENDING))
        await book(tx, submitting)
        return submitting, attempt

    begin_paying()
    submitting, attempt = await world.store.write(intend)
    if attempt is None:
        is_asked = submitting.state is JobState.ASKING
        return Outcome(job=submitting, detail="its price rose, somebody is asked" if is_asked else "")
    world.sightings.saw(attempt.id)
    await world.announce(submitting)
    if not await is_fresh(submitting, attempt, world):
        await _close(attempt, AttemptOutcome.ABSENT, world)
        return Outcome(job=move(submitting, JobState.QUEUED, due_at=world.clock()), detail=NEVER_SENT)
    return await _send(submitting, attempt, prepared, provider, world, tries=job.tries, before=billed_before(before))


async def _taken_before(job: Job, attempts: Sequence[Attempt], provider: Provider, world: World) -> Outcome | None:
    """Before anything is paid again: whether a request that its person was asked about was taken after all."""
    asked = move(job, JobState.SUBMITTING)
    renders = [each for each in reversed(attempts) if each.what is AttemptFor.RENDER]
    for attempt in renders:
        if attempt.task_id is not None:  # its answer came after all, when its sender had lost the job
            return await _accepted(asked, attempt, Taken(attempt.task_id, attempt.usd), provider.pace.first_s, world)
    if provider.recovery is not Recovery.LOOKUP:
        return None
    for attempt in filter(is_unresolved, renders):
        try:
            task_id = await provider.find(await _sent(asked, attempt, provider, world))
        except EngineError as error:
            if error.retryable and job.tries < LOOK_UPS:
                raise
            world.tally.failed(job.provider, error)
            log.warning("not looked up job=%d provider=%s: %s", job.id, job.provider, error)
            continue
        if task_id is not None and not await _is_anothers(job, task_id, world):
            return await _accepted(asked, attempt, Taken(task_id), provider.pace.first_s, world)
    return None


async def reconcile(job: Job, world: World) -> Outcome:
    """A job found in SUBMITTING was cut off between intent and answer: look it up, or ask its person. Never a blind repeat."""
    tried = await world.store.read(lambda tx: tx.attempts(job.id))
    attempts = [each for each in tried if each.what is AttemptFor.RENDER]
    attempt = attempts[-1]
    if attempt.task_id is not None:  # it was answered; only what came of it was not written
        return await _accepted(job, attempt, Taken(attempt.task_id, attempt.usd), LOOK_AGAIN_S, world)
    provider = world.provider(job.provider, job.subject)
    if attempt.outcome is AttemptOutcome.ABSENT and provider.recovery is not Recovery.SAME_KEY:
        # its sender woke up too late to send it, and too late to say so in the job
        return Outcome(job=move(job, JobState.QUEUED, due_at=world.clock()), detail="grew too old, never sent")
    before = billed_before([each for each in tried if each.id != attempt.id])
    match provider.recovery:
        case Recovery.SAME_KEY:
            prepared = await provider.prepare(await _same_order(job, provider, world), attempt.key)
            return await _send(job, attempt, prepared, provider, world, before=before, is_again=True)
        case Recovery.LOOKUP:
            sent = await _sent(job, attempt, provider, world)
            try:
                task_id = await provider.find(sent)
            except Unconfirmed as several:
                world.tally.failed(job.provider, several)
                return await _unconfirmed(job, attempt, world, detail=error_detail(several))
            if task_id is not None:
                return await _accepted(job, attempt, Taken(task_id), provider.pace.first_s, world)
            now = world.clock()
            if world.sightings.saw(attempt.id) < ABSENT_AFTER_S:
                return Outcome(job=replace(job, due_at=now + timedelta(seconds=LOOK_AGAIN_S)))
            await _close(attempt, AttemptOutcome.ABSENT, world)
            absent = 1 + sum(each.outcome is AttemptOutcome.ABSENT for each in attempts)
            if absent >= ABSENT_MOST:
                never = Unavailable(f"{job.provider} did not take {job.subject} {absent} times; try again later.")
                return failed(job, never, now, billed=before, detail="absent at the provider")
            return Outcome(job=move(job, JobState.QUEUED, due_at=now), detail="absent at the provider")
        case Recovery.NONE:
            return await _unconfirmed(job, attempt, world, detail="found in SUBMITTING")


async def _send(
    job: Job,
    attempt: Attempt,
    prepared: Prepared,
    provider: Provider,
    world: World,
    *,
    before: Billed,
    tries: int = 0,
    is_again: bool = False,
) -> Outcome:
    """`before`: whether earlier requests cost anything. `is_again`: under a key that left before, so a no is no proof."""
    try:
        with world.tally.counting(job.provider):
            async with asyncio.timeout(SEND_S):
                taken = await provider.submit(prepared)
    except (RateLimited, Unavailable, StorageError) as error:
        if is_again:
            waiting = after_error(job, error, world.clock())
            if waiting.job.state is JobState.UNCONFIRMED:
                await _close(attempt, AttemptOutcome.UNKNOWN, world)
            return waiting
        await _close(attempt, AttemptOutcome.REJECTED, world)
        queued = move(job, JobState.QUEUED, tries=tries)
        return after_error(queued, error, world.clock(), billed=_worse(error.billed, before))
    except (Refused, BadShot, OutOfCredit, AuthFailed, ModelRetired, MediaError) as error:
        billed = _worse(error.billed, Billed.UNKNOWN if is_again else before)
        await _close(attempt, AttemptOutcome.UNKNOWN if is_again else AttemptOutcome.REJECTED, world)
        return failed(job, error, world.clock(), billed=billed, detail=error_detail(error))
    except (EngineError, TimeoutError) as error:
        return await _unknown(job, attempt, error, provider, world)
    except Exception as error:
        # a defect of the adapter, after which nobody knows whether the bytes left: the same as a lost answer
        log.exception("submit crashed job=%d provider=%s", job.id, job.provider)
        return await _unknown(job, attempt, error, provider, world)
    return await _accepted(job, attempt, taken, provider.pace.first_s, world)


async def _accepted(job: Job, attempt: Attempt, taken: Taken, first_s: float, world: World) -> Outcome:
    """RENDERING with its task id, whatever the database does now: it is all by which a paid render can be had."""
    log.info("render taken job=%d provider=%s task_id=%s", job.id, job.provider, taken.task_id)
    accepted_id, is_ours = None, True
    cost_usd = added(job.cost_usd, taken.usd)  # a painted first frame was paid before
    try:
        is_ours = not await _is_anothers(job, taken.task_id, world)
        if is_ours:
            await _close(attempt, AttemptOutcome.ACCEPTED, world, taken)
            if taken.usd is not None:
                cost_usd = await cost_with_pictures(job, taken.usd, world)
    except StorageError as error:
        log.warning("attempt not closed job=%d task_id=%s: %s", job.id, taken.task_id, error)
        accepted_id = attempt.id
    if not is_ours:
        return await _unconfirmed(job, attempt, world, detail=f"task {taken.task_id} is another job's")
    now = world.clock()
    due_at = now + timedelta(seconds=first_s)
    said = {"task_id": taken.task_id, "cost_usd": cost_usd}
    rendering = move(job, JobState.RENDERING, **said, started_at=now, due_at=due_at)
    return Outcome(job=rendering, is_taken=True, accepted_id=accepted_id, render_usd=taken.usd)


async def _is_anothers(job: Job, task_id: str, world: World) -> bool:
    """Whether this task is another job's: found by its words alone, two that ask for the same look the same."""
    owner = await world.store.read(lambda tx: tx.job_by_task(job.provider, task_id))
    return owner is not None and owner.id != job.id


async def _unknown(job: Job, attempt: Attempt, error: Exception, provider: Provider, world: World) -> Outcome:
    """The answer was lost: it stays in SUBMITTING to be looked up where that can be, else its person is asked."""
    detail = f"{type(error).__name__}: {getattr(error, 'detail', '') or error}"
    if provider.recovery is Recovery.NONE or job.tries >= RETRIES:
        return await _unconfirmed(job, attempt, world, detail=detail)
    # we may have been frozen right before the bytes left, and the request is on its way only now
    world.sightings.saw_anew(attempt.id)
    due_at = world.clock() + timedelta(seconds=LOOK_AGAIN_S)
    return Outcome(job=replace(job, tries=job.tries + 1, due_at=due_at), detail=detail)


async def _unconfirmed(job: Job, attempt: Attempt, world: World, *, detail: str) -> Outcome:
    await _close(attempt, AttemptOutcome.UNKNOWN, world)
    return unconfirmed(job, world.clock(), detail=detail)


async def is_fresh(job: Job, attempt: Attempt, world: World) -> bool:
    """Right before the bytes leave: whether the intent may still be sent. The process may have been frozen since.

    Nor is one sent whose job was cancelled meanwhile: it goes back into the line, and ends there.

    Raises:
        StaleFence: the job is somebody else's now; nothing was sent.
    """
    fresh = await world.store.read(lambda tx: tx.job(job.id))
    if fresh is None or fresh.fence != job.fence or fresh.state is not JobState.SUBMITTING:
        raise StaleFence(f"job {job.id} changed hands before its request left")
    return not fresh.is_unwanted and world.clock() - attempt.intent_at <= timedelta(seconds=INTENT_LASTS_S)


async def _close(attempt: Attempt, outcome: AttemptOutcome, world: World, taken: Taken | None = None) -> None:
    async def close(tx: Writer) -> None:
        if taken is None:
            await tx.close_attempt(attempt.id, outcome)
            job = await tx.job(attempt.job_id)
            if job is not None and job.state is not JobState.SUBMITTING:
                await book(tx, job)  # somebody else has it since, and booked what was known then
            return
        # a sender that was frozen says what the render was to cost; somebody may have been told since what it did
        known = next((each.usd for each in await tx.attempts(attempt.job_id) if each.id == attempt.id), None)
        await tx.close_attempt(attempt.id, outcome, taken.task_id, usd=taken.usd if known is None else None)

    await world.store.write(close)
    world.sightings.drop(attempt.id)


async def _sent(job: Job, attempt: Attempt, provider: Provider, world: World) -> Sent:
    known = await world.store.read(lambda tx: tx.task_ids(job.provider))
    order = await _same_order(job, provider, world)
    return Sent(key=attempt.key, order=order, at=attempt.intent_at, known=known)


def _worse(said: Billed, before: Billed) -> Billed:
    """What is known of all the requests together."""
    return before if said is Billed.NO else said


async def _same_order(job: Job, provider: Provider, world: World) -> Order:
    """The order that was sent: from the take that the intent names."""
    return await order_of(await world.store.read(lambda tx: material(tx, job)), provider, world)


def _render_usd(job: Job, told_usd: Decimal | None, before: Sequence[Attempt], spread: Spread) -> Decimal | None:
    """What the render alone will cost: as its service tells, else what is left of the job's price. None: nobody knows."""
    if told_usd is not None or job.quoted_usd is None:
        return told_usd
    return spread.told_usd(max(ZERO, job.quoted_usd - painted_usd(before)))


async def _quoted(provider: Provider, order: Order, world: World) -> Decimal | None:
    """What it will cost, in US dollars. Whatever goes wrong here, the price is only not known."""
    try:
        with world.tally.counting(provider.name):
            async with asyncio.timeout(QUOTE_S):
                return (await provider.quote(order)).usd
    except Exception as error:  # noqa: BLE001  # a price that is wrong here is no reason to lose a shot
        log.warning("no quote provider=%s: %s: %s", provider.name, type(error).__name__, error)
        return None
