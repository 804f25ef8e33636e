"""What must be said is said once; what may be lost is lost gladly."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot.delivery import AGAIN as ONCE_MORE
from bot.delivery import Delivery
from bot.fitting import Fitting
from bot.message import Limits, NotSent, Reply, SendUnknown
from engine.derive import OnPercent
from engine.errors import DiskFull, Unconfirmed
from engine.job_model import Job, JobState, Say, SayKind, SayState
from engine.model import Create
from engine.providers.base import Rendering
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.house import HOME, House, opened_house


async def says(house: House, job_id: int) -> dict[SayKind, SayState]:
    return {say.kind: say.state for say in await house.store.read(lambda tx: tx.says(job_id))}


async def cut_off_while_sending(house: House, say: Say) -> None:
    """The process died between the note that it is being sent and the platform's answer; another one starts."""
    await house.store.write(lambda tx: tx.save_say(say, SayState.SENDING, again_in_s=600))
    await house.store.release_leases()


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
    (status,) = house.chat.messages.values()
    assert status.reply.text.endswith("it could not be shown here, and is kept: /show a1-1")


MARK = "(shown here, as it is not known whether it arrived below)"
AGAIN = "(sent again, as it is not known whether it arrived above)"


@pytest.mark.parametrize("dedupes", [True, False])
async def test_a_lost_answer_sends_no_clip_twice(tmp_path: Path, clock: FakeClock, dedupes: bool) -> None:
    """Where the platform knows our nonce it is asked again; where it does not, the clip is shown in the status message."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=dedupes)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(60)
        assert (await says(house, job.id))[SayKind.RESULT] is SayState.SENT
        assert (await house.job(job.id)).state is JobState.DELIVERED
        status, *others = house.chat.messages.values()
        assert len(others) == 1
        assert (status.reply.video is not None and MARK in status.reply.text) is not dedupes


async def test_a_lost_answer_after_which_the_status_message_is_gone_is_shown_in_a_text_sent_for_it(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Once, with a word on why: a video of its own could be cut off again."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.deleted.update(house.chat.messages)
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(60)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        _, clip, shown = house.chat.messages.values()
        assert AGAIN not in clip.reply.text
        assert shown.reply.video is not None
        assert shown.reply.text.endswith(AGAIN)
        assert shown.edits == 1


@pytest.mark.parametrize("owed", ["the clip, in doubt again", "last words"])
async def test_a_clip_that_the_status_message_shows_stays_there(tmp_path: Path, clock: FakeClock, owed: str) -> None:
    """Also where another process speaks next, which knows nothing of it."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(60)
        (shown,) = [say for say in await house.store.read(lambda tx: tx.says(job.id)) if say.kind is SayKind.RESULT]
        if owed == "last words":
            await house.store.write(lambda tx: tx.owe(job.id, SayKind.LAST))
        else:  # that it was noted was not heard
            await house.store.write(lambda tx: tx.save_say(shown, SayState.UNKNOWN, error="unheard", again_in_s=0))
        another = Delivery(house.store, house.studio, {"local": house.chat}, clock, Fitting(house.files))
        while claimed := await another.claim(9):
            for say in claimed:
                await another.step(say)
        assert set((await says(house, job.id)).values()) == {SayState.SENT}
        status, _ = house.chat.messages.values()
        assert status.reply.video is not None
        assert MARK in status.reply.text


