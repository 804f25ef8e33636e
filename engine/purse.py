"""The use cases about a price that waits for somebody's word: agree to it, or draft instead."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from engine.booking import book
from engine.budget import bill_of, pots_of, verdict_on_job
from engine.checks import Again, settle_again
from engine.errors import NotAllowed, NotFound, NotPossible
from engine.estimate import estimate
from engine.job_model import Job, JobState
from engine.jobs import LIVE, move
from engine.ledger import ZERO, exact, painted_usd
from engine.model import Asked, Shot, Take
from engine.money_rules import dollars
from engine.ports import Reader, Writer
from engine.pots import Pots, PotView, sum_of
from engine.rights import check_allowed, check_own_pot
from engine.spread import Spread, known_spread

__all__ = [
    "DRAFTED_BY",
    "Offer",
    "Offered",
    "PotView",
    "Purse",
    "Question",
]  # all that a front end needs to know of money

DRAFTED_BY = "animatic"
"""Whose drafts are free; where it is not set up, another provider that is."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A price as it was shown to somebody: of a shot, or of all that waited in a story. None: that nobody knows it."""

    usd: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody is asked to agree to: the prices of all jobs of a story that wait for it."""

    jobs: int
    own_low_usd: Decimal | None = None
    """What the job itself costs at least, by what its model has cost so far; at most its price. None: nobody knows."""
    low_usd: Decimal
    """What all cost at least, as far as it is known."""
    known_usd: Decimal
    """What those cost at most whose price is known."""
    high_usd: Decimal | None
    """What all cost at most; None: nobody can know."""
    left_usd: Decimal | None
    """What the open pot has left that would pay. None: no pot is open, the operator pays."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a word on a price would agree to, oldest first. `low_usd`: what it costs at least, as far as it is known."""

    jobs: tuple[Job, ...]
    low_usd: Decimal


class Purse(Pots):
    """What can be said to a price."""

    async def agree(self, asked: Asked, target: str, shown: Offer | None = None) -> tuple[Job, ...]:
        """Agree to the price of a shot's job, or of all of a story's. The same update again agrees to nothing more.

        `shown`: the price that this is a word on; None: whatever it is. What only its own person's pot would pay for is left out
        of a story that somebody else agrees to.

        Raises:
            NotFound: nothing of it waits for that.
            NotAllowed: somebody else's, or somebody else's own pot would pay.
            NotPossible: it costs more than what was shown.
            OverBudget: a pot or a cap does not allow it now; none is agreed to.
        """

        async def work(tx: Writer) -> tuple[Job, ...]:
            if not await tx.first_time(asked.key):
                return await _of_target(tx, asked, target)
            waiting = await _asking(tx, asked, target)
            _check_shown(shown, waiting)
            agreed: list[Job] = []
            refusal: NotAllowed | None = None
            for job in waiting:
                try:
                    agreed.append(await self._agree(tx, asked, job))
                except NotAllowed as error:
                    refusal = refusal or error
            if refusal is not None and not agreed:
                raise refusal
            return tuple(agreed)

        return await self._all_told(await self._store.write(work))

    async def offer(self, asked: Asked, target: str) -> Offered:
        """What this person would agree to with that word.

        Raises:
            NotFound, NotAllowed: as in `agree`.
        """

        async def look(tx: Reader) -> Offered:
            jobs = await _asking(tx, asked, target)
            return Offered(tuple(jobs), sum((await _lows(tx, jobs)).values(), ZERO))

        return await self._store.read(look)

    async def _agree(self, tx: Writer, asked: Asked, job: Job) -> Job:
        """Raises NotAllowed before anything is written."""
        now = self._world.clock()
        verdict = await verdict_on_job(tx, self._world.rules, job, job.quoted_usd, now)
        check_own_pot(asked.person, job, verdict.payer)
        agreed = move(job, JobState.QUEUED, due_at=now, payer=verdict.payer or job.payer, agreed_usd=job.quoted_usd)
        return await self._go_on(tx, job, agreed, f"agreed to by {asked.person.key}")

    async def draft(self, asked: Asked, target: str) -> tuple[Job, ...]:
        """Let what waits for somebody's word be drawn by the free animatic instead: the shots are its own from then on.

        Raises:
            NotFound: nothing of it waits.
            NotAllowed: somebody else's shot.
            NotPossible: it cannot be drafted.
        """

        async def work(tx: Writer) -> tuple[Job, ...]:
            if not await tx.first_time(asked.key):
                return await _of_target(tx, asked, target)
            return tuple([await self._draft(tx, asked, job) for job in await _asking(tx, asked, target)])

        return await self._all_told(await self._store.write(work))

    async def _draft(self, tx: Writer, asked: Asked, job: Job) -> Job:
        shot, take = await tx.shot(job.shot_id or 0), await tx.take(job.take_id or 0)
        if shot is None or take is None:
            raise NotFound(f"{job.subject} was deleted.")
        story = await tx.story(shot.story_code)
        check_allowed(asked.person, (shot.person, story.director if story else None), shot.code)
        if take.edit:
            raise NotPossible(
                f"{shot.code} is to be changed by words, which no draft can do; agree to its price, or /cancel {shot.code}."
            )
        again = self._free(shot if take.first_frame is not None else _unpainted(shot), take)
        await tx.change_shot(again.shot)
        bill = await bill_of(tx, job, ZERO)
        drafted = move(
            job,
            JobState.QUEUED,
            due_at=self._world.clock(),
            provider=again.shot.provider,
            model=again.shot.model,
            quoted_usd=painted_usd(await tx.attempts(job.id)),  # what was painted is paid
            agreed_usd=None,
            payer=bill.bound,
            notes=tuple(dict.fromkeys((*job.notes, *again.notes))),
        )
        return await self._go_on(tx, job, drafted, f"drafted, by {asked.person.key}")

    async def question(self, job: Job) -> Question:
        """What is asked about this job's story, for its status message."""

        async def look(tx: Reader) -> Question:
            asking = await tx.jobs_of_place(job.place, frozenset({JobState.ASKING}))
            jobs = [each for each in asking if each.story_code == job.story_code] or [job]
            pots = await pots_of(tx, job.place, job.person.key)
            pot = next((each for each in pots if each.is_open), None)
            own, lows = await _lows(tx, [job]), await _lows(tx, jobs)  # it may be asked about another price by now
            return Question(
                jobs=len(jobs),
                own_low_usd=own.get(job.id),
                low_usd=sum((lows.get(each.id, ZERO) for each in jobs), ZERO),
                known_usd=sum((each.quoted_usd or ZERO for each in jobs), ZERO),
                high_usd=sum_of(jobs),
                left_usd=None if pot is None else pot.balances.left,
            )

        return await self._store.read(look)

    async def _go_on(self, tx: Writer, before: Job, after: Job, detail: str) -> Job:
        """The job with a new fence, which wins over a step that is just giving it up."""
        held = await tx.take_over(before.id)
        if held is None or held.state is not JobState.ASKING:
            raise NotFound(f"{before.subject} does not wait for anybody's word any more.")
        after = replace(after, fence=held.fence)
        await tx.save_job(after, detail=detail)
        await book(tx, after)
        return after

    async def _all_told(self, jobs: Sequence[Job]) -> tuple[Job, ...]:
        for job in jobs:
            await self._told(job)
        return tuple(jobs)

    def _free(self, shot: Shot, take: Take) -> Again:
        """The shot as the animatic draws it, else as the first provider renders it that does so for free.

        Raises:
            NotPossible: nothing here does.
        """
        plain = replace(shot, references=())
        for name in sorted(self.models(), key=lambda name: name != DRAFTED_BY):
            with suppress(NotPossible):
                again = settle_again(plain, provider=name, models=self.models(), today=self._today())
                if estimate(again.shot, take, models=self.models(), painters={}) == 0:
                    return again
        raise NotPossible(f"Nothing here can draft {shot.code} for free; agree to its price, or /cancel {shot.code}.")


