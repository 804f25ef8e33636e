"""The jobs of a store under any mixture of claims, late writes and people's words: who may write, and what stays written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from engine.errors import IllegalMove, StaleFence
from engine.job_model import Job, JobState
from engine.jobs import LIVE, MOVES, move
from engine.ports import Writer
from tests.databases import ANA, HOME, add_render
from tests.fakes.clock import FakeClock
from tests.simulation.by_hand import ByHand

LEASE_S = 30.0
STATES = st.sampled_from(JobState)


class Jobs(RuleBasedStateMachine):
    """Claimers hold jobs for as long as they like and write them back whenever they wake up."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.by_hand = ByHand(self.clock)
        self.written: dict[int, tuple[int, JobState]] = {}
        """By job: the newest fence and the state, as they have to be."""
        self.leased_until: dict[int, float] = {}

    def now_s(self) -> float:
        return self.clock.now.timestamp()

    @rule()
    def begin(self) -> None:
        async def work(tx: Writer) -> Job:
            story = await tx.add_story(HOME, ANA, "The lamp")
            _, _, job = await add_render(tx, story, f"u{len(self.written)}")
            return job

        job = self.by_hand.run(self.by_hand.store.write(work))
        self.written[job.id] = (job.fence, job.state)

    @rule(target=held, limit=st.integers(1, 3))
    def claim(self, limit: int) -> tuple[Job, ...]:
        """Nobody gets what somebody holds under a lease that lasts."""
        claimed = tuple(self.by_hand.run(self.by_hand.store.claim_jobs(limit, LEASE_S)))
        assert len({job.id for job in claimed}) == len(claimed) <= limit
        for job in claimed:
            fence, state = self.written[job.id]
            assert self.leased_until.get(job.id, 0.0) <= self.now_s(), f"job {job.id} is claimed twice"
            assert (job.fence, job.state) == (fence + 1, state)
            self.written[job.id] = (job.fence, state)
            self.leased_until[job.id] = self.now_s() + LEASE_S
        return claimed

    @rule(jobs=consumes(held), to=STATES, in_s=st.sampled_from([0.0, 1.0, 60.0]))
    def write_back(self, jobs: tuple[Job, ...], to: JobState, in_s: float) -> None:
        """It counts if nobody else has claimed it since, and changes nothing otherwise."""
        for job in jobs:
            try:
                moved = move(job, to)
            except IllegalMove:
                assert to not in MOVES[job.state]
                continue
            if to in LIVE:
                moved = replace(moved, due_at=self._later(in_s))
            fence, _ = self.written[job.id]
            if fence != job.fence:
                with pytest.raises(StaleFence):
                    self._save(moved)
            else:
                self._save(moved)
                self.written[job.id] = (fence, to)
                self.leased_until.pop(job.id, None)

    @rule(jobs=held)
    def renew(self, jobs: tuple[Job, ...]) -> None:
        """Only who holds it can hold it longer."""
        for job in jobs:
            is_ours = self.written[job.id][0] == job.fence and job.id in self.leased_until
            assert self.by_hand.run(self.by_hand.store.renew(job, LEASE_S)) == is_ours
            if is_ours:
                self.leased_until[job.id] = self.now_s() + LEASE_S

    @rule(number=st.integers(0, 5), to=STATES)
    def somebody_says_so(self, number: int, to: JobState) -> None:
        """A person's word wins over whoever holds the job."""
        job_id = number % len(self.written) + 1 if self.written else 0
        if job_id not in self.written or to not in MOVES[self.written[job_id][1]]:
            return

        async def work(tx: Writer) -> Job:
            job = await tx.take_over(job_id)
            assert job is not None
            moved = move(job, to)
            await tx.save_job(replace(moved, due_at=self.clock.now) if to in LIVE else moved)
            return moved

        job = self.by_hand.run(self.by_hand.store.write(work))
        assert job.fence == self.written[job_id][0] + 1
        self.written[job_id] = (job.fence, to)
        self.leased_until.pop(job_id, None)

    @rule(seconds=st.sampled_from([0.5, 10.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def start_alone(self) -> None:
        """Whatever was held is free, and void for who held it."""
        submitting = {job_id for job_id, (_, state) in self.written.items() if state is JobState.SUBMITTING}
        freed = set(self.leased_until) | submitting
        assert self.by_hand.run(self.by_hand.store.release_leases()) == len(freed)
        for job_id in freed:
            fence, state = self.written[job_id]
            self.written[job_id] = (fence + 1, state)
        self.leased_until.clear()

    @invariant()
    def the_rows_say_so(self) -> None:
        rows = self.by_hand.raw.execute("SELECT id, fence, state, due_at FROM job").fetchall()
        assert {job_id: (fence, state) for job_id, fence, state, _ in rows} == self.written
        for job_id, _, state, due_at in rows:
            assert (due_at is not None) == (state in LIVE), f"job {job_id} is {state}"

    @invariant()
    def every_change_is_noted(self) -> None:
        """The notes of a job lead from its first state to its last one, by moves of the table."""
        at = dict.fromkeys(self.written, JobState.QUEUED)
        for job_id, was, to in self.by_hand.raw.execute("SELECT job_id, from_state, to_state FROM event ORDER BY id"):
            assert at[job_id] == was
            assert JobState(to) in MOVES[JobState(was)]
            at[job_id] = JobState(to)
        assert at == {job_id: state for job_id, (_, state) in self.written.items()}

    def teardown(self) -> None:
        self.by_hand.close()

    def _later(self, in_s: float) -> datetime:
        return self.clock.now + timedelta(seconds=in_s)

    def _save(self, job: Job) -> None:
        self.by_hand.run(self.by_hand.store.write(lambda tx: tx.save_job(job)))


TestJobs = Jobs.TestCase
TestJobs.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