async def test_a_question_that_the_status_message_shows_stays_there(tmp_path: Path, clock: FakeClock) -> None:
    """Last words that were owed from before are no answer to it: without its buttons nobody could give one."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        house.provider.lose_answers = [Unconfirmed("?")]
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(200)
        assert (await house.job(job.id)).state is JobState.UNCONFIRMED
        await house.store.write(lambda tx: tx.owe(job.id, SayKind.LAST))
        await house.run(60)
        status, _ = house.chat.messages.values()
        assert "again" in {button.verb for button in status.reply.buttons}
        assert set((await says(house, job.id)).values()) == {SayState.SENT}


async def test_words_that_come_late_do_not_stay_the_last(tmp_path: Path, clock: FakeClock) -> None:
    """The clip was shown in the status message while another process slept in the middle of an edit: its own words come back."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        asleep = Delivery(house.store, house.studio, {"local": house.chat}, clock, Fitting(house.files))
        gate = house.chat.edit_gate = asyncio.Event()
        await asleep.job_changed(await house.job(job.id))
        async with asyncio.timeout(10):
            while house.chat.edit_gate is not None:  # noqa: ASYNC110  # the fake wakes nobody
                await asyncio.sleep(0.01)
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(60)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        status, _ = house.chat.messages.values()
        assert MARK in status.reply.text
        gate.set()
        async with asyncio.timeout(10):
            while MARK in status.reply.text:  # noqa: ASYNC110  # nor here
                await asyncio.sleep(0.01)
        await asleep.stop()
        await house.run(20)
        assert MARK in status.reply.text
        assert status.reply.video is not None
        assert set((await says(house, job.id)).values()) == {SayState.SENT}


async def killed_while_it_sends(house: House) -> None:
    """The message arrives, and the process dies before it hears so; another one starts."""
    house.chat.lose_answers = [asyncio.CancelledError()]
    (say,) = await house.delivery.claim(9)
    with pytest.raises(asyncio.CancelledError):
        await house.delivery.step(say)
    await house.store.release_leases()


async def ready(house: House) -> Job:
    """Its clip is there and its status message is not; nothing was said of it."""
    house.chat.busy_other_s = house.chat.busy_result_s = 60
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(20)
    house.chat.busy_other_s = house.chat.busy_result_s = 0
    house.clock.advance(120)
    return job


async def test_however_often_it_is_killed_a_clip_is_there_once_and_once_marked(
    tmp_path: Path, clock: FakeClock
) -> None:
    """In the upload, which had arrived, and four times in what is sent to show it in."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        job = await ready(house)
        await killed_while_it_sends(house)
        (cut_off,) = await house.delivery.claim(9)
        await house.delivery.step(cut_off)
        for _ in range(4):
            await killed_while_it_sends(house)
        await house.run(10)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert [AGAIN in message.reply.text for message in house.chat.videos] == [False, True]
        alone = [message.reply for message in house.chat.messages.values() if message.reply.video is None]
        assert all("done in" in reply.text and not reply.buttons for reply in alone)


class InParts(Fitting):
    """Finds every film too long for one message."""

    async def fit(self, reply: Reply, limits: Limits, on_progress: OnPercent | None = None) -> Reply:
        fitted = await super().fit(reply, limits, on_progress)
        return replace(fitted, more_videos=(fitted.video,)) if fitted.video is not None else fitted


@pytest.mark.parametrize("lost", [asyncio.CancelledError(), SendUnknown("timeout")])
async def test_a_film_in_parts_is_sent_twice_at_most_and_then_offered(
    tmp_path: Path, clock: FakeClock, lost: BaseException
) -> None:
    """No message holds it whole. Cut off once it is sent once more, marked; cut off again it is there for a press."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        house.delivery = Delivery(house.store, house.studio, {"local": house.chat}, clock, InParts(house.files))
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.busy_result_s = 60
        await house.run(20)
        house.chat.busy_result_s = 0
        house.clock.advance(120)
        house.chat.lose_answers = [lost, lost]
        for _ in range(2):
            try:
                await house.run(20)
            except asyncio.CancelledError:
                await house.store.release_leases()
        await house.run(600)
        first, again = house.chat.videos
        assert (ONCE_MORE in again.reply.text, ONCE_MORE in first.reply.text) == (True, False)
        assert (await says(house, job.id))[SayKind.RESULT] is SayState.UNKNOWN
        status = next(iter(house.chat.messages.values())).reply
        assert status.text.endswith("it is not known whether it arrived here; it is kept: /show a1-1")
        (button,) = status.buttons
        reply = await house.press(button.verb, button.target)
        assert reply is not None
        assert reply.video is not None


