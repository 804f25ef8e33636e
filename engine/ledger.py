"""Quote → hold → settle, release or quarantine, as pure arithmetic over entries.

A pot is five buckets. Money comes from OUTSIDE (a top-up) and lies in LEFT; what a job will cost is HELD, what it cost is SPENT,
and what nobody knows is UNKNOWN until the operator says. Every posting moves an amount from one bucket to another, as two
entries that sum to zero; entries are only ever added, and balances are sums of them.

What a job should have in each bucket follows from its row and its attempts alone (`target`). Booking is the difference between
that and what it has (`moves`): to book twice is to book once, and a crash before it is mended by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.errors import Billed
from engine.job_model import MAY_STILL_COST, WAS_CHARGED, Job, JobState, Payer
from engine.jobs import WITH_CLIP

ZERO = Decimal(0)
LEAST = Decimal("0.000001")
"""The least amount that is kept: a millionth of a dollar."""


class Bucket(StrEnum):
    OUTSIDE = "outside"
    LEFT = "left"
    HELD = "held"
    SPENT = "spent"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """What a posting means."""

    TOP_UP = "top-up"
    REFUND = "refund"
    HOLD = "hold"
    SETTLE = "settle"
    RELEASE = "release"
    QUARANTINE = "quarantine"


B = Bucket
MEANINGS: Mapping[tuple[Bucket, Bucket], Why] = {
    (B.OUTSIDE, B.LEFT): Why.TOP_UP,
    (B.LEFT, B.OUTSIDE): Why.REFUND,
    (B.LEFT, B.HELD): Why.HOLD,
    (B.UNKNOWN, B.HELD): Why.HOLD,
    (B.SPENT, B.HELD): Why.HOLD,
    (B.HELD, B.SPENT): Why.SETTLE,
    (B.LEFT, B.SPENT): Why.SETTLE,
    (B.UNKNOWN, B.SPENT): Why.SETTLE,
    (B.HELD, B.LEFT): Why.RELEASE,
    (B.UNKNOWN, B.LEFT): Why.RELEASE,
    (B.SPENT, B.LEFT): Why.RELEASE,
    (B.HELD, B.UNKNOWN): Why.QUARANTINE,
    (B.LEFT, B.UNKNOWN): Why.QUARANTINE,
    (B.SPENT, B.UNKNOWN): Why.QUARANTINE,
}
"""Every way that money can go; there is no other."""
_OF_JOBS = (B.HELD, B.SPENT, B.UNKNOWN)


@dataclass(frozen=True, slots=True)
class PotKey:
    """Whose pot. `owner` is the place or the person's key; empty for the house's."""

    payer: Payer
    owner: str = ""


HOUSE = PotKey(Payer.HOUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What lies in each bucket, in US dollars. Of a job, `left` is what it took from its pot, as a negative."""

    left: Decimal = ZERO
    held: Decimal = ZERO
    spent: Decimal = ZERO
    unknown: Decimal = ZERO

    def of(self, bucket: Bucket) -> Decimal:
        """One of the four."""
        return {B.LEFT: self.left, B.HELD: self.held, B.SPENT: self.spent, B.UNKNOWN: self.unknown}[bucket]

    @property
    def committed(self) -> Decimal:
        """What is spent, or may be."""
        return self.held + self.spent + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What somebody set for a pot, in US dollars. None: not set. 0: nothing at all."""

    ask_above_usd: Decimal | None = None
    """A render that costs more is asked about first. Where it is set, so is one whose price nobody knows."""
    shot_usd: Decimal | None = None
    """The most for all takes of one shot."""
    story_usd: Decimal | None = None
    day_usd: Decimal | None = None
    """The most for one day, in UTC."""
    fixed: frozenset[str] = frozenset()
    """The names of those that the operator set where nobody else can, so that nobody else changes them."""


LIMITS = tuple(field.name for field in fields(Limits) if field.name != "fixed")
"""The names of what can be limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pot:
    """A budget, with what was set for it and what lies in it."""

    key: PotKey
    limits: Limits = Limits()
    balances: Balances = Balances()
    is_open: bool = False
    """It was topped up once: it pays before the house does, and cannot be overdrawn by a hold."""


