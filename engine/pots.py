"""The use cases about pots: look into them, fill and limit them, and settle what nobody knew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from engine.booking import book
from engine.budget import pots_of
from engine.errors import NotAllowed, NotFound, NotPossible
from engine.job_model import Job, JobState, Payer
from engine.ledger import LIMITS, ZERO, Balances, Bucket, Limits, Move, Pot, PotKey, entries, exact, to_settle
from engine.ledger_ports import Spending
from engine.model import Asked
from engine.money_rules import Caps, caps_of
from engine.ports import Reader, Writer
from engine.takes import Takes


@dataclass(frozen=True, slots=True, kw_only=True)
class PotView:
    """What can be spent in a place, and what was, as one person there sees it."""

    place: Pot
    person: Pot
    """The person's own, which pays where the place's does not hold a price."""
    caps: Caps
    """What holds here for this person."""
    pots_only: bool
    """Nothing is rendered on the operator's own account."""
    by_person: tuple[Spending, ...]
    """Of this place, whoever pays; the most committed first."""
    by_story: tuple[Spending, ...]
    today_usd: Decimal
    """What is spent today, or may be: in this place, by this person anywhere, and by everybody."""
    person_today_usd: Decimal
    house_today_usd: Decimal
    asking: tuple[Job, ...]
    """The jobs of the place whose prices wait for somebody's word, oldest first."""
    priceless: tuple[Job, ...] = ()
    """The jobs of the place of which nobody knows what they cost, nor knew before: no balance tells of them. Oldest first."""

    @property
    def asking_usd(self) -> Decimal | None:
        """Their sum; None: the price of one is not known."""
        return sum_of(self.asking)


