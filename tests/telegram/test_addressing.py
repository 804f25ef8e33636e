"""Who is meant: what the bot answers, what it leaves to others, and that nothing is done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S, endless, quick, told, until
from tests.telegram.house import opened_bot
from tests.telegram.plain_http import jpeg


async def test_in_a_group_only_what_is_said_to_this_bot_is_answered(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Other bots' commands, unknown ones, talk, bots and edits are left alone, without privacy mode too."""
    telegram.privacy = False
    ana = telegram.person("Ana")
    robot = replace(telegram.person("Robot"), is_bot=True)
    chat = telegram.group("Film", [ana, robot])
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, chat, "/create@other_bot a lamp")
        telegram.says(ana, chat, "/foo")
        telegram.says(ana, chat, "hello all")
        telegram.says(ana, chat, "and /create in the middle")
        telegram.says(robot, chat, "/create a lamp")
        typo = telegram.says(ana, chat, "/cretae a lamp")
        telegram.edits(ana, typo, "/create a lamp")
        telegram.says(ana, chat, "look", photo=jpeg())
        asked = telegram.says(ana, chat, "/create@nextshot_bot a lamp")
        named = telegram.says(ana, chat, "/foo@NextShot_Bot")
        status = await told(telegram, chat, "a1-1")
        answer = await told(telegram, chat, "There is no command /foo")
        assert status.reply_to == asked.id
        assert answer.reply_to == named.id
        assert len(telegram.bot_messages(chat)) == 2
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1


async def test_in_private_every_word_is_for_the_bot(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Plain text gets the welcome with its example, and an unknown command a sentence; an edit starts nothing."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        hello = telegram.says(ana, chat, "hello")
        welcome = await told(telegram, chat, "Tell a film together")
        assert welcome.reply_to == hello.id
        telegram.edits(ana, hello, "/create a lamp")
        telegram.says(ana, chat, "/creat a lamp")
        await told(telegram, chat, "There is no command /creat (did you mean /create?)")
        assert not await house.studio.jobs(f"telegram:{chat.id}")
        query = telegram.presses(ana, welcome, "Try it")
        await query.answered(WAIT_S)
        await told(telegram, chat, "a lighthouse keeper")
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1


async def test_an_update_that_comes_again_is_acted_on_and_answered_once(telegram: FakeTelegram, tmp_path: Path) -> None:
    """All updates once more, to the same process and to the next one."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, chat, "/create a lamp")
        telegram.says(ana, chat, "/models")
        await told(telegram, chat, "a1-1")
        await told(telegram, chat, "scripted one")
        telegram.forget_offset()
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "(current)")
        assert len(telegram.bot_messages(chat)) == 3
    telegram.forget_offset()
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, chat, "/settings")
        await told(telegram, chat, "A new story here")
        assert len(telegram.bot_messages(chat)) == 4
        assert len(await house.studio.jobs(f"telegram:{chat.id}")) == 1


async def test_the_two_photos_of_an_album_are_the_first_and_the_last_frame(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """Its messages come one by one and are one request."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider):
        album = [("photo", jpeg(160, 90)), ("photo", jpeg(90, 160))]
        telegram.says(ana, chat, "/create a lamp", album=album)
        await until(telegram, lambda: provider.renders, "The render")
        (render,) = provider.renders.values()
        assert render.order.first_frame is not None
        assert render.order.last_frame is not None
        await told(telegram, chat, "a1-1")
        assert not [message for message in telegram.bot_messages(chat) if "a1-1" not in message.text]


async def test_an_album_that_is_nobodys_business_is_not_even_fetched(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Holiday pictures in a group: nothing is downloaded, and a video that would be too large is no error."""
    telegram.privacy = False
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana])
    async with opened_bot(telegram, tmp_path, provider=endless()):
        telegram.says(ana, chat, "our holiday", album=[("photo", jpeg()), ("video", b"....")], size_bytes=10**9)
        telegram.says(ana, chat, "/stories", album=[("photo", jpeg()), ("photo", jpeg())], size_bytes=100)
        await told(telegram, chat, "No story yet")
        assert len(telegram.bot_messages(chat)) == 1
        assert len(telegram.calls_of("getFile")) <= 2


async def test_an_anonymous_admin_is_an_admin(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Who speaks as the group may change its settings and is shown under its name; a member may not."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    chat = telegram.group("Film club", [ben], admins=[ana])
    async with opened_bot(telegram, tmp_path, provider=endless()):
        telegram.says(ben, chat, "/settings --ratio 9:16")
        await told(telegram, chat, "Only an admin of this group can change its settings.")
        telegram.says(ana, chat, "/settings --ratio 9:16", anonymous=True)
        await told(telegram, chat, "chosen here: ratio 9:16")
        telegram.says(ana, chat, "/create a lamp", anonymous=True)
        await told(telegram, chat, "a1-1 · by Film club")
        telegram.says(ben, chat, "/cancel a1-1")
        await told(telegram, chat, "a1-1 belongs to Film club; only they can do that.")
        telegram.says(ana, chat, "/cancel a1-1", anonymous=True)
        await told(telegram, chat, "cancelled")
