"""A first frame is painted once, paid once and never lost: every way in which the request for it can go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from engine.attempts import AttemptFor, AttemptOutcome
from engine.errors import (
    AuthFailed,
    BadMedia,
    Billed,
    DiskFull,
    Misunderstood,
    OutOfCredit,
    RateLimited,
    Refused,
    RenderFailed,
    StorageUnavailable,
    Unavailable,
    Unconfirmed,
)
from engine.housekeeping import tidy_up
from engine.job_model import Job, JobState
from engine.job_stepper import STEP_S
from engine.model import FileKey
from engine.new_rows import NewJob, NewShot
from engine.open import open_studio
from engine.painting import PAINT_S, PREPARE_S
from engine.ports import Writer
from engine.providers.base import Recovery
from storage import LocalFiles, opened_store
from tests.fakes.clock import FakeClock
from tests.fakes.painter import ScriptedPainter
from tests.fakes.provider import ScriptedProvider
from tests.house import ANA, HOME, House, opened_house

P, R = AttemptFor.PICTURE, AttemptFor.RENDER


@pytest.fixture
def painter() -> ScriptedPainter:
    return ScriptedPainter()


@pytest.fixture
async def house(tmp_path: Path, clock: FakeClock, painter: ScriptedPainter) -> AsyncIterator[House]:
    provider = ScriptedProvider(recovery=Recovery.SAME_KEY)  # what holds for a render must not be taken for a picture
    async with opened_house(tmp_path, clock, provider, painters=(painter,)) as opened:
        yield opened


async def begun(
    house: House, *, parent: Job | None = None, later_s: float | None = None, still: str = "brush fine"
) -> Job:
    """A shot whose first frame is to be painted, as the studio writes it."""

    async def add(tx: Writer) -> Job:
        story = await tx.story(parent.story_code) if parent else await tx.add_story(HOME, ANA, "a lamp")
        assert story is not None
        shot = await tx.add_shot(
            NewShot(
                story_id=story.id,
                parent_id=parent.shot_id if parent else None,
                person=ANA,
                prompt="a lamp",
                seconds=1,
                ratio="16:9",
                resolution="480p",
                style="plain",
                provider="scripted",
                model="one",
                first_frame=None,
                last_frame=None,
                still=still,
                later_s=later_s,
            )
        )
        if story.tip_id == shot.parent_id:
            await tx.set_tip(story.id, shot.id)
        take = await tx.add_take(shot.id, 7, None)
        return await tx.add_job(
            NewJob(
                kind="render",
                request_key=house.asked().key,
                place=HOME,
                person=ANA,
                story_id=story.id,
                shot_id=shot.id,
                take_id=take.id,
                provider="scripted",
                model="one",
            )
        )

    return await house.store.write(add)


async def attempts(house: House, job: Job) -> list[tuple[AttemptFor, AttemptOutcome]]:
    return [(each.what, each.outcome) for each in await house.store.read(lambda tx: tx.attempts(job.id))]


async def first_frame(house: House, job: Job) -> FileKey | None:
    take = await house.store.read(lambda tx: tx.take(job.take_id or 0))
    assert take is not None
    return take.first_frame


async def cut_off(house: House, painter: ScriptedPainter) -> Job:
    """A job whose process died between the request for its picture and the answer."""
    painter.gate = asyncio.Event()
    job = await begun(house)
    (claimed,) = await house.stepper.claim(1)
    step = asyncio.create_task(house.stepper.step(claimed))
    await asyncio.wait_for(painter.asked.wait(), 10)
    step.cancel()
    await asyncio.gather(step, return_exceptions=True)
    painter.gate = None
    assert (await house.job(job.id)).state is JobState.SUBMITTING
    return job


async def test_a_first_frame_is_painted_and_then_rendered_from(house: House, painter: ScriptedPainter) -> None:
    """One request for each; the render starts on the picture; both are counted in what it cost."""
    house.provider.rendered_usd = Decimal("0.40")
    job = await begun(house)
    await house.run(20)
    done = await house.job(job.id)
    assert done.state is JobState.DELIVERED
    assert await attempts(house, job) == [(P, AttemptOutcome.ACCEPTED), (R, AttemptOutcome.ACCEPTED)]
    (order,) = painter.orders
    assert (order.prompt, order.ratio, order.model, order.frame, order.later_s) == (
        "a lamp",
        "16:9",
        "fine",
        None,
        None,
    )
    key = await first_frame(house, job)
    assert key is not None
    (render,) = house.provider.renders.values()
    assert render.order.first_frame == house.files.path(key)
    assert done.quoted_usd == Decimal("0.06")  # what was painted is known by then
    assert done.cost_usd == Decimal("0.46")
    assert done.notes == ("Its edges were cut off.",)


async def test_the_same_scene_later_begins_at_the_last_frame(house: House, painter: ScriptedPainter) -> None:
    """The parent's last frame goes to the painter, and its picture to the render."""
    parent = await house.shot()
    job = await begun(house, parent=parent, later_s=5)
    await house.run(20)
    (order,) = painter.orders
    assert order.later_s == 5
    assert order.frame is not None
    with Image.open(order.frame) as frame:
        assert frame.size == (64, 36)
    take = await house.store.read(lambda tx: tx.take(job.take_id or 0))
    assert take is not None
    assert take.first_frame is not None
    assert take.parent_take_id == parent.take_id
    assert list(house.provider.renders.values())[-1].order.first_frame == house.files.path(take.first_frame)


