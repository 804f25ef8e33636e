"""Telegram's chats, topics, messages and members as the opaque words of the house, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telegram import Chat, Message, User
from telegram.constants import ChatType

from bot.names import clean_name
from engine.model import Person

PLATFORM = "telegram"
GENERAL_TOPIC = 1
"""The thread id of a forum's General topic, which is left out of every request."""

_PLACE = re.compile(r"telegram:(-?\d{1,19})(?:/(\d{1,19}))?")
_RECEIPT = re.compile(r"telegram:(-?\d{1,19})/(\d{1,19})")
_SHARED = frozenset({ChatType.GROUP, ChatType.SUPERGROUP})


@dataclass(frozen=True, slots=True)
class Us:
    """Our own bot, as the server knows it."""

    id: int
    username: str

    @property
    def account(self) -> str:
        """Under which our updates and files are kept: another bot's are not ours."""
        return f"{PLATFORM}:{self.id}"


def place_of(message: Message) -> str:
    """`telegram:-100200`, or `telegram:-100200/7` in a topic.

    A thread id without `is_topic_message` is that of a chain of replies, and is no place.
    """
    thread = message.message_thread_id
    if not message.is_topic_message or thread is None or thread == GENERAL_TOPIC:
        return chat_place(message.chat.id)
    return f"{PLATFORM}:{message.chat.id}/{thread}"


def chat_place(chat_id: int) -> str:
    """The place of a whole chat."""
    return f"{PLATFORM}:{chat_id}"


def read_place(place: str) -> tuple[int, int | None]:
    """Chat id and thread id.

    Raises:
        ValueError: no place of ours.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ValueError(f"{place} is no place in Telegram")
    return int(found[1]), int(found[2]) if found[2] else None


def receipt_of(chat_id: int, message_id: int) -> str:
    """Where a message stands."""
    return f"{PLATFORM}:{chat_id}/{message_id}"


def read_receipt(receipt: str | None) -> tuple[int, int] | None:
    """Chat id and message id; None: it is no receipt of ours."""
    found = _RECEIPT.fullmatch(receipt or "")
    return (int(found[1]), int(found[2])) if found else None


def is_shared(chat: Chat) -> bool:
    """Whether several people talk there."""
    return chat.type in _SHARED


def person_of_user(user: User) -> Person:
    return Person(f"{PLATFORM}:{user.id}", clean_name(user.full_name))


def person_of_chat(chat: Chat) -> Person:
    """Who speaks as a chat: an admin who stays anonymous, or a channel."""
    return Person(f"{PLATFORM}:{chat.id}", clean_name(chat.title or "anonymous"))
