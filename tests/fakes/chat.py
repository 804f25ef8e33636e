"""A chat platform in memory: keeps what a person would see, and fails as a test tells it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.message import Limits, NotSent, Reply


@dataclass
class Message:
    """One message in the chat, in its newest wording."""

    receipt: str
    place: str
    reply: Reply
    nonce: str
    edits: int = 0
    reply_to: str | None = None


@dataclass
class FakeChat:
    """An adapter whose messages can be read."""

    platform: str = "local"
    dedupes: bool = True
    messages: dict[str, Message] = field(default_factory=dict)
    send_errors: list[Exception] = field(default_factory=list)
    """Raised by the next sends instead of showing anything."""
    lose_answers: list[BaseException] = field(default_factory=list)
    """Raised by the next sends after showing the message; a CancelledError is a kill."""
    edit_errors: list[Exception] = field(default_factory=list)
    deleted: set[str] = field(default_factory=set)
    """Receipts of messages that somebody deleted."""
    refuses_edits: bool = False
    edit_every_s: float = 0.0
    edit_gate: asyncio.Event | None = None
    """The next edit is under way until it is set."""
    sends: int = 0
    repeats: list[bool] = field(default_factory=list)
    """By send: whether it was told that the message may be there already."""
    busy_result_s: float = 0.0
    """How long it says that it takes no result."""
    busy_other_s: float = 0.0
    has_no_room_for_progress: bool = False

    def limits(self, place: str) -> Limits:
        return Limits(upload_bytes=2**40, text_chars=4_096, edit_every_s=self.edit_every_s)

    def busy_s(self, place: str, *, is_result: bool) -> float:
        return self.busy_result_s if is_result else self.busy_other_s

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
        del status
        self.sends += 1
        self.repeats.append(is_again)
        if self.send_errors:
            raise self.send_errors.pop(0)
        known = next((message for message in self.messages.values() if message.nonce == nonce), None)
        if known is not None and self.dedupes:
            return known.receipt
        receipt = f"{self.platform}:{len(self.messages) + 1}"
        self.messages[receipt] = Message(receipt, place, reply, nonce, reply_to=reply_to)
        if self.lose_answers:
            raise self.lose_answers.pop(0)
        return receipt

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        if is_progress and self.has_no_room_for_progress:
            return
        if self.edit_errors:
            raise self.edit_errors.pop(0)
        gate, self.edit_gate = self.edit_gate, None
        if gate is not None:
            await gate.wait()
        if self.refuses_edits or receipt in self.deleted:
            raise NotSent("message to edit not found", retry_after_s=None)
        message = self.messages[receipt]
        message.reply = reply
        message.edits += 1

    async def run(self) -> None:
        return

    @property
    def seen(self) -> list[str]:
        """The text of every message, oldest first."""
        return [message.reply.text for message in self.messages.values()]

    @property
    def videos(self) -> list[Message]:
        return [message for message in self.messages.values() if message.reply.video is not None]
