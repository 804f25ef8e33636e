"""Reading what goes on in all places, for the operator, and letting go again what was given up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, case, func, literal, literal_column, or_, select, text, update

from engine.job_model import JobState, SayKind, SayState
from engine.jobs import OVER
from engine.ledger import Bucket
from engine.oversight_ports import (
    UNCONFIRMED_S,
    Event,
    JobCount,
    JobLine,
    Message,
    MessageCount,
    Passage,
    Standing,
    Sum,
    Troubles,
)
from storage.ledger_reads import from_micros
from storage.rows import Cells, from_ms, job_of, say_of
from storage.selects import JOBS, SAYS
from storage.tables import ENTRY, EVENT, JOB, OUTBOX, PLACE, SHOT, STORY
from storage.transaction import Transaction

_BEFORE = EVENT.alias("before")
_MOVED = EVENT.c.from_state != EVENT.c.to_state
_NOT_SENT = text("outbox.state <> 'sent'")  # in the words of its index, which is used for no others
_GIVEN_UP = (SayState.FAILED.value, SayState.UNKNOWN.value)
_GOING_ON = sorted(frozenset(JobState) - OVER)


def _since() -> Any:
    """When a job came into its state."""
    moved = select(func.max(EVENT.c.at)).where(EVENT.c.job_id == JOB.c.id, _MOVED).correlate(JOB).scalar_subquery()
    return func.coalesce(moved, JOB.c.created_at)


def _lines() -> Select[Any]:
    last = (
        select(EVENT.c.detail)
        .where(EVENT.c.job_id == JOB.c.id, EVENT.c.detail != "")
        .order_by(EVENT.c.id.desc())
        .limit(1)
        .correlate(JOB)
        .scalar_subquery()
    )
    not_shown = (
        select(func.max(OUTBOX.c.error))
        .where(
            OUTBOX.c.job_id == JOB.c.id,
            OUTBOX.c.kind.in_([SayKind.RESULT.value, SayKind.FAILURE.value]),
            OUTBOX.c.state.in_([*_GIVEN_UP, SayState.NEW.value]),
        )
        .correlate(JOB)
        .scalar_subquery()
    )
    return JOBS.add_columns(_since().label("since"), last.label("last_detail"), not_shown.label("not_shown"))


_LINES = _lines()
_MESSAGES: Select[Any] = (
    SAYS.add_columns(STORY.c.code.label("story_code"), SHOT.c.number.label("shot_number"))
    .join(JOB, JOB.c.id == OUTBOX.c.job_id)
    .join(STORY, STORY.c.id == JOB.c.story_id)
    .outerjoin(SHOT, SHOT.c.id == JOB.c.shot_id)
)


def troubles_at(now_ms: int) -> Select[Any]:
    """`given_up`, `unconfirmed` and `unknown` (in millionths of a dollar), in one row."""
    given_up = select(func.count(OUTBOX.c.id)).where(
        _NOT_SENT,
        OUTBOX.c.state.in_(_GIVEN_UP),
        OUTBOX.c.due_at.is_(None),
        OUTBOX.c.kind.in_([SayKind.RESULT.value, SayKind.FAILURE.value]),
    )
    before = now_ms - round(UNCONFIRMED_S * 1000)
    unconfirmed = select(func.count(JOB.c.id)).where(JOB.c.state == JobState.UNCONFIRMED.value, _since() <= before)
    unknown = select(func.coalesce(func.sum(ENTRY.c.micros), 0)).where(ENTRY.c.bucket == Bucket.UNKNOWN.value)
    return select(
        given_up.scalar_subquery().label("given_up"),
        unconfirmed.scalar_subquery().label("unconfirmed"),
        unknown.scalar_subquery().label("unknown"),
    )


def troubles_of(row: Cells) -> Troubles:
    """From a row of `troubles_at`."""
    return Troubles(given_up=row["given_up"], unconfirmed=row["unconfirmed"], unknown_usd=from_micros(row["unknown"]))


class OversightReads(Transaction):
    """The part of `Reader` about all places."""

    async def all_jobs(self, states: frozenset[JobState] | None, limit: int) -> Sequence[JobLine]:
        wanted = _LINES if states is None else _LINES.where(JOB.c.state.in_(sorted(states)))
        return await self._list(wanted.order_by(JOB.c.id.desc()).limit(limit), _line_of)

    async def job_line(self, job_id: int) -> JobLine | None:
        return await self._find(_LINES.where(JOB.c.id == job_id), _line_of)

    async def events(self, job_id: int) -> Sequence[Event]:
        return await self._list(select(EVENT).where(EVENT.c.job_id == job_id).order_by(EVENT.c.id), _event_of)

    async def messages(self, states: frozenset[SayState], limit: int) -> Sequence[Message]:
        wanted = _MESSAGES.where(OUTBOX.c.state.in_(sorted(states)))
        if SayState.SENT not in states:
            wanted = wanted.where(_NOT_SENT)
        now = self._now()
        return await self._list(wanted.order_by(OUTBOX.c.id.desc()).limit(limit), lambda row: _message_of(row, now))

    async def messages_of(self, job_id: int) -> Sequence[Message]:
        now = self._now()
        of_job = _MESSAGES.where(OUTBOX.c.job_id == job_id).order_by(OUTBOX.c.id)
        return await self._list(of_job, lambda row: _message_of(row, now))

    async def message(self, say_id: int) -> Message | None:
        now = self._now()
        return await self._find(_MESSAGES.where(OUTBOX.c.id == say_id), lambda row: _message_of(row, now))

    async def standing(self) -> Standing:
        now, since = self._now(), _since().label("since")
        going_on = select(JOB.c.state, JOB.c.provider, since).where(JOB.c.state.in_(_GOING_ON)).subquery()
        jobs = select(
            going_on.c.state,
            going_on.c.provider,
            func.count().label("count"),
            func.min(going_on.c.since).label("oldest"),
        ).group_by(going_on.c.state, going_on.c.provider)
        says = (
            select(
                OUTBOX.c.state,
                PLACE.c.key.label("place"),
                func.count().label("count"),
                func.min(OUTBOX.c.created_at).label("oldest"),
            )
            .join(PLACE, PLACE.c.id == OUTBOX.c.place_id)
            .where(_NOT_SENT)
            .group_by(OUTBOX.c.state, PLACE.c.key)
        )
        unclaimed = or_(JOB.c.lease_until.is_(None), JOB.c.lease_until <= now)
        due = select(func.count(JOB.c.id).label("count"), func.min(JOB.c.due_at).label("oldest")).where(
            JOB.c.due_at <= now, unclaimed
        )
        queue = await self._the(due)
        return Standing(
            jobs=tuple(_job_count_of(row) for row in await self._all(jobs)),
            messages=_message_counts(await self._all(says)),
            due_jobs=queue["count"],
            oldest_due_at=None if queue["oldest"] is None else from_ms(queue["oldest"]),
            last_event_id=await self._value(select(func.max(EVENT.c.id))) or 0,
        )

    async def passages(self, after_event_id: int, limit: int) -> Sequence[Passage]:
        came = (
            select(func.max(_BEFORE.c.at))
            .where(
                _BEFORE.c.job_id == EVENT.c.job_id,
                _BEFORE.c.id < EVENT.c.id,
                _BEFORE.c.from_state != _BEFORE.c.to_state,
            )
            .correlate(EVENT)
            .scalar_subquery()
        )
        wanted = (
            select(
                EVENT,
                JOB.c.provider,
                JOB.c.model,
                func.coalesce(came, JOB.c.created_at).label("came_at"),
                case((EVENT.c.to_state == JobState.FAILED.value, JOB.c.failure_kind), else_=literal(None)).label(
                    "kind"
                ),
            )
            .join(JOB, JOB.c.id == EVENT.c.job_id)
            .where(EVENT.c.id > after_event_id, _MOVED)
            .order_by(EVENT.c.id)
            .limit(limit)
        )
        return await self._list(wanted, _passage_of)

    async def sums(self, after_entry_id: int) -> tuple[int, Sequence[Sum]]:
        last = await self._value(select(func.max(ENTRY.c.id))) or 0
        provider = func.coalesce(JOB.c.provider, literal_column("''"))  # PostgreSQL groups by no parameter
        posted = (
            select(ENTRY.c.bucket, provider.label("provider"), func.sum(ENTRY.c.micros).label("micros"))
            .outerjoin(JOB, JOB.c.id == ENTRY.c.job_id)
            .where(ENTRY.c.id > after_entry_id, ENTRY.c.id <= last)
            .group_by(ENTRY.c.bucket, provider)
        )
        rows = await self._all(posted)
        return last, [
            Sum(bucket=Bucket(row["bucket"]), provider=row["provider"], usd=from_micros(row["micros"])) for row in rows
        ]

    async def troubles(self) -> Troubles:
        return troubles_of(await self._the(troubles_at(self._now())))


class OversightWrites(Transaction):
    """The part of `Writer` about what was given up."""

    async def hasten_message(self, say_id: int) -> None:
        waiting = update(OUTBOX).where(OUTBOX.c.id == say_id)
        await self._change(waiting.values(due_at=self._now(), lease_until=None))

    async def send_again(self, say_id: int, nonce: str | None) -> None:
        cells: dict[str, Any] = {} if nonce is None else {"nonce": nonce}
        cells |= {"state": SayState.NEW.value, "tries": 0, "due_at": self._now(), "lease_until": None}
        cells |= {"fence": OUTBOX.c.fence + 1, "again": OUTBOX.c.again + 1}
        await self._change(update(OUTBOX).where(OUTBOX.c.id == say_id).values(**cells))


def _line_of(row: Cells) -> JobLine:
    job = job_of(row)
    error = job.failure.sentence if job.failure else job.trouble
    if job.state in {JobState.READY, JobState.FAILED, JobState.UNCONFIRMED}:
        error = " ".join(each for each in (error, row["not_shown"]) if each) or None
    elif job.state not in OVER:
        error = error or (row["last_detail"] if job.tries else None)
    return JobLine(job=job, since=from_ms(row["since"]), last_error=error)


def _event_of(row: Cells) -> Event:
    return Event(at=from_ms(row["at"]), from_state=row["from_state"], to_state=row["to_state"], detail=row["detail"])


def _message_of(row: Cells, now_ms: int) -> Message:
    number = row["shot_number"]
    return Message(
        say=say_of(row),
        subject=row["story_code"] if number is None else f"{row['story_code']}-{number}",
        created_at=from_ms(row["created_at"]),
        due_at=None if row["due_at"] is None else from_ms(row["due_at"]),
        is_held=row["lease_until"] is not None and row["lease_until"] > now_ms,
    )


def _job_count_of(row: Cells) -> JobCount:
    return JobCount(
        state=JobState(row["state"]),
        provider=row["provider"],
        count=row["count"],
        oldest_since=from_ms(row["oldest"]),
    )


def _message_counts(rows: Sequence[Cells]) -> tuple[MessageCount, ...]:
    """Of platforms: which place it is, is nobody's business who looks at numbers."""
    count: Counter[tuple[str, str]] = Counter()
    oldest: dict[tuple[str, str], int] = {}
    for row in rows:
        key = row["state"], row["place"].partition(":")[0]
        count[key] += row["count"]
        oldest[key] = min(oldest.get(key, row["oldest"]), row["oldest"])
    return tuple(
        MessageCount(state=SayState(state), platform=platform, count=number, oldest_at=from_ms(oldest[state, platform]))
        for (state, platform), number in count.items()
    )


def _passage_of(row: Cells) -> Passage:
    return Passage(
        event_id=row["id"],
        provider=row["provider"],
        model=row["model"],
        from_state=JobState(row["from_state"]),
        to_state=JobState(row["to_state"]),
        seconds=max(0, row["at"] - row["came_at"]) / 1000,
        failure_kind=row["kind"],
    )
