"""A chat platform as its members see it, and as a process speaks to it through a bad line."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bot.message import Limits, NotSent, Reply, SendUnknown
from tests.simulation.faults import Faults
from tests.simulation.service import outside

MARKS = ("(sent again", "(shown here")
"""By which a reader tells that a message is there twice."""


@dataclass
class Shown:
    """One message, in its newest wording."""

    receipt: str
    place: str
    reply: Reply
    nonce: str


@dataclass
class Chat:
    """What stands in the chat."""

    faults: Faults
    chance: random.Random
    dedupes: bool
    tell: Callable[[str], None]
    jolt: Callable[[], None]
    """Called around every message: the process that sends it may be killed or frozen just there."""
    messages: dict[str, Shown] = field(default_factory=dict)

    def show(self, place: str, reply: Reply, nonce: str) -> str:
        """The receipt."""
        if self.dedupes:
            known = next((each for each in self.messages.values() if each.nonce == nonce), None)
            if known is not None:
                return known.receipt
        receipt = f"sim:{len(self.messages) + 1}"
        self.tell(
            f"chat shows {receipt}: {reply.text.splitlines()[0]}{' with a video' if reply.video else ''} ({nonce})"
        )
        self.messages[receipt] = Shown(receipt, place, reply, nonce)
        return receipt

    def videos(self, file: str) -> list[Shown]:
        """The messages that show this file."""
        return [
            each for each in self.messages.values() if each.reply.video is not None and each.reply.video.file == file
        ]

    def asks_about(self, code: str) -> bool:
        """Whether somebody can say whether to send this shot again."""
        buttons = (button for each in self.messages.values() for button in each.reply.buttons)
        return any((button.verb, button.target) == ("again", code) for button in buttons)


class Mouth:
    """bot.message.Adapter of one process."""

    platform = "sim"

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self.dedupes = chat.dedupes

    def limits(self, place: str) -> Limits:
        return Limits(upload_bytes=2**40, text_chars=4_096, edit_every_s=20.0)

    def busy_s(self, place: str, *, is_result: bool) -> float:
        return 0.0

    async def send(
        self,
        place: str,
        reply: Reply,
        *,
        nonce: str,
        reply_to: str | None = None,
        status: str | None = None,
        is_again: bool = False,
    ) -> str:
        del reply_to, status, is_again
        await self._way()
        if self._chat.faults.happens("chat away"):
            raise NotSent("the chat is away", retry_after_s=self._chat.chance.uniform(1, 30))
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        outside(self._arrives(place, reply, nonce, answer), "message")
        self._chat.jolt()
        try:
            async with asyncio.timeout(20.0):
                receipt = await answer
        except TimeoutError as error:
            raise SendUnknown("the chat did not answer") from error
        self._chat.jolt()
        return receipt

    async def _arrives(self, place: str, reply: Reply, nonce: str, answer: asyncio.Future[str]) -> None:
        await self._way()
        if self._chat.faults.happens("message lost"):
            return
        receipt = self._chat.show(place, reply, nonce)
        if self._chat.faults.happens("message unheard"):
            return
        await self._way()
        if not answer.done():
            answer.set_result(receipt)

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        await self._way()
        if self._chat.faults.happens("edit fails"):
            if self._chat.chance.random() < 0.5:
                raise SendUnknown("the chat did not answer")
            raise NotSent("the chat is away", retry_after_s=5.0)
        self._chat.tell(f"chat edits {receipt}: {reply.text.splitlines()[0]}{' with a video' if reply.video else ''}")
        message = self._chat.messages[receipt]
        # as Telegram: words alone change a video's caption, for a message of text cannot be made of it
        # https://core.telegram.org/bots/api#editmessagetext
        message.reply = reply if reply.video else replace(reply, video=message.reply.video)

    async def run(self) -> None:
        return

    async def _way(self) -> None:
        await asyncio.sleep(self._chat.chance.uniform(0.01, 0.5))
