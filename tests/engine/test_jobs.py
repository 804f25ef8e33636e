"""The life of a job is its table and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import IllegalMove
from engine.job_model import Job, JobKind, JobState
from engine.jobs import LIVE, MOVES, OVER, finish, move
from engine.model import Person

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job_in(state: JobState) -> Job:
    return Job(
        id=1,
        kind=JobKind.RENDER,
        state=state,
        request_key="update-1",
        place="local:home",
        person=Person("local:ana", "Ana"),
        story_code="a1",
        shot_code="a1-1",
        due_at=NOON,
        tries=3,
        created_at=NOON,
    )


@pytest.mark.parametrize(("old", "new"), list(product(JobState, JobState)))
def test_a_job_moves_where_its_table_leads_and_nowhere_else(old: JobState, new: JobState) -> None:
    """Every pair of states: a named move is made, any other raises and leaves the job as it was."""
    job = job_in(old)
    if new in MOVES[old]:
        assert move(job, new).state is new
    else:
        with pytest.raises(IllegalMove):
            move(job, new)
    assert job == job_in(old)


def test_every_state_has_a_row() -> None:
    """A state without a row would be a job that nobody can move."""
    assert set(MOVES) == set(JobState)


@pytest.mark.parametrize("state", sorted(OVER))
def test_no_move_leads_out_of_an_end(state: JobState) -> None:
    """What is over stays over."""
    assert MOVES[state] == frozenset()


@given(st.lists(st.sampled_from(JobState), max_size=30))
def test_a_random_walk_never_leaves_an_end_and_is_due_only_while_live(wishes: list[JobState]) -> None:
    """Whatever is wished, in whatever order, the invariants hold after every step."""
    job = job_in(JobState.QUEUED)
    was_over = False
    for wish in wishes:
        try:
            job = move(job, wish)
        except IllegalMove:
            continue
        assert not was_over
        was_over = job.state in OVER
        if job.state not in LIVE:
            assert job.due_at is None


def test_a_new_state_begins_with_no_tries() -> None:
    """Retries are counted per state."""
    assert move(job_in(JobState.RENDERING), JobState.SAVING).tries == 0
    assert move(job_in(JobState.RENDERING), JobState.RENDERING).tries == 3


def test_a_finished_job_knows_when() -> None:
    """`finish` notes the time."""
    assert finish(job_in(JobState.SAVING), JobState.READY, NOON).finished_at == NOON