class Pots(Takes):
    """What can be asked about pots."""

    async def pot(self, asked: Asked) -> PotView:
        """What can be spent here, and what was."""
        today, rules = self._today(), self._world.rules

        async def look(tx: Reader) -> PotView:
            place, person = await pots_of(tx, asked.place, asked.person.key)
            by_person, by_story = await tx.spending(asked.place)
            asking = await tx.jobs_of_place(asked.place, frozenset({JobState.ASKING}))
            return PotView(
                place=place,
                person=person,
                caps=caps_of(rules, place.limits, person.limits),
                pots_only=rules.pots_only,
                by_person=tuple(by_person),
                by_story=tuple(by_story),
                today_usd=await tx.committed(place=asked.place, day=today),
                person_today_usd=await tx.committed(person=asked.person.key, day=today),
                house_today_usd=await tx.committed(day=today),
                asking=tuple(reversed(asking)),
                priceless=await _priceless(tx, asked.place),
            )

        return await self._store.read(look)

    async def pots(self) -> tuple[Pot, ...]:
        """All that were ever touched: the house's, then places', then persons'."""
        return tuple(await self._store.read(lambda tx: tx.pots()))

    async def set_limits(
        self,
        asked: Asked,
        changes: Mapping[str, Decimal | None],
        is_fixed: bool = False,
    ) -> Pot:
        """Set limits of the place, by their names in `Limits`; None takes one back. What is set for every place holds too.

        `is_fixed`: by the operator of the installation, so that nobody changes these limits in any other way.

        Raises:
            NotAllowed: not by an operator, or the operator of the installation has set that limit.
            NotPossible: there is no such limit, or it is less than nothing.
        """
        if not asked.person.is_operator:
            raise NotAllowed("Only an operator can set what may be spent here.")
        for name, usd in changes.items():
            if name not in LIMITS:
                raise NotPossible(f"There is no limit “{name}”; choose one of: {', '.join(LIMITS)}.")
            if usd is not None and (not usd.is_finite() or usd < 0):
                raise NotPossible(f"A limit is an amount in US dollars from 0 up; {usd} is none.")
        key = PotKey(Payer.PLACE, asked.place)

        async def work(tx: Writer) -> Pot:
            if await tx.first_time(asked.key):
                limits = (await tx.pot(key)).limits
                if not is_fixed and not limits.fixed.isdisjoint(changes):
                    raise NotAllowed("Whoever runs this bot has set that limit here; only they can change it.")
                kept = {name for name, usd in changes.items() if usd is not None} if is_fixed else set()
                fixed = (limits.fixed - changes.keys()) | kept
                said = {name: None if usd is None else exact(usd) for name, usd in changes.items()}
                await tx.set_limits(key, Limits(**{name: getattr(limits, name) for name in LIMITS} | said, fixed=fixed))
            return await tx.pot(key)

        return await self._store.write(work)

    async def top_up(self, pot: PotKey, usd: Decimal, key: str, note: str = "") -> Pot:
        """Put money into a place's or a person's pot; from then on it is open. `key`: of the payment, so that it comes in once.

        Raises:
            NotPossible: no amount above 0, or the house's pot.
        """
        return await self._post(pot, Move(Bucket.OUTSIDE, Bucket.LEFT, _amount(pot, usd)), key, note)

    async def take_back(self, pot: PotKey, usd: Decimal, key: str, note: str = "") -> Pot:
        """Take money out of a pot, as a payment that is refunded, even where less is left: it is below 0 then.

        Raises:
            NotPossible: no amount above 0, or the house's pot.
        """
        return await self._post(pot, Move(Bucket.LEFT, Bucket.OUTSIDE, _amount(pot, usd)), key, note)

    async def _post(self, pot: PotKey, made: Move, key: str, note: str) -> Pot:
        async def work(tx: Writer) -> Pot:
            await tx.post(entries(pot, (made,), note=note, key=key))
            return await tx.pot(pot)

        return await self._store.write(work)

    async def unknowns(self) -> tuple[tuple[Job, Balances], ...]:
        """The jobs of which nobody knows what they cost, oldest first: `resolve` says it.

        Nothing is UNKNOWN in the balances of those whose price nobody knew before either.
        """

        async def look(tx: Reader) -> tuple[tuple[Job, Balances], ...]:
            found = {job.id: (job, balances) for job, balances in await tx.jobs_with_unknown()}
            for job in await _priceless(tx):
                if job.id not in found:
                    found[job.id] = job, await tx.job_balances(job.id)
            return tuple(found[job_id] for job_id in sorted(found))

        return await self._store.read(look)

    async def resolve(self, job_id: int, usd: Decimal, note: str = "") -> Job:
        """Note what a job's requests cost of which nobody knew, all together, as the operator found out.

        Raises:
            NotFound: no such job, or nothing of it is unknown.
            NotPossible: less than nothing.
        """
        if not usd.is_finite() or usd < 0:
            raise NotPossible(f"What a render cost is an amount in US dollars from 0 up; {usd} is none.")

        async def work(tx: Writer) -> Job:
            job = await tx.job(job_id)
            if job is None:
                raise NotFound(f"There is no job {job_id}.")
            unknown = to_settle(job, await tx.attempts(job_id))
            if not unknown:
                raise NotFound(f"What job {job_id} ({job.subject}) cost is known; nothing was changed.")
            for attempt in unknown:
                await tx.settle_attempt(attempt.id, exact(usd) if attempt is unknown[0] else ZERO)
            await book(tx, job, note=note)
            return job

        return await self._store.write(work)


async def _priceless(tx: Reader, place: str | None = None) -> tuple[Job, ...]:
    """The jobs with a request that may have cost something and had no price."""
    doubtful = [(job, await tx.attempts(job.id)) for job in await tx.jobs_in_doubt(place)]
    return tuple(job for job, tried in doubtful if any(each.quoted_usd is None for each in to_settle(job, tried)))


def _amount(pot: PotKey, usd: Decimal) -> Decimal:
    if pot.payer is Payer.HOUSE:
        raise NotPossible("The house's pot is the operator's own account; fill the one of a place or of a person.")
    if not usd.is_finite() or exact(usd) <= 0:
        raise NotPossible(f"An amount is in US dollars and above 0; {usd} is none.")
    return exact(usd)


def sum_of(jobs: Sequence[Job]) -> Decimal | None:
    """What they will cost together; None: nobody knows of one."""
    prices = [job.quoted_usd for job in jobs]
    return None if None in prices else sum((usd for usd in prices if usd is not None), ZERO)
