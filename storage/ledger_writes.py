"""Posting to pots, setting their limits, and carrying them along where a place or a person becomes another row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from sqlalchemy import delete, func, select, update

from engine.errors import Defect
from engine.job_model import Payer
from engine.ledger import Bucket, Entry, Limits, PotKey
from engine.money_rules import least
from storage.ledger_reads import LIMIT_COLUMNS, day_of, limit_cells, limits_of, to_micros
from storage.rows import usd_cell
from storage.story_writes import StoryWrites
from storage.tables import ATTEMPT, ENTRY, JOB, PERSON, POT

_KEEPS_DAY = frozenset({Bucket.HELD, Bucket.SPENT, Bucket.UNKNOWN})


class Days:
    """On which days the money of one job left its pot, for each bucket in which it is, in micro-dollars."""

    def __init__(self, today: int, have: Mapping[tuple[str, int], int] = MappingProxyType({})) -> None:
        self._today = today
        self._have = dict(have)

    def moved(self, source: Bucket, to: Bucket, micros: int) -> Iterator[tuple[int, int]]:
        """The days of so much that goes from one bucket to the other, each with its part; what leaves its pot does so today."""
        if source in _KEEPS_DAY:
            for day in sorted(day for bucket, day in self._have if bucket == source):
                part = min(micros, self._have[source, day])
                if part > 0:
                    micros -= part
                    yield self._went(day, source, to, part)
        if micros > 0:
            yield self._went(self._today, source, to, micros)

    def _went(self, day: int, source: Bucket, to: Bucket, micros: int) -> tuple[int, int]:
        for bucket, more in ((source, -micros), (to, micros)):
            self._have[bucket, day] = self._have.get((bucket, day), 0) + more
        return day, micros


class LedgerWrites(StoryWrites):
    """The part of `Writer` about money."""

    async def post(self, lines: Sequence[Entry]) -> bool:
        keys = [line.key for line in lines if line.key is not None]
        if keys and await self._value(select(ENTRY.c.id).where(ENTRY.c.key.in_(keys)).limit(1)) is not None:
            return False  # where two post it at once, the unique index stops the later one, which then comes here
        pairs = list(zip(lines[::2], lines[1::2], strict=False))
        if len(lines) % 2 or any(source.usd + to.usd != 0 or source.job_id != to.job_id for source, to in pairs):
            raise Defect("Entries that do not sum to zero were to be posted.")
        now = self._now()
        pots = {pot: await self._pot_id(pot) for pot in dict.fromkeys(line.pot for line in lines)}
        jobs = dict.fromkeys(line.job_id for line in lines)
        stories = {job_id: await self._story_id(job_id) for job_id in jobs}
        days = {job_id: await self._days(job_id, day_of(now)) for job_id in jobs}
        rows = [
            {
                "pot_id": pots[line.pot],
                "job_id": line.job_id,
                "story_id": stories[line.job_id],
                "bucket": line.bucket.value,
                "micros": micros if line is to else -micros,
                "why": line.why.value,
                "day": day,
                "at": now,
                "note": line.note,
                "key": line.key,
            }
            for source, to in pairs
            for day, micros in days[to.job_id].moved(source.bucket, to.bucket, to_micros(to.usd))
            for line in (source, to)
        ]
        if rows:
            await self._connection.execute(ENTRY.insert(), rows)
        return True

    async def set_limits(self, pot: PotKey, limits: Limits) -> None:
        pot_id = await self._pot_id(pot)
        await self._change(update(POT).where(POT.c.id == pot_id).values(limit_cells(limits)))

    async def settle_attempt(self, attempt_id: int, usd: Decimal) -> None:
        await self._change(update(ATTEMPT).where(ATTEMPT.c.id == attempt_id).values(settled_usd=usd_cell(usd)))

    async def _story_id(self, job_id: int | None) -> int | None:
        if job_id is None:
            return None
        found: int | None = (await self._the(select(JOB.c.story_id).where(JOB.c.id == job_id)))["story_id"]
        return found

    async def _days(self, job_id: int | None, today: int) -> Days:
        if job_id is None:
            return Days(today)
        of_job = select(ENTRY.c.bucket, ENTRY.c.day, func.sum(ENTRY.c.micros).label("micros"))
        of_job = of_job.where(ENTRY.c.job_id == job_id).group_by(ENTRY.c.bucket, ENTRY.c.day)
        return Days(today, {(row["bucket"], row["day"]): int(row["micros"]) for row in await self._all(of_job)})

    async def _pot_id(self, pot: PotKey) -> int:
        match pot.payer:
            case Payer.HOUSE:
                return await self._known_id(POT, Payer.HOUSE.value, created_at=self._now())
            case Payer.PLACE:
                place_id = await self._place_id(pot.owner)
                return await self._known_id(POT, f"place {place_id}", place_id=place_id, created_at=self._now())
            case Payer.PERSON:
                by_key = select(func.coalesce(PERSON.c.joined_id, PERSON.c.id)).where(PERSON.c.key == pot.owner)
                person_id = await self._value(by_key)
                if person_id is None:  # its name is told when it says something
                    person_id = await self._known_id(PERSON, pot.owner, name=pot.owner, created_at=self._now())
                return await self._known_id(POT, f"person {person_id}", person_id=person_id, created_at=self._now())

    async def _carry_pot(self, whose: Literal["place", "person"], old_id: int, new_id: int) -> None:
        """The pot of one row becomes the other's. Where both have one, the entries move there, and the stricter limits hold."""
        owner = POT.c[f"{whose}_id"]
        carried = await self._one(select(POT).where(owner == old_id))
        if carried is None:
            return
        there = await self._one(select(POT).where(owner == new_id))
        if there is None:
            renamed = update(POT).where(POT.c.id == carried["id"])
            await self._change(renamed.values({"key": f"{whose} {new_id}", owner: new_id}))
            return
        await self._change(update(ENTRY).where(ENTRY.c.pot_id == carried["id"]).values(pot_id=there["id"]))
        one, other = limits_of(there), limits_of(carried)
        strict = Limits(
            **{name: least(getattr(one, name), getattr(other, name)) for name in LIMIT_COLUMNS.values()},
            fixed=one.fixed | other.fixed,
        )
        await self._change(update(POT).where(POT.c.id == there["id"]).values(limit_cells(strict)))
        await self._change(delete(POT).where(POT.c.id == carried["id"]))
