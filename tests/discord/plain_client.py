"""The real discord.py against the fake of Discord: logged in, or connected too, and gone at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.fakes.discord import FakeDiscord

Said = Coroutine[Any, Any, object]


class PlainClient(discord.AutoShardedClient):
    """Slash-only intents, a command tree, and the names of the gateway's events as they come."""

    def __init__(self, server: FakeDiscord, **options: Any) -> None:
        options.setdefault("intents", discord.Intents(guilds=True))
        super().__init__(guild_ready_timeout=0.05, enable_debug_events=True, **options)
        self.server = server
        self.tree: app_commands.CommandTree[PlainClient] = app_commands.CommandTree(self)
        self.events: list[str] = []
        self.heard: list[discord.Interaction[Any]] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without the five seconds between two IDENTIFYs."""

    async def on_socket_event_type(self, event: str) -> None:
        self.events.append(event)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        self.heard.append(interaction)

    def place(self, channel_id: int) -> discord.PartialMessageable:
        """Where to write with the bot's token."""
        return self.get_partial_messageable(channel_id)

    def answers(self, *commands: Callable[..., Said] | app_commands.ContextMenu) -> None:
        """Register these as commands, by the names of the functions."""
        for command in commands:
            if isinstance(command, app_commands.ContextMenu):
                self.tree.add_command(command)
            else:
                self.tree.command(name=command.__name__, description="Does it.")(command)


@asynccontextmanager
async def logged_in(server: FakeDiscord, token: str | None = None, **options: Any) -> AsyncIterator[PlainClient]:
    """REST only. `token`: None for the right one."""
    before, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    Route.BASE = f"{server.api_url}/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"{server.url.replace('http', 'ws', 1)}/gateway")
    client = PlainClient(server, **options)
    try:
        await client.login(token or server.token)
        yield client
    finally:
        await client.close()
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = before, gateway


@asynccontextmanager
async def connected(server: FakeDiscord, *commands: Any, **options: Any) -> AsyncIterator[PlainClient]:
    """With its commands registered, and the gateway open."""
    async with logged_in(server, **options) as client:
        if commands:
            client.answers(*commands)
            await client.tree.sync()
        running = asyncio.create_task(client.connect(), name="discord.py")
        try:
            await asyncio.wait_for(client.wait_until_ready(), 10)
            yield client
        finally:
            await client.close()
            await asyncio.gather(running, return_exceptions=True)


async def refusal(said: Coroutine[Any, Any, object]) -> tuple[int, int]:
    """Status and code of what is refused."""
    with pytest.raises(discord.HTTPException) as caught:
        await said
    return caught.value.status, caught.value.code
