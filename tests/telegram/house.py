"""The real house with the real library in front of a loopback Bot API server; only the provider is told what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.house import House, open_house
from bot.platforms import Paces
from bot.settings import Settings
from bot.telegram.budget import Pace
from tests.databases import put_tables
from tests.fakes.provider import ScriptedProvider
from tests.fakes.telegram import FakeTelegram

FAST = Pace(per_s=1_000, burst=100, group_most=10_000, window_s=61, all_per_s=10_000)
"""For tests that are not about the pace; their servers have no flood control."""


def settings_of(telegram: FakeTelegram, directory: Path, **more: object) -> Settings:
    """A bot of this server that everybody may talk to, unless said otherwise."""
    given: dict[str, object] = {
        "data_dir": directory,
        "web_port": 0,
        "telegram_token": telegram.token,
        "telegram_api_url": telegram.url,
        "telegram_allowed": "*",
    }
    return Settings.model_validate(given | more)


@asynccontextmanager
async def opened_bot(
    telegram: FakeTelegram,
    directory: Path,
    *,
    provider: ScriptedProvider | None = None,
    pace: Pace = FAST,
    **more: object,
) -> AsyncIterator[House]:
    """A house whose bot listens, until the block is left."""
    provider = provider or ScriptedProvider()
    settings = settings_of(telegram, directory, **more)
    makers = {provider.name: lambda _: provider}
    await asyncio.to_thread(put_tables, settings.data_dir)
    async with open_house(settings, at_work=True, makers=makers, paces=Paces(telegram=pace)) as house:
        bot = house.chats["telegram"]
        if settings.telegram_webhook_url is not None:
            await house.web.open()
        running = asyncio.create_task(bot.run(), name="telegram of a test")
        try:
            yield house
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await house.web.close()
