"""Writing jobs, their attempts and the messages that they owe."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.errors import Defect, StaleFence
from engine.job_model import Job, JobState, Say, SayKind, SayState
from engine.new_rows import NewJob
from storage.claim import is_held
from storage.line import AGAIN
from storage.rows import attempt_of, job_cells, job_of, usd_cell
from storage.selects import JOB_BY_ID
from storage.story_writes import StoryWrites
from storage.tables import ATTEMPT, EVENT, JOB, OUTBOX, REQUEST

# Built once: every poll of every render runs these two, and to build them costs as much as to run them.
_BEFORE = (
    select(JOB.c.state, JOB.c.fence, JOB.c.was_due_at, JOB.c.tries, JOB.c.is_unwanted)
    .where(JOB.c.id == bindparam("job_id"))
    .with_for_update()
)
_SAVE = update(JOB).where(JOB.c.id == bindparam("job_id"), JOB.c.fence == bindparam("held"))


class JobWrites(StoryWrites):
    """The part of `Writer` about what is being done."""

    async def first_time(self, key: str) -> bool:
        return await self._add_once(REQUEST, ("key",), key=key, created_at=self._now()) is not None

    async def add_job(self, job: NewJob) -> Job:
        now = self._now()
        job_id = await self._add(
            JOB,
            kind=str(job.kind),
            state=str(job.state),
            request_key=job.request_key,
            place_id=await self._place_id(job.place),
            person_id=await self._person_id(job.person),
            story_id=job.story_id,
            shot_id=job.shot_id,
            take_id=job.take_id,
            plan=list(job.plan),
            provider=job.provider,
            model=job.model,
            due_at=now + round(job.due_in_s * 1000),
            created_at=now,
            asked_receipt=job.asked_receipt,
            notes=list(job.notes) or None,
            quoted_usd=usd_cell(job.quoted_usd),
            payer=job.payer and str(job.payer),
        )
        return job_of(await self._the(JOB_BY_ID, wanted=job_id))

    async def save_job(self, job: Job, *, detail: str = "") -> JobState:
        before = await self._one(_BEFORE, job_id=job.id)
        if before is None or before["fence"] != job.fence:
            raise StaleFence(f"Job {job.id} was taken over by another step; this one's news is void.")
        cells = job_cells(job)
        if before["was_due_at"] == AGAIN:
            rests = job.tries > before["tries"] and not before["is_unwanted"]  # its try has just failed
            is_soon = job.state is JobState.RENDERING or (job.state is JobState.QUEUED and not rests)
            soon = {"due_at": self._now()} if is_soon else {}
            cells |= {"was_due_at": None, **soon}
        await self._change(_SAVE, job_id=job.id, held=job.fence, **cells)
        if before["state"] != job.state or detail:
            await self._add(
                EVENT,
                job_id=job.id,
                at=self._now(),
                fence=job.fence,
                from_state=before["state"],
                to_state=str(job.state),
                detail=detail,
            )
        return JobState(before["state"])

    async def take_over(self, job_id: int) -> Job | None:
        await self._change(update(JOB).where(JOB.c.id == job_id).values(fence=JOB.c.fence + 1))
        return await self._find(JOB_BY_ID, job_of, wanted=job_id)

    async def make_task_due(self, provider: str, task_id: str) -> None:
        # One under a lease is being looked at just now, perhaps a moment before the news: it is looked at again, but only when
        # that look is over. A new fence would void it, and who may call ever anew could keep it from ever ending.
        now = self._now()
        rendering = update(JOB).where(
            JOB.c.provider == provider, JOB.c.task_id == task_id, JOB.c.state == JobState.RENDERING
        )
        is_leased = JOB.c.lease_until > now
        await self._change(rendering.where(is_leased).values(was_due_at=AGAIN))
        await self._change(
            rendering.where(or_(JOB.c.lease_until.is_(None), ~is_leased)).values(due_at=now, lease_until=None)
        )

    async def make_waiters_due(self, shot_code: str) -> None:
        # Under a lease too: a waiter whose step is just reading "not ready yet" must not sleep on. The fence voids that step.
        waiters = update(JOB).where(JOB.c.waits_for == shot_code, JOB.c.state == JobState.QUEUED)
        await self._change(waiters.values(due_at=self._now(), lease_until=None))

    async def want_stopped(self, job_id: int, *, is_unwanted: bool = True) -> None:
        again = {"was_due_at": AGAIN} if is_unwanted else {}
        await self._change(update(JOB).where(JOB.c.id == job_id).values(is_unwanted=int(is_unwanted), **again))

    async def add_attempt(
        self, job_id: int, key: str, what: AttemptFor = AttemptFor.RENDER, *, quoted_usd: Decimal | None = None
    ) -> Attempt:
        of_job = select(func.count()).where(ATTEMPT.c.job_id == job_id).select_from(ATTEMPT).scalar_subquery()
        attempt_id = await self._add(
            ATTEMPT,
            job_id=job_id,
            number=of_job + 1,
            key=key,
            outcome=str(AttemptOutcome.INTENDED),
            intent_at=self._now(),
            what=str(what),
            quoted_usd=usd_cell(quoted_usd),
        )
        return attempt_of(await self._the(select(ATTEMPT).where(ATTEMPT.c.id == attempt_id)))

    async def close_attempt(
        self, attempt_id: int, outcome: AttemptOutcome, task_id: str | None = None, *, usd: Decimal | None = None
    ) -> None:
        closed = update(ATTEMPT).where(ATTEMPT.c.id == attempt_id)
        if outcome in {AttemptOutcome.UNKNOWN, AttemptOutcome.ABSENT}:  # whoever knows less comes too late
            closed = closed.where(ATTEMPT.c.outcome != str(AttemptOutcome.ACCEPTED))
        said = {"task_id": task_id, "usd": usd_cell(usd)}
        told = {name: cell for name, cell in said.items() if cell is not None}
        await self._change(closed.values(outcome=str(outcome), **told, closed_at=self._now()))

    async def owe(self, job_id: int, kind: SayKind, *, in_s: float = 0.0) -> None:
        place_id = await self._value(select(JOB.c.place_id).where(JOB.c.id == job_id))
        if place_id is None:
            raise Defect(f"Job {job_id} does not exist, so nothing can be owed for it.")
        now = self._now()
        await self._add_once(
            OUTBOX,
            ("job_id", "kind"),
            job_id=job_id,
            kind=str(kind),
            place_id=place_id,
            nonce=secrets.token_hex(12),  # 24 characters: Discord takes at most 25
            state=str(SayState.NEW),
            due_at=now + round(in_s * 1000),
            created_at=now,
        )

    async def hasten(self, job_id: int, kind: SayKind) -> None:
        waiting = update(OUTBOX).where(
            OUTBOX.c.job_id == job_id,
            OUTBOX.c.kind == str(kind),
            OUTBOX.c.state == str(SayState.NEW),
            OUTBOX.c.lease_until.is_(None),
            OUTBOX.c.due_at.is_not(None),
        )
        await self._change(waiting.values(due_at=self._now()))

    async def retract(self, job_id: int, kind: SayKind) -> None:
        await self._change(OUTBOX.delete().where(OUTBOX.c.job_id == job_id, OUTBOX.c.kind == str(kind)))

    async def save_say(
        self,
        say: Say,
        state: SayState,
        *,
        receipt: str | None = None,
        error: str | None = None,
        again_in_s: float | None = None,
        is_try: bool = True,
    ) -> None:
        now = self._now()
        due_at = None if again_in_s is None else now + round(again_in_s * 1000)
        cells: dict[str, Any] = {"state": str(state)}
        if state is SayState.SENDING:  # the sender goes on, so it keeps its lease
            if due_at is not None:
                cells |= {"due_at": due_at, "lease_until": due_at}
        else:
            cells |= {"due_at": due_at, "lease_until": None, "error": error, "tries": OUTBOX.c.tries + int(is_try)}
            if receipt is not None:
                cells["receipt"] = receipt
        owned = update(OUTBOX).where(is_held(say))
        saved = await self._change(owned.values(**cells))
        if not saved:
            raise StaleFence(
                f"Message {say.id} of job {say.job_id} was claimed by another sender; nothing was written."
            )
        if say.kind is SayKind.STATUS and state is SayState.SENT and receipt is not None:
            await self._change(update(JOB).where(JOB.c.id == say.job_id).values(receipt=receipt))
