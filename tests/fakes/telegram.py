"""A Bot API server on loopback that behaves like Telegram's as far as a bot for clips can see, and refuses what that one refuses.

It runs in the test's own loop. For a test that kills the bot, start the bot as a child process and give it `url`: the server
lives on in the test, so there is no second process of the fake and nothing to control it by.

    async with FakeTelegram() as telegram:
        ana = telegram.person("Ana")
        chat = telegram.private(ana)
        telegram.says(ana, chat, "/create a lamp")
        message = await telegram.wait_for_message(chat, lambda message: message.video is not None)
        query = telegram.presses(ana, message, "Retake")
        await query.answered()
    assert telegram.complaints == []

It does not: read Markdown, fetch URLs, take inline mode, polls, stickers, drafts, rich or ephemeral messages, business
connections, channels, reactions; carry out a method named in the body of a webhook's answer.

Longer than a room of the product: it is the one desk at which a test finds everything.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from tests.fakes.bot_api.contract import Contract
from tests.fakes.bot_api.faults import Gate
from tests.fakes.bot_api.files import DOWNLOAD_BYTES
from tests.fakes.bot_api.flood import Accepted, Flood
from tests.fakes.bot_api.model import Answer, Chat, Json, Media, Message, Payment, Person, Query, StoredFile
from tests.fakes.bot_api.people import People
from tests.fakes.bot_api.refusals import Refusal
from tests.fakes.bot_api.server import BotApiServer
from tests.fakes.bot_api.webhook import Webhook
from tests.fakes.bot_api.wire import Call, Reading
from tests.fakes.bot_api.world import World
from tests.fakes.desk import Desk

__all__ = [
    "CLOUD_BYTES",
    "TOKEN",
    "Accepted",
    "Answer",
    "Call",
    "Chat",
    "FakeTelegram",
    "Gate",
    "Media",
    "Message",
    "Payment",
    "Person",
    "Query",
    "StoredFile",
]

TOKEN = "7654321098:AAFake-Token_of-the-loopback_server00"
CLOUD_BYTES = 50 * 1024 * 1024
LOCAL_BYTES = 2000 * 1024 * 1024


class FakeTelegram(Desk, People):
    """One server with one bot; the verbs are those of `People`. `async with` starts and stops it."""

    def __init__(
        self,
        *,
        speed: float = 1.0,
        clock: Callable[[], float] | None = None,
        flood: bool = True,
        burst: int = 3,
        privacy: bool = True,
        private_topics: bool = False,
        local: bool = False,
        cap_bytes: int | None = None,
        query_expiry_s: float = 60.0,
        username: str = "nextshot_bot",
        token: str = TOKEN,
        port: int = 0,
    ) -> None:
        """`speed`: how many of the server's seconds are one real second, for flood control, `retry_after`, query expiry and
        the times in logs; a long poll lasts real seconds. `clock` gives the server's seconds itself.

        `local`: as a Bot API server of one's own with --local. `cap_bytes`: None for 50 MB, or 2000 MB in local mode.
        """
        world = World(
            clock or (lambda: time.monotonic() * speed),
            username=username,
            privacy=privacy,
            private_topics=private_topics,
        )
        super().__init__(world)
        world.query_expiry_s = query_expiry_s
        world.download_bytes = None if local else DOWNLOAD_BYTES
        world.flood.is_on = flood
        world.flood.burst = burst
        reading = Reading(cap_bytes or (LOCAL_BYTES if local else CLOUD_BYTES), local=local)
        self.contract = Contract.found()
        """None where the folder of contracts is absent: then calls and answers are not checked against it."""
        self.server = BotApiServer(world, token, reading, self.contract)
        self.token = token
        self._port = port
        self._listener = self.server

    # --- where it is

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`."""
        return self.server.url

    @property
    def base_url(self) -> str:
        """What python-telegram-bot takes as `base_url`."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """What python-telegram-bot takes as `base_file_url`."""
        return f"{self.url}/file/bot"

    @property
    def bot(self) -> Person:
        return self.world.bot

    # --- how it behaves; all of it may be changed while it runs

    @property
    def flood(self) -> Flood:
        """`is_on`, `burst`, `per_second`, `group_per_minute`; `accepted` and `refused` count."""
        return self.world.flood

    @property
    def webhook(self) -> Webhook:
        """`url`, `posts`, `retry_s`, `last_error`."""
        return self.server.webhook

    @property
    def privacy(self) -> bool:
        return self.world.privacy

    @privacy.setter
    def privacy(self, is_on: bool) -> None:
        self.world.privacy = is_on

    @property
    def cap_bytes(self) -> int:
        """The largest upload; beyond it 413."""
        return self.server.reading.cap_bytes

    @cap_bytes.setter
    def cap_bytes(self, cap_bytes: int) -> None:
        self.server.reading.cap_bytes = cap_bytes

    @property
    def query_expiry_s(self) -> float:
        """How long a pressed button can be answered, in the server's seconds."""
        return self.world.query_expiry_s

    @query_expiry_s.setter
    def query_expiry_s(self, seconds: float) -> None:
        self.world.query_expiry_s = seconds

    @property
    def slow_upload_bytes_per_s(self) -> float | None:
        """How fast files are taken in, in bytes per real second; None for as fast as they come."""
        return self.server.reading.bytes_per_s

    @slow_upload_bytes_per_s.setter
    def slow_upload_bytes_per_s(self, bytes_per_s: float | None) -> None:
        self.server.reading.bytes_per_s = bytes_per_s

    def fail_next(
        self, method: str, code: int, description: str, *, retry_after: int | None = None, times: int = 1
    ) -> None:
        """Refuse the next calls of a method with these words, without carrying them out."""
        parameters: Json = {} if retry_after is None else {"retry_after": retry_after}
        self.server.faults.refusals[method.lower()] += [Refusal(code, description, parameters) for _ in range(times)]

    def lose_answer(self, method: str, times: int = 1) -> None:
        """Carry out the next calls of a method, then cut the connection without an answer."""
        self.server.faults.lost[method.lower()] += times

    def hang_next(self, method: str, seconds: float, times: int = 1) -> None:
        """Wait so many real seconds before the next calls of a method are carried out."""
        self.server.faults.hangs[method.lower()] += [seconds] * times

    def gate(self, method: str, *, after: bool = False) -> Gate:
        """Hold the calls of a method until `release()`: before they are carried out, or `after`, before their answer."""
        gate = Gate()
        (self.server.faults.after if after else self.server.faults.before)[method.lower()] = gate
        return gate

    def resend_last_update(self) -> None:
        """Deliver the last update once more under the same number, by poll or webhook, whatever was confirmed."""
        self.world.updates.resend()

    def forget_offset(self) -> None:
        """Deliver all updates once more, as if none had been confirmed."""
        self.world.updates.forget_offset()

    # --- looking

    @property
    def calls(self) -> list[Call]:
        """Every request, oldest first: `method`, `params`, `at_s`, `code` of the answer (None while there is none)."""
        return self.server.calls

    def calls_of(self, *methods: str) -> list[Call]:
        """The requests of these methods."""
        wanted = {method.lower() for method in methods}
        return [call for call in self.calls if call.method.lower() in wanted]

    @property
    def complaints(self) -> list[str]:
        """What the contract knows otherwise, in sentences. A test ends with none."""
        return self.server.complaints

    @property
    def accepted(self) -> list[Accepted]:
        """Every message and edit that a chat took, with the server's time."""
        return self.world.flood.accepted

    def most_sends(self, chat: Chat, within_s: float = 60.0) -> int:
        """The largest number of messages and edits that a chat took within any so many seconds of the server."""
        return self.world.flood.most_in_any(within_s, chat.id)

    @property
    def uploads(self) -> int:
        """How many files the bot uploaded, thumbnails not counted; a file id costs none."""
        return self.world.files.uploads

    @property
    def uploaded_bytes(self) -> int:
        return self.world.files.uploaded_bytes

    @property
    def arriving(self) -> list[str]:
        """The methods whose requests are still coming in."""
        return self.server.arriving

    @property
    def arrived_bytes(self) -> int:
        """Bytes of files that came in, also in requests that were cut off (`cut_off` counts those)."""
        return self.server.arrived_bytes

    @property
    def cut_off(self) -> int:
        return self.server.cut_off

    @property
    def actions(self) -> list[tuple[Chat, str, float]]:
        """Every sendChatAction: chat, action, monotonic time."""
        return self.world.actions

    def chat_messages(self, chat: Chat) -> list[Message]:
        """What a member sees, oldest first, in its newest wording."""
        return [chat.messages[number] for number in sorted(chat.messages)]

    def bot_messages(self, chat: Chat) -> list[Message]:
        """What the bot said there, service messages left out."""
        return [message for message in self.chat_messages(chat) if message.sender == self.bot and not message.service]

    def newest(self, message: Message) -> Message | None:
        """The message as it stands now; None where it was deleted."""
        return message.chat.messages.get(message.id)

    def changed(self) -> asyncio.Event:
        return self.world.changed

    async def wait_for_message(
        self, chat: Chat, predicate: Callable[[Message], bool], timeout_s: float = 5.0, what: str = ""
    ) -> Message:
        """Wait for a message of the bot in this chat, and give its newest wording.

        Raises:
            AssertionError: none came in time.
        """

        def found() -> Message | None:
            return next((message for message in self.bot_messages(chat) if predicate(message)), None)

        message = await self.wait_until(found, timeout_s, what or f"A message in {chat.title}")
        assert message is not None
        return message

    def report(self) -> str:
        """Chats and the last calls, for the sentence of a failed wait."""
        lines = []
        for chat in self.world.chats.values():
            lines.append(f"{chat.title} ({chat.id}):")
            for message in self.chat_messages(chat)[-12:]:
                kind = f"[{message.media.kind}] " if message.media else ""
                lines.append(f"  {message.id} {message.sender.name}: {kind}{message.text[:100]!r} {message.buttons}")
        calls = [call for call in self.calls if call.method != "getUpdates"][-12:]
        lines += [f"{call.method} -> {call.code} {call.description or ''}" for call in calls]
        return "\n".join([*lines, *(f"complaint: {complaint}" for complaint in self.complaints)])
