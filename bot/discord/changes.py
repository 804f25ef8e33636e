"""Changes what was said: by the bot itself, so that it works for as long as a render takes, else by a token while that lasts."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import discord

from bot.discord import sentences
from bot.discord.budget import OLD_AFTER_S, Rank
from bot.discord.faults import Code, code_of
from bot.discord.places import Asking, Spot, read_receipt, sent_at_s
from bot.discord.wire import Over, ShutOut, Wire, hook_of, letter_to_send
from bot.message import NotSent, Reply, SendUnknown

PICTURE_EVERY_S = 15.0
PICTURES_KEPT = 4_000
CLOSED_S = 60.0
"""How long no progress is told in a channel that took no edit: it may be given back."""
CLOSED_KEPT = 4_000


class Changes:
    """Edits messages of ours."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._pictures: OrderedDict[int, float] = OrderedDict()
        """Status messages with a preview, and when each was last changed."""
        self._closed: OrderedDict[int, float] = OrderedDict()
        """Channels that took no progress, and until when they are not asked again."""

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
        note = "" if reply.video is not None else sentences.NO_ACCESS
        try:
            async with self._wire.sending(asking.channel_id, reply), letter_to_send(reply, note=note) as letter:
                change = letter.as_change(keeps_files=keeps_files)
                await hook_of(client, asking.token).edit_message(asking.message_id, **change)
        except (Over, ShutOut) as error:
            raise NotSent(str(error), retry_after_s=None) from error

    async def _edit_as_bot(
        self, client: discord.Client, spot: Spot, reply: Reply, rank: Rank, *, keeps_files: bool
    ) -> None:
        is_progress = rank is Rank.PROGRESS
        if is_progress and self._wire.now() < self._closed.get(spot.channel_id, 0.0):
            raise SendUnknown("the channel takes no progress for now")
        is_old = self._wire.clock_s() - sent_at_s(spot.message_id) > OLD_AFTER_S
        try:
            async with self._wire.sending(spot.channel_id, reply, spends=True, rank=rank, is_old=is_old):
                await self._change(client, spot, reply, revives=not is_progress, keeps_files=keeps_files)
        except ShutOut as error:
            if reply.picture is not None and reply.video is None:
                self._pictures[spot.message_id] = float("inf")  # words may still be changed where no files are taken
                await self._edit_as_bot(client, spot, replace(reply, picture=None), rank, keeps_files=False)
                return
            if is_progress:
                self._close(spot.channel_id)
                raise SendUnknown(str(error)) from error
            raise NotSent(str(error), retry_after_s=None) from error
        except Over as error:
            raise NotSent(str(error), retry_after_s=None) from error

    def _close(self, channel_id: int) -> None:
        """Progress is dropped there for a while, and not given up: what was taken away from the bot may be given back."""
        self._closed[channel_id] = self._wire.now() + CLOSED_S
        self._closed.move_to_end(channel_id)
        while len(self._closed) > CLOSED_KEPT:
            self._closed.popitem(last=False)

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
