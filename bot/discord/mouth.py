"""Speaks for the jobs: into what the interaction was answered with, else into the channel, else wherever it can."""

from __future__ import annotations

import logging
from dataclasses import replace

import discord

from bot import texts
from bot.discord import sentences
from bot.discord.budget import Rank
from bot.discord.changes import Changes
from bot.discord.places import (
    Asking,
    Spot,
    asking_receipt,
    place_of,
    read_place,
    read_receipt,
    receipt_of,
)
from bot.discord.posts import Posts
from bot.discord.wire import Over, ShutOut, Wire, hook_of, letter_to_send
from bot.message import NotSent, Reply, SendUnknown

log = logging.getLogger(__name__)


FOLLOWUPS_MOST = 5
"""After an interaction of somebody who takes the commands with them; a film of more parts goes to its person alone.

https://docs.discord.com/developers/interactions/receiving-and-responding#followup-messages
"""


class Mouth:
    """One bot's way of saying things."""

    def __init__(self, wire: Wire, posts: Posts) -> None:
        self._wire = wire
        self._posts = posts
        self._changes = Changes(wire)

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
        if asking is not None and status is None:  # whatever this machine's clock says of the token
            try:
                note = "" if asking.has_access or reply.video is not None else sentences.NO_ACCESS
                return await self.fill(client, asking, reply, nonce, note=note)
            except (Over, ShutOut) as error:
                log.info("interaction is over channel=%d: %s", channel_id, error)
                is_open = False
        news = reply.video is not None or reply.is_error
        calls = asking.user_id if asking is not None and news else None
        under = read_receipt(status)
        if asking is None or asking.has_access:
            try:
                since = asking.message_id if asking is not None else None
                sent = await self._posts.post(
                    client, channel_id, reply, nonce, under, calls=calls, is_again=is_again, since=since
                )
                return receipt_of(channel_id, sent)
            except (Over, ShutOut) as error:
                log.info("channel does not take messages channel=%d: %s", channel_id, error)
        if asking is None:
            raise NotSent("the bot cannot write there", retry_after_s=None)
        if is_open and len(reply.more_videos) < FOLLOWUPS_MOST:
            try:
                return await self._follow(client, asking, reply, nonce, calls, is_again=is_again)
            except (Over, ShutOut) as error:
                log.info("interaction is over channel=%d: %s", channel_id, error)
        receipt = await self._tell_alone(client, asking, reply, nonce, is_again=is_again)
        if status is not None and reply.video is not None:
            await self._say_where(status, reply)
        return receipt

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

    async def _follow(
        self, client: discord.Client, asking: Asking, reply: Reply, nonce: str, calls: int | None, *, is_again: bool
    ) -> str:
        """After the interaction; what may be there already goes into its first message, as no nonce guards against a second.

        Raises:
            Over, ShutOut: another way is to be tried.
            NotSent, SendUnknown
        """
        if is_again:
            return await self.fill(client, asking, replace(reply, text=texts.said_again(reply.text)), nonce)
        return await self._posts.follow(client, asking, reply, calls)

    async def _say_where(self, status: str, reply: Reply) -> None:
        """The status message tells who looks for the clip below it that its person has it. Best effort."""
        told = Reply(text=f"{reply.text.splitlines()[0]}\n{sentences.WENT_ALONE}")
        try:
            await self.edit(status, told, rank=Rank.WORD)
        except (NotSent, SendUnknown) as error:
            log.info("it is not told where the clip went: %s", error)

    async def _tell_alone(
        self, client: discord.Client, asking: Asking, reply: Reply, nonce: str, *, is_again: bool
    ) -> str:
        """To the person alone, with a word on why.

        Raises:
            NotSent: not even that; the clip is kept.
        """
        try:
            async with self._wire.sending(asking.channel_id, replace(reply, video=None, more_videos=())):
                channel = await client.create_dm(discord.Object(asking.user_id))
        except (Over, ShutOut) as error:
            raise NotSent(f"nothing can be said to its person ({error})", retry_after_s=None) from error
        most_bytes = self._wire.upload_bytes(place_of(channel.id))
        largest_bytes = max((part.bytes for part in (reply.video, *reply.more_videos) if part is not None), default=0)
        if largest_bytes > most_bytes < self._wire.upload_bytes(place_of(asking.channel_id)):
            self._wire.keep_under(asking.channel_id, most_bytes)
            raise NotSent("too large for a private message", retry_after_s=1.0)
        told = replace(reply, text=sentences.told_alone(reply.text), buttons=())
        try:
            sent = await self._posts.post(client, channel.id, told, nonce, None, is_again=is_again)
        except (Over, ShutOut) as error:
            raise NotSent(f"its person takes no messages ({error})", retry_after_s=None) from error
        return receipt_of(channel.id, sent)

    async def edit(self, receipt: str, reply: Reply, *, rank: Rank) -> None:
        """Other words, a picture or a video in place of a message of ours.

        Raises:
            NotSent, SendUnknown
        """
        await self._changes.edit(receipt, reply, rank=rank)
