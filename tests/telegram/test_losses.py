"""Chats that are lost, move or come back: the clip is kept, and found in /history."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S, endless, film_of, ready, told, until
from tests.telegram.house import opened_bot


async def test_a_clip_is_kept_wherever_it_cannot_be_shown(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Kicked, blocked or without the right to speak; its person left: each clip is there, and its person finds it."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    kicked, silent, left = (telegram.group(title, [ana]) for title in ("Kicked", "Silent", "Left"))
    mine, his = telegram.private(ana), telegram.private(ben)
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider) as house:
        for person, chat in ((ana, kicked), (ana, silent), (ana, left), (ben, his)):
            telegram.says(person, chat, f"/create a lamp of {chat.title}")
            await told(telegram, chat, f"a lamp of {chat.title}")
        telegram.kicks_bot(kicked)
        silent.may_send = False
        telegram.leaves(ana, left)
        telegram.blocks_bot(ben)
        provider.finishes_at_check = 1
        await telegram.wait_for_message(left, lambda message: message.video is not None, WAIT_S)
        await until(telegram, lambda: len([c for c in telegram.calls_of("sendVideo") if c.code in {400, 403}]) == 3)
        for number in range(1, 5):
            await ready(house, number)
        telegram.says(ana, mine, "/history mine")
        listed = await told(telegram, mine, "a lamp of Kicked")
        assert "a lamp of Silent" in listed.text
        assert "a lamp of Left" in listed.text
        telegram.unblocks_bot(ben)
        telegram.says(ben, his, "/history")
        code = (await told(telegram, his, "a lamp of Ben")).text.split(" · ")[0]
        telegram.says(ben, his, f"/show {code}")
        assert (await film_of(telegram, his, code)).video is not None


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "found out"])
async def test_a_group_that_moves_takes_its_story_along(telegram: FakeTelegram, tmp_path: Path, is_told: bool) -> None:
    """The result arrives under the new id and the story goes on there, also where only a refusal told of the move."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana], basic=True)
    provider = endless()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ana, chat, "/create a lamp")
        await told(telegram, chat, "rendering")
        new = telegram.migrates(chat)
        if not is_told:
            telegram.world.updates.drop_pending()
        provider.finishes_at_check = 1
        film = await film_of(telegram, new, "a1-1")
        assert film.video is not None
        telegram.says(ana, new, "a boat answers", reply_to=film)
        second = await film_of(telegram, new, "a1-2")
        await telegram.presses(ana, second, "Continue").answered(WAIT_S)
        await told(telegram, new, "What happens after a1-2?")
        telegram.says(ana, new, "/story")
        outline = await told(telegram, new, "a1 · “a lamp”")
        assert "a1-2" in outline.text
