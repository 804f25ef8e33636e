"""A thread or a forum post of its own for a new story. Opened once, whatever happens in between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import discord

from bot import replies
from bot.discord import sentences
from bot.discord.faults import Code, code_of
from bot.discord.heard import Asker
from bot.discord.letters import letter_of
from bot.discord.markdown import in_line
from bot.discord.posts import Posts
from bot.discord.slash import TITLE_CHARS
from bot.discord.wire import Over, ShutOut, Wire
from bot.message import NotSent, Reply, SendUnknown
from bot.ports import Inbox

log = logging.getLogger(__name__)

PATIENCE_S = 60.0
"""How long it is tried while the server wants a pause."""
LOOK_AGAIN_S = 2.0
SAID_CHARS = 120
"""Of what the server says in a refusal."""
_NOTHING = Reply(text="")

Place = tuple[discord.TextChannel, None] | tuple[discord.Thread, discord.TextChannel | discord.ForumChannel]
"""Where it was said, and of a thread what it stands in."""


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
            return _refusal(sentences.NO_THREAD_HERE)
        name = in_line(title, TITLE_CHARS) or "a story"
        try:
            thread = await self._opened(asker, message_id, name)
        except (_PerhapsOpen, SendUnknown, ShutOut, Over, NotSent) as error:
            log.info("thread not opened channel=%d: %s", asker.channel_id, error)
            return _refusal(_sentence(error))
        if thread is None:
            return _refusal(sentences.NO_THREAD_HERE)
        return Reply(text=sentences.thread_opened(name, f"https://discord.com/channels/{asker.guild_id}/{thread}"))

    async def _opened(self, asker: Asker, message_id: int, name: str) -> int | None:
        """Its id; None: there is no such thing there.

        Raises:
            NotSent, SendUnknown, ShutOut, Over
        """
        until_s = self._wire.now() + PATIENCE_S
        is_noted = False
        while True:
            try:
                place = await self._place(asker.channel_id)
                if place is None:
                    return None
                if place[1] is None:
                    return await self._under(place[0], asker, message_id, name)
                # nothing tells afterwards whether it is there: noted first, so that it is opened once or not at all
                if not is_noted and not await self._inbox.first_time(f"{asker.key}/thread"):
                    raise _PerhapsOpen
                is_noted = True
                return await self._beside(place[0], place[1], asker, name)
            except NotSent as error:
                if error.retry_after_s is None or self._wire.now() + error.retry_after_s > until_s:
                    raise
                await asyncio.sleep(error.retry_after_s)

    async def _place(self, channel_id: int) -> Place | None:
        """None: one in which there are no threads."""
        channel = await self._channel(channel_id)
        if isinstance(channel, discord.TextChannel):
            return channel, None
        if not isinstance(channel, discord.Thread):
            return None
        # right after a start the server has not told yet what there is
        parent = channel.parent or await self._channel(channel.parent_id)
        return (channel, parent) if isinstance(parent, discord.ForumChannel | discord.TextChannel) else None

    async def _channel(self, channel_id: int) -> Any:
        try:
            async with self._wire.sending(channel_id, _NOTHING):
                client = self._wire.client()
                return client.get_channel(channel_id) or await client.fetch_channel(channel_id)
        except SendUnknown as error:  # nothing was to be opened by that
            raise NotSent(str(error), retry_after_s=LOOK_AGAIN_S) from error

    async def _under(self, channel: discord.TextChannel, asker: Asker, message_id: int, name: str) -> int:
        """A message has one thread, with the message's own id: a second time gives the first one."""
        try:
            async with self._wire.sending(channel.id, _NOTHING):
                try:
                    await channel.get_partial_message(message_id).create_thread(name=name)
                except discord.HTTPException as error:
                    if code_of(error) != Code.HAS_THREAD:
                        raise
        except SendUnknown:
            if not await self._is_there(message_id):
                raise
        await self._greet(asker, message_id)
        return message_id

    async def _is_there(self, thread_id: int) -> bool:
        """Whether the server is sure of it."""
        try:
            async with self._wire.sending(thread_id, _NOTHING):
                await self._wire.client().fetch_channel(thread_id)
        except (NotSent, SendUnknown, ShutOut, Over) as error:
            log.info("thread not found thread=%d: %s", thread_id, error)
            return False
        return True

    async def _beside(
        self, thread: discord.Thread, parent: discord.TextChannel | discord.ForumChannel, asker: Asker, name: str
    ) -> int:
        if isinstance(parent, discord.ForumChannel):
            letter = await letter_of(replies.example_reply(), calls=asker.user_id)
            tags = _tags(parent, thread) or discord.utils.MISSING
            async with self._wire.sending(parent.id, _NOTHING):
                return (await parent.create_thread(name=name, applied_tags=tags, **letter.as_new())).thread.id
        kind = discord.ChannelType.news_thread if parent.is_news() else discord.ChannelType.public_thread
        async with self._wire.sending(parent.id, _NOTHING):
            opened = await parent.create_thread(name=name, type=kind)
        await self._greet(asker, opened.id)
        return opened.id

    async def _greet(self, asker: Asker, thread_id: int) -> None:
        """Who asked is called into it; best effort, the thread is there."""
        try:
            hello = replace(replies.example_reply(), private=False)
            await self._posts.post(self._wire.client(), thread_id, hello, f"{asker.id}t", None, calls=asker.user_id)
        except (NotSent, SendUnknown, ShutOut, Over) as error:
            log.info("thread not greeted thread=%d: %s", thread_id, error)


def _tags(forum: discord.ForumChannel, post: discord.Thread) -> Sequence[discord.ForumTag]:
    """What a new post is to have where the forum wants tags: those of the post beside it, else the first there is.

    Some only who manages threads may give: https://docs.discord.com/developers/resources/channel#forum-tag-object
    """
    if not forum.flags.require_tag:
        return ()
    free = [each for each in post.applied_tags if not each.moderated]
    return free or sorted(forum.available_tags, key=lambda each: each.moderated)[:1]


def _sentence(error: Exception) -> str:
    match error:
        case _PerhapsOpen() | SendUnknown():
            return sentences.THREAD_PERHAPS
        case ShutOut():
            return sentences.THREAD_REFUSED
        case _:
            return sentences.thread_failed(in_line(str(error), SAID_CHARS))


def _refusal(sentence: str) -> Reply:
    return Reply(text=sentence, private=True, is_error=True)
