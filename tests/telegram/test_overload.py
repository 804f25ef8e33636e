"""A group that asks for more than it can be told in a minute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.fakes.telegram import FakeTelegram
from tests.telegram.house import FAST, opened_bot

CLIPS_S = 90.0


async def test_a_clip_does_not_wait_for_a_status_message_that_has_no_room(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """Three messages a minute: one status message, and both clips; the second status message is never said."""
    ana = telegram.person("Ana")
    group = telegram.group("The film club", [ana])
    async with opened_bot(telegram, tmp_path, pace=replace(FAST, group_most=3)):
        asked = [telegram.says(ana, group, f"/create lamp {number}") for number in (1, 2)]
        await telegram.wait_until(lambda: len(telegram.bot_messages(group)) == 3, CLIPS_S)
        said = telegram.bot_messages(group)
    assert sorted(message.reply_to or 0 for message in said if message.video) == [message.id for message in asked]
    assert [message.video is None for message in said] == [True, False, False]


async def test_a_job_is_told_of_before_answers_that_wait(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Answers may fill their share of the minute; a job that is asked for then still says that it was taken."""
    ana = telegram.person("Ana")
    group = telegram.group("The film club", [ana])
    async with opened_bot(telegram, tmp_path, pace=replace(FAST, group_most=10)):
        for _ in range(5):
            telegram.says(ana, group, "/stories")
        await telegram.wait_until(lambda: len(telegram.bot_messages(group)) == 3, CLIPS_S)
        asked = telegram.says(ana, group, "/create a lamp")
        await telegram.wait_for_message(group, lambda message: message.reply_to == asked.id, CLIPS_S)
        answers = [message for message in telegram.bot_messages(group) if message.reply_to != asked.id]
    assert len(answers) == 3