async def test_it_waits_for_the_clip_that_it_goes_on_from(house: House, painter: ScriptedPainter) -> None:
    """Nothing is painted before the last frame is there."""
    house.provider.finishes_at_check = 6
    await house.say("/create a lamp")
    parent = next(iter(await house.studio.jobs(HOME)))
    job = await begun(house, parent=parent, later_s=5)
    await house.tick()
    assert painter.calls == 0
    assert (await house.job(job.id)).waits_for == "a1-1"
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert painter.calls == 1


async def test_what_is_painted_outlives_its_parent(house: House, painter: ScriptedPainter) -> None:
    """A first frame that is paid is used, whatever became of the clip before."""
    parent = await house.shot()
    house.provider.submit_errors = [Unavailable("?")]
    job = await begun(house, parent=parent, later_s=5)
    for _ in range(2):
        await house.tick()
    assert await first_frame(house, job) is not None
    await house.studio.delete(house.asked(), "a1-1")
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert painter.calls == 1


async def test_the_intent_is_in_the_database_before_the_request_leaves(house: House, painter: ScriptedPainter) -> None:
    """Whoever dies now is found in SUBMITTING with an attempt for a picture."""
    job = await cut_off(house, painter)
    assert await attempts(house, job) == [(P, AttemptOutcome.INTENDED)]


async def test_a_job_that_was_cut_off_while_it_was_painted_asks(house: House, painter: ScriptedPainter) -> None:
    """A picture cannot be looked up, and its provider's way of recovery is not its painter's."""
    job = await cut_off(house, painter)
    await house.run(900)
    found = await house.job(job.id)
    assert found.state is JobState.UNCONFIRMED
    assert found.failure is not None
    assert found.failure.sentence == (
        "It is not known whether brush took the request for the first frame of a1-1, so it was not sent again by itself."
    )
    assert await attempts(house, job) == [(P, AttemptOutcome.UNKNOWN)]
    assert (painter.calls, house.provider.submits) == (1, 0)


async def test_a_person_may_have_it_painted_again(house: House, painter: ScriptedPainter) -> None:
    """Knowingly, and then it is one more request."""
    job = await cut_off(house, painter)
    await house.run(900)
    assert await house.press("again", "a1-1", ANA) is None
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert await attempts(house, job) == [
        (P, AttemptOutcome.UNKNOWN),
        (P, AttemptOutcome.ACCEPTED),
        (R, AttemptOutcome.ACCEPTED),
    ]
    assert painter.calls == 2


@pytest.mark.parametrize(
    "lost", [Unconfirmed("?"), Misunderstood("?", detail="{}"), TimeoutError(), ValueError("a defect of the painter")]
)
async def test_a_lost_answer_is_never_asked_for_again_by_itself(
    house: House, painter: ScriptedPainter, lost: Exception
) -> None:
    """It becomes UNCONFIRMED and asks its person."""
    painter.paint_errors = [lost]
    job = await begun(house)
    await house.run(900)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED
    assert await attempts(house, job) == [(P, AttemptOutcome.UNKNOWN)]
    assert (painter.calls, house.provider.submits) == (1, 0)


