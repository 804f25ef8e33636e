"""A story under any mixture of commands and steps: what always holds of its tree, its canon and its jobs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.errors import RenderFailed, RequestError, Unconfirmed
from engine.job_model import JobKind, JobState
from engine.jobs import LIVE, WITH_CLIP
from engine.model import Continue, Create, Retake, ShotOptions, Stitch
from engine.ports import Reader
from engine.tree import line_to
from tests.fakes.clock import FakeClock
from tests.house import ANA, HOME, House, opened_house

CODES = st.sampled_from([None, "a1-1", "a1-2", "a1-3"])
SHORT = ShotOptions(seconds=0.5)
ANY = frozenset(JobState)


class Story(RuleBasedStateMachine):
    """One person, one place; what is refused with a sentence changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.directory = self.stack.enter_context(tempfile.TemporaryDirectory())

    @initialize()
    def open(self) -> None:
        house = opened_house(Path(self.directory), FakeClock())
        self.house: House = self.runner.run(self.stack.enter_async_context(house))
        self.do(self.house.studio.create(Create(asked=self.house.asked(), prompt="a lamp", options=SHORT)))

    def do(self, command: Coroutine[Any, Any, object]) -> None:
        """Ask it; whether it can be done just then does not matter."""

        async def ask() -> None:
            with suppress(RequestError):
                await command

        self.runner.run(ask())

    @rule(shot=CODES)
    def continue_story(self, shot: str | None) -> None:
        self.do(
            self.house.studio.continue_story(Continue(asked=self.house.asked(), prompt="on", shot=shot, options=SHORT))
        )

    @rule(shot=CODES)
    def retake(self, shot: str | None) -> None:
        self.do(self.house.studio.retake(Retake(asked=self.house.asked(), shot=shot)))

    @rule()
    def stitch(self) -> None:
        self.do(self.house.studio.stitch(Stitch(asked=self.house.asked())))

    @rule(shot=CODES)
    def cancel(self, shot: str | None) -> None:
        self.do(self.house.studio.cancel(self.house.asked(), shot))

    @rule(shot=CODES)
    def delete(self, shot: str | None) -> None:
        self.do(self.house.studio.delete(self.house.asked(), shot or "a1-f1"))

    @rule(shot=CODES)
    def choose(self, shot: str | None) -> None:
        self.do(self.house.studio.choose(self.house.asked(), shot or "a1-1"))

    @rule(shot=CODES)
    def again(self, shot: str | None) -> None:
        self.do(self.house.studio.again(self.house.asked(ANA), shot or "a1-1"))

    @rule()
    def the_next_answer_is_lost(self) -> None:
        self.house.provider.lose_answers = [Unconfirmed("lost")]

    @rule()
    def the_next_check_fails(self) -> None:
        self.house.provider.check_answers = [RenderFailed("It could not be drawn; /retake tries again.")]

    @rule(seconds=st.sampled_from([0.0, 0.5, 2.0]))
    def step(self, seconds: float) -> None:
        self.house.clock.advance(seconds)
        self.runner.run(self.house.tick())

    @rule()
    def rest(self) -> None:
        self.runner.run(self.house.run(20))
        assert self.runner.run(self.house.live()) == 0

    @rule()
    def restart(self) -> None:
        self.runner.run(self.house.store.release_leases())

    @invariant()
    def it_is_whole(self) -> None:
        if hasattr(self, "house"):
            self.runner.run(self.house.store.read(whole))

    def teardown(self) -> None:
        with self.runner:
            self.runner.run(self.stack.aclose())


async def whole(tx: Reader) -> None:
    """What holds after every command and every step."""
    story = await tx.story("a1")
    assert story is not None
    shots = {shot.id: shot for shot in await tx.shots(story.id)}
    takes = {take.id: take for take in await tx.takes(list(shots))}
    jobs = await tx.jobs_of_place(HOME, ANY)
    live = [job for job in jobs if job.state in LIVE]
    clips = {take.shot_id for take in takes.values() if take.clip is not None}
    being_rendered = [job.shot_id for job in live if job.kind is JobKind.RENDER]

    assert all(job.due_at is not None for job in live)
    assert all(job.due_at is None for job in jobs if job.state not in LIVE)
    assert len(being_rendered) == len(set(being_rendered)), "one job at a time renders a shot"
    numbers = [shot.number for shot in shots.values()]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))

    for shot in shots.values():
        if shot.deleted_at is not None:
            assert shot.id not in {*clips, *being_rendered}, f"{shot.code} was deleted and lives on"
        elif shot.chosen_take_id is not None:
            assert takes[shot.chosen_take_id].clip is not None
    for job in jobs:
        if job.kind is JobKind.RENDER and job.state in WITH_CLIP and shots[job.shot_id or 0].deleted_at is None:
            assert takes[job.take_id or 0].clip is not None
        if job.state in {JobState.FAILED, JobState.UNCONFIRMED}:
            assert job.failure is not None
            assert job.failure.sentence

    if story.tip_id is not None:
        tip = shots[story.tip_id]
        assert tip.deleted_at is None
        assert tip.id in {*clips, *being_rendered}, f"the canon ends with {tip.code}, which has no clip and gets none"
    canon = line_to(story.tip_id, shots)
    assert len({shot.id for shot in canon}) == len(canon)


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
