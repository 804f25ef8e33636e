"""The ledger under any history of many jobs and pots, against a model that a child could keep: what is held, spent, not known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from engine.attempts import AttemptOutcome
from engine.booking import book, pot_of
from engine.errors import Billed
from engine.job_model import MAY_STILL_COST, Failure, Job, JobState, Payer
from engine.jobs import move
from engine.ledger import HOUSE, Balances, Bucket, Move, PotKey, entries, to_settle
from engine.ports import Writer
from tests.databases import ANA, BEN, HOME, add_render
from tests.fakes.clock import FakeClock
from tests.simulation.by_hand import ByHand

S, A = JobState, AttemptOutcome
ZERO = Decimal(0)
CENTS = st.integers(0, 300).map(lambda cents: Decimal(cents) / 100)
PAYERS = st.sampled_from([None, Payer.HOUSE, Payer.PLACE, Payer.PERSON])
POTS = st.sampled_from([PotKey(Payer.PLACE, HOME), PotKey(Payer.PERSON, ANA.key), PotKey(Payer.PERSON, BEN.key)])


@dataclass
class Expected:
    """One job as the child sees it."""

    price: Decimal
    pot: PotKey
    held: Decimal = ZERO
    spent: Decimal = ZERO
    unknown: Decimal = ZERO


class Ledger(RuleBasedStateMachine):
    """Jobs that are begun, asked for, lost, charged, given back and settled, in any order that their table allows."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.by_hand = ByHand(self.clock)
        self.expected: dict[int, Expected] = {}
        self.filled: dict[PotKey, Decimal] = {}
        self.payments = 0

    @rule(target=jobs, price=CENTS, payer=PAYERS, person=st.sampled_from([ANA, BEN]))
    def begin(self, price: Decimal, payer: Payer | None, person: object) -> int:
        """Its price is held."""

        async def work(tx: Writer) -> Job:
            story = await tx.add_story(HOME, ANA, "The lamp")
            who = BEN if person is BEN else ANA
            _, _, job = await add_render(tx, story, f"u{len(self.expected)}", person=who)
            job = replace(job, quoted_usd=price, payer=payer)
            await tx.save_job(job)
            await book(tx, job)
            return job

        job = self.by_hand.run(self.by_hand.store.write(work))
        self.expected[job.id] = Expected(price, pot_of(job), held=price)
        return job.id

    @rule(job_id=jobs, answer=st.sampled_from([A.ACCEPTED, A.REJECTED, A.UNKNOWN, A.ABSENT]))
    def ask_for_it(self, job_id: int, answer: AttemptOutcome) -> None:
        """A request leaves, and this is what is heard of it."""
        expected = self.expected[job_id]

        async def work(tx: Writer) -> None:
            job = await self._job(tx, job_id)
            if job.state is not S.QUEUED:
                return
            attempt = await tx.add_attempt(job.id, f"{job.id}-{self.clock.now}", quoted_usd=expected.price)
            job = move(job, S.SUBMITTING)
            await self._save(tx, job)
            task_id = f"task-{attempt.id}" if answer is A.ACCEPTED else None
            await tx.close_attempt(attempt.id, answer, task_id)
            match answer:
                case A.ACCEPTED:
                    job = move(job, S.RENDERING, task_id=task_id)
                case A.UNKNOWN:
                    job = move(job, S.UNCONFIRMED, failure=Failure("Unconfirmed", "?", Billed.UNKNOWN))
                    expected.held, expected.unknown = ZERO, expected.unknown + expected.price
                case _:
                    job = move(job, S.QUEUED)
            await self._save(tx, job)

        self.clock.advance(1)
        self.by_hand.run(self.by_hand.store.write(work))

    @rule(job_id=jobs)
    def again(self, job_id: int) -> None:
        """Its person knows that it may cost twice."""
        expected = self.expected[job_id]

        async def work(tx: Writer) -> None:
            job = await self._job(tx, job_id)
            if job.state is S.UNCONFIRMED:
                await self._save(tx, move(job, S.QUEUED, failure=None))
                expected.held = expected.price

        self.by_hand.run(self.by_hand.store.write(work))

    @rule(job_id=jobs, cost=st.none() | CENTS)
    def render(self, job_id: int, cost: Decimal | None) -> None:
        """A clip comes, and its service says what it cost, or does not."""
        expected = self.expected[job_id]

        async def work(tx: Writer) -> None:
            job = await self._job(tx, job_id)
            if job.state is S.RENDERING:
                await self._save(tx, move(job, S.SAVING, cost_usd=cost))
                await self._save(tx, move(move(job, S.SAVING, cost_usd=cost), S.READY))
                expected.held, expected.spent = ZERO, expected.spent + (expected.price if cost is None else cost)

        self.by_hand.run(self.by_hand.store.write(work))

    @rule(job_id=jobs, billed=st.sampled_from(Billed))
    def fail(self, job_id: int, billed: Billed) -> None:
        """No clip comes, and it was charged, was not, or nobody knows."""
        expected = self.expected[job_id]

        async def work(tx: Writer) -> None:
            job = await self._job(tx, job_id)
            if job.state is S.RENDERING:
                await self._save(tx, move(job, S.FAILED, failure=Failure("RenderFailed", "No.", billed)))
                expected.held = ZERO
                expected.spent += expected.price if billed is Billed.YES else ZERO
                expected.unknown += expected.price if billed is Billed.UNKNOWN else ZERO

        self.by_hand.run(self.by_hand.store.write(work))

    @rule(job_id=jobs)
    def cancel(self, job_id: int) -> None:
        """Before it was asked for it is free; what renders may still cost."""
        expected = self.expected[job_id]

        async def work(tx: Writer) -> None:
            job = await self._job(tx, job_id)
            if job.state is S.RENDERING:
                await self._save(tx, move(job, S.CANCELLED, notes=(MAY_STILL_COST,)))
                expected.held, expected.unknown = ZERO, expected.unknown + expected.price
            elif job.state in {S.QUEUED, S.UNCONFIRMED}:
                await self._save(tx, move(job, S.CANCELLED))
                expected.held = ZERO

        self.by_hand.run(self.by_hand.store.write(work))

    @rule(job_id=jobs, usd=CENTS)
    def resolve(self, job_id: int, usd: Decimal) -> None:
        """The operator says what the unknown requests of a job that is over cost, all together."""
        expected = self.expected[job_id]

        async def work(tx: Writer) -> None:
            job = await self._job(tx, job_id)
            attempts = to_settle(job, await tx.attempts(job_id))
            if job.due_at is None and attempts:
                for attempt in attempts:
                    await tx.settle_attempt(attempt.id, usd if attempt is attempts[0] else ZERO)
                await book(tx, job)
                expected.unknown, expected.spent = ZERO, expected.spent + usd

        self.by_hand.run(self.by_hand.store.write(work))

    @rule(job_id=jobs)
    def book_again(self, job_id: int) -> None:
        """To book twice is to book once."""

        async def work(tx: Writer) -> None:
            await book(tx, await self._job(tx, job_id))

        self.by_hand.run(self.by_hand.store.write(work))

    @rule(pot=POTS, usd=CENTS.filter(bool), is_told_twice=st.booleans())
    def fill(self, pot: PotKey, usd: Decimal, is_told_twice: bool) -> None:
        """The same payment comes in once, however often it is told."""
        self.payments += 1
        lines = entries(pot, (Move(Bucket.OUTSIDE, Bucket.LEFT, usd),), key=f"payment {self.payments}")
        for _ in range(1 + is_told_twice):
            self.by_hand.run(self.by_hand.store.write(lambda tx: tx.post(lines)))
        self.filled[pot] = self.filled.get(pot, ZERO) + usd

    @invariant()
    def every_job_is_as_it_should_be(self) -> None:
        for job_id, expected in self.expected.items():
            have = self.by_hand.run(self.by_hand.store.read(lambda tx, job_id=job_id: tx.job_balances(job_id)))  # type: ignore[misc]  # a default is not inferred
            taken = expected.held + expected.spent + expected.unknown
            assert have == Balances(left=-taken, held=expected.held, spent=expected.spent, unknown=expected.unknown), (
                f"job {job_id}"
            )

    @invariant()
    def every_pot_adds_up(self) -> None:
        for pot in {HOUSE, *self.filled, *(each.pot for each in self.expected.values())}:
            have = self.by_hand.run(self.by_hand.store.read(lambda tx, pot=pot: tx.pot(pot))).balances  # type: ignore[misc]  # as above
            jobs = [each for each in self.expected.values() if each.pot == pot]
            assert have.held == sum((each.held for each in jobs), ZERO)
            assert have.spent == sum((each.spent for each in jobs), ZERO)
            assert have.unknown == sum((each.unknown for each in jobs), ZERO)
            assert have.left + have.committed == self.filled.get(pot, ZERO)

    def teardown(self) -> None:
        self.by_hand.close()

    async def _job(self, tx: Writer, job_id: int) -> Job:
        job = await tx.job(job_id)
        assert job is not None
        return job

    async def _save(self, tx: Writer, job: Job) -> None:
        await tx.save_job(job)
        await book(tx, job)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=8, stateful_step_count=25, deadline=None)