async def _asking(tx: Reader, asked: Asked, target: str) -> list[Job]:
    """The jobs of this shot or story that wait for somebody's word and that this person may answer for, oldest first.

    Raises:
        NotFound, NotAllowed
    """
    waiting = await tx.jobs_of_place(asked.place, frozenset({JobState.ASKING}))
    jobs = [job for job in reversed(waiting) if target.lower() in {job.subject, job.story_code}]
    if not jobs:
        raise NotFound(f"Nothing of {target} waits for anybody's word on its price.")
    allowed = []
    refusal: NotAllowed | None = None
    for job in jobs:
        shot = await tx.shot(job.shot_id or 0)
        story = await tx.story(job.story_code)
        owners = (job.person, shot.person if shot else None, story.director if story else None)
        try:
            check_allowed(asked.person, owners, job.subject)
        except NotAllowed as error:
            refusal = refusal or error
        else:
            allowed.append(job)
    if refusal is not None and not allowed:
        raise refusal
    return allowed


async def _lows(tx: Reader, jobs: Sequence[Job]) -> dict[int, Decimal]:
    """By job: what it costs at least. Without those of which nobody knows."""
    spreads: dict[tuple[str, str], Spread] = {}
    lows = {}
    for job in jobs:
        if job.quoted_usd is not None:
            model = job.provider, job.model
            if model not in spreads:
                spreads[model] = await known_spread(tx, *model)
            lows[job.id] = spreads[model].least_usd(job.quoted_usd)
    return lows


def _check_shown(shown: Offer | None, jobs: Sequence[Job]) -> None:
    """Raises NotPossible: they cost more together than what was shown, or nobody knows by now."""
    now = sum_of(jobs)
    if shown is None or shown.usd is None or (now is not None and exact(now) <= exact(shown.usd)):
        return
    if now is None:
        raise NotPossible("Nobody knows what it costs any more; press Render again to agree to that.")
    raise NotPossible(f"It costs about {dollars(now)} now; press Render again to agree to that.")


async def _of_target(tx: Reader, asked: Asked, target: str) -> tuple[Job, ...]:
    """What an update was about that is handled again, as it stands."""
    jobs = await tx.jobs_of_place(asked.place, LIVE)
    return tuple(job for job in reversed(jobs) if target.lower() in {job.subject, job.story_code})


def _unpainted(shot: Shot) -> Shot:
    """The shot without the first frame that would have to be painted, and paid."""
    is_painted_from_words = bool(shot.still) and shot.later_s is None
    is_unseeded = shot.is_unseeded or (is_painted_from_words and shot.parent_id is not None)
    return replace(shot, still="", later_s=None, is_unseeded=is_unseeded)
