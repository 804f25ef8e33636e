"""Claims due jobs, steps them under a timeout and a kept lease, writes what came of it, and tells."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from engine.advance import advance
from engine.circuits import no_answer
from engine.errors import Billed, Crashed, DiskFull, EngineError, StaleFence, StorageError, Unavailable
from engine.housekeeping import tidy
from engine.job_model import Job, JobKind, JobState
from engine.jobs import LIVE
from engine.leases import Leases
from engine.outcome import Outcome, World, after_error, billed_before, is_only_a_look, painted_usd
from engine.paid_steps import is_paying
from engine.ports import Writer
from engine.settle import adopt, settle
from engine.stopping import stop_cancelled

log = logging.getLogger(__name__)

LEASE_S = 30.0
STEP_S: Mapping[JobState, float] = {
    JobState.ASKING: 60.0,
    JobState.QUEUED: 420.0,
    JobState.SUBMITTING: 180.0,
    JobState.RENDERING: 60.0,
    JobState.SAVING: 3_600.0,
}
"""The longest that one step may take. QUEUED: longer than a painter may take (`engine.painting`), with uploads before it.

SAVING: a download on a slow line, a stitch of a long film.
"""
LOOK_UP_AFTER_S = 5.0
TOLD_S = 5.0
TOLD_PER_S = 50.0
"""How many jobs a second are looked at when the circuit of their provider opens or closes; the least time that it takes."""
TASK_WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0)
"""How long to wait before each further try to write a task id: nothing else tells where a paid render is."""


class JobStepper:
    """What the driver calls for jobs.

    `looks`: only for those that render, or only for the others. Each have their slots, so that what is rendered is saved while
    thousands are to be looked at, or while a service is slow to answer. None: all in one.
    """

    def __init__(self, world: World, *, looks: bool | None = None, slots: int = 256) -> None:
        self._world = world
        self._looks = looks
        self._steps: dict[int, asyncio.Task[None]] = {}
        self._leases = Leases(world.store, LEASE_S)
        self.name = "look" if looks else "job"
        self.slots = slots

    async def claim(self, limit: int) -> Sequence[Job]:
        """Due jobs, each ours for `LEASE_S`."""
        return await self._world.store.claim_jobs(limit, LEASE_S, looks=self._looks)

    async def job_changed(self, job: Job) -> None:
        """A listener of the news: a job that was cancelled needs its step no more, which may be a long stitch.

        But one that holds a paid request goes on: nothing else hears what became of it, or can stop it.
        """
        step = self._steps.get(job.id)
        if job.state is not JobState.CANCELLED or step is None or step is asyncio.current_task():
            return
        if not is_paying(step):
            step.cancel()

    async def step(self, job: Job) -> None:
        """One step, written and told. An error becomes the outcome that its class says."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine runs in a task
        self._steps[job.id] = task
        try:
            await self._step(job)
        except asyncio.CancelledError:
            await asyncio.shield(self._tidy_if_over(job))
            raise
        finally:
            if self._steps.get(job.id) is task:  # a later step may have begun after the lease ran out
                del self._steps[job.id]
        for provider in self._world.circuits.turned():
            await self._told_of_circuit(provider)

    async def _step(self, job: Job) -> None:
        try:
            outcome = await self._outcome(job)
            try:
                if is_only_a_look(job, outcome):
                    await self._world.store.save_look(outcome.job)
                    after = outcome.job
                else:
                    after = await self._settle(outcome)
            except (StaleFence, StorageError):
                raise
            except EngineError:
                # the database refuses these very words, and would for ever
                log.exception("step refused job=%d state=%s task_id=%s", job.id, job.state, outcome.job.task_id)
                after = await self._settle(await self._after(job, Crashed(_broke(job))))
        except StaleFence as stale:
            self._world.tally.stale["job"] += 1
            log.warning("step dropped job=%d state=%s: %s", job.id, job.state, stale)
            await self._tidy_if_over(job)
            return
        except StorageError as error:
            # nothing could be written: the lease runs out and the step is done again
            log.warning("step not saved job=%d state=%s: %s", job.id, job.state, error)
            return
        except EngineError:
            log.exception("step lost job=%d state=%s", job.id, job.state)
            return
        if after.state is not job.state:
            log.info("job moved job=%d provider=%s state=%s from=%s", job.id, job.provider, after.state, job.state)
        if after.state not in LIVE:
            await tidy(after, self._world)
        await self._world.announce(after)

    async def _told_of_circuit(self, provider: str) -> None:
        """A circuit opened or closed: its jobs are looked at, at a pace that costs little, so that their people are told."""
        with suppress(StorageError):  # else each is looked at in its own time

            async def look(tx: Writer) -> None:
                mark = await tx.line_mark(provider)
                await tx.spread_due(provider, max(TOLD_S, (mark.waiting + mark.flying) / TOLD_PER_S))

            await self._world.store.write(look)

    async def _tidy_if_over(self, job: Job) -> None:
        """A job that was cancelled during its step was tidied then, and the step may have made something since."""
        with suppress(StorageError):  # else it is found at a later start
            now = await self._world.store.read(lambda tx: tx.job(job.id))
            if now is not None and now.state not in LIVE:
                await tidy(now, self._world)

    async def _settle(self, outcome: Outcome) -> Job:
        try:
            for wait_s in TASK_WAITS_S if outcome.is_taken else ():
                try:
                    return await self._world.store.write(lambda tx: settle(tx, outcome))
                except StorageError as error:
                    log.warning("task not written job=%d task_id=%s: %s", outcome.job.id, outcome.job.task_id, error)
                    await asyncio.sleep(wait_s)
            return await self._world.store.write(lambda tx: settle(tx, outcome))
        except StaleFence:
            adopted = await self._world.store.write(lambda tx: adopt(tx, outcome)) if outcome.is_taken else None
            if adopted is None:
                raise
            if adopted.state is JobState.CANCELLED and adopted.task_id is not None:  # nobody wants what was taken
                return await stop_cancelled(adopted, adopted.task_id, self._world)
            return adopted
        finally:
            # written or void: from here the rows say whether the file is kept
            if outcome.clip is not None:
                self._world.files.release(outcome.clip.file)
            if outcome.picture is not None and outcome.picture.first_frame is not None:
                self._world.files.release(outcome.picture.first_frame)

    async def _outcome(self, job: Job) -> Outcome:
        try:
            async with self._leases.kept(job, STEP_S[job.state]):
                return await advance(job, self._world)
        except StaleFence:
            raise
        except EngineError as error:
            return await self._after(job, error)
        except TimeoutError:
            return await self._after(job, Unavailable(f"{job.subject} took too long at {job.provider or 'stitching'}."))
        except Exception as error:
            if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
                log.warning("step has no room job=%d state=%s", job.id, job.state)
                return await self._after(job, DiskFull("The disk is full; make room on it, then it goes on."))
            log.exception("step crashed job=%d state=%s", job.id, job.state)
            return await self._after(job, Crashed(_broke(job)))

    async def _after(self, job: Job, error: EngineError) -> Outcome:
        """A step that committed its intent and then failed stands in SUBMITTING: it is looked up, not judged from here.

        Raises:
            StaleFence: it is somebody else's since.
        """
        self._world.tally.failed(job.provider, error)
        now = self._world.clock()
        fresh = await self._world.store.read(lambda tx: tx.job(job.id))
        if fresh is not None and fresh.state is JobState.SUBMITTING and job.state is JobState.QUEUED:
            if fresh.fence != job.fence:  # what this step would write were the word of whoever has it now
                raise StaleFence(f"Job {job.id} was taken over while its request was being sent.")
            return Outcome(job=replace(fresh, due_at=now + timedelta(seconds=LOOK_UP_AFTER_S)), detail=str(error))
        if job.kind is JobKind.STITCH:
            return after_error(job, error, now)
        attempts = await self._world.store.read(lambda tx: tx.attempts(job.id))
        # in QUEUED nothing had left in this step, whatever its error thinks
        billed = billed_before(attempts) if job.state is JobState.QUEUED else None
        if not self._world.circuits.is_closed(job.provider):
            job = replace(job, trouble=job.trouble or no_answer(job.provider))
        elif job.trouble is not None:
            job = replace(job, trouble=None)
        outcome = after_error(job, error, now, billed=billed)
        if job.state is outcome.job.state is JobState.QUEUED:
            outcome = replace(outcome, gives_way=True)
        failure = outcome.job.failure
        if outcome.job.state is JobState.FAILED and failure is not None and failure.billed is not Billed.YES:
            # what its service said that it would cost was for a render that there is not
            outcome = replace(outcome, job=replace(outcome.job, cost_usd=painted_usd(attempts)))
        return outcome


def _broke(job: Job) -> str:
    return f"Something broke inside Nextshot with {job.subject}; the operator finds it as job {job.id} in the log."
