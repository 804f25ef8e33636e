"""The front ends that the shared dialogues run over. Another one is one more class like `WebChat`, and one more row here.

A topic stands for the groups, and a thread for the channels: what holds there is more than what holds in those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.contract.chat import Chat
from tests.contract.discord_chat import DiscordChat
from tests.contract.telegram_chat import TelegramChat
from tests.contract.web_chat import WebChat
from tests.fakes.provider import ScriptedProvider

Open = Callable[[Path, ScriptedProvider], AbstractAsyncContextManager[Chat]]

FRONT_ENDS: Mapping[str, Open] = {
    "web": WebChat.opened,
    "telegram-private": TelegramChat.private,
    "telegram-topic": TelegramChat.in_topic,
    "discord-private": DiscordChat.private,
    "discord-thread": DiscordChat.in_thread,
}
WITH_OTHERS = tuple(name for name in FRONT_ENDS if not name.endswith("-private"))
"""Where several people see the same."""
