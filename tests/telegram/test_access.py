"""Who is let in: nobody, until the operator says who; the others are told once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.access import Access
from bot.settings import SettingsError, load_settings
from bot.telegram.access import names_of, read_list
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import WAIT_S, endless, told, until
from tests.telegram.house import opened_bot

NOT_OPEN = "This Nextshot is not open to everybody."


@pytest.mark.parametrize(
    ("access", "admitted"),
    [
        (Access(), False),
        (Access(allowed=read_list("*")), True),
        (Access(allowed=read_list("5")), True),
        (Access(allowed=read_list("-1009")), True),
        (Access(allowed=read_list("@Ana_Film")), True),
        (Access(allowed=read_list("6, -1008, @ben_film")), False),
        (Access(admins=read_list("5")), True),
        (Access(allowed=read_list("*"), blocked=read_list("5")), False),
        (Access(allowed=read_list("*"), blocked=read_list("-1009")), False),
        (Access(allowed=read_list("5"), blocked=read_list("@ANA_film")), False),
        (Access(admins=read_list("5"), blocked=read_list("-1009")), False),
    ],
)
def test_a_member_of_a_group_is_let_in_by_any_list_and_kept_out_by_the_block_list(
    access: Access, admitted: bool
) -> None:
    """By id, by chat or by name."""
    assert access.admits(names_of({-1009}, 5, "ana_film")) is admitted


def test_a_blocked_admin_is_none() -> None:
    """Whatever else is said."""
    assert Access(admins=read_list("5")).is_admin(names_of((), 5))
    assert not Access(admins=read_list("5"), blocked=read_list("@ana_film")).is_admin(names_of((), 5, "Ana_Film"))
    assert not Access(allowed=read_list("*")).is_admin(names_of((), 5))


def test_a_list_is_read_however_it_is_written() -> None:
    """With commas, spaces, lines or semicolons between."""
    said = read_list(" 5,-1009;\n@Ana_Film  * ")
    assert said == {"5", "-1009", "@ana_film", "*"}
    assert read_list("") == frozenset()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("telegram_allowed", "ana"), ("telegram_blocked", "*"), ("telegram_admins", "*"), ("telegram_admins", "5, @x")],
)
def test_a_wrong_list_is_one_sentence(setting: str, value: str, tmp_path: Path) -> None:
    """It names the setting, what it was and an example; `*` makes nobody an admin."""
    with pytest.raises(SettingsError) as wrong:
        load_settings(data_dir=tmp_path, **{setting: value})
    (problem,) = wrong.value.problems
    assert problem.startswith(f"NEXTSHOT_{setting.upper()} is {value!r} on the command line; it must be user ids")


async def test_a_stranger_is_told_once_how_to_be_let_in(telegram: FakeTelegram, tmp_path: Path) -> None:
    """With the id to let in; then silence, also after a restart."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    chat, group = telegram.private(ana), telegram.group("Film", [ben])
    async with opened_bot(telegram, tmp_path, telegram_allowed=""):
        telegram.says(ana, chat, "hello")
        sentence = await told(telegram, chat, NOT_OPEN)
        assert sentence.text == f"{NOT_OPEN} Its operator lets this chat in with NEXTSHOT_TELEGRAM_ALLOWED={chat.id}"
        telegram.says(ana, chat, "/create a lamp")
        telegram.says(ben, group, "/create a lamp")
        await told(telegram, group, f"NEXTSHOT_TELEGRAM_ALLOWED={group.id}")
        telegram.says(ben, group, "/create a lamp")
    async with opened_bot(telegram, tmp_path, telegram_allowed=str(ana.id)):
        telegram.says(ben, group, "/create a lamp")
        telegram.says(ana, chat, "/stories")
        await told(telegram, chat, "No story yet")
        assert len(telegram.bot_messages(group)) == 1
        assert len([message for message in telegram.bot_messages(chat) if NOT_OPEN in message.text]) == 1


async def test_a_group_of_a_stranger_is_left_and_one_of_a_friend_greeted(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """One sentence, and gone; where the bot may be, it shows how to begin, once."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    hers = telegram.group("Hers", [ana], bot="left")
    his = telegram.group("His", [ben], bot="left")
    async with opened_bot(telegram, tmp_path, telegram_allowed=str(ana.id)):
        telegram.adds_bot(ben, his)
        await until(telegram, lambda: his.roles[telegram.bot.id] == "left", "The bot leaves")
        assert [message.text[: len(NOT_OPEN)] for message in telegram.bot_messages(his)] == [NOT_OPEN]
        telegram.adds_bot(ana, hers)
        await told(telegram, hers, "Tell a film together")
        telegram.kicks_bot(hers, ana)
        telegram.adds_bot(ana, hers)
        telegram.says(ana, hers, "/stories")
        await told(telegram, hers, "No story yet")
        assert len(telegram.bot_messages(hers)) == 2


async def test_the_lists_are_kept_by_the_whole_house(telegram: FakeTelegram, tmp_path: Path) -> None:
    """By name, by chat, blocked; an admin may what its author may, and a stranger's press is an alert."""
    ana, ben = telegram.person("Ana", username="Ana_Film"), telegram.person("Ben")
    eve, boss = telegram.person("Eve"), telegram.person("Boss")
    group = telegram.group("Film", [ana, ben, eve, boss])
    other = telegram.group("Other", [ana, ben])
    lists: dict[str, Any] = {
        "telegram_allowed": f"@ana_film,{group.id}",
        "telegram_blocked": str(eve.id),
        "telegram_admins": str(boss.id),
    }
    async with opened_bot(telegram, tmp_path, provider=endless(), **lists):
        telegram.says(eve, group, "/create nothing")
        telegram.says(ben, group, "/create a lamp")
        status = await told(telegram, group, "a1-1 · by Ben")
        telegram.says(ben, other, "/create nothing")
        telegram.says(ana, other, "/create a boat")
        await told(telegram, other, "“a boat”")
        press = telegram.presses(eve, status, "Cancel")
        telegram.says(boss, telegram.private(boss), "/stories")
        await told(telegram, telegram.private(boss), "No story yet")
        await telegram.presses(boss, status, "Cancel").answered(WAIT_S)
        await told(telegram, group, "cancelled")
        assert press.answer is None, "who is blocked hears nothing at all"
        assert not [message for message in telegram.bot_messages(group) if "nothing" in message.text]


async def test_a_group_on_the_list_that_gets_a_new_id_stays_let_in(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Also after a restart: the list still names its old one."""
    ana = telegram.person("Ana")
    old = telegram.group("Film", [ana], basic=True)
    async with opened_bot(telegram, tmp_path, telegram_allowed=str(old.id)):
        telegram.says(ana, old, "/stories")
        await told(telegram, old, "No story yet")
        new = telegram.migrates(old)
        telegram.says(ana, new, "/stories")
        await told(telegram, new, "No story yet")
    async with opened_bot(telegram, tmp_path, telegram_allowed=str(old.id)):
        telegram.says(ana, new, "/history")
        await told(telegram, new, "No clips yet")


async def test_a_group_that_is_not_on_the_list_hears_its_id_when_the_operator_brings_the_bot(
    telegram: FakeTelegram, tmp_path: Path
) -> None:
    """The one who adds it may talk to it; for the others it says what to set."""
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    group = telegram.group("Film", [ana, ben], bot="left")
    async with opened_bot(telegram, tmp_path, telegram_allowed=str(ana.id)):
        telegram.adds_bot(ana, group)
        hello = await told(telegram, group, "Tell a film together")
        assert f"NEXTSHOT_TELEGRAM_ALLOWED={group.id}" in hello.text
