"""Who may talk to the bot: pure. Nobody, until the operator says who; `*` says everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

EVERYBODY = "*"
_ENTRY = re.compile(r"\*|-?\d{1,19}|@[A-Za-z]\w{3,31}")


@dataclass(frozen=True, slots=True)
class Access:
    """Lists of user ids, chat ids and lower-case @names. Who is blocked is blocked, whatever else is said."""

    allowed: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()
    """May talk everywhere and do anything: the operator's own people."""

    def admits(self, chat_ids: Iterable[int], user_id: int, username: str | None = None) -> bool:
        """Whether this member may say something in the chat with these ids. In a private chat its id is the member's."""
        names = _names(user_id, username) | {str(chat_id) for chat_id in chat_ids}
        if names & self.blocked:
            return False
        return EVERYBODY in self.allowed or bool(names & (self.allowed | self.admins))

    def blocks(self, chat_ids: Iterable[int], user_id: int, username: str | None = None) -> bool:
        """Whether the member or the chat is on the list of those who are not answered at all."""
        return bool((_names(user_id, username) | {str(chat_id) for chat_id in chat_ids}) & self.blocked)

    def lists(self, chat_ids: Iterable[int]) -> bool:
        """Whether the chat itself is let in, with everybody in it."""
        return EVERYBODY in self.allowed or bool({str(chat_id) for chat_id in chat_ids} & self.allowed)

    def is_admin(self, user_id: int, username: str | None = None) -> bool:
        names = _names(user_id, username)
        return bool(names & self.admins) and not names & self.blocked


def read_list(text: str) -> frozenset[str]:
    """`123, -100456, @ana` as a set; `*` is everybody.

    Raises:
        ValueError: an entry is none of these; it is the message.
    """
    entries = [entry for entry in re.split(r"[\s,;]+", text) if entry]
    for entry in entries:
        if not _ENTRY.fullmatch(entry):
            raise ValueError(entry)
    return frozenset(entry.lower() for entry in entries)


def _names(user_id: int, username: str | None) -> set[str]:
    return {str(user_id), f"@{username.lower()}"} if username else {str(user_id)}