@pytest.mark.parametrize("error", [RateLimited("wait", retry_after_s=7), Unavailable("down")])
async def test_what_was_certainly_not_taken_is_asked_again_later(
    house: House, painter: ScriptedPainter, error: Exception
) -> None:
    """Nothing was paid, and it is counted."""
    painter.paint_errors = [error]
    job = await begun(house)
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.studio.tally.errors == {(painter.name, type(error).__name__): 1}
    assert await attempts(house, job) == [
        (P, AttemptOutcome.REJECTED),
        (P, AttemptOutcome.ACCEPTED),
        (R, AttemptOutcome.ACCEPTED),
    ]


async def test_a_painter_that_stays_away_is_given_up_in_the_end(house: House, painter: ScriptedPainter) -> None:
    """A job does not wait for ever."""
    painter.paint_errors = [Unavailable("The painter is down.") for _ in range(100)]
    job = await begun(house)
    await house.run(3_600)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.failure.sentence, done.failure.billed) == ("The painter is down.", Billed.NO)
    assert painter.calls < 30


@pytest.mark.parametrize(
    ("error", "billed", "outcome"),
    [
        (Refused("Its rules forbid it.", billed=Billed.NO), Billed.NO, AttemptOutcome.REJECTED),
        (Refused("Its rules forbid it.", billed=Billed.UNKNOWN), Billed.UNKNOWN, AttemptOutcome.UNKNOWN),
        (Refused("Its rules forbid it.", billed=Billed.YES), Billed.YES, AttemptOutcome.ACCEPTED),
        (OutOfCredit("The account is empty."), Billed.NO, AttemptOutcome.REJECTED),
        (AuthFailed("The key is wrong."), Billed.NO, AttemptOutcome.REJECTED),
        (RenderFailed("There is no picture.", billed=Billed.YES), Billed.YES, AttemptOutcome.ACCEPTED),
        (BadMedia("It cannot be cut."), Billed.YES, AttemptOutcome.ACCEPTED),
        (DiskFull("The disk is full."), Billed.YES, AttemptOutcome.ACCEPTED),
    ],
)
async def test_a_no_is_final_and_says_what_it_cost(
    house: House, painter: ScriptedPainter, error: Exception, billed: Billed, outcome: AttemptOutcome
) -> None:
    """The painter's own sentence; nothing is rendered, nothing asked twice."""
    painter.paint_errors = [error]
    job = await begun(house)
    await house.run(60)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.state, done.failure.sentence, done.failure.billed) == (JobState.FAILED, str(error), billed)
    assert await attempts(house, job) == [(P, outcome)]
    assert (painter.calls, house.provider.submits) == (1, 0)


