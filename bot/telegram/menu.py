"""The command menu that clients show, from the one table of commands, in every language that the table is told in."""

from __future__ import annotations

import logging

from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats
from telegram.error import TelegramError

from bot.commands import COMMANDS
from bot.languages import HELP

log = logging.getLogger(__name__)

HELP_CHARS = 256
COMMANDS_MOST = 100
"""Both of https://core.telegram.org/bots/api#botcommand"""
_PRIVATE_ONLY = frozenset({"start"})


def menu(language: str | None, *, is_shared: bool) -> list[BotCommand]:
    """The commands of a private chat or of a group; `language` None: for whoever has none of ours."""
    told = HELP.get(language or "", {})
    rows = [
        BotCommand(command.name, told.get(command.name, command.help)[:HELP_CHARS])
        for command in COMMANDS.values()
        if command.in_menu or (command.name in _PRIVATE_ONLY and not is_shared)
    ]
    return rows[:COMMANDS_MOST]


async def tell_menu(bot: Bot) -> None:
    """Best effort: what is written already is left alone, and a bot without a menu works too."""
    scopes: tuple[tuple[BotCommandScope, bool], ...] = (
        (BotCommandScopeAllPrivateChats(), False),
        (BotCommandScopeAllGroupChats(), True),
    )
    try:
        for scope, is_shared in scopes:
            for language in (None, *HELP):
                rows = menu(language, is_shared=is_shared)
                if tuple(await bot.get_my_commands(scope, language)) != tuple(rows):
                    await bot.set_my_commands(rows, scope, language)
    except TelegramError as error:
        log.warning("menu not told: %s", error.message)
