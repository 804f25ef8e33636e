"""Speaks: every message goes through the chat's budget and comes back as a receipt, `NotSent` or `SendUnknown`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from telegram import Bot, LabeledPrice, LinkPreviewOptions, Message, MessageEntity, ReplyParameters, User
from telegram.constants import ChatAction
from telegram.error import BadRequest, ChatMigrated, RetryAfter, TelegramError

from bot.message import NotSent, Reply, SendUnknown
from bot.telegram.budget import Budget, Pace, Rank
from bot.telegram.faults import Fault, fault_of, outcome_of, retry_s
from bot.telegram.films import Films
from bot.telegram.places import read_place, read_receipt, receipt_of
from bot.telegram.stars_heard import CURRENCY, Bill, payload_of
from bot.telegram.stars_texts import TOP_UP, invoice_title
from bot.telegram.translate import CAPTION_CHARS, TEXT_CHARS, keyboard_of, markup_of, plain, text_of
from engine.model import Person

log = logging.getLogger(__name__)

CLOUD_BYTES = 50_000_000
LOCAL_BYTES = 2_000_000_000
"""What a server takes at most: https://core.telegram.org/bots/api#using-a-local-bot-api-server"""
LEAST_BYTES = 1_000_000
"""No server's cap is below this: what it calls too large then is for another reason."""
TEXT_S = 30.0
UPLOAD_S = 540.0
ACTION_S = 5.0
PREVIEW_EVERY_S = 10.0
SHOWN_KEPT = 4_000
INVOICE_CHARS = 255
"""Of its description: https://core.telegram.org/bots/api#sendinvoice"""
START = "topup"
"""A copy of an invoice that somebody passed on leads to the bot, and is not paid from elsewhere."""
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class Mouth:
    """One bot's way of saying things."""

    def __init__(
        self,
        bot: Bot,
        *,
        films: Films,
        is_cloud: bool,
        moved: Callable[[int, int], Awaitable[None]],
        pace: Pace,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`moved` is told of a group that has a new id."""
        self._bot = bot
        self._films = films
        self._moved = moved
        self._now = now
        self._budget = Budget(now, pace)
        self._upload_bytes = CLOUD_BYTES if is_cloud else LOCAL_BYTES
        self._new_ids: dict[int, int] = {}
        """Groups that moved while somebody here still had the old id."""
        self._pictures: OrderedDict[str, float] = OrderedDict()
        """Status messages that are pictures by now, and when each was last changed."""

    @property
    def upload_bytes(self) -> int:
        """The largest file that this server takes, as far as it told."""
        return self._upload_bytes

    @property
    def budget(self) -> Budget:
        """What may still be said."""
        return self._budget

    def wait_s(self, place: str, rank: Rank) -> float:
        return self._budget.wait_s(read_place(place)[0], rank)

    async def say(
        self,
        place: str,
        reply: Reply,
        *,
        rank: Rank,
        reply_to: str | None = None,
        to: Person | None = None,
        bill: Bill | None = None,
    ) -> str:
        """One new message, under the one that it answers if that is in the same chat. `to` is called by name.

        With a `bill` it is an invoice for it, with the reply's words.

        Raises:
            NotSent, SendUnknown
        """
        chat_id, thread_id = read_place(place)
        chat_id = self._new_ids.get(chat_id, chat_id)
        async with self._spending(chat_id, rank, reply):
            answered = read_receipt(reply_to)
            under = None
            if answered is not None and answered[0] == chat_id:
                under = ReplyParameters(answered[1], allow_sending_without_reply=True)
            if bill is not None:
                async with asyncio.timeout(TEXT_S * 2):
                    sent = await self._send_invoice(chat_id, thread_id, reply, under, bill)
            elif reply.video is not None:
                if chat_id > 0:
                    await self._act(chat_id, thread_id)
                async with asyncio.timeout(UPLOAD_S):
                    sent = await self._films.send(chat_id, thread_id, reply, under)
            elif reply.picture is not None:
                async with asyncio.timeout(UPLOAD_S):
                    sent = await self._send_picture(chat_id, thread_id, reply, reply.picture, under)
            else:
                async with asyncio.timeout(TEXT_S * 2):
                    sent = await self._send_text(chat_id, thread_id, reply, under, to)
        return receipt_of(sent.chat.id, sent.message_id)

    async def edit(self, receipt: str, reply: Reply, *, rank: Rank) -> None:
        """Other words, a picture or a video in place of a message of ours.

        Raises:
            NotSent, SendUnknown
        """
        found = read_receipt(receipt)
        if found is None:
            raise NotSent(f"{receipt} is no message in Telegram", retry_after_s=None)
        chat_id, message_id = found
        if chat_id in self._new_ids:
            raise NotSent("its group moved, and the message is not in the new one", retry_after_s=None)
        async with self._spending(chat_id, rank, reply):
            if reply.video is not None:
                async with asyncio.timeout(UPLOAD_S):
                    await self._films.show_in(chat_id, message_id, reply)
            elif rank is Rank.PROGRESS and reply.picture is not None and self._may_show_picture(receipt):
                async with asyncio.timeout(TEXT_S * 2):
                    await self._show_picture(chat_id, message_id, receipt, reply, reply.picture)
            else:
                async with asyncio.timeout(TEXT_S * 2):
                    await self._change_words(chat_id, message_id, receipt, reply)

    @asynccontextmanager
    async def _spending(self, chat_id: int, rank: Rank, reply: Reply) -> AsyncIterator[None]:
        """Spends from the budget, and turns the server's errors into ours."""
        messages = 1 + len(reply.more_videos)
        wait_s = self._budget.wait_s(chat_id, rank, messages)
        if wait_s > 0:
            raise NotSent("the chat has been told enough for now", retry_after_s=wait_s)
        self._budget.take(chat_id, messages)
        try:
            yield
        except RetryAfter as error:
            self._budget.silence(chat_id, retry_s(error))
            log.warning("chat is flooded chat=%d wait_s=%.0f", chat_id, retry_s(error))
            raise outcome_of(error) from error
        except ChatMigrated as error:
            self._new_ids[chat_id] = error.new_chat_id
            await self._moved(chat_id, error.new_chat_id)
            raise outcome_of(error) from error
        except TelegramError as error:
            if fault_of(error) is Fault.NOT_MODIFIED:
                return
            if fault_of(error) is Fault.TOO_LARGE and not isinstance(error, BadRequest):
                raise self._too_large(reply) from error
            raise outcome_of(error) from error
        except TimeoutError as error:
            raise SendUnknown("the server did not answer in time") from error

    def _too_large(self, reply: Reply) -> NotSent:
        """What the server does not take is made smaller; what cannot be made smaller it will never take."""
        before = self._upload_bytes
        if reply.video is not None:
            self._upload_bytes = lowered(before, max(part.bytes for part in (reply.video, *reply.more_videos)))
            log.warning("this server takes no such files; films are kept under %d bytes now", self._upload_bytes)
        return NotSent("too large for this server", retry_after_s=1.0 if self._upload_bytes < before else None)

    async def _act(self, chat_id: int, thread_id: int | None) -> None:
        """Best effort: `sending a video…` in a private chat; a group's budget would pay for it."""
        try:
            async with asyncio.timeout(ACTION_S):
                await self._bot.send_chat_action(chat_id, ChatAction.UPLOAD_VIDEO, message_thread_id=thread_id)
        except (TelegramError, TimeoutError) as error:
            log.info("chat action failed chat=%d: %s", chat_id, error)

    async def _send_text(
        self, chat_id: int, thread_id: int | None, reply: Reply, under: ReplyParameters | None, to: Person | None
    ) -> Message:
        entities: list[MessageEntity] = []
        if to is not None and reply.asks is not None:
            # only who is called sees the field for the answer
            called = User(int(to.key.rpartition(":")[2]), to.name, is_bot=False)
            units = len(plain(to.name).encode("utf-16-le")) // 2  # offsets count in UTF-16
            entities.append(MessageEntity(MessageEntity.TEXT_MENTION, 0, units, user=called))
            # on a line of its own: the question is known again by its own line, also after a restart
            reply = replace(reply, text=f"{to.name},\n{reply.text}")
        text = text_of(reply, TEXT_CHARS)
        return await self._bot.send_message(
            chat_id,
            text,
            message_thread_id=thread_id,
            reply_parameters=under,
            reply_markup=markup_of(reply),
            link_preview_options=_NO_PREVIEW,
            entities=entities or None,
        )

    async def _send_picture(
        self, chat_id: int, thread_id: int | None, reply: Reply, picture: Path, under: ReplyParameters | None
    ) -> Message:
        content = await _read(picture)
        send = self._bot.send_document if reply.as_file else self._bot.send_photo
        return await send(
            chat_id,
            content,
            caption=text_of(reply, CAPTION_CHARS),
            filename=picture.name,
            message_thread_id=thread_id,
            reply_parameters=under,
            reply_markup=keyboard_of(reply),
        )

    async def _send_invoice(
        self, chat_id: int, thread_id: int | None, reply: Reply, under: ReplyParameters | None, bill: Bill
    ) -> Message:
        return await self._bot.send_invoice(
            chat_id,
            invoice_title(bill),
            text_of(reply, INVOICE_CHARS),
            payload_of(bill, self._bot.token),
            CURRENCY,
            [LabeledPrice(TOP_UP, bill.stars)],
            provider_token="",
            start_parameter=START,
            message_thread_id=thread_id,
            reply_parameters=under,
        )

    def _may_show_picture(self, receipt: str) -> bool:
        return self._now() - self._pictures.get(receipt, float("-inf")) >= PREVIEW_EVERY_S

    async def _show_picture(self, chat_id: int, message_id: int, receipt: str, reply: Reply, picture: Path) -> None:
        content = await _read(picture)
        await self._films.show_picture_in(chat_id, message_id, reply, content)
        self._pictures[receipt] = self._now()
        while len(self._pictures) > SHOWN_KEPT:
            self._pictures.popitem(last=False)

    async def _change_words(self, chat_id: int, message_id: int, receipt: str, reply: Reply) -> None:
        is_picture = receipt in self._pictures
        try:
            await self._write(chat_id, message_id, reply, as_caption=is_picture)
        except BadRequest as error:
            # after a restart nobody here knows what the message is by now
            if fault_of(error) not in {Fault.NO_TEXT, Fault.NO_CAPTION}:
                raise
            await self._write(chat_id, message_id, reply, as_caption=not is_picture)

    async def _write(self, chat_id: int, message_id: int, reply: Reply, *, as_caption: bool) -> None:
        if as_caption:
            await self._bot.edit_message_caption(
                chat_id, message_id, caption=text_of(reply, CAPTION_CHARS), reply_markup=keyboard_of(reply)
            )
        else:
            await self._bot.edit_message_text(
                text_of(reply, TEXT_CHARS),
                chat_id,
                message_id,
                reply_markup=keyboard_of(reply),
                link_preview_options=_NO_PREVIEW,
            )


def lowered(cap_bytes: int, refused_bytes: int) -> int:
    """The cap after the server refused a file of this size: the cloud's where it may be that one, else well below the file."""
    if refused_bytes > CLOUD_BYTES < cap_bytes:
        return CLOUD_BYTES
    return max(LEAST_BYTES, min(cap_bytes, refused_bytes) * 3 // 4)


async def _read(picture: Path) -> bytes:
    """Raises NotSent: it is gone; a preview may vanish at any time."""
    try:
        return await asyncio.to_thread(picture.read_bytes)
    except OSError as error:
        raise NotSent(f"the picture is gone ({error.strerror})", retry_after_s=None) from error
