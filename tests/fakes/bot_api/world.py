"""All that the server knows, and the few ways in which it changes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.fakes.bot_api import shapes
from tests.fakes.bot_api.files import Files
from tests.fakes.bot_api.flood import Flood
from tests.fakes.bot_api.model import Chat, Json, Message, Payment, Person, Query
from tests.fakes.bot_api.refusals import Refusal, bad_request, forbidden, too_many_requests
from tests.fakes.bot_api.updates import Updates

SUPERGROUP = -1_000_000_000_000


class World:
    """People, chats, messages, files and updates of one bot."""

    def __init__(self, clock: Callable[[], float], *, username: str, privacy: bool, private_topics: bool) -> None:
        self.clock = clock
        self.bot = Person(7_654_321_098, "Nextshot", username=username, is_bot=True)
        self.privacy = privacy
        self.private_topics = private_topics
        self.people: dict[int, Person] = {}
        self.chats: dict[int, Chat] = {}
        self.queries: dict[str, Query] = {}
        self.payments: dict[str, Payment] = {}
        """By the id of their checkout."""
        self.transactions: list[Json] = []
        """In Stars, the oldest first."""
        self.query_expiry_s = 60.0
        self.download_bytes: int | None = None
        """The cap of getFile; None in local mode."""
        self.flood = Flood(clock)
        self.files = Files()
        self.updates = Updates()
        self.menus: dict[tuple[str, str], list[Json]] = {}
        """Commands by scope and language."""
        self.descriptions: dict[tuple[str, str], str] = {}
        self.actions: list[tuple[Chat, str, float]] = []
        """Each sendChatAction: chat, action, time."""
        self.numbers = itertools.count(1)
        self.is_logged_out = False
        self.changed = asyncio.Event()

    def touch(self) -> None:
        """Wake whoever waits for a change."""
        self.changed.set()
        self.changed = asyncio.Event()

    # --- finding

    def chat_for(self, chat_id: object, *, to_write: bool = True) -> Chat:
        """A chat that the bot may write in, or look at.

        Raises:
            Refusal: it does not exist, or the bot may not.
        """
        chat = self.known_chat(chat_id)
        if chat.migrated_to is not None and to_write:
            raise bad_request("group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": chat.migrated_to})
        if chat.is_blocked and to_write:
            raise forbidden("bot was blocked by the user")
        kind = "supergroup" if chat.type == "supergroup" else "group"
        match chat.roles.get(self.bot.id, "left") if chat.is_group else "member":
            case "kicked":
                raise forbidden(f"bot was kicked from the {kind} chat")
            case "left":
                raise forbidden(f"bot is not a member of the {kind} chat")
        return chat

    def known_chat(self, chat_id: object) -> Chat:
        """A chat that the bot may know of.

        Raises:
            Refusal: it does not exist, or its person never wrote to the bot.
        """
        if chat_id is None or chat_id == "":
            raise bad_request("chat_id is empty")
        if isinstance(chat_id, str):
            name = chat_id.removeprefix("@").lower()
            found = [chat for chat in self.chats.values() if chat.username and chat.username.lower() == name]
            if found:
                return found[0]
            raise bad_request("chat not found")
        chat = self.chats.get(int(str(chat_id)))
        if chat is not None:
            return chat
        if int(str(chat_id)) in self.people:
            raise forbidden("bot can't initiate conversation with a user")
        raise bad_request("chat not found")

    def is_member(self, chat: Chat, person: Person) -> bool:
        return chat.roles.get(person.id) in {"creator", "administrator", "member"}

    def is_admin(self, chat: Chat, person: Person) -> bool:
        return chat.roles.get(person.id) in {"creator", "administrator"}

    # --- changing

    def charge(self, chat: Chat, method: str, count: int = 1) -> None:
        """Take messages from the chat's budget.

        Raises:
            Refusal: 429.
        """
        wait_s = self.flood.charge(chat.id, method, count, is_group=chat.is_group)
        if wait_s is not None:
            raise too_many_requests(wait_s)

    def post(self, chat: Chat, sender: Person, **fields: Any) -> Message:
        """A new message in a chat."""
        chat.last_id += 1
        message = Message(chat=chat, id=chat.last_id, date=int(time.time()), sender=sender, **fields)
        chat.messages[message.id] = message
        self.touch()
        return message

    def change(self, message: Message, **fields: Any) -> Message:
        """An edit: the message's newest wording, kept and given."""
        edited = replace(message, edits=message.edits + 1, edited_at=int(time.time()), **fields)
        message.chat.messages[message.id] = edited
        self.touch()
        return edited

    def announce(self, message: Message, *, is_edit: bool = False) -> None:
        """Tell the bot of a message, if it may see it."""
        if self._sees(message):
            self.updates.push("edited_message" if is_edit else "message", shapes.message_json(message))

    def _sees(self, message: Message) -> bool:
        """Privacy mode: in a group only commands, replies to the bot and service messages."""
        chat = message.chat
        if not chat.is_group:
            return not chat.is_blocked
        if not self.is_member(chat, self.bot):
            return False
        if not self.privacy or self.is_admin(chat, self.bot) or message.service:
            return True
        answered = chat.messages.get(message.reply_to or 0)
        return (answered is not None and answered.sender == self.bot) or self._is_command_for_it(message)

    def _is_command_for_it(self, message: Message) -> bool:
        for entity in message.entities:
            if entity["type"] == "bot_command":
                encoded = message.text.encode("utf-16-le")
                command = encoded[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])].decode("utf-16-le")
                _, at, name = command.partition("@")
                if not at or name.lower() == (self.bot.username or "").lower():
                    return True
        return False


def refused(error: Refusal) -> Json:
    """The body of a refusal."""
    body: Json = {"ok": False, "error_code": error.code, "description": error.description}
    if error.parameters:
        body["parameters"] = error.parameters
    return body