async def test_a_chat_whose_messages_cannot_be_edited_gets_it_twice_at_most(tmp_path: Path, clock: FakeClock) -> None:
    """Neither in the status message nor in a text: sent once more, marked, and that is all."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False, refuses_edits=True)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.lose_answers = [SendUnknown("timeout")]
        await house.run(20)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert [ONCE_MORE in message.reply.text for message in house.chat.videos] == [False, True]


async def test_a_chat_that_loses_the_answers_to_edits_for_hours_shows_it_in_the_end(
    tmp_path: Path, clock: FakeClock
) -> None:
    """To edit twice is to edit once, so that nothing is given up."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.lose_answers = [SendUnknown("timeout")]
        house.chat.edit_errors = [SendUnknown("timeout")] * 100
        await house.run(2 * 3_600)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert MARK in next(iter(house.chat.messages.values())).reply.text


async def test_a_busy_place_is_no_failed_try(house: House) -> None:
    """However long a chat has no room, the clip is still owed to it, and comes when there is."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.busy_result_s = 3
    await house.run(600)
    assert (await house.job(job.id)).state is JobState.READY
    assert not house.chat.videos
    house.chat.busy_result_s = 0
    await house.run(10)
    assert len(house.chat.videos) == 1


async def test_a_platform_that_is_away_for_hours_gets_the_clip_when_it_is_back(house: House) -> None:
    """No number of tries makes it a lost clip."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [NotSent("unreachable", retry_after_s=60) for _ in range(120)]
    await house.run(3 * 3_600)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert len(house.chat.videos) == 1


async def test_a_status_message_that_comes_too_late_is_left_out(house: House) -> None:
    """The chat had no room for it, and the clip is there by now."""
    house.chat.busy_other_s = 60
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(30)
    assert [message.reply.video is not None for message in house.chat.messages.values()] == [True]


async def test_what_is_said_of_a_job_stands_under_the_message_that_asked(house: House) -> None:
    """Status and clip both."""
    await house.say("/create a lamp", receipt="local:said")
    await house.run(20)
    assert [message.reply_to for message in house.chat.messages.values()] == ["local:said", "local:said"]


@pytest.mark.parametrize("dedupes", [True, False])
async def test_a_message_cut_off_while_sending_is_judged_at_the_next_start(
    tmp_path: Path, clock: FakeClock, dedupes: bool
) -> None:
    """Found in SENDING: the same nonce again, or in the status message where that could double it."""
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
        (shown,) = house.chat.videos
        assert (AGAIN in shown.reply.text) is not dedupes


async def test_a_clip_whose_sending_is_cut_off_again_and_again_still_comes(tmp_path: Path, clock: FakeClock) -> None:
    """Without a status message to show it in: killed in the middle of an upload five times, and it is there in the end."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        house.chat.busy_other_s = 60
        job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        house.chat.busy_result_s = 60
        await house.run(20)
        house.chat.busy_result_s = 0
        for _ in range(5):
            house.clock.advance(120)
            (result,) = await house.delivery.claim(9)
            await cut_off_while_sending(house, result)
            (cut_off,) = await house.delivery.claim(9)
            await house.delivery.step(cut_off)
        await house.run(10)
        assert (await house.job(job.id)).state is JobState.DELIVERED
        assert len(house.chat.videos) == 1


async def test_progress_that_the_platform_refuses_is_dropped(house: House) -> None:
    """An edit that fails costs nothing and stops nothing."""
    house.chat.edit_errors = [NotSent("flood", retry_after_s=60), SendUnknown("timeout")]
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(20)
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_progress_keeps_to_the_pace_of_the_place(tmp_path: Path, clock: FakeClock) -> None:
    """However often a provider is asked, a place sees one edit for each stage and else one in its time; the last word is said."""
    async with opened_house(tmp_path, clock, chat=FakeChat(edit_every_s=3_600)) as house:
        house.provider.check_answers = [Rendering(percent=float(n)) for n in range(12)]
        await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.run(60)
        status = next(iter(house.chat.messages.values()))
        assert status.edits <= 4
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


@pytest.mark.parametrize("lost", [SendUnknown("timeout"), NotSent("flood", retry_after_s=5)])
async def test_last_words_that_could_not_be_said_are_owed(house: House, lost: Exception) -> None:
    """The result does not wait for them; they come afterwards, so that no status message offers to cancel what is over."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.has_no_room_for_progress = True
    house.chat.edit_errors = [lost] * 3
    await house.run(8)
    assert len(house.chat.videos) == 1
    assert (await says(house, job.id))[SayKind.LAST] is SayState.NEW
    await house.run(40)
    status, _ = house.chat.messages.values()
    assert "\ndone in " in status.reply.text
    assert status.reply.buttons == ()
    assert (await says(house, job.id))[SayKind.LAST] is SayState.SENT