@dataclass(frozen=True, slots=True)
class Move:
    """So much from one bucket to another. `usd` is positive."""

    source: Bucket
    to: Bucket
    usd: Decimal

    @property
    def why(self) -> Why:
        return MEANINGS[self.source, self.to]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: `usd` more (or less, negative) in this bucket of this pot."""

    pot: PotKey
    bucket: Bucket
    usd: Decimal
    why: Why
    job_id: int | None = None
    note: str = ""
    key: str | None = None
    """Of what came from outside: the same payment twice is one."""


def exact(usd: Decimal) -> Decimal:
    """Rounded to `LEAST`, half to even."""
    return usd.quantize(LEAST, rounding=ROUND_HALF_EVEN)


def entries(
    pot: PotKey, made: Iterable[Move], *, job_id: int | None = None, note: str = "", key: str | None = None
) -> tuple[Entry, ...]:
    """Two lines for each move; only the first of all carries the key."""
    lines: list[Entry] = []
    for move in made:
        for bucket, usd in ((move.source, -move.usd), (move.to, move.usd)):
            lines.append(
                Entry(
                    pot=pot, bucket=bucket, usd=usd, why=move.why, job_id=job_id, note=note, key=None if lines else key
                )
            )
    return tuple(lines)


def moves(have: Balances, want: Balances) -> tuple[Move, ...]:
    """The way from one to the other; `left` follows. What is too much in one bucket goes where something lacks, else back."""
    surplus = {bucket: have.of(bucket) - want.of(bucket) for bucket in _OF_JOBS}
    return tuple(_moves(surplus))


def _moves(surplus: dict[Bucket, Decimal]) -> Iterator[Move]:
    for source in _OF_JOBS:
        for to in _OF_JOBS:
            usd = min(surplus[source], -surplus[to])
            if usd > 0:
                surplus[source] -= usd
                surplus[to] += usd
                yield Move(source, to, usd)
    for bucket, usd in surplus.items():
        if usd > 0:
            yield Move(bucket, B.LEFT, usd)
        elif usd < 0:
            yield Move(B.LEFT, bucket, -usd)


def target(job: Job, attempts: Sequence[Attempt]) -> Balances:
    """What this job should have in each bucket, from what is known of it and of its requests.

    * a request whose answer nobody knows is UNKNOWN at its own price, until it is settled or turns out never to have been taken;
    * a painted first frame is SPENT as soon as it is there;
    * a live job holds its price; a clip settles its render at its cost, where that is told, else at its price;
    * a failure that was charged settles it, one that may have been quarantines it, and any other gives it back;
    * what the operator has found out about a request holds, until its render comes all the same.
    """
    price, held = job.quoted_usd or ZERO, ZERO
    ending = _ending(job)
    taken = _taken(job, attempts)
    is_told = taken is not None and taken.settled_usd is not None and ending is not None and job.state not in WITH_CLIP
    found_out = [each for each in attempts if each.settled_usd is not None and (is_told or each is not taken)]
    settled = sum((each.settled_usd for each in found_out if each.settled_usd is not None), ZERO)
    unknown = sum((each.quoted_usd or ZERO for each in attempts if _is_unknown(each, job)), ZERO)
    painted = painted_usd(attempts)
    was_asked_for = any(each.what is AttemptFor.RENDER for each in attempts)
    spent = painted
    match ending:
        case _ if is_told:
            pass
        case None:
            held = ZERO if job.state is JobState.ASKING else max(ZERO, price - painted)
        case Billed.YES:
            told = _rendered_usd(job, taken, painted)
            if told is None and was_asked_for:
                quoted = None if taken is None else taken.quoted_usd
                told = max(ZERO, price - painted) if quoted is None else quoted
            spent = painted + (told or ZERO)
        case Billed.UNKNOWN if taken is not None:
            unknown += price if taken.quoted_usd is None else taken.quoted_usd
        case Billed.UNKNOWN if was_asked_for and not unknown and not found_out:
            unknown = max(ZERO, price - painted)  # it was refused, and may have been charged all the same
        case _:
            pass
    return Balances(
        left=-exact(held) - exact(spent + settled) - exact(unknown),
        held=exact(held),
        spent=exact(spent + settled),
        unknown=exact(unknown),
    )


def to_settle(job: Job, attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The requests of which nobody knows what they cost."""
    unknown = [each for each in attempts if _is_unknown(each, job)]
    if _ending(job) is Billed.UNKNOWN:
        renders = [each for each in attempts if each.what is AttemptFor.RENDER]
        taken = _taken(job, attempts)
        if taken is not None and taken.settled_usd is None:
            unknown.append(taken)
        elif not unknown and all(each.settled_usd is None for each in attempts):
            unknown.extend(renders[-1:])
    return tuple(dict.fromkeys(unknown))


