"""Webhook mode: the same server as the page hears the updates, and takes only what is on the disk."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from bot.telegram.sources import SECRET_HEADER, secret_of
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import endless, told, until
from tests.telegram.house import opened_bot

PATH = "/telegram/hook"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _hooked(port: int) -> dict[str, Any]:
    return {"web_port": port, "telegram_webhook_url": f"http://127.0.0.1:{port}{PATH}"}


def test_the_secret_follows_from_the_token() -> None:
    """In letters that the server takes, another one for another bot."""
    secret = secret_of("1:a")
    assert len(secret) == 64
    assert secret.isalnum()
    assert secret != secret_of("1:b")


async def test_updates_are_posted_and_acted_on_once(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The same one posted again is answered with 200 and starts nothing; the page's own paths live beside it."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    port = _free_port()
    async with opened_bot(telegram, tmp_path, provider=endless(), **_hooked(port)) as house:
        await until(telegram, lambda: telegram.webhook.url, "The webhook")
        assert telegram.webhook.secret == secret_of(telegram.token)
        telegram.says(ana, chat, "/create a lamp")
        await told(telegram, chat, "a1-1")
        posts = telegram.webhook.posts
        telegram.resend_last_update()
        await until(telegram, lambda: telegram.webhook.posts > posts, "The second post")
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "(current)")
        assert len(telegram.bot_messages(chat)) == 2
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1
        assert telegram.calls_of("getUpdates") == []
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as page:
            assert page.status == 200
            assert "Nextshot" in await page.text()
    telegram.says(ana, chat, "/models")
    async with opened_bot(telegram, tmp_path, provider=endless()):
        await told(telegram, chat, "scripted one")  # what came in between is fetched: polling takes the webhook away
        assert telegram.webhook.url == ""


async def test_only_the_server_is_let_in_and_only_with_updates(telegram: FakeTelegram, tmp_path: Path) -> None:
    """403 without the secret, 400 for what is no update, 413 for too much; a body in pieces is read to its end."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    port = _free_port()
    right = {SECRET_HEADER: secret_of(telegram.token)}
    async with opened_bot(telegram, tmp_path, provider=endless(), **_hooked(port)):
        await until(telegram, lambda: telegram.webhook.url, "The webhook")
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "No story yet")
        url = f"http://127.0.0.1:{port}{PATH}"
        update = json.dumps(
            {
                "update_id": 900_000_001,
                "message": {
                    "message_id": 900,
                    "date": 1,
                    "chat": {"id": chat.id, "type": "private", "first_name": "Ana"},
                    "from": {"id": ana.id, "is_bot": False, "first_name": "Ana"},
                    "text": "/create " + "🏮" * 4_000,
                },
            }
        ).encode()
        async with aiohttp.ClientSession() as session:

            async def post(body: object, headers: dict[str, str]) -> int:
                async with session.post(url, data=body, headers=headers) as answer:
                    return answer.status

            assert await post(update, {}) == 403
            assert await post(update, {SECRET_HEADER: "wrong"}) == 403
            assert await post(update, {SECRET_HEADER: "\u00e9\u00ff"}) == 403
            for wrong in (b"", b"[]", b"7", b"{}", b'{"update_id": 1, "message": 7}', b"\xff", b"{" * 100):
                assert await post(wrong, right) == 400
            assert await post(b" " * 1_000_001, right) == 413
            assert len(telegram.bot_messages(chat)) == 1

            async def pieces() -> AsyncIterator[bytes]:
                for start in range(0, len(update), 10_000):
                    yield update[start : start + 10_000]
                    await asyncio.sleep(0.02)

            assert await post(pieces(), right) == 200
            await told(telegram, chat, "a1-1 · by Ana")
            async with session.get(url, headers=right) as answer:
                assert answer.status == 405


async def test_what_is_not_kept_is_not_taken(telegram: FakeTelegram, tmp_path: Path) -> None:
    """503 while another process holds the database; the server posts again, and it is acted on once."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    port = _free_port()
    async with opened_bot(telegram, tmp_path, provider=endless(), **_hooked(port)) as house:
        await until(telegram, lambda: telegram.webhook.url, "The webhook")
        with closing(_other_process(tmp_path / "nextshot.db")) as other:
            await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the house may have to finish a write first
            telegram.says(ana, chat, "/create a lamp")
            await until(telegram, lambda: telegram.webhook.last_error, "The refusal")
            assert telegram.webhook.last_error is not None
            assert "503" in telegram.webhook.last_error[1]
            other.execute("ROLLBACK")
        await told(telegram, chat, "a1-1")
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1


def _other_process(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=20, isolation_level=None, check_same_thread=False)
