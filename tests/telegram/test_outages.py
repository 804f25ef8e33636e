"""The server is gone for a while, or gives its updates to somebody else: one line in the log, and everything arrives afterwards."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from bot.telegram import faults, sources
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import endless, film_of, ready, told, until
from tests.telegram.house import opened_bot


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again soon."""
    monkeypatch.setattr(sources, "AGAIN_S", (0.2,))
    monkeypatch.setattr(faults, "AGAIN_S", 0.5)


def _lines(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    return [record.message for record in caplog.records if record.name == name and record.levelno >= logging.WARNING]


async def test_everything_arrives_after_an_outage(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A result that became due meanwhile, and what people wrote meanwhile; the outage is one line."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    hers, his = telegram.private(ana), telegram.private(ben)
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider) as house:
        telegram.says(ana, hers, "/create a lamp")
        await told(telegram, hers, "rendering")
        async with telegram.outage():
            provider.finishes_at_check = 1
            telegram.says(ben, his, "/create a boat")
            await until(telegram, lambda: _lines(caplog, "bot.telegram.sources"), "The line of the outage")
            await ready(house)
        film = await film_of(telegram, hers, "a1-1")
        other = await film_of(telegram, his, "b1-1")
        assert film.video is not None
        assert other.video is not None
        assert len(telegram.bot_messages(hers)) == len(telegram.bot_messages(his)) == 2
    (line,) = _lines(caplog, "bot.telegram.sources")
    assert line.startswith("Telegram cannot be reached, trying again")


async def test_it_waits_for_a_server_that_is_not_there_yet(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At its start too."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with AsyncExitStack() as stack:
        async with telegram.outage():
            await stack.enter_async_context(opened_bot(telegram, tmp_path, provider=endless()))
            await until(telegram, lambda: _lines(caplog, "bot.telegram.adapter"), "The line of the outage")
            telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "No story yet")
    (line,) = _lines(caplog, "bot.telegram.adapter")
    assert line.startswith(f"Telegram does not work at {telegram.url}, trying again")


async def test_another_program_with_the_same_token_is_told_once(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """409: the operator reads why, and when the other one stops, all goes on."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()):
        await until(telegram, lambda: telegram.calls_of("getUpdates"), "The first poll")
        url = f"{telegram.base_url}{telegram.token}/getUpdates"
        async with aiohttp.ClientSession() as session:
            for _ in range(2):
                async with session.post(url, data={"timeout": "1"}) as answer:
                    await answer.read()
        await until(telegram, lambda: _lines(caplog, "bot.telegram.sources"), "The line of the conflict")
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "No story yet")
    line, *more = _lines(caplog, "bot.telegram.sources")
    assert line.startswith("Telegram gives its updates to another program with the same token: stop that one")
    assert not more


async def test_a_bad_token_is_one_sentence_and_the_house_lives_on(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only this front end ends."""
    wrong = "1234567:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    async with opened_bot(telegram, tmp_path, provider=endless(), telegram_token=wrong) as house:
        await until(telegram, lambda: _lines(caplog, "bot.telegram.adapter"), "The line")
        url = await house.web.open()
        async with aiohttp.ClientSession() as session, session.get(url) as page:
            assert page.status == 200
    (line,) = _lines(caplog, "bot.telegram.adapter")
    assert line.startswith(f"Telegram is not served: {telegram.url} refuses NEXTSHOT_TELEGRAM_TOKEN.")
    assert wrong not in caplog.text


async def test_a_webhook_that_is_refused_is_one_sentence(
    telegram: FakeTelegram, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In the server's own words, with the setting to mend."""
    telegram.fail_next("setWebhook", 400, "Bad Request: bad webhook: failed to resolve host")
    hook = "http://127.0.0.1:1/telegram"
    async with opened_bot(telegram, tmp_path, provider=endless(), telegram_webhook_url=hook):
        await until(telegram, lambda: _lines(caplog, "bot.telegram.adapter"), "The line")
        first, *_ = _lines(caplog, "bot.telegram.adapter")
        assert first == "Telegram does not take NEXTSHOT_TELEGRAM_WEBHOOK_URL: mend it or leave it out"
        await until(telegram, lambda: telegram.webhook.url == hook, "The webhook, when the server takes it")


async def test_an_update_that_cannot_be_read_holds_up_nobody(telegram: FakeTelegram, tmp_path: Path) -> None:
    """A field that the library does not know how to live without: it is left out, and what comes after it is answered."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()):
        telegram.says(ana, chat, "/stories")
        telegram.world.updates.push("message", {"message_id": 9})
        telegram.says(ana, chat, "/history")
        await told(telegram, chat, "No story yet")
        await told(telegram, chat, "No clips yet")
        await until(telegram, lambda: telegram.calls_of("getUpdates")[-1].params.get("timeout") != "0", "Long polling")
    telegram.complaints.clear()  # the fake knows that it sent what the real one never would
