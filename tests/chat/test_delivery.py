"""What must be said is said once; what may be lost is lost gladly."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.message import NotSent, SendUnknown
from engine.model import Create, JobState, SayKind, SayState
from engine.providers.base import Rendering
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.house import HOME, House, opened_house


async def says(house: House, job_id: int) -> dict[SayKind, SayState]:
    return {say.kind: say.state for say in await house.store.read(lambda tx: tx.says(job_id))}


async def test_a_result_that_the_platform_did_not_take_is_sent_again(house: House) -> None:
    """A failed upload never reads as a failed render."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [NotSent("flood", retry_after_s=3), NotSent("flood", retry_after_s=3)]
    await house.run(5)
    assert (await house.job(job.id)).state is JobState.READY
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert len(house.chat.videos) == 1


async def test_a_chat_that_never_takes_it_keeps_the_clip(house: House) -> None:
    """Kicked from the group: the job stays READY, the reason is kept, the clip is in the history."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [NotSent("kicked", retry_after_s=None)]
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.READY
    assert (await says(house, job.id))[SayKind.RESULT] is SayState.FAILED
    assert len((await house.studio.history(job.place, None)).items) == 1


@pytest.mark.parametrize(("dedupes", "state", "shown"), [(True, SayState.SENT, 1), (False, SayState.UNKNOWN, 1)])
async def test_a_lost_answer_shows_no_clip_twice(
    tmp_path: Path, clock: FakeClock, dedupes: bool, state: SayState, shown: int
) -> None:
    """Where the platform knows our nonce it is asked again; where it does not, unknown stays unknown."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=dedupes)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(60)
        assert (await says(house, job.id))[SayKind.RESULT] is state
        assert len(house.chat.videos) == shown


@pytest.mark.parametrize(("dedupes", "shown"), [(True, 1), (False, 0)])
async def test_a_message_cut_off_while_sending_is_judged_at_the_next_start(
    tmp_path: Path, clock: FakeClock, dedupes: bool, shown: int
) -> None:
    """Found in SENDING: the same nonce again, or UNKNOWN where that could double it."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=dedupes)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        while not [say for say in await house.store.read(lambda tx: tx.says(job.id)) if say.kind is SayKind.RESULT]:
            for claimed in await house.stepper.claim(9):
                await house.stepper.step(claimed)
            clock.advance(1)
        for say in await house.delivery.claim(9):
            await house.delivery.step(say)
        (result,) = await house.delivery.claim(9)
        await house.store.write(lambda tx: tx.save_say(result, SayState.SENDING, again_in_s=600))
        await house.store.release_leases()
        await house.run(10)
        assert len(house.chat.videos) == shown


async def test_progress_that_the_platform_refuses_is_dropped(house: House) -> None:
    """An edit that fails costs nothing and stops nothing."""
    house.chat.edit_errors = [NotSent("flood", retry_after_s=60), SendUnknown("timeout")]
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_progress_keeps_to_the_pace_of_the_place(tmp_path: Path, clock: FakeClock) -> None:
    """However often a provider is asked, a place sees one edit in its time; the last word is always said."""
    async with opened_house(tmp_path, clock, chat=FakeChat(edit_every_s=3_600)) as house:
        house.provider.check_answers = [Rendering(percent=float(n)) for n in range(12)]
        await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.run(60)
        status = next(iter(house.chat.messages.values()))
        assert status.edits <= 2
        assert status.reply.text.endswith("done in 7 s")


async def test_progress_under_way_never_overwrites_the_last_word(house: House) -> None:
    """An edit that the platform takes its time for is waited for before the last one is made."""
    gate = house.chat.edit_gate = asyncio.Event()
    house.provider.check_answers = [Rendering(percent=40.0)]
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    running = asyncio.create_task(house.run(20))
    async with asyncio.timeout(10):
        while not (await house.studio.history(HOME, None)).items:  # noqa: ASYNC110  # rows ring no bell
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # time enough for a last edit that does not wait
    gate.set()
    await running
    assert "done" in next(iter(house.chat.messages.values())).reply.text
    assert len(house.chat.videos) == 1


async def test_a_step_that_ends_during_the_shutdown_begins_no_progress(house: House) -> None:
    """The database is about to be closed; the next start shows where the job stands."""
    house.provider.check_answers = [Rendering(percent=40.0), Rendering(percent=50.0)]
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    await house.delivery.stop()
    edits = [message.edits for message in house.chat.messages.values()]
    for _ in range(2):
        house.clock.advance(0.6)
        await house.tick()
    assert [message.edits for message in house.chat.messages.values()] == edits


async def test_a_percent_is_shown_only_where_the_provider_gave_one(house: House) -> None:
    """Else the time since it began."""
    house.provider.check_answers = [Rendering(percent=40.0), Rendering(percent=None)]
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    seen = set()
    for _ in range(12):
        await house.tick()
        for message in house.chat.messages.values():
            seen.add((message.reply.text.splitlines()[-1], message.reply.percent))
        house.clock.advance(0.25)
    assert ("rendering 40 % · 0:00", 40.0) in seen
    assert any(text.startswith("rendering · ") and percent is None for text, percent in seen)


async def test_nothing_is_said_in_a_place_that_nobody_here_speaks_for(house: House) -> None:
    """It stays owed until an adapter of that platform runs."""
    job = await house.studio.create(Create(asked=house.asked(place="telegram:7"), prompt="a lamp"))
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.READY
    assert set((await says(house, job.id)).values()) == {SayState.NEW}
    assert house.chat.sends == 0
