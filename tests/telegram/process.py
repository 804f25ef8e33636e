"""`nextshot run` as a process of its own in front of the fake Bot API server."""

from __future__ import annotations

from pathlib import Path

from tests.bot_process import STARTS_S, RunProcess, rows_of
from tests.fakes.telegram import FakeTelegram

__all__ = ["QUICK", "BotProcess", "rows_of"]

QUICK = "--seconds 2 --resolution 480p"
"""The cheapest shot that the built-in provider draws."""


class BotProcess(RunProcess):
    """A bot of this server."""

    def __init__(self, telegram: FakeTelegram, home: Path, *, token: str | None = None, **more: str) -> None:
        """`token`: another one than the server's. `more`: other settings, by their names without the prefix."""
        super().__init__(
            home,
            {
                "NEXTSHOT_TELEGRAM_TOKEN": token or telegram.token,
                "NEXTSHOT_TELEGRAM_API_URL": telegram.url,
                "NEXTSHOT_TELEGRAM_ALLOWED": "*",
                **{f"NEXTSHOT_{name.upper()}": value for name, value in more.items()},
            },
        )
        self.telegram = telegram

    async def start(self, *, listens: bool = True) -> None:
        """Until it serves its page and, if wanted, a long poll of it waits."""
        polls = len(self.telegram.calls_of("getUpdates"))
        await self.open()
        if listens:
            await self.telegram.wait_until(
                lambda: len(self.telegram.calls_of("getUpdates")) > polls, STARTS_S, "A long poll"
            )

    async def confirmed(self) -> None:
        """Wait until the server has forgotten all updates that it gave."""
        await self.telegram.wait_until(lambda: not self.telegram.world.updates.pending, STARTS_S, "All confirmed")
