"""A thread or a forum post of its own for a new story. Opened once, whatever happens in between."""

from __future__ import annotations

import logging
from dataclasses import replace

import discord

from bot import replies
from bot.discord import sentences
from bot.discord.faults import ERRORS, Code, code_of
from bot.discord.heard import Asker
from bot.discord.letters import letter_of
from bot.discord.markdown import in_line
from bot.discord.posts import Posts
from bot.discord.wire import ShutOut, Wire
from bot.message import NotSent, Reply, SendUnknown
from bot.ports import Inbox

log = logging.getLogger(__name__)

TITLE_CHARS = 100
"""https://discord.com/developers/docs/topics/threads"""


class _PerhapsOpen(Exception):
    """It was asked for before, and nobody heard what became of that."""


class Threads:
    """Opens threads."""

    def __init__(self, wire: Wire, posts: Posts, inbox: Inbox) -> None:
        self._wire = wire
        self._posts = posts
        self._inbox = inbox

    async def open(self, asker: Asker, message_id: int, title: str) -> Reply:
        """The answer to who wanted one.

        Raises:
            StorageError
        """
        if asker.guild_id is None or not asker.has_access:
            return Reply(text=sentences.NO_THREAD_HERE, private=True, is_error=True)
        name = in_line(title, TITLE_CHARS) or "a story"
        try:
            thread = await self._opened(asker, message_id, name)
        except _PerhapsOpen:
            return Reply(text=sentences.THREAD_PERHAPS, private=True, is_error=True)
        except (*ERRORS, NotSent) as error:
            log.info("thread not opened channel=%d: %s", asker.channel_id, error)
            return Reply(text=sentences.THREAD_REFUSED, private=True, is_error=True)
        if thread is None:
            return Reply(text=sentences.NO_THREAD_HERE, private=True, is_error=True)
        return Reply(text=sentences.thread_opened(name, f"https://discord.com/channels/{asker.guild_id}/{thread}"))

    async def _opened(self, asker: Asker, message_id: int, name: str) -> int | None:
        """Its id; None: there is no such thing there."""
        client = self._wire.client()
        channel = client.get_channel(asker.channel_id) or await client.fetch_channel(asker.channel_id)
        if isinstance(channel, discord.TextChannel):
            thread_id = await self._under(channel, message_id, name)
            await self._greet(client, asker, thread_id)
            return thread_id
        if not isinstance(channel, discord.Thread):
            return None
        # right after a start the server has not told yet what there is
        parent = channel.parent or await client.fetch_channel(channel.parent_id)
        if not isinstance(parent, discord.ForumChannel | discord.TextChannel):
            return None
        # nothing tells afterwards whether it is there: noted first, so that it is opened once or not at all
        if not await self._inbox.first_time(f"{asker.key}/thread"):
            raise _PerhapsOpen
        if isinstance(parent, discord.ForumChannel):
            letter = await letter_of(replies.example_reply(), calls=asker.user_id)
            return (await parent.create_thread(name=name, **letter.as_new())).thread.id
        kind = discord.ChannelType.news_thread if parent.is_news() else discord.ChannelType.public_thread
        thread = await parent.create_thread(name=name, type=kind)
        await self._greet(client, asker, thread.id)
        return thread.id

    async def _under(self, channel: discord.TextChannel, message_id: int, name: str) -> int:
        """A message has one thread, with the message's own id: a second time gives the first one."""
        try:
            return (await channel.get_partial_message(message_id).create_thread(name=name)).id
        except discord.HTTPException as error:
            if code_of(error) != Code.HAS_THREAD:
                raise
            return message_id

    async def _greet(self, client: discord.Client, asker: Asker, thread_id: int) -> None:
        """Who asked is called into it; best effort, the thread is there."""
        try:
            hello = replace(replies.example_reply(), private=False)
            await self._posts.post(client, thread_id, hello, f"{asker.id}t", None, calls=asker.user_id)
        except (NotSent, SendUnknown, ShutOut) as error:
            log.info("thread not greeted thread=%d: %s", thread_id, error)
