"""Nothing is paid twice and nothing paid is lost: every way in which a request that costs money can go wrong."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.abilities import Price, Quote
from engine.attempts import AttemptOutcome
from engine.errors import (
    AuthFailed,
    Billed,
    DiskFull,
    Misunderstood,
    OutOfCredit,
    ProviderError,
    RateLimited,
    Refused,
    RenderFailed,
    Unavailable,
    Unconfirmed,
)
from engine.job_model import MAY_STILL_COST, Job, JobState
from engine.job_stepper import STEP_S, JobStepper
from engine.ledger import Balances
from engine.model import Create
from engine.painting import PAINT_S, PAINTING, PREPARE_S
from engine.providers.base import CancelOutcome, Order, Prepared, Recovery
from engine.submit import ABSENT_AFTER_S, INTENT_LASTS_S, SEND_S, SENDING
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ABILITIES, ScriptedProvider
from tests.house import ANA, BEN, House, opened_house


async def begun(house: House) -> Job:
    return await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))


async def outcomes(house: House, job: Job) -> list[AttemptOutcome]:
    return [attempt.outcome for attempt in await house.store.read(lambda tx: tx.attempts(job.id))]


async def cut_off_in_submit(house: House) -> Job:
    """A job whose process died between the request and its answer."""
    house.provider.gate = asyncio.Event()
    job = await begun(house)
    (claimed,) = await house.stepper.claim(1)
    step = asyncio.create_task(house.stepper.step(claimed))
    await asyncio.wait_for(house.provider.asked.wait(), 10)
    step.cancel()
    await asyncio.gather(step, return_exceptions=True)
    house.provider.gate = None
    assert (await house.job(job.id)).state is JobState.SUBMITTING
    return job


async def test_the_intent_is_in_the_database_before_the_request_leaves(house: House) -> None:
    """Whoever dies now is found in SUBMITTING with a key."""
    job = await cut_off_in_submit(house)
    (attempt,) = await house.store.read(lambda tx: tx.attempts(job.id))
    assert attempt.outcome is AttemptOutcome.INTENDED
    assert attempt.task_id is None


@pytest.mark.parametrize(
    "lost", [Unconfirmed("?"), Misunderstood("?", detail="{}"), TimeoutError(), ValueError("a defect of the adapter")]
)
async def test_a_lost_answer_is_never_sent_again_by_itself(house: House, lost: Exception) -> None:
    """It becomes UNCONFIRMED, says that it may have been charged, and asks."""
    house.provider.lose_answers = [lost]
    job = await begun(house)
    await house.run(600)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED
    assert house.provider.submits == 1
    assert await outcomes(house, job) == [AttemptOutcome.UNKNOWN]
    asked = list(house.chat.messages.values())[-1].reply
    assert "It may have been charged." in asked.text
    assert [button.data for button in asked.buttons] == ["again:a1-1", "cancel:a1-1"]


async def test_a_person_may_send_an_unconfirmed_render_again(house: House) -> None:
    """Only the one whose it is, and knowingly."""
    house.provider.lose_answers = [Unconfirmed("?")]
    job = await begun(house)
    await house.run(10)
    refused = await house.press("again", "a1-1", BEN)
    assert refused is not None
    assert refused.text == "a1-1 belongs to Ana; only they can do that."
    assert await house.press("again", "a1-1", ANA) is None
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert await outcomes(house, job) == [AttemptOutcome.UNKNOWN, AttemptOutcome.ACCEPTED]


async def test_a_person_may_leave_an_unconfirmed_render(house: House) -> None:
    """Then it is over, and nothing was sent."""
    house.provider.lose_answers = [Unconfirmed("?")]
    job = await begun(house)
    await house.run(10)
    assert await house.press("cancel", "a1-1", ANA) is None
    await house.run(10)
    assert (await house.job(job.id)).state is JobState.CANCELLED
    assert house.provider.submits == 1


@pytest.mark.parametrize(
    ("error", "most_s"), [(RateLimited("wait", retry_after_s=7), 8), (Unavailable("down"), 3), (DiskFull("full"), 3)]
)
async def test_what_was_certainly_not_taken_is_asked_again_later(house: House, error: Exception, most_s: float) -> None:
    """After the time that the provider named, else with growing waits."""
    house.provider.submit_errors = [error]
    job = await begun(house)
    await house.tick()
    waiting = await house.job(job.id)
    assert waiting.state is JobState.QUEUED
    assert waiting.due_at is not None
    assert timedelta(seconds=most_s - 2) < waiting.due_at - house.clock() <= timedelta(seconds=most_s)
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert await outcomes(house, job) == [AttemptOutcome.REJECTED, AttemptOutcome.ACCEPTED]


async def test_a_provider_that_stays_away_is_given_up_in_the_end(house: House) -> None:
    """A job does not wait for ever."""
    house.provider.submit_errors = [Unavailable("The service is down.") for _ in range(100)]
    job = await begun(house)
    await house.run(3_600)
    done = await house.job(job.id)
    assert done.state is JobState.FAILED
    assert done.failure is not None
    assert (done.failure.sentence, done.failure.billed) == ("The service is down.", Billed.NO)
    assert house.provider.submits < 30


@pytest.mark.parametrize("error", [Refused("The picture shows a real person."), OutOfCredit("The account is empty.")])
async def test_a_no_is_final_and_was_not_charged(house: House, error: Exception) -> None:
    """The sentence, what it cost, and what can be done."""
    house.provider.submit_errors = [error]
    job = await begun(house)
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.FAILED
    assert house.provider.submits == 1
    said = list(house.chat.messages.values())[-1].reply
    assert said.text == f"a1-1 · by Ana\n{error} Nothing was charged."
    assert [button.label for button in said.buttons] == ["Try again"]


@pytest.mark.parametrize(
    ("recovery", "becomes"),
    [
        (Recovery.SAME_KEY, (JobState.DELIVERED, 2, 1)),
        (Recovery.NONE, (JobState.UNCONFIRMED, 1, 0)),
        (Recovery.LOOKUP, (JobState.DELIVERED, 2, 1)),
    ],
)
async def test_a_job_found_in_submitting_is_recovered_as_its_provider_allows(
    tmp_path: Path, clock: FakeClock, recovery: Recovery, becomes: tuple[JobState, int, int]
) -> None:
    """The same key again, a look-up and a long wait before it is believed absent, or a question to the person."""
    async with opened_house(tmp_path, clock, ScriptedProvider(recovery=recovery)) as house:
        job = await cut_off_in_submit(house)
        await house.run(100)
        if recovery is Recovery.LOOKUP:  # it was never taken, but that is not believed so early
            assert (await house.job(job.id)).state is JobState.SUBMITTING
        await house.run(200)
        state = (await house.job(job.id)).state
        assert (state, house.provider.submits, len(house.provider.renders)) == becomes


async def test_a_clock_that_was_set_proves_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """An hour later by the wall, a moment later in truth: the request may still be on its way, and nothing is sent again."""
    service = ScriptedProvider(recovery=Recovery.LOOKUP)
    elapsed_s = [0.0]
    async with opened_house(tmp_path, clock, service, monotonic=lambda: elapsed_s[0]) as house:
        job = await cut_off_in_submit(house)
        clock.advance(3_600)
        elapsed_s[0] = ABSENT_AFTER_S - 1
        await house.run(60)
        assert (await house.job(job.id)).state is JobState.SUBMITTING
        elapsed_s[0] = ABSENT_AFTER_S + 1
        await house.run(60)
        assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_sender_that_slept_counts_from_when_it_woke_up(tmp_path: Path, clock: FakeClock) -> None:
    """Its request may have left that late, and is not in the list yet."""
    service = ScriptedProvider(recovery=Recovery.LOOKUP, lose_answers=[TimeoutError()])
    async with opened_house(tmp_path, clock, service) as house:
        service.gate = asyncio.Event()
        job = await begun(house)
        (claimed,) = await house.stepper.claim(1)
        sender = asyncio.create_task(house.stepper.step(claimed))
        await asyncio.wait_for(service.asked.wait(), 10)
        clock.advance(ABSENT_AFTER_S)
        service.gate.set()
        await sender
        service.renders.clear()
        await house.run(ABSENT_AFTER_S - 20)
        assert (await house.job(job.id)).state is JobState.SUBMITTING
        await house.run(60)
        assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_render_that_was_taken_is_found_by_its_key(tmp_path: Path, clock: FakeClock) -> None:
    """A look-up adopts it at once; nothing is sent again."""
    async with opened_house(tmp_path, clock, ScriptedProvider(recovery=Recovery.LOOKUP)) as house:
        job = await cut_off_in_submit(house)
        (attempt,) = await house.store.read(lambda tx: tx.attempts(job.id))
        await house.provider.submit(Prepared(ORDER, attempt.key, None))
        await house.run(200)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert len(house.provider.renders) == 1


ORDER = Order(prompt="a lamp", seconds=1, ratio="16:9", resolution="480p", seed=1, style="plain", model="one")


async def test_a_sender_that_lost_its_job_sends_nothing(house: House) -> None:
    """The fence is read again right before the bytes leave."""
    job = await begun(house)
    (claimed,) = await house.stepper.claim(1)
    await house.store.write(lambda tx: tx.take_over(job.id))
    await house.stepper.step(claimed)
    assert house.provider.submits == 0


async def test_a_sender_whose_job_changes_hands_after_the_intent_sends_nothing(house: House) -> None:
    """As when it was frozen for longer than its lease, between the commit and the first byte."""

    async def take_over(job: Job) -> None:
        if job.state is JobState.SUBMITTING:
            await house.store.write(lambda tx: tx.take_over(job.id))

    house.news.listen(take_over)
    await begun(house)
    await house.tick()
    assert house.provider.submits == 0


@pytest.mark.parametrize("is_asked_again", [False, True])
async def test_an_answer_that_comes_when_its_person_was_asked_is_the_answer(house: House, is_asked_again: bool) -> None:
    """The sender was frozen, and somebody else has made a question of its job: the render is had, and paid once."""
    house.provider.gate = asyncio.Event()
    job = await begun(house)
    (claimed,) = await house.stepper.claim(1)
    sender = asyncio.create_task(house.stepper.step(claimed))
    await asyncio.wait_for(house.provider.asked.wait(), 10)
    await house.store.release_leases()  # as another process does at its start
    (found,) = await house.stepper.claim(1)
    await house.stepper.step(found)
    assert (await house.job(job.id)).state is JobState.UNCONFIRMED
    if is_asked_again:
        await house.studio.again(house.asked(), job.subject)
    house.provider.gate.set()
    await sender
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


class Deaf(ScriptedProvider):
    """It does not say whether a render that it is told to stop will be paid for."""

    async def cancel(self, task_id: str) -> CancelOutcome:
        await super().cancel(task_id)
        return CancelOutcome.MAY_STILL_COST


@pytest.mark.parametrize(("service", "unknown"), [(ScriptedProvider, "0"), (Deaf, "0.14")])
async def test_a_render_whose_answer_comes_when_it_was_left_is_stopped(
    tmp_path: Path, clock: FakeClock, service: type[ScriptedProvider], unknown: str
) -> None:
    """Its person said "leave it": it does not run on for nobody, and what it may cost stays in quarantine until it is known."""
    dear = replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.14")}))
    async with opened_house(tmp_path, clock, service(models={"one": dear})) as house:
        gate = house.provider.gate = asyncio.Event()
        await house.say("/create a lamp --seconds 1")
        (claimed,) = await house.stepper.claim(1)
        sender = asyncio.create_task(house.stepper.step(claimed))
        await asyncio.wait_for(house.provider.asked.wait(), 10)
        await house.store.release_leases()  # as another process does at its start
        other = JobStepper(house.stepper._world)
        (found,) = await other.claim(1)
        await other.step(found)
        await house.studio.cancel(house.asked(), "a1-1")
        gate.set()
        await sender
        await house.run(200)
        job = await house.job(claimed.id)
        assert (job.state, job.task_id, house.provider.submits) == (JobState.CANCELLED, "task-1", 1)
        assert house.provider.renders["task-1"].is_cancelled
        booked = await house.store.read(lambda tx: tx.job_balances(job.id))
        assert booked == Balances(left=-Decimal(unknown), unknown=Decimal(unknown))
        assert (MAY_STILL_COST in job.notes) is (service is Deaf)


async def test_nobody_looks_at_a_request_that_may_still_be_under_way(house: House) -> None:
    """Its sender may have slept for as long as its intent lasts, and then takes as long as a request may."""

    async def sleep(job: Job) -> None:
        if job.state is JobState.SUBMITTING:
            house.clock.advance(INTENT_LASTS_S)

    house.news.listen(sleep)
    house.provider.gate = asyncio.Event()
    await begun(house)
    (claimed,) = await house.stepper.claim(1)
    sender = asyncio.create_task(house.stepper.step(claimed))
    await asyncio.wait_for(house.provider.asked.wait(), 10)
    house.clock.advance(SEND_S)
    assert await house.stepper.claim(1) == []
    house.provider.gate.set()
    await sender
    assert (await house.job(claimed.id)).state is JobState.RENDERING


def test_the_times_of_a_request_keep_their_order() -> None:
    """The proof that nothing is sent twice is these inequalities."""
    assert ABSENT_AFTER_S > INTENT_LASTS_S + SEND_S
    assert SENDING.total_seconds() > INTENT_LASTS_S + SEND_S
    assert PAINTING.total_seconds() > INTENT_LASTS_S + PAINT_S
    assert STEP_S[JobState.QUEUED] > PREPARE_S + INTENT_LASTS_S + PAINT_S
    assert STEP_S[JobState.SUBMITTING] > SEND_S


async def test_an_intent_that_grew_old_is_not_sent_but_made_anew(house: House) -> None:
    """A sender that wakes up late knows that nothing left, and asks again with a new key."""
    frozen: list[Job] = []

    async def freeze(job: Job) -> None:
        if job.state is JobState.SUBMITTING and not frozen:
            frozen.append(job)
            house.clock.advance(61)

    house.news.listen(freeze)
    job = await begun(house)
    await house.run(90)
    assert await outcomes(house, job) == [AttemptOutcome.ABSENT, AttemptOutcome.ACCEPTED]
    assert house.provider.submits == 1
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_cancel_wins_over_the_step_under_way(house: House) -> None:
    """What the step comes to is void; the render is told to stop."""
    job = await begun(house)
    await house.tick()
    house.clock.advance(5)
    (claimed,) = await house.stepper.claim(1)
    await house.studio.cancel(house.asked(), None)
    await house.stepper.step(claimed)
    assert (await house.job(job.id)).state is JobState.CANCELLED
    assert house.provider.renders["task-1"].is_cancelled


async def test_a_render_that_fails_tells_why_and_moves_the_tip_back(house: House) -> None:
    """The story goes on from the last shot that has a clip; who waited for the failed one is told too."""
    await house.shot()
    house.provider.check_answers = [RenderFailed("It came out black.")]
    await house.say("/continue a boat")
    await house.say("/continue a storm", BEN)
    await house.run(30)
    told = [text for text in house.chat.seen if "black" in text or "has no clip" in text]
    assert told == [
        "a1-2 · by Ana\nIt came out black. It may have been charged.",
        "a1-3 · by Ben\na1-2, which a1-3 continues, has no clip; /retake a1-2 first, then /retake a1-3. Nothing was charged.",
    ]
    await house.say("/continue a calm")
    await house.run(30)
    view = await house.studio.story("local:home")
    assert view is not None
    assert [shot.shot.code for shot in view.shots if shot.on_canon] == ["a1-1", "a1-4"]


async def test_a_network_blip_is_no_failure(house: House) -> None:
    """A check that did not get through is made again."""
    house.provider.check_answers = [Unavailable("?"), Unavailable("?")]
    job = await begun(house)
    await house.run(30)
    assert (await house.job(job.id)).state is JobState.DELIVERED


@pytest.mark.parametrize("error", [Unavailable("?"), AuthFailed("?"), RateLimited("?", retry_after_s=3)])
async def test_no_outage_of_hours_is_a_failure_of_what_is_paid(house: House, error: ProviderError) -> None:
    """A service that is away, or a key that is mended meanwhile: it is asked until it answers, ever more seldom."""
    house.provider.check_answers = [error] * 1_000
    job = await begun(house)
    await house.run(4 * 3_600)
    assert 40 < 1_000 - len(house.provider.check_answers) < (100 if isinstance(error, Unavailable) else 1_000)
    assert (await house.job(job.id)).state is JobState.RENDERING
    assert "scripted does not answer; it is asked again" in house.chat.seen[-1]
    house.provider.check_answers = []
    await house.run(400)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


async def test_what_cannot_be_had_for_six_hours_is_given_up_as_perhaps_charged(house: House) -> None:
    """Not sooner, and not for ever."""
    house.provider.check_answers = [Unavailable("It is away.")] * 1_000
    job = await begun(house)
    await house.run(6 * 3_600 - 600)
    assert (await house.job(job.id)).state is JobState.RENDERING
    await house.run(1_200)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.state, done.failure.billed) == (JobState.FAILED, Billed.UNKNOWN)


async def test_what_was_not_taken_yet_is_given_up_as_before(house: House) -> None:
    """After a quarter of an hour: nothing is paid, and somebody waits."""
    house.provider.submit_errors = [Unavailable("It is away.")] * 100
    job = await begun(house)
    await house.run(3_600)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.state, done.failure.billed) == (JobState.FAILED, Billed.NO)


async def test_a_wrong_key_is_told_at_once_before_anything_is_paid(house: House) -> None:
    """Nothing waits for it there."""
    house.provider.submit_errors = [AuthFailed("The key is wrong.")]
    job = await begun(house)
    await house.run(5)
    assert (await house.job(job.id)).state is JobState.FAILED


async def test_the_price_is_told_before_and_what_it_cost_after(tmp_path: Path, clock: FakeClock) -> None:
    """With what was lost on the way, in one place."""
    dear = replace(ABILITIES, price=Price(usd_per_second={"": Decimal("0.14")}))
    provider = ScriptedProvider(models={"one": dear}, notes=("The picture was made smaller.",) * 2)
    provider.gate = asyncio.Event()
    provider.rendered_usd = Decimal("0.8")
    async with opened_house(tmp_path, clock, provider) as house:
        await house.say("/create a lamp --seconds 6")
        claimed = await house.stepper.claim(1)
        steps = [asyncio.create_task(house.stepper.step(job)) for job in claimed]
        await asyncio.wait_for(provider.asked.wait(), 10)
        await house.tick()
        assert house.chat.seen[-1] == "a1-1 · by Ana\n“a lamp”\nstarting · about $0.84\nThe picture was made smaller."
        provider.gate.set()
        await asyncio.gather(*steps)
        await house.run(20)
        result = house.chat.videos[-1].reply.text
        assert "· $0.80" in result
        assert "smaller" not in result
        job = await house.job(claimed[0].id)
        assert (job.quoted_usd, job.cost_usd) == (Decimal("0.84"), Decimal("0.8"))


async def test_a_price_that_cannot_be_had_is_no_reason_to_lose_a_shot(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where asking for it hangs or breaks: then what the catalog says holds."""

    async def breaks(_: Order) -> Quote:
        raise ZeroDivisionError

    monkeypatch.setattr(house.provider, "quote", breaks)
    job = await house.shot()
    assert job.quoted_usd == 0


