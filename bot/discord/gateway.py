"""The library's client, listening to interactions and nothing else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import discord
import yarl
from discord import Interaction
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.discord.buttons import ActButton, is_button
from bot.discord.wire import LIBRARY_WAITS_S

log = logging.getLogger(__name__)

VERSION = 10
SILENT_S = 15.0
"""How long the first connection may take before a word on it."""

Hear = Callable[[Interaction[Any]], None]


class Client(discord.AutoShardedClient):
    """As many connections as the server recommends: it wants more than one from 2,500 guilds on.

    Only what tells of guilds and their channels is asked for: commands and buttons come without any intent, and what people write
    to each other does not come at all.
    """

    def __init__(self, hear: Hear) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            max_ratelimit_timeout=LIBRARY_WAITS_S,
        )
        self._hear = hear
        self._is_cut_off = False
        self.add_dynamic_items(ActButton)

    async def hear(self, interaction: Interaction[Any]) -> None:
        """A button of ours was pressed."""
        self._hear(interaction)

    async def on_interaction(self, interaction: Interaction[Any]) -> None:
        """A hook of the library: everything else that people do with us."""
        if not is_button(interaction):
            self._hear(interaction)

    async def tell_silence(self) -> None:
        """The library tries for ever to connect for the first time, and calls no hook meanwhile."""
        await asyncio.sleep(SILENT_S)
        if not self.shards and not self.is_closed():
            self._is_cut_off = True
            log.warning("discord sends no events yet; connecting again")

    async def on_disconnect(self) -> None:
        """A hook of the library, which goes on trying: an outage is one line, and so is its end."""
        if not self._is_cut_off and not self.is_closed():
            self._is_cut_off = True
            log.warning("discord connection lost; connecting again")

    async def on_resumed(self) -> None:
        """A hook of the library: what was missed comes now."""
        self._back("resumed")

    async def on_connect(self) -> None:
        """A hook of the library: a connection that begins anew."""
        self._back("begun anew")

    def _back(self, how: str) -> None:
        if self._is_cut_off:
            self._is_cut_off = False
            log.info("discord connection works again (%s)", how)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """A hook of the library: a defect of ours in one of the hooks."""
        del args, kwargs
        log.error("discord hook crashed hook=%s", event_method, exc_info=True)  # noqa: LOG014  # called in one

    async def hang_up(self) -> None:
        """End the connections that events come by; requests can still be made."""
        for shard in list(self.shards.values()):
            await shard.disconnect()


def point_at(api_url: str) -> None:
    """Send the requests of this process there. The library has one address for all its clients."""
    Route.BASE = f"{api_url}/v{VERSION}"


async def point_gateway(client: discord.Client) -> None:
    """Where events come from is asked of the server too, also for a connection that begins anew."""
    _, url, _ = await client.http.get_bot_gateway()
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
