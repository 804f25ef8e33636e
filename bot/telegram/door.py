"""Who is let in, and who may do what admins do. The server is asked only when it matters, and its word remembered for a while."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import replace

from telegram import Bot, ChatMember
from telegram.error import TelegramError

from bot.access import Access
from bot.telegram.access import names_of
from bot.telegram.places import chat_place, read_place
from bot.telegram.stars_heard import Checkout, Paid, PaidBack
from bot.telegram.translate import Added, Heard, Migrated, Pressed, Said
from engine.model import Person

log = logging.getLogger(__name__)

KNOWN_S = 300.0
KNOWN_MOST = 10_000
_RANKS = frozenset({ChatMember.OWNER, ChatMember.ADMINISTRATOR})


ADMINS_MAY = frozenset({"cancel", "delete", "settings", "pot", "agree", "draft"})
"""What a group's admins may do to what others made there."""


class Door:
    """Knows the operator's lists and the groups' admins."""

    def __init__(self, bot: Bot, access: Access) -> None:
        self._bot = bot
        self._access = access
        self._before: dict[int, int] = {}
        """Groups with a new id, and their old one."""
        self._after: dict[int, int] = {}
        """The other way round."""
        self._known: OrderedDict[tuple[int, int], tuple[bool, float]] = OrderedDict()

    def moved(self, old_chat_id: int, new_chat_id: int) -> None:
        """A group has a new id; what the lists say of the old one holds for it, too."""
        self._before[new_chat_id] = old_chat_id
        self._after[old_chat_id] = new_chat_id

    def place_now(self, place: str) -> str:
        """Where the conversation of this place goes on."""
        chat_id, _ = read_place(place)
        return chat_place(self._after[chat_id]) if chat_id in self._after else place

    def admits(self, what: Heard) -> bool:
        """Whether who says or does this may."""
        match what:
            case Migrated() | Checkout() | Paid() | PaidBack():  # a checkout is refused with a sentence
                return True
            case _:
                return self._access.admits(names_of(self._ids(what.chat_id), *_who(what)))

    def blocks(self, what: Heard) -> bool:
        """Whether who says or does this, or the chat, is to be left without a word."""
        match what:
            case Migrated() | Checkout() | Paid() | PaidBack():
                return False
            case _:
                return self._access.blocks(names_of(self._ids(what.chat_id), *_who(what)))

    def admits_payer(self, place: str, user_id: int, username: str | None) -> bool:
        """Whether this member may pay into the pot of this place."""
        chat_id, _ = read_place(place)
        return self._access.admits(names_of(self._ids(chat_id), user_id, username))

    def lists(self, chat_id: int) -> bool:
        """Whether everybody in this chat may talk here."""
        return self._access.lists(names_of(self._ids(chat_id)))

    def _ids(self, chat_id: int) -> frozenset[int]:
        return frozenset({chat_id, self._before.get(chat_id, chat_id)})

    async def with_rights(
        self,
        person: Person,
        chat_id: int,
        username: str | None,
        verb: str,
        *,
        is_shared: bool,
        is_admin_here: bool = False,
    ) -> Person:
        """The person, as an operator where the operator's list or, for what admins may do, the group says so.

        `is_admin_here`: the server told already, since the person speaks as the group.
        """
        user_id = _user_id(person)
        if person.is_operator or self._access.is_admin(names_of((), user_id, username)):
            return replace(person, is_operator=True)
        if not is_shared or verb not in ADMINS_MAY:
            return person
        return replace(person, is_operator=is_admin_here or await self._is_admin(chat_id, user_id))

    async def _is_admin(self, chat_id: int, user_id: int) -> bool:
        """Whether this member is one. An unknown answer is no."""
        known = self._known.get((chat_id, user_id))
        if known is not None and known[1] > time.monotonic():
            return known[0]
        try:
            member = await self._bot.get_chat_member(chat_id, user_id)
        except TelegramError as error:
            log.info("member not looked up chat=%d: %s", chat_id, error.message)
            return False
        is_admin = member.status in _RANKS
        self._known[chat_id, user_id] = is_admin, time.monotonic() + KNOWN_S
        if len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)
        return is_admin


def _user_id(person: Person) -> int:
    return int(person.key.rpartition(":")[2])


def _who(what: Said | Pressed | Added) -> tuple[int, str | None]:
    match what:
        case Said():
            return _user_id(what.incoming.person), what.username
        case Pressed():
            return _user_id(what.press.person), what.username
        case Added():
            return what.by_id, what.by_username
