"""`nextshot run` as a process of its own in front of the fake Discord."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.bot_process import STARTS_S, RunProcess, rows_of
from tests.fakes.discord import FakeDiscord

__all__ = ["QUICK", "REST", "BotProcess", "rows_of"]

QUICK: dict[str, Any] = {"seconds": 2, "resolution": "480p"}
"""The cheapest shot that the built-in provider draws."""
REST = """SELECT (SELECT count(*) FROM job WHERE due_at IS NOT NULL OR state = 'ready')
+ (SELECT count(*) FROM outbox WHERE due_at IS NOT NULL) + (SELECT count(*) FROM inbox WHERE done_at IS NULL)"""
"""Counts the jobs, messages and interactions that are left to do."""


class BotProcess(RunProcess):
    """A bot of this server."""

    def __init__(
        self, discord: FakeDiscord, home: Path, *, token: str | None = None, log_level: str = "warning"
    ) -> None:
        """`token`: another one than the server's."""
        super().__init__(
            home,
            {
                "NEXTSHOT_DISCORD_TOKEN": token or discord.token,
                "NEXTSHOT_DISCORD_API_URL": discord.api_url,
                "NEXTSHOT_DISCORD_ALLOWED": "*",
                "NEXTSHOT_LOG_LEVEL": log_level,
            },
        )
        self.discord = discord

    async def start(self, *, listens: bool = True) -> None:
        """Until it serves its page and, if wanted, is connected and its commands are there."""
        sessions = len(self.discord.identifies)
        await self.open()
        if listens:
            await self.discord.wait_until(
                lambda: len(self.discord.identifies) > sessions and self.discord.connected and self.discord.commands,
                STARTS_S,
                "A connection with commands",
            )

    async def rests(self, within_s: float) -> None:
        """Wait until no job, no message and no interaction is left to do."""
        await self.discord.wait_until(lambda: rows_of(self.data, REST) == [(0,)], within_s, "Rest")
