"""What the tests of the bot have in common: providers that are fast or never done, a clip with sound, and waiting for answers."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from bot.house import House
from engine.abilities import Pace
from engine.job_model import JobState
from engine.jobs import WITH_CLIP
from tests.fakes.provider import ScriptedProvider
from tests.fakes.telegram import Chat, FakeTelegram, Message
from tests.media.makers import Recipe, make

WAIT_S = 60.0
"""For a busy machine; nothing waits that long where all is well."""
QUICK = Pace(first_s=0.05, every_s=0.05, give_up_s=600, in_flight=2)


@cache
def clip(*, sounds: bool = True, width: int = 64, height: int = 36, frames: int = 24) -> bytes:
    """A clip of a second. One that sounds is shown as it is, and all its tests share what is made of it."""
    with tempfile.TemporaryDirectory() as directory:
        recipe = Recipe(width=width, height=height, frames=frames, audio_s=frames / 24 if sounds else None)
        return make(Path(directory) / "clip.mp4", recipe).read_bytes()


def quick() -> ScriptedProvider:
    """Done in a moment, always with the same clip."""
    return ScriptedProvider(pace=QUICK, fetched_bytes=clip())


def endless() -> ScriptedProvider:
    """Renders until it is told to end: set `finishes_at_check`."""
    return ScriptedProvider(pace=QUICK, fetched_bytes=clip(), finishes_at_check=10**9)


async def told(telegram: FakeTelegram, chat: Chat, words: str, *, after: Message | None = None) -> Message:
    """The bot's first message in this chat with these words in it, after that one."""

    def fits(message: Message) -> bool:
        return words in message.text and (after is None or message.id > after.id)

    return await telegram.wait_for_message(chat, fits, WAIT_S, f"{words!r} in {chat.title}")


async def film_of(telegram: FakeTelegram, chat: Chat, code: str, *, after: Message | None = None) -> Message:
    """The bot's first message in this chat that shows the video of this code, after that one."""

    def fits(message: Message) -> bool:
        is_later = after is None or message.id > after.id
        return message.media is not None and message.text.startswith(f"{code} ") and is_later

    return await telegram.wait_for_message(chat, fits, WAIT_S, f"The video of {code} in {chat.title}")


async def until(telegram: FakeTelegram, claim: Callable[[], object], what: str = "") -> None:
    """Wait until it is true."""
    await telegram.wait_until(lambda: bool(claim()), WAIT_S, what)


async def ready(house: House, number: int = 1) -> None:
    """Wait until this job has its clip."""
    await _becomes(house, number, WITH_CLIP)


async def delivered(house: House, number: int = 1) -> None:
    """Wait until this job's clip is known to have arrived."""
    await _becomes(house, number, frozenset({JobState.DELIVERED}))


async def _becomes(house: House, number: int, states: frozenset[JobState]) -> None:
    async with asyncio.timeout(WAIT_S):
        while (job := await house.studio.job(number)) is None or job.state not in states:  # noqa: ASYNC110  # the table wakes nobody
            await asyncio.sleep(0.05)
