"""Reading jobs, their attempts and the messages that they owe."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from engine.attempts import Attempt
from engine.job_model import Job, JobState, Say
from engine.model import Take
from storage.rows import attempt_of, job_of, say_of
from storage.selects import ATTEMPTS_OF_JOB, JOB_BY_ID, JOBS, SAYS
from storage.tables import JOB, OUTBOX, PLACE
from storage.transaction import Transaction


class JobReads(Transaction):
    """The part of `Reader` about what is being done."""

    async def job(self, job_id: int) -> Job | None:
        return await self._find(JOB_BY_ID, job_of, wanted=job_id)

    async def job_by_request(self, request_key: str) -> Job | None:
        return await self._find(JOBS.where(JOB.c.request_key == request_key), job_of)

    async def job_by_receipt(self, receipt: str) -> Job | None:
        said = select(func.max(OUTBOX.c.job_id)).where(OUTBOX.c.receipt == receipt).scalar_subquery()
        return await self._find(JOBS.where(JOB.c.id == said), job_of)

    async def job_by_task(self, provider: str, task_id: str) -> Job | None:
        return await self._find(JOBS.where(JOB.c.provider == provider, JOB.c.task_id == task_id), job_of)

    async def jobs_of_shots(self, shot_ids: Sequence[int]) -> Sequence[Job]:
        if not shot_ids:
            return []
        newest = select(func.max(JOB.c.id)).where(JOB.c.shot_id.in_(shot_ids)).group_by(JOB.c.shot_id)
        return await self._list(JOBS.where(JOB.c.id.in_(newest)).order_by(JOB.c.shot_id), job_of)

    async def job_of_take(self, take: Take) -> Job | None:
        of_take = JOBS.where(JOB.c.shot_id == take.shot_id, JOB.c.take_id == take.id)
        return await self._find(of_take.order_by(JOB.c.id.desc()).limit(1), job_of)

    async def jobs_of_place(self, place: str, states: frozenset[JobState]) -> Sequence[Job]:
        of_place = JOBS.where(PLACE.c.key == place, JOB.c.state.in_(sorted(states)))
        return await self._list(of_place.order_by(JOB.c.id.desc()), job_of)

    async def task_ids(self, provider: str, limit: int = 1_000) -> frozenset[str]:
        of_provider = select(JOB.c.task_id).where(JOB.c.provider == provider, JOB.c.task_id.is_not(None))
        rows = await self._all(of_provider.order_by(JOB.c.id.desc()).limit(limit))
        return frozenset(row["task_id"] for row in rows)

    async def attempts(self, job_id: int) -> Sequence[Attempt]:
        return await self._list(ATTEMPTS_OF_JOB, attempt_of, wanted=job_id)

    async def says(self, job_id: int) -> Sequence[Say]:
        return await self._list(SAYS.where(OUTBOX.c.job_id == job_id).order_by(OUTBOX.c.id), say_of)
