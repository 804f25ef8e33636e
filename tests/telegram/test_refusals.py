"""When the server says no or nothing: what may be dropped is dropped, a result arrives once, and a clip is never lost."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from bot import delivery
from bot.message import NotSent, Reply
from bot.telegram import mouth
from bot.telegram.faults import Fault, fault_of, outcome_of
from tests.fakes.telegram import Call, Chat, FakeTelegram
from tests.telegram.asking import WAIT_S, delivered, endless, film_of, quick, told, until
from tests.telegram.house import opened_bot

MARKED = "(shown here, as it is not known whether it arrived below)"


def _caused(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "again_in_s"),
    [
        (RetryAfter(7), 7.0),
        (ChatMigrated(-1005), 1.0),
        (Forbidden("Forbidden: bot was kicked from the group chat"), None),
        (BadRequest("Message thread not found"), None),
        (InvalidToken(), 60.0),
        (_caused(NetworkError("x"), httpx.ConnectError("refused")), 10.0),
        (_caused(TimedOut(), httpx.ConnectTimeout("slow")), 10.0),
        (_caused(TimedOut(), httpx.PoolTimeout("busy")), 10.0),
        (_caused(TimedOut(), httpx.WriteTimeout("slow")), 10.0),
        (NetworkError("Request Entity Too Large"), 1.0),
    ],
    ids=lambda value: type(value.__cause__ or value).__name__ if isinstance(value, Exception) else "",
)
def test_what_certainly_did_not_arrive(error: TelegramError, again_in_s: float | None) -> None:
    """With the time after which it may be tried again; None: never."""
    outcome = outcome_of(error)
    assert isinstance(outcome, NotSent)
    assert outcome.retry_after_s == again_in_s


@pytest.mark.parametrize(
    "error",
    [
        TimedOut(),
        _caused(TimedOut(), httpx.ReadTimeout("slow")),
        _caused(NetworkError("x"), httpx.ReadError("cut")),
        _caused(NetworkError("x"), httpx.RemoteProtocolError("cut")),
        NetworkError("Bad Gateway"),
        Conflict("x"),
    ],
    ids=lambda error: type(error.__cause__ or error).__name__,
)
def test_what_may_have_arrived(error: TelegramError) -> None:
    """It is not sent again."""
    assert not isinstance(outcome_of(error), NotSent)


def test_refusals_are_known_by_the_servers_own_words() -> None:
    """Whatever the library does to the first letter."""
    assert fault_of(BadRequest("Message is not modified: x")) is Fault.NOT_MODIFIED
    assert fault_of(BadRequest("Wrong file identifier/HTTP URL specified")) is Fault.BAD_FILE_ID
    assert fault_of(BadRequest("There is no caption in the message to edit")) is Fault.NO_CAPTION
    assert fault_of(BadRequest("Chat not found")) is None


async def test_one_chat_that_is_flooded_waits_alone(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Its progress is dropped, its result waits as long as told; another chat notices nothing."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    hers, his = telegram.private(ana), telegram.private(ben)
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.fail_next("editMessageText", 429, "Too Many Requests: retry after 4", retry_after=4)
        telegram.says(ana, hers, "/create a lamp")
        await until(telegram, lambda: [call for call in telegram.calls if call.code == 429], "The refusal")
        telegram.says(ben, his, "/create a boat")
        await told(telegram, his, "rendering")
        provider.finishes_at_check = 1
        for chat in (his, hers):
            await telegram.wait_for_message(chat, lambda message: message.video is not None, WAIT_S)
        assert len(telegram.bot_messages(hers)) == len(telegram.bot_messages(his)) == 2
    flooded_at = next(call.at_s for call in telegram.calls if call.code == 429)
    after = {chat.id: [call.at_s - flooded_at for call in _spoken(telegram, chat)] for chat in (hers, his)}
    assert min(each for each in after[hers.id] if each > 0) >= 3.9
    assert min(after[his.id]) < 3.9


def _spoken(telegram: FakeTelegram, chat: Chat) -> list[Call]:
    calls = telegram.calls_of("sendMessage", "sendVideo", "editMessageText")
    return [call for call in calls if call.params["chat_id"] == chat.id]


async def test_a_result_that_is_refused_for_now_is_sent_later(telegram: FakeTelegram, tmp_path: Path) -> None:
    """429 on the video itself: waited out, and delivered once."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=quick()) as house:
        telegram.fail_next("sendVideo", 429, "Too Many Requests: retry after 2", retry_after=2)
        telegram.says(ana, chat, "/create a lamp")
        await film_of(telegram, chat, "a1-1")
        await delivered(house)
    first, second = telegram.calls_of("sendVideo")
    assert second.at_s - first.at_s >= 1.9
    assert len(telegram.bot_messages(chat)) == 2


@pytest.mark.parametrize("lost", ["answer", "time"])
async def test_a_video_that_may_have_arrived_is_shown_in_the_status_message(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """There is no second message, what is shown says why, and no words take it away."""
    monkeypatch.setattr(delivery, "MEND_AFTER_S", 0.3)
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=quick()) as house:
        if lost == "answer":
            telegram.lose_answer("sendVideo")
        else:
            monkeypatch.setattr(mouth, "UPLOAD_S", 2.0)
            telegram.hang_next("sendVideo", 2.5)
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, MARKED)
        assert status.video is not None
        assert status.buttons
        await delivered(house)
        # a process that slept comes late with its last words
        job = await house.studio.job(1)
        adapter = house.delivery.progress.adapter_of(job.place) if job else None
        assert job is not None
        assert adapter is not None
        await adapter.edit(job.receipt or "", Reply(text="a1-1 late words"))
    (left,) = [message for message in telegram.bot_messages(chat) if message.id == status.id]
    assert left.text == "a1-1 late words"
    assert left.video is not None
    assert len(telegram.calls_of("sendVideo")) == 1


async def test_where_the_status_message_is_gone_too_it_is_shown_in_a_text_that_is_sent_for_it(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, and marked: better seen twice than never."""
    monkeypatch.setattr(delivery, "MEND_AFTER_S", 0.3)
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider) as house:
        telegram.says(ana, chat, "/create a lamp")
        telegram.deletes(await told(telegram, chat, "rendering"))
        telegram.lose_answer("sendVideo")
        provider.finishes_at_check = 1
        again = await told(telegram, chat, "(sent again, as it is not known whether it arrived above)")
        assert again.video is not None
        await delivered(house)
    assert len(telegram.calls_of("sendVideo")) == 1
    assert len(telegram.bot_messages(chat)) == 2
