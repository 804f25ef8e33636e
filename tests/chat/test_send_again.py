"""The operator has a message sent again that was given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.delivery import AGAIN
from bot.message import NotSent, SendUnknown
from engine.errors import NotFound, NotPossible
from engine.job_model import Job, JobState, SayKind, SayState
from engine.model import Create
from engine.oversight_ports import Message
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.house import House, opened_house


async def given_up(house: House) -> tuple[Job, Message]:
    """A clip that its chat would never take, and the message that says so."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    house.chat.send_errors = [NotSent("kicked", retry_after_s=None)]
    await house.run(20)
    (message,) = await house.studio.outbox(frozenset({SayState.FAILED}))
    return await house.job(job.id), message


async def test_what_was_given_up_is_listed_and_sent_again(house: House) -> None:
    """The bot is let in again: the clip arrives, marked, and its job is DELIVERED."""
    job, message = await given_up(house)
    assert (job.state, message.say.kind, message.say.error, message.is_given_up) == (
        JobState.READY,
        SayKind.RESULT,
        "kicked",
        True,
    )
    (line,) = await house.studio.all_jobs(frozenset({JobState.READY}))
    assert line.last_error == "kicked"
    await house.studio.send_again(message.say.id)
    await house.run(10)
    (video,) = house.chat.videos
    assert video.reply.text.endswith(AGAIN)
    assert video.nonce == message.say.nonce
    assert house.chat.repeats[-1]
    assert (await house.job(job.id)).state is JobState.DELIVERED
    assert await house.studio.outbox(frozenset(SayState) - {SayState.SENT}) == ()
    assert not any("could not be shown" in text for text in house.chat.seen)


async def test_the_mark_outlives_waits_and_restarts(house: House) -> None:
    """A chat without room makes it wait, and it is still said that it is sent again."""
    _, message = await given_up(house)
    await house.studio.send_again(message.say.id)
    house.chat.send_errors = [NotSent("flood", retry_after_s=3)]
    await house.run(2)
    await house.store.release_leases()
    await house.run(20)
    assert [video.reply.text.endswith(AGAIN) for video in house.chat.videos] == [True]


async def test_what_was_sent_is_sent_again_only_when_that_is_said(house: House) -> None:
    """Then it is a second message, also where the platform knows nonces."""
    job = await house.shot()
    (sent,) = [each for each in (await house.studio.job_sheet(job.id)).messages if each.say.kind is SayKind.RESULT]
    with pytest.raises(NotPossible, match=f"nextshot outbox send {sent.say.id} --again"):
        await house.studio.send_again(sent.say.id)
    await house.run(5)
    assert len(house.chat.videos) == 1
    await house.studio.send_again(sent.say.id, even_if_sent=True)
    await house.run(5)
    assert [video.reply.text.endswith(AGAIN) for video in house.chat.videos] == [False, True]
    assert (await house.job(job.id)).state is JobState.DELIVERED


async def test_what_waits_is_tried_now_and_is_no_second_one(house: House) -> None:
    """A platform that is away for long is asked at once, with what was owed as it was."""
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    house.chat.send_errors = [NotSent("away", retry_after_s=3_000)]
    await house.tick()
    (waiting,) = await house.studio.outbox(frozenset({SayState.NEW}))
    await house.studio.send_again(waiting.say.id)
    await house.tick()
    (status,) = house.chat.messages.values()
    assert AGAIN not in status.reply.text


async def test_what_is_being_sent_is_left_alone(house: House) -> None:
    """And what is not there is said not to be."""
    job = await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    (say,) = await house.delivery.claim(5)
    with pytest.raises(NotPossible, match="just now"):
        await house.studio.send_again(say.id)
    with pytest.raises(NotFound, match="no message 99"):
        await house.studio.send_again(99)
    with pytest.raises(NotFound, match="no job 99"):
        await house.studio.job_sheet(99)
    assert (await house.job(job.id)).state is JobState.QUEUED


async def test_what_may_have_arrived_is_sent_again_marked(tmp_path: Path, clock: FakeClock) -> None:
    """Where the platform knows no nonces, the status message is gone and every answer is lost: once by ourselves, and then
    only when that is said."""
    async with opened_house(tmp_path, clock, chat=FakeChat(dedupes=False)) as house:
        await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
        await house.tick()
        house.chat.deleted.update(house.chat.messages)
        house.chat.lose_answers = [SendUnknown("timeout") for _ in range(100)]
        await house.run(3_600)
        (unknown,) = [each for each in await house.studio.outbox(frozenset({SayState.UNKNOWN})) if each.is_given_up]
        assert unknown.say.error == "timeout"
        house.chat.lose_answers = []
        await house.studio.send_again(unknown.say.id)
        await house.run(20)
        assert [video.reply.text.endswith(AGAIN) for video in house.chat.videos] == [False, True, True]


async def test_every_way_of_giving_up_leaves_a_reason(house: House) -> None:
    """Also where a platform says nothing."""
    house.chat.send_errors = [NotSent("", retry_after_s=None)]
    await house.studio.create(Create(asked=house.asked(), prompt="a lamp"))
    await house.tick()
    (message,) = await house.studio.outbox(frozenset({SayState.FAILED}))
    assert (message.say.kind, message.say.error) == (SayKind.STATUS, "no reason was given")
