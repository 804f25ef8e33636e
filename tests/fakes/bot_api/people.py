"""What people do in a chat, in plain verbs. Each makes the updates that the real server would send."""

from __future__ import annotations

from collections.abc import Sequence

from tests.fakes.bot_api.model import Chat, Json, Media, Message, Payment, Person, Query
from tests.fakes.bot_api.population import Population
from tests.fakes.bot_api.sending import chain_of
from tests.fakes.bot_api.shapes import chat_json, message_json, user_json
from tests.fakes.bot_api.stars import begin_payment, give_back
from tests.fakes.bot_api.words import command_entities

NAMES = {"video": "video.mp4", "photo": "photo.jpg", "document": "document.bin", "animation": "animation.mp4"}


class People(Population):
    """The verbs of talking. A message that they are given may be an old value: its newest wording counts."""

    def says(
        self,
        person: Person,
        chat: Chat,
        text: str = "",
        *,
        reply_to: Message | None = None,
        topic: int | None = None,
        photo: bytes | None = None,
        video: bytes | None = None,
        document: bytes | None = None,
        animation: bytes | None = None,
        album: Sequence[tuple[str, bytes]] | None = None,
        name: str | None = None,
        mime: str | None = None,
        width: int = 0,
        height: int = 0,
        duration_s: int = 0,
        size_bytes: int | None = None,
        anonymous: bool = False,
    ) -> Message:
        """A message of a person. With media the text is its caption.

        `album` gives (kind, bytes) of each item; the first has the caption and is returned. `size_bytes` claims a size.
        `anonymous`: an admin speaks as the group.
        """
        self._must_be_in(person, chat)
        given = {"photo": photo, "video": video, "document": document, "animation": animation}
        items = list(album or [(kind, data) for kind, data in given.items() if data is not None])
        answered = chat.messages.get(reply_to.id) if reply_to is not None else None
        if topic is None and answered is not None and answered.is_topic:
            topic = answered.thread
        if anonymous:
            chat.anonymous.add(person.id)
        said: list[Message] = []
        for index, item in enumerate(items or [None]):
            media = None
            if item is not None:
                kind, data = item
                file = self.world.files.keep(kind, data, name or NAMES[kind], mime=mime, size_bytes=size_bytes)
                media = Media(
                    kind=kind, file=file, width=width or file.width, height=height or file.height, duration_s=duration_s
                )
            words = text if index == 0 else ""
            message = self.world.post(
                chat,
                person,
                sender_chat=chat if anonymous else None,
                text=words,
                entities=command_entities(words),
                media=media,
                reply_to=answered.id if answered is not None else None,
                thread=topic if topic is not None or answered is None else chain_of(answered),
                is_topic=topic is not None,
                album=str(14_000_000_000_000_000 + chat.last_id)
                if album and not said
                else said[0].album
                if said
                else None,
            )
            said.append(message)
        for message in said:
            self.world.announce(message)
        return said[0]

    def edits(self, person: Person, message: Message, text: str) -> Message:
        """They change their own message."""
        newest = message.chat.messages[message.id]
        if newest.sender != person:
            raise ValueError(f"{person.name} cannot edit what {newest.sender.name} wrote.")
        edited = self.world.change(newest, text=text, entities=command_entities(text))
        self.world.announce(edited, is_edit=True)
        return edited

    def deletes(self, message: Message) -> None:
        """It is gone for everybody; no bot is told."""
        message.chat.messages.pop(message.id, None)
        self.world.touch()

    def deletes_topic(self, chat: Chat, topic: int) -> None:
        """The topic and everything in it are gone; no bot is told."""
        del chat.topics[topic]
        chat.messages = {n: message for n, message in chat.messages.items() if message.thread != topic}
        self.world.touch()

    def presses(self, person: Person, message: Message, label_or_data: str, *, forged: bool = False) -> Query:
        """A tap on a button, found by its label, its data or a part of its label; also on one that an edit took away.

        `forged` sends any data, as a client of somebody's own could.

        Raises:
            ValueError: there is no such button, or more than one.
        """
        newest = message.chat.messages.get(message.id)
        data = label_or_data if forged else _find_button(newest or message, message, label_or_data)
        number = str(4_000_000_000_000_000_000 + next(self.world.numbers))
        query = Query(number, person, newest or message, data, pressed_at_s=self.world.clock())
        self.world.queries[number] = query
        gone = {"chat": chat_json(message.chat), "message_id": message.id, "date": 0}
        payload: Json = {
            "id": number,
            "from": user_json(person),
            "chat_instance": str(8_000_000_000_000_000_000 + message.chat.id),
            "message": message_json(newest) if newest is not None else gone,
            "data": data,
        }
        self.world.updates.push("callback_query", payload)
        return query

    def pays(self, person: Person, invoice: Message, *, is_told: bool = True) -> Payment:
        """A tap on Pay: the bot is asked first, and what comes of it is in the payment. Its message comes in private.

        `is_told`: else the bot never hears what came of it.
        """
        self.private(person)
        return begin_payment(self.world, person, invoice, is_told=is_told)

    def gets_back(self, payment: Payment) -> None:
        """The Stars of a payment go back, by somebody else than the bot."""
        give_back(self.world, payment)

    def _must_be_in(self, person: Person, chat: Chat) -> None:
        if not self.world.is_member(chat, person):
            raise ValueError(f"{person.name} is not in {chat.title}.")
        if chat.is_blocked:
            raise ValueError(f"{person.name} has blocked the bot: unblock it first.")
        if chat.migrated_to is not None:
            raise ValueError(f"{chat.title} became a supergroup: write there.")


def _find_button(newest: Message, seen: Message, wanted: str) -> str:
    for message in (newest, seen):
        rows = (message.markup or {}).get("inline_keyboard", [])
        tappable = [button for row in rows for button in row if "callback_data" in button]
        for matches in (
            [button for button in tappable if wanted in {button["text"], button["callback_data"]}],
            [button for button in tappable if wanted.lower() in button["text"].lower()],
        ):
            if len(matches) == 1:
                return str(matches[0]["callback_data"])
            if matches:
                raise ValueError(f"{wanted!r} names {len(matches)} buttons: {newest.buttons}")
    raise ValueError(f"There is no button {wanted!r} on message {newest.id}, only {newest.buttons}.")
