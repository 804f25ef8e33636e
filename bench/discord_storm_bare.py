"""The peer of `python -m bench.discord_storm`: bare discord.py that does nothing but defer. `API_URL TOKEN`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route


class Bare(discord.Client):
    """Defers, and forgets."""

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """A hook of the library."""
        await interaction.response.defer()


async def run(api_url: str, token: str) -> None:
    """Until it is killed."""
    Route.BASE = f"{api_url}/v10"
    async with Bare(intents=discord.Intents(guilds=True)) as client:
        await client.login(token)
        _, url, _ = await client.http.get_bot_gateway()
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
        await client.connect()


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:3]))
