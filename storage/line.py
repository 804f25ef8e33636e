"""Reading who waits for a provider and who renders there, and letting those who wait be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, union, update

from engine.job_model import Job, JobState
from engine.jobs import IN_FLIGHT
from engine.line import Flight, Line, LineMark, Waiting
from engine.outcome import RETRY_MOST_S
from storage.ledger_reads import one_person
from storage.rows import from_ms
from storage.tables import JOB, SHOT
from storage.transaction import Transaction

AGAIN = 0
"""As `was_due_at` of a claimed job: it is to be looked at once more, right after the look that is under way."""
SOON_MS = 1_000
_REST_MS = round(RETRY_MOST_S * 1000)
"""Whoever is due later than a failed try is tried again has looked since, and waits like the others."""
_FLYING = sorted(IN_FLIGHT)
_PARTS = 1_000


def _in_line(provider: Any, *columns: Any) -> Select[Any]:
    return select(*columns).where(JOB.c.provider == provider, JOB.c.state == JobState.QUEUED, JOB.c.waits_for.is_(None))


def _served() -> Select[Any]:
    """Each person who waits for the provider `of`, with when their latest render there began."""
    persons = _in_line(bindparam("of"), JOB.c.person_id).distinct().subquery("waiting")
    earlier = JOB.alias("earlier")
    latest = (
        select(func.max(earlier.c.started_at))
        .where(
            earlier.c.person_id == persons.c.person_id,
            earlier.c.provider == bindparam("of"),
            earlier.c.started_at.is_not(None),
        )
        .scalar_subquery()
    )
    return select(persons.c.person_id, latest.label("latest"))


_SERVED = _served()
_LEAVING = select(JOB.c.person_id).where(JOB.c.provider == bindparam("of"), JOB.c.state == JobState.SUBMITTING)


class LineReads(Transaction):
    """The part of `Reader` about lines."""

    async def line_mark(self, provider: str) -> LineMark:
        counted = (
            select(JOB.c.state, func.count(JOB.c.id).label("many"), func.sum(JOB.c.id).label("ids"))
            .where(JOB.c.provider == provider, JOB.c.state.in_([JobState.QUEUED.value, *_FLYING]))
            .group_by(JOB.c.state)
        )
        found = {row["state"]: row for row in await self._all(counted)}
        queued = found.pop(JobState.QUEUED, None)
        return LineMark(
            waiting=queued["many"] if queued else 0,
            waiting_ids=int(queued["ids"]) if queued else 0,
            flying=sum(row["many"] for row in found.values()),
        )

    async def line(self, provider: str) -> Line:
        now = self._now()
        columns = (JOB.c.id, JOB.c.person_id, JOB.c.place_id, JOB.c.created_at, JOB.c.tries, JOB.c.due_at)
        found = await self._connection.execute(_in_line(provider, *columns, JOB.c.lease_until))
        waiting = []
        for row in found.all():  # by position: there may be ten thousand
            job_id, person, place, created_at, tries, due_at, lease_until = row
            is_free, in_ms = lease_until is None, now if due_at is None else due_at - now
            is_due, is_resting = is_free and in_ms <= SOON_MS, is_free and tries > 0 and 0 < in_ms <= _REST_MS
            waiting.append(Waiting(job_id, person, place, from_ms(created_at), is_due, is_resting))
        return Line(waiting, await self._served(provider, now))

    async def _served(self, provider: str, now: int) -> dict[int, Any]:
        """By person who waits: when their latest render there began; now, where one is just being handed over."""
        served = {
            row["person_id"]: from_ms(row["latest"])
            for row in await self._all(_SERVED, of=provider)
            if row["latest"] is not None
        }
        return served | {row["person_id"]: from_ms(now) for row in await self._all(_LEAVING, of=provider)}

    async def flights(self, providers: Sequence[str]) -> Sequence[Flight]:
        flying = select(JOB.c.provider, JOB.c.person_id, JOB.c.place_id).where(
            JOB.c.provider.in_(providers), JOB.c.state.in_(_FLYING)
        )
        rows = await self._all(flying.order_by(func.coalesce(JOB.c.started_at, self._now()), JOB.c.id))
        return [Flight(row["provider"], row["person_id"], row["place_id"]) for row in rows]

    async def lines_of(self, job: Job) -> Sequence[str]:
        its = select(JOB.c.person_id, JOB.c.place_id).where(JOB.c.id == job.id).subquery()
        waiting = select(JOB.c.provider).where(JOB.c.state == JobState.QUEUED)
        either = union(
            waiting.where(JOB.c.place_id == select(its.c.place_id).scalar_subquery()),
            waiting.where(JOB.c.person_id == select(its.c.person_id).scalar_subquery()),
        )
        return [row["provider"] for row in await self._all(either) if row["provider"]]

    async def waiting_of(self, person: str, providers: Sequence[str]) -> int:
        waiting = select(func.count(JOB.c.id)).where(
            JOB.c.provider.in_(providers),
            JOB.c.state.in_([JobState.ASKING.value, JobState.QUEUED.value]),
            JOB.c.person_id == one_person(person),
        )
        return int(await self._value(waiting))

    async def durations(self, provider: str, model: str, limit: int = 400) -> Sequence[tuple[float, float]]:
        newest = (
            select(SHOT.c.seconds, JOB.c.started_at, JOB.c.rendered_at)
            .join(SHOT, SHOT.c.id == JOB.c.shot_id)
            .where(JOB.c.provider == provider, JOB.c.model == model, JOB.c.rendered_at.is_not(None))
            .order_by(JOB.c.rendered_at.desc())
            .limit(limit)
        )
        rows = [row for row in await self._all(newest) if row["started_at"] is not None]
        return [(row["seconds"], max(0, row["rendered_at"] - row["started_at"]) / 1000) for row in rows]


class LineWrites(Transaction):
    """The part of `Writer` about lines."""

    async def make_due(self, job_ids: Sequence[int]) -> None:
        # One under a lease may have looked a moment before there was room. A new fence would void it for nothing.
        now = self._now()
        waiting = update(JOB).where(JOB.c.id.in_(job_ids), JOB.c.state == JobState.QUEUED)
        is_leased = JOB.c.lease_until > now
        await self._change(waiting.where(is_leased).values(was_due_at=AGAIN))
        await self._change(
            waiting.where(or_(JOB.c.lease_until.is_(None), ~is_leased)).values(due_at=now, lease_until=None)
        )

    async def spread_due(self, provider: str, over_s: float) -> None:
        # Not what is in SUBMITTING: it has no lease, but the step that sent it holds it.
        now = self._now()
        at_rest = update(JOB).where(
            JOB.c.provider == provider,
            JOB.c.state.in_([JobState.QUEUED.value, JobState.RENDERING.value, JobState.SAVING.value]),
            JOB.c.lease_until.is_(None),
            JOB.c.due_at > now,
        )
        await self._change(at_rest.values(due_at=now + JOB.c.id % _PARTS * round(over_s)))
