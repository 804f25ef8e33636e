"""Who and what there is in the fake: people, chats, messages, files, pressed buttons."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
"""One JSON object of the Bot API."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user, or the bot itself."""

    id: int
    name: str
    username: str | None = None
    last_name: str | None = None
    language: str = "en"
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the server holds. `size_bytes` may be larger than `data` where a test only claims a large file."""

    file_id: str
    unique_id: str
    kind: str
    """`video`, `photo`, `document` or `animation`."""
    data: bytes = field(repr=False)
    name: str
    mime: str
    size_bytes: int
    path: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The file of a message, with what its sender declared about it."""

    kind: str
    """`video`, `photo`, `document`, or `animation` for an MP4 without sound."""
    file: StoredFile
    width: int = 0
    height: int = 0
    duration_s: int = 0
    thumbnail_file: StoredFile | None = None
    cover_file: StoredFile | None = None
    supports_streaming: bool = False
    has_spoiler: bool = False

    @property
    def data(self) -> bytes:
        return self.file.data

    @property
    def thumbnail(self) -> bytes | None:
        return self.thumbnail_file.data if self.thumbnail_file else None

    @property
    def cover(self) -> bytes | None:
        return self.cover_file.data if self.cover_file else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as it stood when it was looked at: a later edit makes a new value."""

    chat: Chat = field(repr=False)
    id: int
    date: int
    sender: Person
    sender_chat: Chat | None = field(default=None, repr=False)
    """The group itself, for its anonymous admins."""
    text: str = ""
    """The text, or the caption where there is media; without markup."""
    entities: tuple[Json, ...] = ()
    media: Media | None = None
    markup: Json | None = field(default=None, repr=False)
    """The inline keyboard."""
    force: Json | None = None
    """The ForceReply that came with it."""
    reply_to: int | None = None
    thread: int | None = None
    """The topic; in a supergroup without topics the first message of the chain of replies."""
    is_topic: bool = False
    album: str | None = None
    edits: int = 0
    edited_at: int | None = None
    service: Json = field(default_factory=dict)
    """The fields of a service message, such as `new_chat_members`."""
    forward_origin: Json | None = None
    invoice: Json | None = None
    """As the Bot API shows it."""
    payload: str = ""
    """What an invoice says to the bot that sent it; nobody else sees it."""
    is_silent: bool = False
    link_preview: Json | None = None
    above_media: bool = False

    @property
    def buttons(self) -> list[tuple[str, str]]:
        """(label, callback data or URL) of every button, row by row."""
        rows = (self.markup or {}).get("inline_keyboard", [])
        return [
            (button["text"], button.get("callback_data") or button.get("url", "")) for row in rows for button in row
        ]

    @property
    def button_rows(self) -> list[list[str]]:
        """The labels as they are laid out."""
        return [[button["text"] for button in row] for row in (self.markup or {}).get("inline_keyboard", [])]

    @property
    def force_reply(self) -> bool:
        return self.force is not None

    @property
    def video(self) -> Media | None:
        return self._media("video")

    @property
    def animation(self) -> Media | None:
        return self._media("animation")

    @property
    def photo(self) -> Media | None:
        return self._media("photo")

    @property
    def document(self) -> Media | None:
        return self._media("document")

    def _media(self, kind: str) -> Media | None:
        return self.media if self.media is not None and self.media.kind == kind else None


@dataclass(eq=False)
class Chat:
    """A private chat, a basic group or a supergroup, with everything that was said in it."""

    id: int
    type: str
    """`private`, `group` or `supergroup`."""
    title: str
    person: Person | None = None
    """The other side of a private chat."""
    members: dict[int, Person] = field(default_factory=dict, repr=False)
    roles: dict[int, str] = field(default_factory=dict)
    """By member, the bot too: `creator`, `administrator`, `member`, `left` or `kicked`."""
    anonymous: set[int] = field(default_factory=set)
    """Admins who once spoke as the group."""
    has_topics: bool = False
    topics: dict[int, str] = field(default_factory=dict)
    """Names by thread id; General is not among them."""
    messages: dict[int, Message] = field(default_factory=dict, repr=False)
    last_id: int = 1
    is_blocked: bool = False
    """The person of a private chat blocked the bot."""
    may_send: bool = True
    """Whether the bot has the right to send here."""
    migrated_to: int | None = None
    username: str | None = None

    @property
    def is_group(self) -> bool:
        return self.type != "private"


@dataclass(eq=False)
class Answer:
    """What the bot said to a pressed button. `text` is None for a silent answer."""

    text: str | None
    show_alert: bool
    url: str | None = None


@dataclass(eq=False)
class Payment:
    """Somebody pays an invoice. The bot says yes or no to its checkout first."""

    id: str
    """Of the checkout."""
    person: Person
    invoice: Message
    charge_id: str
    asked_at_s: float
    is_paid: bool = False
    is_refunded: bool = False
    is_told: bool = True
    """False: its updates are lost."""
    refusal: str | None = None
    """What the bot said no with."""
    settled: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def stars(self) -> int:
        return int((self.invoice.invoice or {})["total_amount"])


@dataclass(eq=False)
class Query:
    """A pressed button, and the bot's answer to it."""

    id: str
    person: Person
    message: Message
    data: str
    pressed_at_s: float
    answer: Answer | None = None
    _answered: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def take(self, answer: Answer) -> None:
        """The bot answered."""
        self.answer = answer
        self._answered.set()

    async def answered(self, timeout_s: float = 5.0) -> Answer:
        """Wait for the answer.

        Raises:
            AssertionError: none came in time; the button keeps spinning.
        """
        try:
            await asyncio.wait_for(self._answered.wait(), timeout_s)
        except TimeoutError:
            raise AssertionError(f"The press of {self.data!r} had no answer within {timeout_s} s.") from None
        assert self.answer is not None
        return self.answer
