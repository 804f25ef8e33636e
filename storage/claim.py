"""The claim: due rows get a lease and a new fence in one statement, so that two claimers never hold the same one.

A lease that ran out is a due row like any other. On PostgreSQL a claimer skips what another one is just claiming; SQLite has one
writer at a time, and SQLAlchemy leaves those words out there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Table,
    and_,
    bindparam,
    exists,
    false,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from engine.job_model import Job, JobState, Say, SayKind
from storage.rows import job_of, say_of
from storage.selects import JOBS_BY_IDS, SAYS
from storage.tables import JOB, OUTBOX


def _claiming(table: Table, due: Select[int]) -> ReturningUpdate[int]:
    """The claim of what is due, earliest first, with `now`, `most` and `lease_until` left open."""
    # MATERIALIZED: PostgreSQL may otherwise run the inner select again for a row that another claimer has just changed.
    picked = (
        due.where(table.c.due_at <= bindparam("now"))
        .order_by(table.c.due_at)
        .limit(bindparam("most"))
        .with_for_update(of=table, skip_locked=True)
        .cte("picked")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    lease_until = bindparam("lease", type_=BigInteger())
    leased = {
        "was_due_at": table.c.due_at,
        "due_at": lease_until,
        "lease_until": lease_until,
        "fence": table.c.fence + 1,
    }
    return update(table).where(table.c.id.in_(select(picked.c.id))).values(leased).returning(table.c.id)


def _unblocked() -> Select[int]:
    """Messages of which none of the same job goes before: one of a job at a time, and none before its STATUS."""
    other = OUTBOX.alias("other")
    goes_before = or_(
        other.c.lease_until > bindparam("now"),
        (other.c.kind == SayKind.STATUS) & (OUTBOX.c.kind != SayKind.STATUS),
        (other.c.kind != SayKind.STATUS) & (OUTBOX.c.kind != SayKind.STATUS) & (other.c.id < OUTBOX.c.id),
    )
    blocked = exists().where(
        other.c.job_id == OUTBOX.c.job_id, other.c.id != OUTBOX.c.id, other.c.due_at.is_not(None), goes_before
    )
    return select(OUTBOX.c.id).where(~blocked)


_FAR_MS = 15 * 60 * 1000
_LOOKED_AT = (JobState.QUEUED, JobState.RENDERING, JobState.SAVING)
"""To be due is for these to be looked at. For others it is the end of a question, or of the time that a request has."""

# Built once: an idle house runs them four times a second, and to build them costs more than to run them.
_CLAIM_JOBS: Mapping[bool | None, ReturningUpdate[int]] = {
    None: _claiming(JOB, select(JOB.c.id)),
    True: _claiming(JOB, select(JOB.c.id).where(JOB.c.state == JobState.RENDERING.value)),
    False: _claiming(JOB, select(JOB.c.id).where(JOB.c.state != JobState.RENDERING.value)),
}
_CLAIM_SAYS = _claiming(OUTBOX, _unblocked())


async def claim_jobs(
    connection: AsyncConnection, now: int, limit: int, lease_ms: int, looks: bool | None = None
) -> Sequence[Job]:
    """Due jobs, earliest first, now under a lease. `looks`: only those that render, or only the others."""
    ids = await _claim(connection, _CLAIM_JOBS[looks], now, limit, lease_ms)
    if not ids:
        return []
    rows = await connection.execute(JOBS_BY_IDS, {"wanted": ids})
    names = tuple(rows.keys())
    return [job_of(dict(zip(names, row, strict=True))) for row in rows]  # a mapping of SQLAlchemy's takes twice as long


async def claim_says(connection: AsyncConnection, now: int, limit: int, lease_ms: int) -> Sequence[Say]:
    """Due messages, earliest first, now under a lease: one of a job at a time, and none before its STATUS."""
    ids = await _claim(connection, _CLAIM_SAYS, now, limit, lease_ms)
    if not ids:
        return []
    rows = await connection.execute(SAYS.where(OUTBOX.c.id.in_(ids)).order_by(OUTBOX.c.was_due_at, OUTBOX.c.id))
    return [say_of(row) for row in rows.mappings()]


async def _claim(
    connection: AsyncConnection, statement: ReturningUpdate[int], now: int, limit: int, lease_ms: int
) -> Sequence[int]:
    claimed = await connection.execute(statement, {"now": now, "most": limit, "lease": now + lease_ms})
    return [row[0] for row in claimed]


def is_held(say: Say) -> ColumnElement[bool]:
    """That the row is still this sender's, and this message: SQLite gives the id of a message that was retracted to a later one."""
    return and_(OUTBOX.c.id == say.id, OUTBOX.c.fence == say.fence, OUTBOX.c.nonce == say.nonce)


async def renew(connection: AsyncConnection, held: Job | Say, now: int, lease_ms: int) -> bool:
    """A longer lease; False: the row has another fence, or its lease was given back."""
    if isinstance(held, Say):
        ours = update(OUTBOX).where(is_held(held), OUTBOX.c.lease_until.is_not(None))
    else:
        ours = update(JOB).where(JOB.c.id == held.id, JOB.c.fence == held.fence, JOB.c.lease_until.is_not(None))
    changed = await connection.execute(ours.values(due_at=now + lease_ms, lease_until=now + lease_ms))
    return changed.rowcount > 0


async def _make_due_what_is_ahead(connection: AsyncConnection, now: int) -> None:
    """Where the clock was set back since, what was to be looked at in a moment would wait until that time comes again.

    Such a row was claimed or made in what is now the future, or is due later than any wait of ours. To look too early costs a look.
    """
    for table, is_looked_at in ((JOB, JOB.c.state.in_(_LOOKED_AT)), (OUTBOX, true())):
        is_ahead = or_(func.coalesce(table.c.was_due_at, table.c.created_at) > now, table.c.due_at > now + _FAR_MS)
        is_free = table.c.due_at.is_not(None) & table.c.lease_until.is_(None)
        await connection.execute(update(table).where(is_looked_at, is_free, is_ahead).values(due_at=now))


async def release_leases(connection: AsyncConnection, now: int) -> int:
    """How many jobs and messages were under a lease and are due now. Fences grow, so a holder that still lives is void.

    A job in SUBMITTING has no lease, but was held by the step that sent it. None on PostgreSQL: somebody else may be working on
    it, sending at this very moment, and what a dead process held is due when its lease or its request has had its time.
    """
    # who waited for a service knew of it from a process that is gone: it is asked once more
    waits = JOB.c.due_at.is_not(None) & JOB.c.trouble.is_not(None) & JOB.c.lease_until.is_(None)
    await connection.execute(update(JOB).where(waits).values(due_at=now, trouble=None))
    await _make_due_what_is_ahead(connection, now)
    if connection.dialect.name == "postgresql":
        return 0
    released = 0
    for table, was_held in ((JOB, JOB.c.state == JobState.SUBMITTING), (OUTBOX, false())):
        held = table.c.due_at.is_not(None) & (table.c.lease_until.is_not(None) | was_held)
        freed = update(table).where(held).values(due_at=now, lease_until=None, fence=table.c.fence + 1)
        released += (await connection.execute(freed)).rowcount
    return released
