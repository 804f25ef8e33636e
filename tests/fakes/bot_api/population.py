"""Who there is and where: people, chats and topics, and how people and the bot come and go."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from tests.fakes.bot_api.chats import open_topic
from tests.fakes.bot_api.model import Chat, Json, Person
from tests.fakes.bot_api.shapes import chat_json, member_json, user_json
from tests.fakes.bot_api.world import SUPERGROUP, World


class Population:
    """Makes people and places, and moves them. Each verb makes the updates that the real server would send."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._ids = itertools.count(7_000_000_001)
        self._groups = itertools.count(4_000_000_001)
        self._supergroups = itertools.count(2_000_000_001)

    # --- who and where

    def person(
        self, name: str, *, username: str | None = None, last_name: str | None = None, language: str = "en"
    ) -> Person:
        """Somebody new, who has not written to the bot yet."""
        person = Person(next(self._ids), name, username=username, last_name=last_name, language=language)
        self.world.people[person.id] = person
        return person

    def private(self, person: Person) -> Chat:
        """Their private chat with the bot, which they have started."""
        known = self.world.chats.get(person.id)
        if known is not None:
            return known
        chat = Chat(person.id, "private", person.name, person=person, members={person.id: person})
        chat.roles = {person.id: "member", self.world.bot.id: "member"}
        chat.has_topics = self.world.private_topics
        self.world.chats[chat.id] = chat
        return chat

    def group(
        self,
        title: str,
        members: Sequence[Person],
        admins: Sequence[Person] = (),
        *,
        forum: bool = False,
        basic: bool = False,
        bot: str = "member",
        username: str | None = None,
    ) -> Chat:
        """A supergroup, or a basic group. `bot`: its role (`member`, `administrator`, `left`). Its owner is somebody else."""
        number = -next(self._groups) if basic else SUPERGROUP - next(self._supergroups)
        owner = self.person(f"Owner of {title}")
        everybody = {person.id: person for person in (owner, *admins, *members)}
        roles = dict.fromkeys(everybody, "member")
        roles |= {person.id: "administrator" for person in admins}
        roles |= {owner.id: "creator", self.world.bot.id: bot}
        kind = "group" if basic else "supergroup"
        chat = Chat(number, kind, title, members=everybody, roles=roles, has_topics=forum, username=username)
        self.world.chats[chat.id] = chat
        return chat

    def topic(self, chat: Chat, name: str, person: Person | None = None) -> int:
        """A new topic; its thread id."""
        return int(open_topic(self.world, chat, name, person or _owner(chat))["message_thread_id"])

    # --- coming and going

    def adds_bot(self, person: Person, chat: Chat, role: str = "member") -> None:
        """The bot comes into a group."""
        self._bot_becomes(chat, role, person)
        message = self.world.post(chat, person, service={"new_chat_members": [user_json(self.world.bot)]})
        self.world.announce(message)

    def kicks_bot(self, chat: Chat, person: Person | None = None) -> None:
        """The bot is removed from a group."""
        self._bot_becomes(chat, "kicked", person or _owner(chat))

    def promotes_bot(self, chat: Chat, person: Person | None = None) -> None:
        """The bot becomes an administrator."""
        self._bot_becomes(chat, "administrator", person or _owner(chat))

    def blocks_bot(self, person: Person) -> None:
        """They stop the bot in their private chat."""
        self._bot_becomes(self.private(person), "kicked", person)
        self.private(person).is_blocked = True

    def unblocks_bot(self, person: Person) -> None:
        """They start it again."""
        self.private(person).is_blocked = False
        self._bot_becomes(self.private(person), "member", person)

    def joins(self, person: Person, chat: Chat) -> None:
        """Somebody comes into a group."""
        chat.members[person.id] = person
        chat.roles[person.id] = "member"
        self._announce_service(chat, person, {"new_chat_members": [user_json(person)]})

    def leaves(self, person: Person, chat: Chat) -> None:
        """Somebody leaves a group."""
        before = chat.roles[person.id]
        chat.roles[person.id] = "left"
        self._announce_service(chat, person, {"left_chat_member": user_json(person)})
        self._member_changed("chat_member", chat, person, person, before)

    def becomes(self, person: Person, chat: Chat, role: str) -> None:
        """Somebody becomes `administrator`, `member` or `kicked`."""
        before, chat.roles[person.id] = chat.roles.get(person.id, "left"), role
        self._member_changed("chat_member", chat, person, _owner(chat), before)

    def migrates(self, chat: Chat) -> Chat:
        """A basic group becomes a supergroup with a new id; the old one takes nothing any more."""
        if chat.type != "group":
            raise ValueError(f"{chat.title} is no basic group.")
        owner, number = _owner(chat), SUPERGROUP - next(self._supergroups)
        new = Chat(number, "supergroup", chat.title, members=dict(chat.members), roles=dict(chat.roles))
        self.world.chats[new.id] = new
        self._announce_service(chat, owner, {"migrate_to_chat_id": new.id})
        chat.migrated_to = new.id
        self._announce_service(new, owner, {"migrate_from_chat_id": chat.id})
        return new

    # --- inside

    def _announce_service(self, chat: Chat, person: Person, service: Json) -> None:
        self.world.announce(self.world.post(chat, person, service=service))

    def _bot_becomes(self, chat: Chat, role: str, by: Person) -> None:
        before = chat.roles.get(self.world.bot.id, "left")
        chat.roles[self.world.bot.id] = role
        self._member_changed("my_chat_member", chat, self.world.bot, by, before)

    def _member_changed(self, kind: str, chat: Chat, person: Person, by: Person, before: str) -> None:
        payload = {
            "chat": chat_json(chat),
            "from": user_json(by),
            "date": int(time.time()),
            "old_chat_member": member_json(person, before),
            "new_chat_member": member_json(person, chat.roles[person.id]),
        }
        if kind == "my_chat_member" or self.world.is_member(chat, self.world.bot):
            self.world.updates.push(kind, payload)
        self.world.touch()


def _owner(chat: Chat) -> Person:
    """Who does what nobody is named for."""
    if chat.person is not None:
        return chat.person
    return next(person for person in chat.members.values() if chat.roles[person.id] == "creator")
