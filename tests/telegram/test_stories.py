"""A story told in Telegram, through the real library."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S
from tests.telegram.house import opened_bot


async def test_a_shot_is_created_continued_and_stitched(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The whole way: one status message each, then the video under the message that asked for it."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path):
        asked = telegram.says(ana, chat, "/create a lamp")
        first = await telegram.wait_for_message(chat, lambda message: message.video is not None, WAIT_S)
        assert first.text.startswith("a1-1 · by Ana\n“a lamp”")
        assert first.reply_to == asked.id
        assert first.buttons == [
            ("Continue", "continue:a1-1"),
            ("Retake", "retake:a1-1"),
            ("Stitch", "stitch:a1"),
            ("Download", "download:a1-1"),
            ("Delete", "delete:a1-1"),
        ]
        telegram.says(ana, chat, "a boat answers", reply_to=first)
        second = await telegram.wait_for_message(
            chat, lambda message: message.text.startswith("a1-2") and message.video is not None, WAIT_S
        )
        telegram.says(ana, chat, "/stitch")
        film = await telegram.wait_for_message(chat, lambda message: message.text.startswith("a1-f1"), WAIT_S)
        assert second.id < film.id
        assert len(telegram.bot_messages(chat)) == 6
