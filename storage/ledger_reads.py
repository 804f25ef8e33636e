"""Reading pots, what was posted to them, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, exists, func, or_, select

from engine.attempts import AttemptOutcome
from engine.errors import Billed
from engine.job_model import Job, JobState, Payer
from engine.ledger import HOUSE, LEAST, Balances, Bucket, Entry, Limits, Pot, PotKey, Why, exact
from engine.ledger_ports import Spending
from storage.rows import Cells, job_of
from storage.selects import JOBS
from storage.tables import ATTEMPT, ENTRY, JOB, PERSON, PLACE, POT, STORY
from storage.transaction import Transaction

_MILLION = 1_000_000
_COMMITTED = ENTRY.c.bucket.in_([Bucket.HELD.value, Bucket.SPENT.value, Bucket.UNKNOWN.value])
_SUM = func.coalesce(func.sum(ENTRY.c.micros), 0)
_POTS = (
    select(POT, PLACE.c.key.label("place"), PERSON.c.key.label("person"))
    .outerjoin(PLACE, PLACE.c.id == POT.c.place_id)
    .outerjoin(PERSON, PERSON.c.id == POT.c.person_id)
)
LIMIT_COLUMNS = {
    "ask_above": "ask_above_usd",
    "shot_most": "shot_usd",
    "story_most": "story_usd",
    "day_most": "day_usd",
}
"""The field of `Limits` that is in each column."""


def to_micros(usd: Decimal) -> int:
    """Whole millionths of a dollar, half to even."""
    return int(exact(usd) * _MILLION)


def from_micros(micros: Any) -> Decimal:
    """`micros` as a database adds them up: an int, a Decimal of PostgreSQL's, or None for nothing."""
    return int(micros or 0) * LEAST


def day_of(ms: int) -> int:
    """Days since the epoch, in UTC."""
    return ms // 86_400_000


