"""Reads what there is to spend and what is spent already, in the transaction that is to hold a price, and has it judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from engine.booking import release
from engine.job_model import Job, JobState, Payer
from engine.jobs import move
from engine.ledger import ZERO, Pot, PotKey, target
from engine.money_rules import Bill, Caps, MoneyRules, SoFar, Verdict, caps_of, judge
from engine.ports import Reader, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Spender:
    """For what, where and for whom money is to be spent. `place` and `person` are keys."""

    place: str
    person: str
    story_id: int
    shot_id: int


async def pots_of(tx: Reader, place: str, person: str) -> tuple[Pot, Pot]:
    """The pot of the place and the person's own, which may be empty."""
    return await tx.pot(PotKey(Payer.PLACE, place)), await tx.pot(PotKey(Payer.PERSON, person))


async def verdict_on(tx: Reader, rules: MoneyRules, spender: Spender, bill: Bill, now: datetime) -> Verdict:
    """`judge` by what is there now. Nothing is read for what is free.

    Raises:
        OverBudget
    """
    if bill.usd == 0:
        return Verdict(None, is_asked=False)
    place, person = await pots_of(tx, spender.place, spender.person)
    caps = caps_of(rules, place.limits, person.limits)
    so_far = await spent_so_far(tx, caps, spender, now)
    return judge(bill, caps=caps, so_far=so_far, place=place, person=person, pots_only=rules.pots_only)


async def spent_so_far(tx: Reader, caps: Caps, spender: Spender, now: datetime) -> SoFar:
    """Of what there are caps for; the rest is left at 0."""
    today = now.date()
    zero: Decimal = ZERO
    return SoFar(
        shot_usd=zero if caps.shot_usd is None else await tx.committed(shot_id=spender.shot_id),
        story_usd=zero if caps.story_usd is None else await tx.committed(story_id=spender.story_id),
        place_day_usd=zero if caps.place_day_usd is None else await tx.committed(place=spender.place, day=today),
        person_day_usd=zero if caps.person_day_usd is None else await tx.committed(person=spender.person, day=today),
        house_day_usd=zero if caps.house_day_usd is None else await tx.committed(day=today),
    )


async def bill_of(tx: Reader, job: Job, usd: Decimal | None) -> Bill:
    """What is to be paid for a job that is there, if it is rendered now at this price."""
    have = await tx.job_balances(job.id)
    want = target(replace(job, state=JobState.QUEUED, quoted_usd=usd), await tx.attempts(job.id))
    return Bill(
        usd=usd,
        more_usd=want.committed - have.committed,
        held_usd=have.held,
        held_by=(job.payer or Payer.HOUSE) if have.held else None,
        bound=(job.payer or Payer.HOUSE) if have.spent or have.unknown else None,
    )


async def spender_of(tx: Reader, job: Job) -> Spender:
    """For whom a job that is there spends, as it is called now: its group may have a new id since its step began."""
    shot = await tx.shot(job.shot_id or 0)
    fresh = await tx.job(job.id) or job
    return Spender(
        place=fresh.place, person=fresh.person.key, story_id=shot.story_id if shot else 0, shot_id=job.shot_id or 0
    )


async def verdict_on_job(tx: Reader, rules: MoneyRules, job: Job, usd: Decimal | None, now: datetime) -> Verdict:
    """`verdict_on` for a job that is there, at this price.

    Raises:
        OverBudget
    """
    if usd == 0:
        return Verdict(None, is_asked=False)
    return await verdict_on(tx, rules, await spender_of(tx, job), await bill_of(tx, job, usd), now)


async def repriced(tx: Writer, rules: MoneyRules, job: Job, usd: Decimal | None, now: datetime) -> Job:
    """A QUEUED job at the exact price that its service tells right before it is asked for; in ASKING where that is too much.

    A price that is lower, or that is not told, asks for nothing. Nor does one of which nobody knew when it was agreed to; but
    nothing was held for it, so that what was set since is looked at here.

    Raises:
        OverBudget: a pot or a cap does not allow the difference, or a price that nobody knows.
    """
    if usd is None and job.quoted_usd is not None:
        return job
    if usd is not None and job.quoted_usd is not None and usd <= job.quoted_usd:
        return replace(job, quoted_usd=usd)
    bill = await bill_of(tx, job, usd)
    if usd is not None and bill.more_usd <= 0:
        return replace(job, quoted_usd=usd)
    verdict = await verdict_on(tx, rules, await spender_of(tx, job), bill, now)
    if usd is None:
        # a pot that was filled since was not asked, and one that was emptied does not pay what it has not
        is_house = verdict.payer is Payer.HOUSE or job.payer is None
        return replace(job, payer=Payer.HOUSE if is_house else job.payer)
    is_asked = verdict.is_asked and job.quoted_usd is not None
    if is_asked if job.agreed_usd is None else usd > job.agreed_usd:
        until = now + timedelta(seconds=rules.ask_lasts_s)
        return move(job, JobState.ASKING, quoted_usd=usd, agreed_usd=None, waits_for=None, due_at=until)
    if bill.held_by is not None and verdict.payer is not bill.held_by:
        await release(tx, job)
    return replace(job, quoted_usd=usd, payer=verdict.payer)
