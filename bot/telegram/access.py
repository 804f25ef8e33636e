"""What people and chats are called in the operator's lists for Telegram: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.access import read_entries

_ENTRY = re.compile(r"\*|-?\d{1,19}|@[A-Za-z]\w{3,31}")


def read_list(text: str) -> frozenset[str]:
    """`123, -100456, @ana` as a set; `*` is everybody.

    Raises:
        ValueError: an entry is none of these; it is the message.
    """
    return read_entries(text, _ENTRY)


def names_of(chat_ids: Iterable[int], user_id: int | None = None, username: str | None = None) -> frozenset[str]:
    """What a member of the chat with these ids goes by; without a member, what the chat does.

    In a private chat its id is the member's.
    """
    names = {str(chat_id) for chat_id in chat_ids}
    if user_id is not None:
        names.add(str(user_id))
    if username:
        names.add(f"@{username.lower()}")
    return frozenset(names)
