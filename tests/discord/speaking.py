"""What the tests of the bot's speaking have in common: a film club, time that can be moved on, and waiting for what is said."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.discord.adapter import DiscordAdapter
from bot.discord.budget import Pace
from bot.discord.wire import Wire
from bot.house import House
from tests.discord.house import FAST, opened_bot
from tests.fakes.discord import Call, Channel, FakeDiscord, Guild, Interaction, Message, Person
from tests.fakes.discord_api import server
from tests.fakes.provider import ScriptedProvider
from tests.telegram.asking import QUICK, clip, delivered, endless, quick, ready

__all__ = ["QUICK", "clip", "delivered", "endless", "quick", "ready"]

WAIT_S = 60.0
"""For a busy machine; nothing waits that long where all is well."""
OLD_ONLY = Pace(most=1_000)
"""As the server has it for old messages alone."""
QUARTER_S, HOUR_S = 900.0, 3_600.0


@dataclass
class MovableClock:
    """Seconds that pass as they do, and can be moved on."""

    ahead_s: float = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@dataclass
class Club:
    """A server with one channel, Ana and Ben in it, and the bot; or another place of theirs."""

    discord: FakeDiscord
    clock: MovableClock
    provider: ScriptedProvider
    ana: Person
    ben: Person
    guild: Guild
    channel: Channel
    opens: Callable[[], AbstractAsyncContextManager[House]]
    house: House = field(init=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    def create(self, prompt: str = "a lamp", *, where: Channel | None = None, **options: object) -> Interaction:
        """Ana asks for a shot."""
        return self.discord.slash(self.ana, where or self.channel, "create", prompt=prompt, **options)

    async def start(self) -> None:
        """The bot of this place, also once more after it was stopped."""
        self.house = await self._stack.enter_async_context(self.opens())
        self.wire.clock_s = lambda: self.discord.world.now().timestamp()  # its idea of the date is the server's

    async def stop(self) -> None:
        """The bot ends, as at the end of a process."""
        await self._stack.aclose()

    def finish(self) -> None:
        """What renders is done."""
        self.provider.check_answers, self.provider.finishes_at_check = [], 1

    @property
    def wire(self) -> Wire:
        """The bot's way to the server."""
        adapter = self.house.chats["discord"]
        assert isinstance(adapter, DiscordAdapter)
        return adapter._wire

    def pass_s(self, seconds: float) -> None:
        """So much time goes by, for the server and the bot."""
        self.clock.ahead_s += seconds

    def said(self, where: Channel | None = None) -> list[Message]:
        """What the bot said there."""
        return self.discord.bot_messages(where or self.channel)

    async def told(self, words: str, where: Channel | None = None) -> Message:
        """The bot's first message there with these words in it."""
        return await self.discord.wait_for_message(
            where or self.channel, lambda message: words in message.text, WAIT_S, repr(words)
        )

    async def film(self, code: str = "a1-1", where: Channel | None = None) -> Message:
        """The bot's first message there with the video of this code."""
        return await self.discord.wait_for_message(
            where or self.channel, lambda message: shows_film(message, code), WAIT_S, f"The video of {code}"
        )

    async def until(self, claim: Callable[[], object], what: str = "") -> None:
        """Wait until it is true."""
        await self.discord.wait_until(lambda: bool(claim()), WAIT_S, what)

    async def says(self, message: Message, words: str) -> None:
        """Wait until a message says that."""
        await self.until(lambda: words in message.text, f"{words!r} in {message!r}")

    async def edited(self, message: Message, times: int = 1) -> None:
        """Wait until the bot edited it so many times more."""
        before = message.edits
        await self.until(lambda: message.edits >= before + times, f"{times} more edits of {message!r}")

    def edits_by_bot(self, message: Message) -> list[Call]:
        return self.discord.calls_of("PATCH", f"/channels/{message.channel.id}/messages/{message.id}")

    def edits_by_token(self, message: Message) -> list[Call]:
        calls = self.discord.calls_of("PATCH", "/webhooks/*/*/messages/*")
        return [call for call in calls if call.path.endswith(f"/{message.id}")]

    def posts(self, where: Channel | None = None) -> list[Call]:
        """Every try to write a new message there with the bot's token, refused ones too."""
        return self.discord.calls_of("POST", f"/channels/{(where or self.channel).id}/messages")

    def followups(self) -> list[Call]:
        return self.discord.calls_of("POST", "/webhooks/*/*")


def shows_film(message: Message, code: str = "") -> bool:
    """Whether it shows a video, of this code if one is named."""
    named = words_of(message).startswith(f"{code} ") if code else True
    return named and any(file.name.endswith(".mp4") for file in message.attachments)


def words_of(message: Message) -> str:
    """Without the one who is called at the beginning."""
    return message.text.split("> ", 1)[-1] if message.content.startswith("<@") else message.text


def files_of(message: Message) -> list[str]:
    return [file.name for file in message.attachments]


def refused(calls: Sequence[Call]) -> list[int]:
    """The codes of those that were refused."""
    return [call.code or 0 for call in calls if (call.status or 0) >= 400]


@pytest.fixture
def without_via(monkeypatch: pytest.MonkeyPatch) -> None:
    """429s come from what stands before Discord's servers."""
    monkeypatch.setattr(
        server, "headers_of_refusal", lambda refusal: {"Retry-After": str(round(refusal.retry_after_s or 1))}
    )


@asynccontextmanager
async def club(
    directory: Path,
    provider: ScriptedProvider | None = None,
    *,
    flood: bool = False,
    pace: Pace = FAST,
    boost_level: int = 0,
    dms_open: bool = True,
    **settings: Any,
) -> AsyncIterator[Club]:
    """A bot that listens in a film club; at the end nothing was asked of the server that the real one does not know."""
    clock = MovableClock()
    provider = provider or quick()
    async with FakeDiscord(flood=flood, clock=clock) as discord:
        ana, ben = discord.person("Ana", dms_open=dms_open), discord.person("Ben")
        guild = discord.guild("Film club", [ana, ben], boost_level=boost_level)
        channel = discord.channel(guild, "films")
        opens = partial(opened_bot, discord, directory, provider=provider, pace=pace, **settings)
        opened = Club(discord, clock, provider, ana, ben, guild, channel, opens)
        await opened.start()
        try:
            yield opened
        finally:
            await opened.stop()
        assert discord.complaints == []
