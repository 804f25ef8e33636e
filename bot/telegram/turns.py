"""Acts on what was heard, each place in its order, and gives what is to be answered."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Protocol
from weakref import WeakValueDictionary

from telegram import Bot
from telegram.error import TelegramError

from bot import replies
from bot.message import Reply
from bot.parsing import is_command
from bot.ports import Dispatch
from bot.telegram.door import Door
from bot.telegram.places import read_place
from bot.telegram.ports import Studio
from bot.telegram.stars_heard import Bill
from bot.telegram.translate import Media, Pressed, Said
from bot.telegram.uploads import NotFetched, Uploads
from engine.model import Person

log = logging.getLogger(__name__)

PRESS_S = 1.5
"""How long a pressed button may spin before it is let go without a word."""
ALERT_CHARS = 200
"""https://core.telegram.org/bots/api#answercallbackquery"""
TAKE_FILES = frozenset({"", "create", "continue", "add", "stitch"})
"""The commands that do something with a picture or a video; without a name: a reply to a shot."""
TAKE_SOUND = frozenset({"stitch"})
OF_STARS = frozenset({"topup", "refund", "paysupport"})
"""The commands that are Telegram's alone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said, under which message and to whom."""

    place: str
    reply: Reply
    reply_to: str | None = None
    to: Person | None = None
    bill: Bill | None = None
    """What is to be paid: the reply is on an invoice for it."""


class Till(Protocol):
    """Payments, which are Telegram's own affair."""

    def offered(self, reply: Reply, /) -> Reply: ...

    async def said(self, said: Said, verb: str, /) -> Answer: ...

    def pressed(self, pressed: Pressed, /) -> Answer: ...


class Turns:
    """One thing after another in a place; places do not wait for each other, nor for somebody else's large file."""

    def __init__(
        self, bot: Bot, *, dispatch: Dispatch, studio: Studio, door: Door, uploads: Uploads, till: Till
    ) -> None:
        self._bot = bot
        self._dispatch = dispatch
        self._studio = studio
        self._door = door
        self._uploads = uploads
        self._till = till
        self._deciding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By place, by person in it, and by person who presses in it."""

    async def said(self, said: Said) -> Answer | None:
        incoming = said.incoming
        if said.is_plain:
            reply: Reply | None = replies.example_reply()
        elif not is_command(incoming.text) and incoming.reply_to is None:
            return None  # somebody's album: nothing of it is fetched
        elif (verb := _verb_of(incoming.text)) in OF_STARS:
            return await self._till.said(said, verb)  # in no order: a refund may wait for long
        else:
            async with self._in_order(f"{incoming.place} {incoming.person.key}"):
                reply = await self._decide(said)
        return Answer(incoming.place, reply, incoming.receipt, incoming.person) if reply else None

    async def _decide(self, said: Said) -> Reply | None:
        incoming = said.incoming
        verb = _verb_of(incoming.text)
        try:
            fetched = await self._uploads.fetch([each for each in said.media if _is_wanted(each, verb)])
        except NotFetched as error:
            return Reply(text=str(error), private=True, is_error=True)
        try:
            person = await self._door.with_rights(
                incoming.person,
                said.chat_id,
                said.username,
                verb,
                is_shared=incoming.is_shared,
                is_admin_here=said.speaks_as_group,
            )
            incoming = replace(incoming, person=person, attachments=fetched)
            if fetched:  # it lost its turn by its files, and while they are measured and copied nobody waits
                return await self._dispatch.said(incoming)
            async with self._in_order(incoming.place):
                reply = await self._dispatch.said(incoming)
            return self._till.offered(reply) if verb == "pot" and reply is not None else reply
        finally:
            await self._uploads.drop(fetched)

    async def pressed(self, pressed: Pressed) -> Answer | None:
        """A pressed button spins until it is let go, so that comes first; a refusal is shown to who pressed it alone."""
        pressed = await self._placed(pressed)
        if pressed.press.verb == "topup":
            await self.let_go(pressed)
            return self._till.pressed(pressed)
        deciding = asyncio.create_task(self._decide_press(pressed), name="telegram press")
        try:
            done, _ = await asyncio.wait({deciding}, timeout=PRESS_S)
            reply = deciding.result() if done else None
            if reply is not None and reply.private and reply.is_error:
                await self.let_go(pressed, reply.text)
                return None
            await self.let_go(pressed)
            reply = await deciding
        finally:
            deciding.cancel()
            await asyncio.gather(deciding, return_exceptions=True)
        press = pressed.press
        if reply is not None and reply.private and reply.is_error and press.is_shared:
            log.info("late refusal not shown place=%s", press.place)  # it was for one alone, and the others see answers
            return None
        return Answer(press.place, reply, press.receipt, press.person) if reply else None

    async def _placed(self, pressed: Pressed) -> Pressed:
        """With the topic, where the server did not tell it and the message is known to be about a job of this chat."""
        press = pressed.press
        if not pressed.is_placeless or press.receipt is None:
            return pressed
        job = await self._studio.job_of_receipt(press.receipt)
        if job is None or read_place(job.place)[0] != pressed.chat_id:
            return pressed
        return replace(pressed, press=replace(press, place=job.place))

    async def _decide_press(self, pressed: Pressed) -> Reply | None:
        press = pressed.press
        # an order of its own: a button does not wait for the file that the same person sends
        async with self._in_order(f"{press.place} {press.person.key} presses"):
            person = await self._door.with_rights(
                press.person, pressed.chat_id, pressed.username, press.verb, is_shared=press.is_shared
            )
            async with self._in_order(press.place):
                return await self._dispatch.pressed(replace(press, person=person))

    async def let_go(self, pressed: Pressed, alert: str | None = None) -> None:
        """Best effort: a button that was pressed before a restart has spun itself out."""
        text = alert if alert is None or len(alert) <= ALERT_CHARS else alert[: ALERT_CHARS - 1] + "…"
        try:
            await self._bot.answer_callback_query(pressed.query_id, text, show_alert=alert is not None)
        except TelegramError as error:
            log.info("press not answered: %s", error.message)

    def _in_order(self, whose: str) -> asyncio.Lock:
        return self._deciding.setdefault(whose, asyncio.Lock())


def _is_wanted(media: Media, verb: str) -> bool:
    """Whether a command does something with such a file."""
    return verb in (TAKE_SOUND if media.kind == "audio" else TAKE_FILES)


def _verb_of(text: str) -> str:
    """Empty: it is no command."""
    return text.split(maxsplit=1)[0][1:].lower() if is_command(text) else ""
