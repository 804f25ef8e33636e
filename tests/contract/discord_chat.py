"""Discord as a chat of the shared dialogues: people fill in commands on a server, with the real library in front of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.commands import COMMANDS, Is
from bot.discord.slash import CONTINUE_FROM
from bot.parsing import Parsed, UsageError, parse
from engine.codes import parse_shot_code
from tests.contract.chat import ADA, ANA, BEN, CAL, WAIT_S, Answer, Message
from tests.discord.house import FAST, opened_bot
from tests.fakes import discord as fake
from tests.fakes.discord import ClientRefuses, FakeDiscord, Interaction
from tests.fakes.discord_api import client
from tests.fakes.discord_api.commands import CHAT_INPUT
from tests.fakes.provider import ScriptedProvider

_HEAD = re.compile(r"\A<@\d+> ")


@dataclass
class DiscordChat:
    """A channel of a server, one of its threads, or the messages between one person and the bot."""

    directory: Path
    provider: ScriptedProvider
    server: FakeDiscord
    people: Mapping[str, fake.Person]
    channel: fake.Channel
    elsewhere: fake.Channel
    stranger: fake.Person
    """Who talks elsewhere."""
    _said: dict[int, Interaction] = field(default_factory=dict)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def private(cls, directory: Path, provider: ScriptedProvider) -> AsyncIterator[DiscordChat]:
        """Ana and the bot alone: whoever is named is she."""
        async with FakeDiscord(flood=False) as server:
            ana, cal = server.person(ANA), server.person(CAL)
            people = dict.fromkeys((ANA, BEN, CAL, ADA), ana)
            chat = cls(directory, provider, server, people, server.dm(ana), server.dm(cal), cal)
            async with chat._opened():
                yield chat

    @classmethod
    @asynccontextmanager
    async def channel_of_guild(
        cls, directory: Path, provider: ScriptedProvider, *, in_thread: bool = False
    ) -> AsyncIterator[DiscordChat]:
        """A channel that everybody sees."""
        async with FakeDiscord(flood=False) as server:
            people = {name: server.person(name) for name in (ANA, BEN, CAL, ADA)}
            guild = server.guild("Film club", list(people.values()))
            server.allow(people[ADA], guild, "manage_guild")
            channel, elsewhere = server.channel(guild, "films"), server.channel(guild, "elsewhere")
            if in_thread:
                channel, elsewhere = server.thread(channel, "Lighthouse"), server.thread(channel, "Elsewhere")
            chat = cls(directory, provider, server, people, channel, elsewhere, people[CAL])
            async with chat._opened():
                yield chat

    @classmethod
    @asynccontextmanager
    async def in_thread(cls, directory: Path, provider: ScriptedProvider) -> AsyncIterator[DiscordChat]:
        """A thread of a channel."""
        async with cls.channel_of_guild(directory, provider, in_thread=True) as chat:
            yield chat

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        await self._open()
        try:
            yield
        finally:
            await self._stack.aclose()
        assert self.server.complaints == []

    async def _open(self) -> None:
        await self._stack.enter_async_context(
            opened_bot(self.server, self.directory, provider=self.provider, pace=FAST)
        )

    async def restart(self) -> None:
        await self._stack.aclose()
        await self._open()

    def name(self, person: str) -> str:
        return self.people[person].name

    def messages(self) -> list[Message]:
        return [_of_discord(message) for message in self.server.bot_messages(self.channel) if not message.loading]

    def takes(self, text: str) -> bool:
        """Its client asks for each part of a command, and lets out only what fits."""
        try:
            name, fields = _filled_in(text)
            command = client.find_command(self.server.world, self.people[CAL], self.channel, name, CHAT_INPUT)
            client.check_options(client.leaf_of(command, [])[1], fields)
        except (UsageError, ClientRefuses):
            return False
        return True

    async def say(
        self,
        person: str,
        text: str,
        *,
        reply_to: Message | None = None,
        picture: bytes | None = None,
        video: bytes | None = None,
    ) -> Message:
        who = self.people[person]
        if reply_to is not None and picture is None:
            opened = self.server.message_command(who, self.channel, self._native(reply_to), CONTINUE_FROM)
            await opened.showed_modal(WAIT_S)
            return self._noted(self.server.submits(who, opened, text), text)
        more: dict[str, Any] = {}
        if reply_to is not None:
            more["shot"] = reply_to.text.split()[0]
            text = f"/continue {text}"
        name, fields = _filled_in(text)
        if picture is not None:
            more["first_frame" if name == "create" else "last_frame"] = ("picture.bin", picture)
        if video is not None:
            more["video"] = ("video.bin", video)
        return self._noted(self.server.slash(who, self.channel, name, **fields, **more), text)

    def _noted(self, interaction: Interaction, text: str) -> Message:
        self._said[interaction.id] = interaction
        return Message(id=interaction.id, text=text)

    async def say_twice(self, person: str, text: str) -> None:
        said = await self.say(person, text)
        await self.answer(said)
        self.server.resend_last_interaction()
        await self.answer(await self.say(person, "/stories"))

    async def answer(self, said: Message) -> Message:
        return _of_discord(await self._said[said.id].answered(WAIT_S))

    async def answer_elsewhere(self, text: str) -> str:
        name, fields = _filled_in(text)
        return _of_discord(await self.server.slash(self.stranger, self.elsewhere, name, **fields).answered(WAIT_S)).text

    async def press(self, person: str, message: Message, label: str, text: str = "") -> Answer:
        who, before = self.people[person], self._state()
        pressed = self.server.presses(who, self._native(message), label)
        await pressed.acked(WAIT_S)
        if text and pressed.modal is not None:
            pressed = self.server.submits(who, pressed, text)
            await pressed.acked(WAIT_S)

        def heard() -> bool:
            return any(each.ephemeral_to for each in pressed.messages) or self._state() != before

        await self.server.wait_until(heard, WAIT_S, f"Something to happen after {label}")
        whispered = next((each for each in pressed.messages if each.ephemeral_to and not each.attachments), None)
        return Answer(None if whispered is None else _of_discord(whispered).text)

    def _state(self) -> list[tuple[int, str, int]]:
        """All that is to be seen there."""
        shown = self.server.bot_messages(self.channel)
        return [(each.id, each.content, each.edits) for each in shown if not each.loading and not each.ephemeral_to]

    async def download(self, person: str, message: Message, label: str = "Download") -> tuple[str, bytes]:
        pressed = self.server.presses(self.people[person], self._native(message), label)
        answer = await pressed.answered(WAIT_S)
        return answer.attachments[0].name, answer.attachments[0].data

    def _native(self, message: Message) -> fake.Message:
        return next(each for each in self.server.bot_messages(self.channel) if each.id == message.id)


def _filled_in(text: str) -> tuple[str, dict[str, Any]]:
    """The command and its fields, as somebody who means this would fill them in.

    Raises:
        UsageError: there is no such thing to fill in.
    """
    parsed: Parsed = parse(text)
    command = COMMANDS[parsed.command]
    fields: dict[str, Any] = {}
    codes, words = list(parsed.codes), parsed.words
    for argument in command.arguments:
        match argument.kind:
            case Is.SHOTS:
                shots = [code for code in codes if parse_shot_code(code)]
                if shots:
                    fields[argument.name] = " ".join(shots)
            case Is.STORY:
                story = next((code for code in codes if not parse_shot_code(code)), None)
                if story is not None:
                    fields[argument.name] = story
            case Is.SHOT | Is.CLIP:
                if codes:
                    fields[argument.name] = codes.pop(0)
            case Is.FLAG if words:
                fields[argument.name] = True
            case Is.WHOLE if words:
                fields[argument.name] = int(words)
            case Is.PROMPT | Is.WORD if words:
                fields[argument.name] = words
            case _:
                pass
    kinds = {option.name: option.kind.value for option in command.options}
    for name, value in parsed.options.items():
        match kinds[name]:
            case "number" if value != "default":
                fields[name] = float(value)
            case "whole number":
                fields[name] = int(value)
            case _:
                fields[name] = value
    return parsed.command, fields


def _of_discord(message: fake.Message) -> Message:
    """Who a message calls at its beginning is left out; that nobody else is called is looked at, too.

    A file that one person downloads is not one that is shown.
    """
    called = 1 if _HEAD.match(message.content) else 0
    assert len(message.pings) <= called, message.content
    markup = set(message.markup) - ({"mention"} if called else set())
    return Message(
        id=message.id,
        text=_HEAD.sub("", message.text).replace("@\u2060", "@"),
        buttons=tuple(message.buttons),
        has_video=message.ephemeral_to is None and any(each.name.endswith(".mp4") for each in message.attachments),
        markup=tuple(sorted(markup)),
        is_private=message.ephemeral_to is not None,
    )
