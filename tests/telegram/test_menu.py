"""The menu that clients show: from the one table, in every language of ours, and told only when it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.languages import HELP
from bot.telegram.menu import COMMANDS_MOST, HELP_CHARS, menu
from tests.fakes.telegram import Chat, FakeTelegram, Message
from tests.telegram.asking import WAIT_S, endless, until
from tests.telegram.house import opened_bot


@pytest.mark.parametrize("language", [None, *HELP])
@pytest.mark.parametrize("is_shared", [False, True])
def test_every_command_has_its_line_within_the_limits(language: str | None, is_shared: bool) -> None:
    """In the words of that language; /start only where one is alone with the bot."""
    rows = menu(language, is_shared=is_shared)
    assert len(rows) <= COMMANDS_MOST
    wanted = [command.name for command in COMMANDS.values() if command.in_menu] + ["start"] * (not is_shared)
    assert sorted(row.command for row in rows) == sorted(wanted)
    for row in rows:
        told = HELP[language][row.command] if language else COMMANDS[row.command].help
        assert row.description == told
        assert len(told) <= HELP_CHARS


@pytest.mark.parametrize("language", HELP)
def test_a_language_tells_every_command_in_its_own_words(language: str) -> None:
    """None is forgotten, none is left in English, none is of a command that is gone."""
    shown = {name for name, command in COMMANDS.items() if command.in_menu} | {"start"}
    assert set(HELP[language]) == shown
    assert not {name for name in shown if HELP[language][name] == COMMANDS[name].help}


async def test_the_menu_is_told_once_and_again_only_where_it_differs(telegram: FakeTelegram, tmp_path: Path) -> None:
    """For private chats and groups, in each language and for everybody else."""
    everything = 2 * (1 + len(HELP))
    await _start_and_stop(telegram, tmp_path, writes=everything)
    key = next(key for key in telegram.world.menus if key[1] == "de")
    telegram.world.menus[key] = telegram.world.menus[key][:3]
    await _start_and_stop(telegram, tmp_path, writes=1)
    scopes = {key for key in telegram.world.menus if "all_private_chats" in key[0] or "all_group_chats" in key[0]}
    assert len(telegram.world.menus) == len(scopes) == everything
    assert {language for _, language in telegram.world.menus} == {"", *HELP}


async def test_every_command_is_answered(telegram: FakeTelegram, tmp_path: Path) -> None:
    """Said alone, by somebody who has nothing yet: each has a sentence below it, and none breaks."""
    ana = telegram.person("Ana")
    chat = telegram.private(ana)
    async with opened_bot(telegram, tmp_path, provider=endless()):
        asked = {name: telegram.says(ana, chat, f"/{name}").id for name in COMMANDS}
        for name, number in asked.items():
            answer = await _answer(telegram, chat, number, name)
            assert "Something broke" not in answer.text
        assert len(telegram.bot_messages(chat)) == len(COMMANDS)


async def _answer(telegram: FakeTelegram, chat: Chat, number: int, name: str) -> Message:
    return await telegram.wait_for_message(
        chat, lambda message: message.reply_to == number, WAIT_S, f"An answer to /{name}"
    )


async def _start_and_stop(telegram: FakeTelegram, directory: Path, *, writes: int) -> None:
    """All menus are looked at, and so many of them written."""

    def answered(method: str) -> int:
        return len([call for call in telegram.calls_of(method) if call.code == 200])

    telegram.calls.clear()
    async with opened_bot(telegram, directory):
        await until(telegram, lambda: answered("getMyCommands") == 2 * (1 + len(HELP)))
        await until(telegram, lambda: answered("setMyCommands") >= writes)
    assert answered("setMyCommands") == writes
