"""One process serves the page, Telegram and Discord: the same stories, one person where two accounts were joined."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bot.house import House, open_house
from bot.platforms import Paces
from bot.settings import Settings
from tests.fakes import discord as on_discord
from tests.fakes import telegram as on_telegram
from tests.fakes.discord import FakeDiscord
from tests.fakes.telegram import FakeTelegram
from tests.telegram.asking import quick
from tests.telegram.house import FAST

WAIT_S = 60.0
"""aiohttp's own reader of multipart bodies says so of itself where a piece comes in small."""
CODE = re.compile(r"/link ([0-9A-Z]{4}-[0-9A-Z]{4})")
WRONG = {
    "telegram": "1234567:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "discord": "MTA0NTY3ODkwMTIzNDU2Nzg5.Wrong-T.oken-that-the-server-does-not-know-00",
}


@dataclass
class Together:
    """Ana on both platforms, and a house that serves both and the page."""

    telegram: FakeTelegram
    discord: FakeDiscord
    house: House
    page: httpx.AsyncClient
    chat: on_telegram.Chat
    channel: on_discord.Channel
    tea: on_telegram.Person
    dee: on_discord.Person
    """Who Ana is in Discord."""

    async def says(self, text: str) -> on_telegram.Message:
        """The answer in Telegram."""
        asked = self.telegram.says(self.tea, self.chat, text)
        return await self.telegram.wait_for_message(
            self.chat, lambda message: message.reply_to == asked.id, WAIT_S, f"An answer to {text}"
        )

    async def gives(self, name: str, **fields: object) -> str:
        """The answer to a slash command in Discord."""
        return (await self.discord.slash(self.dee, self.channel, name, **fields).answered(WAIT_S)).text

    async def makes_one_on_each(self) -> None:
        """a1-1 in Telegram, and b1-1 in Discord."""
        self.telegram.says(self.tea, self.chat, "/create a lamp")
        await self.telegram.wait_for_message(self.chat, lambda message: message.media is not None, WAIT_S, "A clip")
        self.discord.slash(self.dee, self.channel, "create", prompt="a boat")
        await self.discord.wait_for_message(self.channel, lambda message: bool(message.attachments), WAIT_S, "A clip")

    async def says_on_the_page(self, text: str) -> None:
        """And it is taken."""
        said = {"name": "Ben", "text": text, "key": "a-message-of-ben-0001"}
        (await self.page.post("api/room/home/say", json=said)).raise_for_status()

    async def posted(self, words: str, *, is_clip: bool = False) -> str:
        """Wait until the page shows something with these words; all that it shows."""
        async with asyncio.timeout(WAIT_S):
            while True:
                posts = (await self.page.get("api/room/home")).raise_for_status().json()["posts"]
                fitting = [
                    post for post in posts if words in str(post.get("text")) and (post.get("video") or not is_clip)
                ]
                if fitting:
                    return " ".join(str(post.get("text", "")) for post in posts)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def opened(directory: Path, **more: str) -> AsyncIterator[Together]:
    """Served as `nextshot run` does, until the block is left; nothing was asked of a server that the real one does not know."""
    provider = quick()
    async with FakeTelegram(flood=False) as telegram, FakeDiscord(flood=False) as discord:
        tea, dee = telegram.person("Ana"), discord.person("Ana D.")
        chat, channel = telegram.private(tea), discord.channel(discord.guild("Film club", [dee]), "films")
        given: dict[str, object] = {
            "data_dir": directory,
            "web_port": 0,
            "telegram_token": telegram.token,
            "telegram_api_url": telegram.url,
            "telegram_allowed": "*",
            "discord_token": discord.token,
            "discord_api_url": discord.api_url,
            "discord_allowed": "*",
        }
        settings = Settings.model_validate(given | more)
        makers = {provider.name: lambda _: provider}
        async with open_house(settings, at_work=True, makers=makers, paces=Paces(telegram=FAST)) as house:
            url = await house.web.open()
            running = [asyncio.create_task(house.web.run(), name="web")]
            running += [asyncio.create_task(each.run(), name=name) for name, each in house.chats.items()]
            try:
                async with httpx.AsyncClient(base_url=url) as page:
                    yield Together(telegram, discord, house, page, chat, channel, tea, dee)
                assert not [task for task in running if task.done() and task.exception() is not None]
            finally:
                for task in running:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
                await house.web.close()
    assert telegram.complaints == []
    assert discord.complaints == []


