"""Writing what looks at renders came to: by far the most frequent write, so many of them are one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Dialect, bindparam, case, literal_column, null, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler

from engine.errors import StaleFence
from engine.job_model import Job, JobState
from engine.ports import Clock
from storage.database import JoinedWork
from storage.line import AGAIN
from storage.rows import maybe_to_ms, to_ms
from storage.tables import JOB

# what is the same in every row is written out: a value that is bound is handled anew for each of them
_IS_AGAIN = JOB.c.was_due_at == literal_column(str(AGAIN))
_SAVE = (
    update(JOB)
    .where(
        JOB.c.id == bindparam("job_id"),
        JOB.c.fence == bindparam("held"),
        JOB.c.state == literal_column(f"'{JobState.RENDERING}'"),
    )
    .values(
        percent=bindparam("new_percent"),
        preview=bindparam("new_preview"),
        tries=bindparam("new_tries"),
        trouble=bindparam("new_trouble"),
        due_at=case(
            (_IS_AGAIN, bindparam("now", type_=BigInteger())), else_=bindparam("new_due_at", type_=BigInteger())
        ),
        was_due_at=case((_IS_AGAIN, None), else_=JOB.c.was_due_at),
        lease_until=null(),
    )
)
_HELD = select(JOB.c.id, JOB.c.fence, JOB.c.state).where(JOB.c.id.in_(bindparam("ids", expanding=True)))


@lru_cache(maxsize=2)
def _compiled(dialect: Dialect) -> SQLCompiler:
    compiled = _SAVE.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)  # noqa: S101  # an update is
    return compiled


def _bound(compiled: SQLCompiler, values: dict[str, object]) -> Any:
    """The values as this driver takes them: by position, or by name."""
    return tuple(values[name] for name in compiled.positiontup) if compiled.positiontup else values


@dataclass(frozen=True, slots=True)
class SaveLook(JoinedWork[None]):
    """Writes the job as a look left it: RENDERING as before. Raises StaleFence."""

    job: Job
    clock: Clock

    async def __call__(self, connection: AsyncConnection) -> None:
        (stale,) = await self.together(connection, [self])
        if stale is not None:
            raise stale

    @classmethod
    async def together(cls, connection: AsyncConnection, works: Sequence[SaveLook]) -> Sequence[StaleFence | None]:
        """For each what it raises, or None."""
        now = to_ms(works[0].clock())
        save = _compiled(connection.dialect)
        # past SQLAlchemy, which handles every value of every row: that takes longer than the database does
        saved = await connection.exec_driver_sql(str(save), [_bound(save, _values(work.job, now)) for work in works])
        if saved.rowcount == len(works):
            return [None] * len(works)
        rows = await connection.execute(_HELD, {"ids": [work.job.id for work in works]})
        held = {row.id: row.fence for row in rows if row.state == JobState.RENDERING}
        return [
            None
            if held.get(work.job.id) == work.job.fence
            else StaleFence(f"Job {work.job.id} was taken over by another step; this one's news is void.")
            for work in works
        ]


def _values(job: Job, now: int) -> dict[str, object]:
    return {
        "job_id": job.id,
        "held": job.fence,
        "now": now,
        "new_percent": job.percent,
        "new_preview": job.preview,
        "new_tries": job.tries,
        "new_trouble": job.trouble,
        "new_due_at": maybe_to_ms(job.due_at),
    }