async def test_a_picture_that_is_here_is_not_asked_for_again(
    house: House, painter: ScriptedPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was written to the work directory and the database was away: what lies there whole is adopted."""
    settle = house.stepper._settle
    failures = [StorageUnavailable("away")]

    async def fail_once(outcome: object, **more: object) -> Job:
        if failures:
            raise failures.pop()
        return await settle(outcome, **more)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(house.stepper, "_settle", fail_once)
    job = await begun(house)
    await house.tick()
    assert (await house.job(job.id)).state is JobState.SUBMITTING
    await house.run(600)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert painter.calls == 1
    assert await attempts(house, job) == [(P, AttemptOutcome.ACCEPTED), (R, AttemptOutcome.ACCEPTED)]


async def test_a_full_disk_waits_with_the_painted_picture(
    house: House, painter: ScriptedPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is kept as soon as there is room, and not painted anew."""
    adopt = house.files.adopt
    full = [DiskFull("full"), DiskFull("full")]

    async def adopt_later(path: Path) -> FileKey:
        if full and path.suffix == ".png":
            raise full.pop()
        return await adopt(path)

    monkeypatch.setattr(house.files, "adopt", adopt_later)
    job = await begun(house)
    await house.run(120)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert painter.calls == 1


async def test_a_picture_and_its_acceptance_are_one_write(house: House, painter: ScriptedPainter) -> None:
    """A crash right after it finds a queued job with its first frame, and the render goes on."""
    job = await begun(house)
    await house.tick()
    after = await house.job(job.id)
    assert after.state is JobState.QUEUED
    assert await first_frame(house, job) is not None
    assert await attempts(house, job) == [(P, AttemptOutcome.ACCEPTED)]
    assert after.cost_usd == Decimal("0.06")
    assert house.provider.submits == 0
    await house.run(20)
    assert (painter.calls, house.provider.submits) == (1, 1)


async def test_a_job_found_in_submitting_with_its_picture_goes_on(house: House, painter: ScriptedPainter) -> None:
    """However it came to stand there."""
    job = await cut_off(house, painter)
    kept = house.files.work("given") / "x.png"
    Image.new("RGB", (64, 36)).save(kept)
    key = await house.files.adopt(kept)
    await house.store.write(lambda tx: tx.paint_take(job.take_id or 0, key))
    await house.run(600)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert painter.calls == 1


async def test_a_sender_whose_job_changes_hands_after_the_intent_sends_nothing(
    house: House, painter: ScriptedPainter
) -> None:
    """The fence is read again right before the bytes leave."""

    async def take_over(job: Job) -> None:
        if job.state is JobState.SUBMITTING:
            await house.store.write(lambda tx: tx.take_over(job.id))

    house.news.listen(take_over)
    await begun(house)
    await house.tick()
    assert painter.calls == 0


async def test_an_intent_that_grew_old_is_not_sent_but_made_anew(house: House, painter: ScriptedPainter) -> None:
    """A sender that wakes up late knows that nothing left."""
    frozen: list[Job] = []

    async def freeze(job: Job) -> None:
        if job.state is JobState.SUBMITTING and not frozen:
            frozen.append(job)
            house.clock.advance(61)

    house.news.listen(freeze)
    job = await begun(house)
    await house.run(90)
    assert (await attempts(house, job))[:2] == [(P, AttemptOutcome.ABSENT), (P, AttemptOutcome.ACCEPTED)]
    assert painter.calls == 1


async def test_a_render_that_is_not_known_is_not_painted_again(house: House, painter: ScriptedPainter) -> None:
    """`again` sends the render; the picture is there."""
    house.provider.recovery = Recovery.NONE
    house.provider.lose_answers = [Unconfirmed("?")]
    job = await begun(house)
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED
    assert await house.press("again", "a1-1", ANA) is None
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert painter.calls == 1


@pytest.mark.parametrize(("still", "who"), [("gone model", "gone"), ("brush gone", "brush gone")])
async def test_a_painter_that_is_gone_is_told(house: House, painter: ScriptedPainter, still: str, who: str) -> None:
    """Its key or its model was taken out since the shot was asked for; nothing is paid, and the way on is one."""
    job = await begun(house, still=still)
    await house.run(10)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.failure.billed, painter.calls) == (Billed.NO, 0)
    assert done.failure.sentence == (
        f"{who}, which was to paint the first frame of a1-1, is not here any more; "
        "/retake a1-1 --text-only renders it without one."
    )
    await house.say("/retake a1-1 --text-only")
    await house.run(10)
    assert len(house.provider.renders) == 1


def test_a_picture_has_time_within_a_step() -> None:
    """Else the step would be cut off while a paid answer is on its way."""
    assert STEP_S[JobState.QUEUED] > PREPARE_S + PAINT_S


async def test_people_ask_for_a_painted_frame_in_a_chat(house: House, painter: ScriptedPainter) -> None:
    """`/create --still` from words, `/continue --later` from the last frame; who paints is settled with the shot."""
    assert await house.say("/create a lamp --still rough") is None
    await house.run(20)
    assert await house.say("/continue a boat --later 5") is None
    await house.run(20)
    assert [(order.model, order.later_s, order.frame is None) for order in painter.orders] == [
        ("rough", None, True),
        ("fine", 5, False),
    ]
    view = await house.studio.story(HOME)
    assert view is not None
    assert [shot.shot.still for shot in view.shots] == ["brush rough", "brush fine"]
    assert all(shot.clip for shot in view.shots)