async def ready(both: Together) -> None:
    """Wait until Discord's commands are there; Telegram keeps what is said before."""
    await both.discord.wait_until(
        lambda: both.discord.connected and both.discord.commands, WAIT_S, "A connection with commands"
    )


async def test_one_process_serves_the_page_telegram_and_discord(tmp_path: Path) -> None:
    """A clip of each, in its own place, and nobody sees the others'."""
    async with opened(tmp_path) as both:
        await ready(both)
        await both.says_on_the_page("/create a whale")
        await both.makes_one_on_each()
        history = {"telegram": (await both.says("/history")).text, "discord": await both.gives("history")}
        assert ("a lamp" in history["telegram"], "a boat" in history["telegram"]) == (True, False)
        assert ("a lamp" in history["discord"], "a boat" in history["discord"]) == (False, True)
        posts = await both.posted("a whale", is_clip=True)
    assert "a lamp" not in posts
    assert "a boat" not in posts


@pytest.mark.parametrize("asked_on", ["telegram", "discord"])
async def test_a_person_of_two_platforms_has_one_history(tmp_path: Path, asked_on: str) -> None:
    """By a code from one that is said on the other: both clips on both. What is done in a place is done there: a clip can be
    looked at from the other platform, and deleted only where it stands.
    """
    async with opened(tmp_path) as both:
        await ready(both)
        await both.makes_one_on_each()
        before = (await both.says("/history mine")).text, await both.gives("history", mine=True)
        assert ["a lamp" in text for text in before] == [True, False]
        assert ["a boat" in text for text in before] == [False, True]

        if asked_on == "telegram":
            found = CODE.search((await both.says("/link")).text)
            assert found is not None
            told = await both.gives("link", code=found[1])
        else:
            interaction = both.discord.slash(both.dee, both.channel, "link")
            whispered = await interaction.answered(WAIT_S)
            assert whispered.ephemeral_to is both.dee
            found = CODE.search(whispered.text)
            assert found is not None
            told = (await both.says(f"/link {found[1]}")).text
        platforms = "Telegram and Discord" if asked_on == "telegram" else "Discord and Telegram"
        assert told.startswith(f"You are one person on {platforms} now")

        after = (await both.says("/history mine")).text, await both.gives("history", mine=True)
        for text in after:
            assert "a lamp" in text
            assert "a boat" in text
        assert (await both.says(f"/link {found[1]}")).text.startswith("That code is unknown, was used or has expired")

        assert "a lamp" in await both.gives("show", clip="a1-1")
        assert await both.gives("delete", clip="a1-1") == (
            "There is no shot a1-1 here; /story lists the shots of this place."
        )
        assert (await both.says("/delete a1-1")).text == "a1-1 was deleted."
        assert "a lamp" not in await both.gives("history", mine=True)


@pytest.mark.parametrize("refused", ["telegram", "discord"])
async def test_a_token_that_is_refused_leaves_the_others_alone(
    tmp_path: Path, refused: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The page and the other platform are served; one sentence names the setting."""
    async with opened(tmp_path, **{f"{refused}_token": WRONG[refused]}) as both:
        setting = f"NEXTSHOT_{refused.upper()}_TOKEN"
        await both.telegram.wait_until(lambda: setting in caplog.text, WAIT_S, "A word in the log")
        if refused == "discord":
            assert "No story yet" in (await both.says("/stories")).text
        else:
            await ready(both)
            assert "No story yet" in await both.gives("stories")
        await both.says_on_the_page("/stories")
        await both.posted("No story yet")
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1, errors
    assert errors[0].startswith(f"{refused.capitalize()} is not served")
    assert WRONG[refused] not in caplog.text
