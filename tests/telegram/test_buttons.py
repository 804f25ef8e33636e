"""Buttons are answered at once, obey who may press them, and work or explain themselves for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from telegram import Bot

from bot.access import Access
from bot.message import Press
from bot.telegram.door import Door
from bot.telegram.stars import open_till
from bot.telegram.translate import Pressed
from bot.telegram.turns import Turns
from bot.telegram.uploads import Uploads
from engine.job_model import JobState
from engine.jobs import LIVE
from engine.model import Person
from storage import Inbox, SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.telegram import FakeTelegram
from tests.house import opened_house
from tests.telegram.asking import WAIT_S, delivered, endless, film_of, quick, told, until
from tests.telegram.house import opened_bot


async def test_who_may_cancel_and_delete(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The shot's author, its story's director, admins of the group and the operator; a refusal is seen by one alone."""
    ana, ben, eve = telegram.person("Ana"), telegram.person("Ben"), telegram.person("Eve")
    admin, boss = telegram.person("Admin"), telegram.person("Boss")
    chat = telegram.group("Film", [ana, ben, eve, boss], admins=[admin])
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider, telegram_admins=str(boss.id)) as house:
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
        provider.finishes_at_check = 10**9
        for number, presser in enumerate([ben, ana, admin, boss], 2):
            telegram.says(ben, chat, f"boat {number}", reply_to=film)
            status = await told(telegram, chat, f"a1-{number} · by Ben\n“boat {number}”\nrendering")
            said = len(telegram.bot_messages(chat))
            refused = await telegram.presses(eve, status, "Cancel").answered(WAIT_S)
            assert refused.show_alert
            assert refused.text == f"a1-{number} belongs to Ben or Ana; only they can do that."
            assert len(telegram.bot_messages(chat)) == said
            await telegram.presses(presser, status, "Cancel").answered(WAIT_S)
            await until(telegram, lambda: "cancelled" in telegram.bot_messages(chat)[-1].text, presser.name)
        refused = await telegram.presses(ben, film, "Delete").answered(WAIT_S)
        assert (refused.text, refused.show_alert) == ("a1-1 belongs to Ana; only they can do that.", True)
        accepted = await telegram.presses(ana, film, "Delete").answered(WAIT_S)
        assert (accepted.text, accepted.show_alert) == (None, False)
        await told(telegram, chat, "a1-1 was deleted.")
        gone = await telegram.presses(ana, film, "Continue").answered(WAIT_S)
        assert gone.show_alert
        jobs = [await house.studio.job(number) for number in range(1, 6)]
        assert [job.state for job in jobs if job] == [JobState.DELIVERED, *[JobState.CANCELLED] * 4]