def painted_usd(attempts: Sequence[Attempt]) -> Decimal:
    """What was paid for pictures to begin on, as far as it is known."""
    return sum((_painted_usd(each) for each in attempts if each.what is AttemptFor.PICTURE), ZERO)


def _ending(job: Job) -> Billed | None:
    """Whether a render that was taken is charged; None: it is not over."""
    if job.state in WITH_CLIP:
        return Billed.YES
    if job.state is JobState.CANCELLED:
        if WAS_CHARGED in job.notes:
            return Billed.YES
        return Billed.UNKNOWN if MAY_STILL_COST in job.notes else Billed.NO
    if job.state is JobState.FAILED and job.failure is not None:
        return job.failure.billed
    return Billed.NO if job.state in {JobState.FAILED, JobState.UNCONFIRMED} else None


def _is_unknown(attempt: Attempt, job: Job) -> bool:
    """Whether nobody knows what became of it; the one that is under way is held."""
    if attempt.settled_usd is not None:
        return False
    if _is_late(attempt, job):
        return job.state is not JobState.SUBMITTING
    is_under_way = job.state is JobState.SUBMITTING and attempt.outcome is AttemptOutcome.INTENDED
    return attempt.outcome is AttemptOutcome.UNKNOWN or (
        attempt.outcome is AttemptOutcome.INTENDED and not is_under_way
    )


def _taken(job: Job, attempts: Sequence[Attempt]) -> Attempt | None:
    """The request by which the job has its render."""
    renders = [each for each in attempts if each.what is AttemptFor.RENDER and not _is_late(each, job)]
    return next((each for each in reversed(renders) if each.task_id or each.outcome is AttemptOutcome.ACCEPTED), None)


def _is_late(attempt: Attempt, job: Job) -> bool:
    """Whether it was taken, and its answer came when the job was not its sender's any more: a render that nobody has."""
    return attempt.what is AttemptFor.RENDER and attempt.task_id is not None and attempt.task_id != job.task_id


def _rendered_usd(job: Job, taken: Attempt | None, painted: Decimal) -> Decimal | None:
    """What its service said that the render cost. None: it did not."""
    if taken is not None and taken.usd is not None:
        return taken.usd
    # of a job that was taken before its attempt kept that: what is told of a painted first frame alone says nothing of the render
    if job.cost_usd is None or (painted and job.cost_usd <= painted):
        return None
    return job.cost_usd - painted


def _painted_usd(attempt: Attempt) -> Decimal:
    """What a picture cost; 0 where there is none, nobody knows, or the operator has found it out."""
    if attempt.settled_usd is not None:
        return ZERO
    told = attempt.quoted_usd if attempt.outcome is AttemptOutcome.ACCEPTED and attempt.usd is None else attempt.usd
    return told or ZERO
