"""The one status message of a job: what it tells, how often it is edited, and that nothing depends on it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bot.telegram import adapter
from engine.providers.base import Rendering
from tests.fakes.bot_api.refusals import NOT_MODIFIED
from tests.fakes.telegram import FakeTelegram, Message
from tests.telegram.asking import QUICK, WAIT_S, endless, film_of, told, until
from tests.telegram.house import opened_bot
from tests.telegram.plain_http import jpeg


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is told twice a second."""
    monkeypatch.setattr(adapter, "EDIT_EVERY_S", 0.5)


def _newest(telegram: FakeTelegram, message: Message) -> Message:
    newest = telegram.newest(message)
    assert newest is not None
    return newest


def _edits(telegram: FakeTelegram, message: Message) -> int:
    calls = telegram.calls_of("editMessageText", "editMessageCaption", "editMessageMedia")
    return len([call for call in calls if call.params["message_id"] == message.id])


async def _said(telegram: FakeTelegram, message: Message, words: str) -> None:
    """Wait until it says that."""
    await until(telegram, lambda: words in _newest(telegram, message).text, repr(words))


@pytest.mark.usefixtures("hasty")
async def test_the_line_is_told_and_moves_up(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Those that wait know their place, and hear of it when one before them ends; a cancelled one says so and is done."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = endless()
    provider.pace = replace(QUICK, in_flight=1)
    async with opened_bot(telegram, tmp_path, provider=provider):
        statuses = []
        for number in range(4):
            telegram.says(ana, chat, f"/create lamp {number}")
            statuses.append(await told(telegram, chat, f"“lamp {number}”"))
        first, _, _, last = statuses
        await _said(telegram, first, "rendering")
        await _said(telegram, last, "waiting, 3rd in line")
        assert [label for label, _ in _newest(telegram, last).buttons] == ["Cancel"]
        query = telegram.presses(ana, first, "Cancel")
        assert (await query.answered(WAIT_S)).text is None
        await _said(telegram, last, "waiting, 2nd in line")
        await until(telegram, lambda: _newest(telegram, first).text.endswith("cancelled"))
        assert _newest(telegram, first).buttons == []
        assert len(telegram.bot_messages(chat)) == 4


@pytest.mark.usefixtures("hasty")
async def test_a_percent_and_a_picture_are_shown_where_there_are_any(telegram: FakeTelegram, tmp_path: Path) -> None:
    """No percent is made up; the preview takes the message's place, and its end is told beside it."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = endless()
    picture = tmp_path / "preview.jpg"
    picture.write_bytes(jpeg())
    provider.check_answers = [Rendering()] * 10_000
    async with opened_bot(telegram, tmp_path / "data", provider=provider):
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, "a1-1")
        await _said(telegram, status, "rendering · 0:")
        assert "%" not in _newest(telegram, status).text
        provider.check_answers = [Rendering(40, picture)] * 10_000
        await _said(telegram, status, "rendering 40 % ·")
        await until(telegram, lambda: _newest(telegram, status).photo is not None, "The picture")
        assert [label for label, _ in _newest(telegram, status).buttons] == ["Cancel"]
        provider.check_answers, provider.finishes_at_check = [], 1
        film = await telegram.wait_for_message(chat, lambda message: message.video is not None, WAIT_S)
        assert film.id > status.id
        assert "done in" in _newest(telegram, status).text
        assert _newest(telegram, status).buttons == []
        assert len(telegram.bot_messages(chat)) == 2


@pytest.mark.usefixtures("hasty")
async def test_progress_keeps_its_pace_and_a_change_of_stage_does_not_wait(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """Many percents make few edits; the last words come at once."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = endless()
    provider.check_answers = [Rendering(each / 100) for each in range(10_000)]
    async with opened_bot(telegram, tmp_path, provider=provider):
        began = time.monotonic()
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, "a1-1")
        await until(telegram, lambda: _edits(telegram, status) >= 5, "Five edits")
        assert time.monotonic() - began >= 3 * 0.5  # two of the five may be changes of stage
        provider.check_answers, provider.finishes_at_check = [], 1
        await film_of(telegram, chat, "a1-1")


async def test_a_stage_is_told_long_before_the_next_edit_is_due(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the pace of progress to read that it began, or that it is done."""
    monkeypatch.setattr(adapter, "GROUP_EDIT_EVERY_S", 600.0)
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana])
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider):
        provider.gate = asyncio.Event()
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, "starting")
        provider.gate.set()
        await _said(telegram, status, "rendering")
        provider.finishes_at_check = 1
        await _said(telegram, status, "done in")


async def test_nothing_depends_on_the_status_message(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It says that already, or somebody deleted it: the video comes once all the same."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    mine, his = telegram.private(ana), telegram.private(ben)
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ana, mine, "/create a lamp")
        telegram.says(ben, his, "/create a boat")
        statuses = [await told(telegram, chat, "-1 · by") for chat in (mine, his)]
        for status in statuses:
            await _said(telegram, status, "rendering")
        telegram.deletes(statuses[1])
        with caplog.at_level(logging.WARNING):
            telegram.fail_next("editMessageText", 400, f"Bad Request: {NOT_MODIFIED}", times=2)
            provider.finishes_at_check = 1
            for chat in (mine, his):
                await telegram.wait_for_message(chat, lambda message: message.video is not None, WAIT_S)
        assert [len(telegram.bot_messages(chat)) for chat in (mine, his)] == [2, 1]
        warned = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert [record.message for record in warned if record.name.startswith("bot")] == []


async def test_a_message_that_says_it_already_has_been_edited(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The server's refusal means that the last words stand there, so they are not said a second time below."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()):
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, "rendering")
        telegram.fail_next("editMessageText", 400, f"Bad Request: {NOT_MODIFIED}")
        await telegram.presses(ana, status, "Cancel").answered(WAIT_S)
        await until(telegram, lambda: [call for call in telegram.calls if call.code == 400], "The refusal")
        await asyncio.sleep(0.5)
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "(current)")
        assert len(telegram.bot_messages(chat)) == 2
