"""Who may talk to the bot: pure. Nobody, until the operator says who; `*` says everybody.

What a name looks like is each platform's own affair.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Access:
    """Lists of names of people, chats and whatever else a platform has. Who is blocked is blocked, whatever else is said."""

    allowed: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    admins: frozenset[str] = frozenset()
    """May talk everywhere and do anything: the operator's own people."""

    def admits(self, names: AbstractSet[str]) -> bool:
        """Whether who goes by these names, of their own and of where they are, may say something."""
        if self.blocks(names):
            return False
        return EVERYBODY in self.allowed or not names.isdisjoint(self.allowed | self.admins)

    def blocks(self, names: AbstractSet[str]) -> bool:
        """Whether one of these names is on the list of those who are not answered at all."""
        return not names.isdisjoint(self.blocked)

    def lists(self, names: AbstractSet[str]) -> bool:
        """Whether a chat with these names is let in itself, with everybody in it."""
        return EVERYBODY in self.allowed or not names.isdisjoint(self.allowed)

    def is_admin(self, names: AbstractSet[str]) -> bool:
        """Whether who goes by these names is one of the operator's own people, and not blocked."""
        return not names.isdisjoint(self.admins) and not self.blocks(names)


def read_entries(text: str, entry: re.Pattern[str]) -> frozenset[str]:
    """What stands in a list with commas, semicolons or spaces between, in lower case.

    Raises:
        ValueError: one of them is no `entry`; it is the message.
    """
    entries = [each for each in re.split(r"[\s,;]+", text) if each]
    for each in entries:
        if not entry.fullmatch(each):
            raise ValueError(each)
    return frozenset(each.lower() for each in entries)
