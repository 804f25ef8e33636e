"""Speaks for the jobs: into what the interaction was answered with, else into the channel, else wherever it can."""

from __future__ import annotations

import logging
from collections import OrderedDict
from dataclasses import replace

import discord

from bot import texts
from bot.discord.budget import Rank
from bot.discord.faults import Code, code_of
from bot.discord.places import (
    Asking,
    Spot,
    asking_receipt,
    place_of,
    read_place,
    read_receipt,
    receipt_of,
    sent_at_s,
)
from bot.discord.posts import Posts
from bot.discord.wire import DEFAULT_BYTES, Over, ShutOut, Wire, hook_of, letter_to_send
from bot.message import NotSent, Reply

log = logging.getLogger(__name__)

OLD_S = 3_600.0
"""From this age on a message may be edited less often (error 30046)."""
PICTURE_EVERY_S = 15.0
PICTURES_KEPT = 4_000


class Mouth:
    """One bot's way of saying things."""

    def __init__(self, wire: Wire, posts: Posts) -> None:
        self._wire = wire
        self._posts = posts
        self._pictures: OrderedDict[int, float] = OrderedDict()
        """Status messages with a preview, and when each was last changed."""

    async def say(
        self, place: str, reply: Reply, *, nonce: str, asked: str | None, status: str | None, is_again: bool
    ) -> str:
        """One message about a job, and its receipt.

        The first one (`status` None) is what the interaction is answered with. Later ones are the bot's own, under the status
        message. Where the bot has no access they follow the interaction while its token lasts, else go to the person alone.

        Raises:
            NotSent, SendUnknown
        """
        client, channel_id = self._wire.client(), read_place(place)
        spot = read_receipt(asked)
        asking = spot.asking if spot is not None else None
        is_open = asking is not None and asking.is_open(self._wire.clock_s())
        if asking is not None and is_open and status is None:
            try:
                note = "" if asking.has_access or reply.video is not None else texts.NO_ACCESS
                return await self.fill(client, asking, reply, nonce, note=note)
            except (Over, ShutOut) as error:
                log.info("interaction is over channel=%d: %s", channel_id, error)
                is_open = False
        news = reply.video is not None or reply.is_error
        calls = asking.user_id if asking is not None and news else None
        under = read_receipt(status)
        if asking is None or asking.has_access:
            try:
                sent = await self._posts.post(client, channel_id, reply, nonce, under, calls=calls, is_again=is_again)
                return receipt_of(channel_id, sent)
            except ShutOut as error:
                log.info("channel does not take messages channel=%d: %s", channel_id, error)
        if asking is None:
            raise NotSent("the bot cannot write there", retry_after_s=None)
        if is_open:
            try:
                return await self._posts.follow(client, asking, reply, calls)
            except Over as error:
                log.info("interaction is over channel=%d: %s", channel_id, error)
        return await self._tell_alone(client, asking, reply, nonce, is_again=is_again)

    async def fill(
        self,
        client: discord.Client,
        asking: Asking,
        reply: Reply,
        nonce: str,
        *,
        note: str = "",
        whispers: bool = False,
    ) -> str:
        """Into the message that the interaction was answered with, and its receipt. A second time changes nothing.

        `whispers`: that message is seen by who asked alone, and so are the parts of a film after the first.

        Raises:
            Over, ShutOut: another way is to be tried.
            NotSent, SendUnknown
        """
        async with (
            self._wire.sending(asking.channel_id, reply),
            letter_to_send(replace(reply, more_videos=()), note=note) as letter,
        ):
            hook = hook_of(client, asking.token)
            await hook.edit_message(asking.message_id, **letter.as_change())
        if not asking.has_access or whispers:
            await self._posts.follow_parts(client, asking, reply, whispers=whispers)
            return asking_receipt(asking)
        under = Spot(asking.channel_id, asking.message_id)
        await self._posts.post_parts(client, asking.channel_id, reply, nonce, under, is_again=True)
        return receipt_of(asking.channel_id, asking.message_id)

    async def _tell_alone(
        self, client: discord.Client, asking: Asking, reply: Reply, nonce: str, *, is_again: bool
    ) -> str:
        """To the person alone, with a word on why.

        Raises:
            NotSent: not even that; the clip is kept.
        """
        if reply.video is not None and reply.video.bytes > DEFAULT_BYTES < self._wire.upload_bytes(
            place_of(asking.channel_id)
        ):
            self._wire.keep_under(asking.channel_id, DEFAULT_BYTES)
            raise NotSent("too large for a private message", retry_after_s=1.0)
        try:
            async with self._wire.sending(asking.channel_id, reply):
                channel = await client.create_dm(discord.Object(asking.user_id))
        except ShutOut as error:
            raise NotSent(f"nothing can be said to its person ({error})", retry_after_s=None) from error
        told = replace(reply, text=texts.told_alone(reply.text), buttons=())
        try:
            sent = await self._posts.post(client, channel.id, told, nonce, None, is_again=is_again)
        except ShutOut as error:
            raise NotSent(f"its person takes no messages ({error})", retry_after_s=None) from error
        return receipt_of(channel.id, sent)

    # --- changing ----------------------------------------------------------------------------------------------------

    async def edit(self, receipt: str, reply: Reply, *, rank: Rank) -> None:
        """Other words, a picture or a video in place of a message of ours: by the bot itself, not by a token that ends.

        Raises:
            NotSent, SendUnknown
        """
        spot = read_receipt(receipt)
        if spot is None:
            raise NotSent(f"{receipt} is no message in Discord", retry_after_s=None)
        client = self._wire.client()
        keeps = rank is Rank.PROGRESS and reply.picture is not None and not self._may_show_picture(spot.message_id)
        if keeps:
            reply = replace(reply, picture=None)
        if spot.asking is not None:
            await self._edit_by_token(client, spot.asking, reply, keeps_files=keeps)
        else:
            await self._edit_as_bot(client, spot, reply, rank, keeps_files=keeps)

    async def _edit_by_token(self, client: discord.Client, asking: Asking, reply: Reply, *, keeps_files: bool) -> None:
        if not asking.is_open(self._wire.clock_s()):
            raise NotSent("the interaction is over, and the bot itself has no access there", retry_after_s=None)
        note = "" if reply.video is not None else texts.NO_ACCESS
        try:
            async with self._wire.sending(asking.channel_id, reply), letter_to_send(reply, note=note) as letter:
                change = letter.as_change(keeps_files=keeps_files)
                await hook_of(client, asking.token).edit_message(asking.message_id, **change)
        except (Over, ShutOut) as error:
            raise NotSent(str(error), retry_after_s=None) from error

    async def _edit_as_bot(
        self, client: discord.Client, spot: Spot, reply: Reply, rank: Rank, *, keeps_files: bool
    ) -> None:
        is_old = self._wire.clock_s() - sent_at_s(spot.message_id) > OLD_S
        try:
            async with self._wire.sending(spot.channel_id, reply, spends=True, rank=rank, is_old=is_old):
                await self._change(client, spot, reply, revives=rank is not Rank.PROGRESS, keeps_files=keeps_files)
        except (Over, ShutOut) as error:
            raise NotSent(str(error), retry_after_s=None) from error

    async def _change(
        self, client: discord.Client, spot: Spot, reply: Reply, *, revives: bool, keeps_files: bool
    ) -> None:
        message = client.get_partial_messageable(spot.channel_id).get_partial_message(spot.message_id)
        try:
            async with letter_to_send(reply) as letter:
                await message.edit(**letter.as_change(keeps_files=keeps_files))
        except discord.HTTPException as error:
            if code_of(error) != Code.ARCHIVED or not revives:
                raise
            await self._revive(client, spot.channel_id)
            async with letter_to_send(reply) as letter:
                await message.edit(**letter.as_change(keeps_files=keeps_files))

    async def _revive(self, client: discord.Client, thread_id: int) -> None:
        """A thread in which nobody spoke for a while is archived; unlike a new message, an edit does not bring it back."""
        thread = client.get_channel(thread_id) or await client.fetch_channel(thread_id)
        if isinstance(thread, discord.Thread):
            await thread.edit(archived=False)

    def _may_show_picture(self, message_id: int) -> bool:
        if self._wire.now() - self._pictures.get(message_id, float("-inf")) < PICTURE_EVERY_S:
            return False
        self._pictures[message_id] = self._wire.now()
        while len(self._pictures) > PICTURES_KEPT:
            self._pictures.popitem(last=False)
        return True