async def test_forged_and_stale_data_is_explained(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Whatever a client of somebody's own sends: an alert of at most 200 characters, and nothing happens."""
    ana, eve = telegram.person("Ana"), telegram.person("Eve")
    chat, other = telegram.group("Film", [ana, eve]), telegram.private(eve)
    async with opened_bot(telegram, tmp_path, provider=endless()) as house:
        telegram.says(ana, chat, "/create a lamp")
        status = await told(telegram, chat, "a1-1")
        telegram.says(eve, other, "/start")
        elsewhere = await told(telegram, other, "Tell a film together")
        for message, data in (
            *((status, data) for data in ("x", "delete:", "delete:b7-9", "continue:a1-99", "settings:admins=5")),
            *((status, data) for data in ("settings:ratio=9:16", "again:a1-1", "start:", "show:../../x", "🏮" * 16)),
            *((elsewhere, data) for data in ("cancel:a1-1", "delete:a1-1", "continue:a1-1", "show:a1-1")),
        ):
            answer = await telegram.presses(eve, message, data, forged=True).answered(WAIT_S)
            assert answer.show_alert, data
            assert 0 < len(answer.text or "") <= 200
        assert len(telegram.bot_messages(chat)) == len(telegram.bot_messages(other)) == 1
        job = await house.studio.job(1)
        assert job is not None
        assert job.state in LIVE


async def test_a_button_works_after_a_restart(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Pressed before, between and after: an old press spins itself out and is acted on all the same."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    provider = quick()
    async with opened_bot(telegram, tmp_path, provider=provider):
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
    provider.finishes_at_check = 10**9
    telegram.query_expiry_s = 0.0
    telegram.presses(ana, film, "Continue")
    async with opened_bot(telegram, tmp_path, provider=provider):
        await told(telegram, chat, "What happens after a1-1?")
        telegram.query_expiry_s = 60.0
        stitched = telegram.presses(ana, film, "Stitch")
        assert (await stitched.answered(WAIT_S)).text is None
        await film_of(telegram, chat, "a1-f1")
        await telegram.presses(ana, film, "Retake").answered(WAIT_S)
        await told(telegram, chat, "rendering")


async def test_a_message_that_is_too_old_to_be_told_keeps_its_topic(telegram: FakeTelegram, tmp_path: Path) -> None:
    """The server names neither its text nor its topic; we know where the job is told."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana], forum=True)
    sea = telegram.topic(chat, "Sea")
    async with opened_bot(telegram, tmp_path, provider=quick()) as house:
        telegram.says(ana, chat, "/create a boat", topic=sea)
        film = await film_of(telegram, chat, "a1-1")
        await delivered(house)
        telegram.deletes(film)
        await telegram.presses(ana, film, "Continue").answered(WAIT_S)
        question = await told(telegram, chat, "What happens after a1-1?")
        assert question.thread == sea


async def test_a_button_does_not_spin_while_its_work_takes_long(telegram: FakeTelegram, tmp_path: Path) -> None:
    """It is let go after a moment, and what came of it is said when it is there."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana])
    async with opened_bot(telegram, tmp_path, provider=quick()):
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
        gate = telegram.gate("getChatMember")
        query = telegram.presses(ana, film, "Delete")
        await query.answered(WAIT_S)
        assert len(telegram.bot_messages(chat)) == 2
        gate.release()
        await told(telegram, chat, "a1-1 was deleted.")


async def test_nobody_waits_while_the_server_is_asked_who_is_an_admin(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Neither for somebody's press nor for somebody's command."""
    ana, ben, eve = telegram.person("Ana"), telegram.person("Ben"), telegram.person("Eve")
    chat = telegram.group("Film", [ana, ben, eve])
    async with opened_bot(telegram, tmp_path, provider=quick()):
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
        gate = telegram.gate("getChatMember")
        telegram.presses(ben, film, "Delete")
        telegram.says(eve, chat, "/delete a1-1")
        await until(telegram, lambda: gate.waiting == 2)
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "a1 · “a lamp”")
        assert gate.waiting == 2
        gate.release()
        await told(telegram, chat, "a1-1 belongs to Ana; only they can do that.")


async def test_a_late_refusal_is_not_shown_to_the_whole_group(
    telegram: FakeTelegram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button was let go already, so that there is nowhere left to show it to one alone."""
    monkeypatch.setattr("bot.telegram.turns.PRESS_S", 0.2)
    ana, eve = telegram.person("Ana"), telegram.person("Eve")
    chat = telegram.group("Film", [ana, eve])
    async with opened_bot(telegram, tmp_path, provider=quick()):
        telegram.says(ana, chat, "/create a lamp")
        film = await film_of(telegram, chat, "a1-1")
        gate = telegram.gate("getChatMember")
        assert (await telegram.presses(eve, film, "Delete").answered(WAIT_S)).text is None
        gate.release()
        await telegram.presses(eve, film, "Continue").answered(WAIT_S)  # comes after it, as one's own presses do
        await told(telegram, chat, "What happens after a1-1?")
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "a1 · “a lamp”")
        assert not [message for message in telegram.bot_messages(chat) if "belongs to" in message.text]


async def test_a_press_that_is_given_up_leaves_nothing_running(
    telegram: FakeTelegram, tmp_path: Path, clock: FakeClock
) -> None:
    """When the bot stops, what was decided on has stopped too."""
    ana = telegram.person("Ana")
    chat = telegram.group("Film", [ana])
    press = Press(
        key="q",
        place=f"telegram:{chat.id}",
        person=Person(f"telegram:{ana.id}", "Ana"),
        verb="delete",
        target="a1-1",
        is_shared=True,
    )
    async with (
        Bot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url) as bot,
        opened_house(tmp_path, clock) as house,
    ):
        assert isinstance(house.store, SqlStore)
        door = Door(bot, Access())
        turns = Turns(
            bot,
            dispatch=house.dispatch,
            studio=house.studio,
            door=door,
            uploads=Uploads(bot, house.files, is_cloud=True),
            till=open_till(
                bot,
                "telegram:1",
                star_usd=None,
                inbox=Inbox(house.store),
                purse=house.studio,
                door=door,
                pass_on=lambda _: asyncio.sleep(0, result=False),
            ),
        )
        gate = telegram.gate("getChatMember")
        pressing = asyncio.create_task(
            turns.pressed(Pressed(press=press, chat_id=chat.id, username=None, query_id="q"))
        )
        await gate.reached.wait()
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)
        assert "telegram press" not in {task.get_name() for task in asyncio.all_tasks()}
        gate.release()
