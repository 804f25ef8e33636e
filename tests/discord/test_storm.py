"""200 interactions in ten seconds, of eight people in five channels, while a real process renders clips."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.discord.process import BotProcess, rows_of
from tests.discord.storm import Crowd, figures
from tests.fakes.discord import FakeDiscord

COUNT, OVER_S = 200, 10.0
WAIT_S = 60.0
"""aiohttp's own reader of multipart bodies says so of itself where a piece comes in small."""
RENDERING = "SELECT count(*) FROM job WHERE state NOT IN ('delivered', 'failed', 'cancelled')"


async def test_everybody_is_heard_in_a_storm(tmp_path: Path) -> None:
    """Each acknowledged within its three seconds and answered once, what is private by a whisper; with the server's limits."""
    async with FakeDiscord() as discord, BotProcess(discord, tmp_path) as bot:
        crowd = Crowd.of(discord, seed=1)
        await bot.start()
        await crowd.opens(WAIT_S)
        await crowd.storms(COUNT, OVER_S)
        ((rendering,),) = rows_of(bot.data, RENDERING)
        await crowd.all_answered(WAIT_S)
        await bot.terminate()
        wrongs = crowd.wrongs()
        log = bot.log.read_text()
    sys.stdout.write(
        f"acknowledged {figures(crowd.ack_s())}; {rendering} clips to come, "
        f"{crowd.clips()} there, {discord.buckets.refused} times 429\n"
    )
    sys.stdout.writelines(f"  {what}: {figures(crowd.ack_s([what]))}\n" for what in crowd.kinds())
    assert len(crowd.done) >= COUNT
    assert rendering > 0
    assert wrongs == []
    assert "Traceback" not in log
