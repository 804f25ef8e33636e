"""The connection ends when it is told to, whatever the library is at."""

from __future__ import annotations

import asyncio

from bot.discord.adapter import _ended


async def test_a_connection_that_drops_a_cancellation_is_told_again() -> None:
    """As the library does that connects again just then, and waits for the next event afterwards."""

    async def connect() -> None:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            await asyncio.sleep(600)

    connection = asyncio.create_task(connect())
    await asyncio.sleep(0)
    await _ended(connection)
    assert connection.cancelled()
