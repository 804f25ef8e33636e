"""New messages: the bot's own, each with a nonce so that none is there twice, and those that follow an interaction."""

from __future__ import annotations

import logging
from dataclasses import replace

import discord

from bot.discord.faults import Code, code_of
from bot.discord.markdown import plain
from bot.discord.places import Asking, Spot, asking_receipt
from bot.discord.wire import Over, ShutOut, Wire, hook_of, letter_to_send
from bot.message import Reply

log = logging.getLogger(__name__)

LOOK_BACK = 300
"""The newest messages of a channel, which are looked through for one of ours that may have arrived."""


class Posts:
    """Writes new messages."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def post(
        self,
        client: discord.Client,
        channel_id: int,
        reply: Reply,
        nonce: str,
        under: Spot | None,
        *,
        calls: int | None = None,
        is_again: bool = False,
        since: int | None = None,
    ) -> int:
        """A message of the bot's own, and its id. The same nonce again is the same message; what is older is looked for.

        `since`: an id that it cannot be older than, where there is no message that it stands under.

        Raises:
            ShutOut: the bot cannot write there.
        """
        first = replace(reply, more_videos=())
        async with self._wire.sending(channel_id, reply, spends=True):
            sent = await self._found(client, channel_id, first, under, calls=calls, since=since) if is_again else None
            if sent is None:
                sent = await self._send(client, channel_id, first, nonce, under, calls=calls)
        await self.post_parts(client, channel_id, reply, nonce, Spot(channel_id, sent), is_again=is_again)
        return sent

    async def post_parts(
        self, client: discord.Client, channel_id: int, reply: Reply, nonce: str, under: Spot, *, is_again: bool
    ) -> None:
        """The parts after the first, a message each: the cap may be on a whole request. Each has a nonce of its own."""
        for number, part in enumerate(reply.more_videos, 1):
            await self._wire.pause(channel_id)
            of_part = Reply(text=part.name, video=part)
            try:
                await self.post(client, channel_id, of_part, f"{nonce[:23]}{number:02}", under, is_again=is_again)
            except (Over, ShutOut) as error:
                log.warning("the rest of a film is not shown channel=%d part=%d: %s", channel_id, number, error)
                return  # what stands there already is not said anew elsewhere

    async def _send(
        self,
        client: discord.Client,
        channel_id: int,
        reply: Reply,
        nonce: str,
        under: Spot | None,
        *,
        calls: int | None,
    ) -> int:
        channel = client.get_partial_messageable(channel_id)
        if under is not None and under.channel_id == channel_id:
            reference = discord.MessageReference(
                message_id=under.message_id, channel_id=under.channel_id, fail_if_not_exists=False
            )
            try:
                async with letter_to_send(reply, calls=calls) as letter:
                    return (await channel.send(nonce=nonce, reference=reference, **letter.as_new())).id
            except discord.HTTPException as error:
                if code_of(error) != Code.NO_HISTORY:
                    raise
        async with letter_to_send(reply, calls=calls) as letter:
            return (await channel.send(nonce=nonce, **letter.as_new())).id

    async def _found(
        self,
        client: discord.Client,
        channel_id: int,
        reply: Reply,
        under: Spot | None,
        *,
        calls: int | None,
        since: int | None,
    ) -> int | None:
        """The message that was sent before and whose answer was lost: a nonce is known for some minutes only."""
        first_id = under.message_id if under is not None and under.channel_id == channel_id else since
        after = discord.Object(first_id) if first_id is not None else None
        channel = client.get_partial_messageable(channel_id)
        us_id = client.user.id if client.user is not None else 0
        async with letter_to_send(reply, calls=calls) as letter:
            content, names = letter.content, letter.names()
        try:
            async for message in channel.history(limit=LOOK_BACK, after=after, oldest_first=False):
                files = [each.filename for each in message.attachments]
                # one that was filled in by a token calls nobody
                is_same = plain(message.content) == plain(content) and files == names
                if message.author.id == us_id and is_same:
                    return message.id
        except discord.Forbidden as error:
            log.info("channel cannot be looked through channel=%d: %s", channel_id, error.text)
        return None

    async def follow(self, client: discord.Client, asking: Asking, reply: Reply, calls: int | None) -> str:
        """After the interaction, where only its token lets us speak.

        Raises:
            Over: the token is.
        """
        first = replace(reply, more_videos=())
        async with self._wire.sending(asking.channel_id, reply), letter_to_send(first, calls=calls) as letter:
            sent = await hook_of(client, asking.token).send(wait=True, **letter.as_new())
        await self.follow_parts(client, asking, reply)
        return asking_receipt(replace(asking, message_id=sent.id))

    async def follow_parts(
        self, client: discord.Client, asking: Asking, reply: Reply, *, whispers: bool = False
    ) -> None:
        for part in reply.more_videos:
            of_part = Reply(text=part.name, video=part)
            try:
                async with self._wire.sending(asking.channel_id, of_part), letter_to_send(of_part) as letter:
                    await hook_of(client, asking.token).send(wait=True, ephemeral=whispers, **letter.as_new())
            except (Over, ShutOut) as error:
                log.warning(
                    "the rest of a film is not shown channel=%d part=%s: %s", asking.channel_id, part.name, error
                )
                return