async def test_a_word_that_nobody_knows_ends_the_render_as_unknown(house: House) -> None:
    """Unknown is never done, and never polled for ever."""
    house.provider.check_answers = [
        Misunderstood("The service gave an answer that Nextshot does not know.", detail="wat")
    ]
    job = await begun(house)
    await house.run(30)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.state, done.failure.billed) == (JobState.FAILED, Billed.UNKNOWN)


async def test_a_render_that_never_ends_is_given_up_and_cancelled(house: House) -> None:
    """After the model's `give_up_s`."""
    house.provider.finishes_at_check = 10**6
    job = await begun(house)
    await house.run(90)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.state, done.failure.kind) == (JobState.FAILED, "DeadlinePassed")
    assert house.provider.renders["task-1"].is_cancelled


async def test_a_download_that_breaks_off_is_made_again(house: House) -> None:
    """The render was paid: its file is fetched until it is here."""
    house.provider.fetch_errors = [Unavailable("?"), DiskFull("?")]
    job = await begun(house)
    await house.run(60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert house.provider.submits == 1


@pytest.mark.parametrize("junk", [b"", b"<html>not found</html>", b"\0" * 5_000])
async def test_a_finished_render_without_a_video_is_told_as_charged(house: House, junk: bytes) -> None:
    """`Completed` with something else than a clip is no success."""
    house.provider.fetched_bytes = junk
    job = await begun(house)
    await house.run(60)
    done = await house.job(job.id)
    assert done.failure is not None
    assert (done.state, done.failure.kind, done.failure.billed) == (JobState.FAILED, "BadMedia", Billed.YES)
    assert not house.chat.videos


async def test_a_defect_of_ours_is_tried_again_and_then_told(house: House) -> None:
    """An exception outside the tree never leaves a job silent."""
    house.provider.fetch_errors = [ZeroDivisionError() for _ in range(200)]
    job = await begun(house)
    await house.run(7 * 3_600)
    done = await house.job(job.id)
    assert done.state is JobState.FAILED
    assert done.failure is not None
    assert done.failure.sentence.startswith("Something broke inside Nextshot with a1-1")
    assert "division" not in house.chat.seen[-1]


async def test_the_provider_forgets_what_is_safe_with_us(house: House) -> None:
    """And our own work directory is gone."""
    job = await house.shot()
    assert house.provider.renders["task-1"].is_forgotten
    assert not list(house.files.work("x").parent.glob(f"job-{job.id}"))