async def test_people_are_told_what_cannot_be_painted(house: House, painter: ScriptedPainter) -> None:
    """At once, and nothing is begun."""
    refused = await house.say("/create a lamp --later 5")
    assert refused is not None
    assert refused.text == "--later goes on from a shot that is there; use it with /continue."
    unknown = await house.say("/create a lamp --still pencil")
    assert unknown is not None
    assert "choose one of: brush fine, brush rough" in unknown.text
    assert (painter.calls, await house.studio.story(HOME)) == (0, None)


async def test_a_crash_after_painting_loses_neither_price_nor_notes(
    house: House, painter: ScriptedPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They lie beside the picture."""

    async def dead(*_: object, **__: object) -> None:
        raise StorageUnavailable("The database is away.")

    job = await begun(house)
    (claimed,) = await house.stepper.claim(1)
    with monkeypatch.context() as away:
        away.setattr(house.stepper, "_settle", dead)
        await house.stepper.step(claimed)
    await house.run(900)
    done = await house.job(job.id)
    assert (done.state, done.cost_usd, painter.calls) == (JobState.DELIVERED, Decimal("0.06"), 1)
    assert "Its edges were cut off." in done.notes


async def test_a_painted_frame_is_handed_on_to_the_next_try(house: House, painter: ScriptedPainter) -> None:
    """It is paid; only where it was refused twice is another one painted. The price is told once."""
    house.provider.submit_errors = [Refused("No."), Refused("No.")]
    await house.say("/create a lamp --still fine")
    await house.run(10)
    await house.say("/retake a1-1")
    await house.run(10)
    assert (painter.calls, (await house.job(2)).cost_usd, (await house.job(2)).quoted_usd) == (1, None, Decimal(0))
    await house.say("/retake a1-1")
    await house.run(20)
    assert (painter.calls, (await house.job(3)).state) == (2, JobState.DELIVERED)
    (shot,) = (await house.studio.story(HOME)).shots  # type: ignore[union-attr]  # there is one
    frames = [take.first_frame for take in shot.takes]
    assert (frames[0] == frames[1], frames[1] == frames[2]) == (True, False)


async def test_a_frame_of_another_clip_is_painted_anew(house: House, painter: ScriptedPainter) -> None:
    """What it goes on from was rendered again since."""
    await house.shot()
    house.provider.submit_errors = [OutOfCredit("The account is empty.")]
    await house.say("/continue a boat --later 5")
    await house.run(10)
    await house.say("/retake a1-1")
    await house.run(10)
    await house.say("/retake a1-2")
    await house.run(20)
    assert painter.calls == 2


async def test_a_retake_is_painted_anew(house: House, painter: ScriptedPainter) -> None:
    """A new take has a first frame of its own."""
    await house.say("/create a lamp --still fine")
    await house.run(20)
    await house.say("/retake a1-1")
    await house.run(20)
    assert len(painter.orders) == 2
    (shot,) = (await house.studio.story(HOME)).shots  # type: ignore[union-attr]  # there is one
    frames = [take.first_frame for take in shot.takes]
    assert None not in frames
    assert len(set(frames)) == 2


async def test_models_tells_who_paints(house: House) -> None:
    """Beside who renders."""
    told = await house.say("/models")
    assert told is not None
    assert told.text.splitlines()[-1] == "brush paints first frames · fine · about $0.05 a picture · also rough"


async def test_a_painted_frame_is_not_swept(house: House) -> None:
    """As long as its take lives it is used."""
    job = await begun(house)
    await house.run(20)
    key = await first_frame(house, job)
    assert key is not None
    await tidy_up(house.stepper._world)
    assert await house.files.exists(key)
    assert await house.store.read(lambda tx: tx.file_is_used(key))


async def test_painters_are_closed_with_the_studio(tmp_path: Path, clock: FakeClock, painter: ScriptedPainter) -> None:
    """Like providers."""
    async with opened_store("sqlite://", clock) as store:
        files = LocalFiles(tmp_path / "files")
        async with open_studio(store, files, [ScriptedProvider()], painters=[painter], clock=clock) as studio:
            assert studio.painters() == {"brush": painter.models}
            assert not painter.is_closed
    assert painter.is_closed
