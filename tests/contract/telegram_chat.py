"""Telegram as a chat of the shared dialogues: people type into a Bot API server, with the real library in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.contract.chat import ADA, ANA, BEN, CAL, WAIT_S, Answer, Message
from tests.fakes import telegram as fake
from tests.fakes.provider import ScriptedProvider
from tests.fakes.telegram import FakeTelegram
from tests.telegram.house import opened_bot


@dataclass
class TelegramChat:
    """One private chat, one group, or one topic of a forum."""

    directory: Path
    provider: ScriptedProvider
    server: FakeTelegram
    people: Mapping[str, fake.Person]
    chat: fake.Chat
    elsewhere: fake.Chat
    topic: int | None = None
    other_topic: int | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @classmethod
    @asynccontextmanager
    async def private(cls, directory: Path, provider: ScriptedProvider) -> AsyncIterator[TelegramChat]:
        """Ana and the bot alone: whoever is named is she."""
        async with FakeTelegram(flood=False) as server:
            ana = server.person(ANA)
            people = dict.fromkeys((ANA, BEN, CAL, ADA), ana)
            elsewhere = server.private(server.person("Dan"))
            chat = cls(directory, provider, server, people, server.private(ana), elsewhere)
            async with chat._opened():
                yield chat

    @classmethod
    @asynccontextmanager
    async def group(
        cls, directory: Path, provider: ScriptedProvider, *, in_topic: bool = False
    ) -> AsyncIterator[TelegramChat]:
        """A supergroup in which the bot sees only what is meant for it."""
        async with FakeTelegram(flood=False, privacy=True) as server:
            people = {name: server.person(name) for name in (ANA, BEN, CAL, ADA)}
            members = [people[name] for name in (ANA, BEN, CAL)]
            group = server.group("Film club", members, [people[ADA]], forum=in_topic)
            if in_topic:
                topics = (server.topic(group, "Lighthouse"), server.topic(group, "Elsewhere"))
                chat = cls(directory, provider, server, people, group, group, *topics)
            else:
                elsewhere = server.group("Elsewhere", members)
                chat = cls(directory, provider, server, people, group, elsewhere)
            async with chat._opened():
                yield chat

    @classmethod
    def in_topic(cls, directory: Path, provider: ScriptedProvider) -> AbstractAsyncContextManager[TelegramChat]:
        """A topic of a forum."""
        return cls.group(directory, provider, in_topic=True)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        await self._open()
        try:
            yield
        finally:
            await self._stack.aclose()
        assert self.server.complaints == []
        where = {message.thread for message in self.server.bot_messages(self.chat)}
        assert self.topic is None or where <= {self.topic, self.other_topic}, "something was said outside its topic"

    async def _open(self) -> None:
        await self._stack.enter_async_context(opened_bot(self.server, self.directory, provider=self.provider))

    async def restart(self) -> None:
        await self._stack.aclose()
        await self._open()

    def name(self, person: str) -> str:
        return self.people[person].name

    def messages(self) -> list[Message]:
        return [_of_telegram(message) for message in self._native()]

    def takes(self, text: str) -> bool:
        return text.startswith("/")

    async def say(
        self,
        person: str,
        text: str,
        *,
        reply_to: Message | None = None,
        picture: bytes | None = None,
        video: bytes | None = None,
    ) -> Message:
        answered = self.chat.messages[reply_to.id] if reply_to is not None else None
        said = self.server.says(
            self.people[person], self.chat, text, reply_to=answered, topic=self.topic, photo=picture, video=video
        )
        return _of_telegram(said)

    async def say_twice(self, person: str, text: str) -> None:
        said = await self.say(person, text)
        await self.answer(said)
        self.server.resend_last_update()
        await self.answer(await self.say(person, "/stories"))  # updates are handled in their order

    async def answer(self, said: Message) -> Message:
        def found() -> fake.Message | None:
            return next((message for message in self._native() if message.reply_to == said.id), None)

        answer = await self.server.wait_until(found, WAIT_S, f"An answer to {said.text[:40]!r}")
        assert answer is not None
        return _of_telegram(answer)

    async def answer_elsewhere(self, text: str) -> str:
        person = self.elsewhere.person or self.people[CAL]
        said = self.server.says(person, self.elsewhere, text, topic=self.other_topic)
        answer = await self.server.wait_for_message(
            self.elsewhere, lambda message: message.reply_to == said.id, WAIT_S, f"An answer to {text!r} elsewhere"
        )
        return answer.text

    async def press(self, person: str, message: Message, label: str, text: str = "") -> Answer:
        before = {each.id for each in self._native()}
        query = self.server.presses(self.people[person], self.chat.messages[message.id], label)
        answer = await query.answered(WAIT_S)
        if text and not answer.show_alert:

            def said() -> fake.Message | None:
                return next((each for each in self._native() if each.id not in before), None)

            question = await self.server.wait_until(said, WAIT_S, f"The question of {label}")
            assert question is not None
            if question.force_reply:  # else a refusal that came too late for an alert
                self.server.says(self.people[person], self.chat, text, reply_to=question, topic=self.topic)
        return Answer(answer.text if answer.show_alert else None)

    async def download(self, person: str, message: Message, label: str = "Download") -> tuple[str, bytes]:
        before = {each.id for each in self._native()}
        assert await self.press(person, message, label) == Answer(None)

        def sent() -> tuple[str, bytes] | None:
            documents = (each.document for each in self._native() if each.id not in before)
            return next(((each.file.name, each.data) for each in documents if each is not None), None)

        found = await self.server.wait_until(sent, WAIT_S, "A document")
        assert found is not None
        return found

    def _native(self) -> list[fake.Message]:
        said = self.server.bot_messages(self.chat)
        return said if self.topic is None else [message for message in said if message.thread == self.topic]


def _of_telegram(message: fake.Message) -> Message:
    """The invisible characters that keep an @ from calling anybody are left out, as they are for the eye."""
    kinds = {str(entity["type"]) for entity in message.entities} - {"bot_command", "text_mention"}
    return Message(
        id=message.id,
        text=message.text.replace("@\u2060", "@"),
        buttons=tuple(label for label, _ in message.buttons),
        has_video=message.video is not None,
        markup=tuple(sorted(kinds)),
    )