class LedgerReads(Transaction):
    """The part of `Reader` about money."""

    async def pot(self, key: PotKey) -> Pot:
        row = await self._one(_POTS.where(self._is_pot(key)))
        return Pot(key=key) if row is None else await self._pot_of(row)

    async def pots(self) -> Sequence[Pot]:
        in_order = _POTS.order_by(POT.c.person_id.is_not(None), POT.c.place_id.is_not(None), POT.c.id)
        return [await self._pot_of(row) for row in await self._all(in_order)]

    async def job_balances(self, job_id: int) -> Balances:
        of_job = select(ENTRY.c.bucket, _SUM.label("micros")).where(ENTRY.c.job_id == job_id)
        return _balances_of(await self._all(of_job.group_by(ENTRY.c.bucket)))

    async def committed(
        self,
        *,
        place: str | None = None,
        person: str | None = None,
        story_id: int | None = None,
        shot_id: int | None = None,
        day: date | None = None,
    ) -> Decimal:
        total: Select[Any] = select(_SUM).select_from(ENTRY).where(_COMMITTED)
        if place is not None or person is not None or shot_id is not None:
            total = total.join(JOB, JOB.c.id == ENTRY.c.job_id)
        if place is not None:
            total = total.where(JOB.c.place_id == select(PLACE.c.id).where(PLACE.c.key == place).scalar_subquery())
        if person is not None:
            total = total.where(JOB.c.person_id == one_person(person))
        if story_id is not None:
            total = total.where(ENTRY.c.story_id == story_id)
        if shot_id is not None:
            total = total.where(JOB.c.shot_id == shot_id)
        if day is not None:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            total = total.where(ENTRY.c.day == (midnight - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(days=1))
        return from_micros(await self._value(total))

    async def spending(self, place: str) -> tuple[Sequence[Spending], Sequence[Spending]]:
        here = (
            select(ENTRY.c.bucket, _SUM.label("micros"))
            .select_from(ENTRY)
            .join(JOB, JOB.c.id == ENTRY.c.job_id)
            .join(PLACE, PLACE.c.id == JOB.c.place_id)
            .where(PLACE.c.key == place)
        )
        persons = here.add_columns(PERSON.c.id.label("whose"), PERSON.c.name).join(
            PERSON, PERSON.c.id == JOB.c.person_id
        )
        stories = here.add_columns(STORY.c.id.label("whose"), STORY.c.code.label("name")).join(
            STORY, STORY.c.id == JOB.c.story_id
        )
        by_person = await self._all(persons.group_by(PERSON.c.id, PERSON.c.name, ENTRY.c.bucket))
        by_story = await self._all(stories.group_by(STORY.c.id, STORY.c.code, ENTRY.c.bucket))
        return _spending(by_person), _spending(by_story)

    async def jobs_with_unknown(self, limit: int = 100) -> Sequence[tuple[Job, Balances]]:
        # By way of the pots there is an index by bucket; of the bare id SQLite would rather walk through all that was ever posted.
        job_id = (ENTRY.c.job_id + 0).label("job_id")
        unknown = (
            select(job_id)
            .where(ENTRY.c.pot_id.in_(select(POT.c.id)), ENTRY.c.bucket == Bucket.UNKNOWN.value)
            .group_by(job_id)
            .having(func.sum(ENTRY.c.micros) != 0)
            .order_by(job_id)
            .limit(limit)
        )
        ids = [row["job_id"] for row in await self._all(unknown)]
        jobs = await self._list(JOBS.where(JOB.c.id.in_(ids)).order_by(JOB.c.id), job_of) if ids else []
        return [(job, await self.job_balances(job.id)) for job in jobs]

    async def jobs_in_doubt(self, place: str | None = None, limit: int = 1_000) -> Sequence[Job]:
        may_be = or_(
            ATTEMPT.c.outcome.in_([AttemptOutcome.UNKNOWN.value, AttemptOutcome.INTENDED.value]),
            ATTEMPT.c.task_id.is_distinct_from(JOB.c.task_id),
            JOB.c.failure_billed == Billed.UNKNOWN.value,
            JOB.c.state == JobState.CANCELLED.value,
        )
        priceless = exists().where(
            ATTEMPT.c.job_id == JOB.c.id, ATTEMPT.c.quoted_usd.is_(None), ATTEMPT.c.settled_usd.is_(None), may_be
        )
        wanted = JOBS.where(priceless)
        if place is not None:
            wanted = wanted.where(JOB.c.place_id == select(PLACE.c.id).where(PLACE.c.key == place).scalar_subquery())
        return await self._list(wanted.order_by(JOB.c.id).limit(limit), job_of)

    async def told_costs(self, provider: str, model: str, limit: int = 20) -> Sequence[tuple[Decimal, Decimal]]:
        newest = (
            select(JOB.c.id, JOB.c.task_id, JOB.c.rendered_at)
            .where(JOB.c.provider == provider, JOB.c.model == model, JOB.c.rendered_at.is_not(None))
            .order_by(JOB.c.rendered_at.desc())
            .limit(limit)
            .subquery("newest")
        )
        told = (
            select(ATTEMPT.c.quoted_usd, ATTEMPT.c.usd)
            .join(newest, newest.c.id == ATTEMPT.c.job_id)
            .where(ATTEMPT.c.task_id == newest.c.task_id, ATTEMPT.c.quoted_usd.is_not(None), ATTEMPT.c.usd.is_not(None))
            .order_by(newest.c.rendered_at.desc())
        )
        return [(Decimal(row["quoted_usd"]), Decimal(row["usd"])) for row in await self._all(told)]

    async def entries(
        self, *, job_id: int | None = None, pot: PotKey | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        lines = select(
            ENTRY, PLACE.c.key.label("place"), PERSON.c.key.label("person"), POT.c.place_id, POT.c.person_id
        ).select_from(
            ENTRY.join(POT, POT.c.id == ENTRY.c.pot_id)
            .outerjoin(PLACE, PLACE.c.id == POT.c.place_id)
            .outerjoin(PERSON, PERSON.c.id == POT.c.person_id)
        )
        if job_id is not None:
            lines = lines.where(ENTRY.c.job_id == job_id)
        if pot is not None:
            lines = lines.where(self._is_pot(pot))
        return await self._list(lines.order_by(ENTRY.c.id.desc()).limit(limit), _entry_of)

    async def _pot_of(self, row: Cells) -> Pot:
        of_pot = select(ENTRY.c.bucket, _SUM.label("micros")).where(ENTRY.c.pot_id == row["id"])
        topped_up = exists().where(ENTRY.c.pot_id == row["id"], ENTRY.c.bucket == Bucket.OUTSIDE.value)
        return Pot(
            key=_key_of(row),
            limits=limits_of(row),
            balances=_balances_of(await self._all(of_pot.group_by(ENTRY.c.bucket))),
            is_open=bool(await self._value(select(topped_up))),
        )

    def _is_pot(self, key: PotKey) -> ColumnElement[bool]:
        match key.payer:
            case Payer.HOUSE:
                return POT.c.key == HOUSE.payer.value
            case Payer.PLACE:
                return POT.c.place_id == select(PLACE.c.id).where(PLACE.c.key == key.owner).scalar_subquery()
            case Payer.PERSON:
                return POT.c.person_id == one_person(key.owner)


def limits_of(row: Cells) -> Limits:
    """What is set in a row of `POT`."""
    return Limits(
        **{name: from_micros(row[column]) for column, name in LIMIT_COLUMNS.items() if row[column] is not None},
        fixed=frozenset(row["fixed"].split()),
    )


def limit_cells(limits: Limits) -> dict[str, int | str | None]:
    """The columns of `POT` for these."""
    said = {column: getattr(limits, name) for column, name in LIMIT_COLUMNS.items()}
    amounts = {column: None if usd is None else to_micros(usd) for column, usd in said.items()}
    return {**amounts, "fixed": " ".join(sorted(limits.fixed))}


def one_person(key: str) -> ScalarSelect[int]:
    """The id of the one person behind an identity."""
    return select(func.coalesce(PERSON.c.joined_id, PERSON.c.id)).where(PERSON.c.key == key).scalar_subquery()


def _key_of(row: Cells) -> PotKey:
    if row["place_id"] is not None:
        return PotKey(Payer.PLACE, row["place"])
    return HOUSE if row["person_id"] is None else PotKey(Payer.PERSON, row["person"])


def _entry_of(row: Cells) -> Entry:
    return Entry(
        pot=_key_of(row),
        bucket=Bucket(row["bucket"]),
        usd=from_micros(row["micros"]),
        why=Why(row["why"]),
        job_id=row["job_id"],
        note=row["note"],
        key=row["key"],
    )


def _balances_of(rows: Iterable[Cells]) -> Balances:
    return Balances(
        **{row["bucket"]: from_micros(row["micros"]) for row in rows if row["bucket"] != Bucket.OUTSIDE.value}
    )


def _spending(rows: Sequence[Cells]) -> Sequence[Spending]:
    """One for each of `whose`, the most committed first."""
    of: dict[int, list[Cells]] = {}
    for row in rows:
        of.setdefault(row["whose"], []).append(row)
    found = [Spending(name=lines[0]["name"], balances=_balances_of(lines)) for lines in of.values()]
    by_money: Callable[[Spending], tuple[Decimal, str]] = lambda each: (-each.balances.committed, each.name)  # noqa: E731
    return sorted(found, key=by_money)