async def test_last_words_of_a_message_that_is_gone_are_not_tried_again(house: House) -> None:
    """Whoever deleted it does not want it."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.has_no_room_for_progress = True
    house.chat.edit_errors = [NotSent("deleted", retry_after_s=None)] * 2
    await house.run(20)
    assert (await says(house, job.id))[SayKind.LAST] is SayState.SENT
    assert len(house.chat.edit_errors) == 1


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


async def test_a_clip_that_was_cut_off_stays_in_doubt_while_its_platform_is_away(house: House) -> None:
    """Started once without the token: the clip is not sent as a new one when the platform is there again."""
    job = await house.studio.create(Create(asked=house.asked(place="telegram:7"), prompt="a lamp"))
    await house.run(20)
    house.clock.advance(60)
    (status,) = await house.delivery.claim(9)
    await house.store.write(lambda tx: tx.save_say(status, SayState.SENT))
    (result,) = await house.delivery.claim(9)
    await cut_off_while_sending(house, result)
    await house.run(5)
    assert (await says(house, job.id))[SayKind.RESULT] is SayState.UNKNOWN


async def test_a_platform_that_loses_answers_for_hours_gets_the_clip_when_it_is_back(house: House) -> None:
    """Where it knows our nonce, nothing is given up: timeouts, dropped connections and its own errors are an outage, too."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [SendUnknown("502") for _ in range(120)]
    await house.run(90 * 60)
    assert len(house.chat.send_errors) > 20, "It is asked too often"
    assert (await says(house, job.id))[SayKind.RESULT] is SayState.UNKNOWN
    await house.run(60 * 60)
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert len(house.chat.videos) == 1


async def test_what_follows_a_lost_answer_is_known_to_be_a_repeat(house: House) -> None:
    """However it fails next, and after a cut-off: the platform is asked to look for it before it shows it again."""
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.repeats.clear()
    house.chat.send_errors = [
        SendUnknown("timeout"),
        NotSent("flood", retry_after_s=3),
        SendUnknown("timeout"),
        NotSent("flood", retry_after_s=3),
    ]
    await house.run(60)
    assert house.chat.repeats == [False, True, True, True, True]


async def test_a_cut_off_clip_that_meets_a_busy_chat_is_still_a_repeat(house: House) -> None:
    """The refusal says nothing of what arrived before."""
    house.chat.busy_result_s = 60
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.run(20)
    house.chat.busy_result_s = 0
    house.clock.advance(120)
    (result,) = await house.delivery.claim(9)
    await cut_off_while_sending(house, result)
    house.chat.repeats.clear()
    house.chat.send_errors = [NotSent("flood", retry_after_s=3)]
    await house.run(20)
    assert house.chat.repeats == [True, True]


async def test_an_outage_takes_no_tries_from_what_fails_here(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After hours without the platform one failure of our disk is no reason to give up."""
    monkeypatch.setattr("bot.delivery.TRIES_MOST", 10)
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [SendUnknown("502") for _ in range(60)]
    house.chat.send_errors.append(DiskFull("The disk is full."))
    await house.run(2 * 3_600)
    assert house.chat.send_errors == []
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_a_clip_that_is_given_up_here_is_said_to_be_kept(house: House) -> None:
    """Our disk fails for too long: the status message does not end with a bare `done`."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [DiskFull("The disk is full.") for _ in range(80)]
    await house.run(10 * 60)
    assert (await says(house, job.id))[SayKind.RESULT] is SayState.FAILED
    (status,) = house.chat.messages.values()
    assert status.reply.text.endswith("it could not be shown here, and is kept: /show a1-1")
