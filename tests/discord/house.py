"""The real house with the real library in front of a Discord on loopback; only the provider is told what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.discord.budget import Pace
from bot.house import House, open_house
from bot.platforms import Paces
from bot.settings import Settings
from tests.databases import put_tables
from tests.fakes.discord import FakeDiscord
from tests.fakes.provider import ScriptedProvider

LISTENS_S = 30.0
FAST = Pace(most=1_000, old_most=1_000)
"""For tests that are not about the pace; their servers have no flood control."""


def settings_of(discord: FakeDiscord, directory: Path, **more: object) -> Settings:
    """A bot of this server that everybody may talk to, unless said otherwise."""
    given: dict[str, object] = {
        "data_dir": directory,
        "web_port": 0,
        "discord_token": discord.token,
        "discord_api_url": discord.api_url,
        "discord_allowed": "*",
    }
    return Settings.model_validate(given | more)


@asynccontextmanager
async def opened_bot(
    discord: FakeDiscord,
    directory: Path,
    *,
    provider: ScriptedProvider | None = None,
    pace: Pace | None = None,
    listens: bool = True,
    **more: object,
) -> AsyncIterator[House]:
    """A house whose bot listens, until the block is left."""
    provider = provider or ScriptedProvider()
    makers = {provider.name: lambda _: provider}
    settings = settings_of(discord, directory, **more)
    paces = Paces(discord=pace or Pace())
    await asyncio.to_thread(put_tables, settings.data_dir)
    async with open_house(settings, at_work=True, makers=makers, paces=paces) as house:
        running = asyncio.create_task(house.chats["discord"].run(), name="discord of a test")
        try:
            if listens:
                await discord.wait_until(
                    lambda: discord.connected and discord.commands, LISTENS_S, "A connection with commands"
                )
            yield house
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await house.web.close()
