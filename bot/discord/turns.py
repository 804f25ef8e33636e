"""Acts on what was heard, each place in its order, and gives what is to be answered."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakValueDictionary

from bot.discord import sentences
from bot.discord.door import Door
from bot.discord.heard import Asker, Heard, OpensThread, Pressed, Said
from bot.discord.slash import Given
from bot.discord.threads import Threads
from bot.discord.uploads import Uploads
from bot.fetching import NotFetched
from bot.message import Attachment, Incoming, Press, Reply
from bot.ports import Dispatch

log = logging.getLogger(__name__)

WAITING_MOST = 20
"""Files that were fetched for a field which is still being filled in, of all people: each may be a large one."""
WAITING_S = 900.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Files whose text is still being written, and who writes it where: nobody else's text goes with them."""

    user_id: int
    channel_id: int
    files: asyncio.Task[tuple[Attachment, ...]]


class Turns:
    """One thing after another in a place; places do not wait for each other, nor for somebody else's large file."""

    def __init__(self, *, dispatch: Dispatch, door: Door, uploads: Uploads, threads: Threads) -> None:
        self._dispatch = dispatch
        self._door = door
        self._uploads = uploads
        self._threads = threads
        self._deciding: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By place."""
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        """By the interaction that a field was opened for, oldest first."""
        self._dropping: set[asyncio.Task[None]] = set()

    async def act(self, what: Heard, message_id: int) -> Reply | None:
        """The answer; None: there is none, or the job speaks for itself.

        Raises:
            StorageError
        """
        match what.act:
            case OpensThread(title):
                return await self._threads.open(what.asker, message_id, title)
            case Said():
                return await self._said(what, what.act, message_id)
            case Pressed():
                return await self._pressed(what, what.act, message_id)

    async def can_continue(self, asker: Asker, shot: str) -> Reply | None:
        """Why the shot cannot be continued; None: it can, as far as is known."""
        press = Press(
            key=asker.key,
            place=asker.place,
            person=asker.person,
            verb="continue",
            target=shot,
            is_shared=asker.is_shared,
            whispers=True,
        )
        reply = await self._dispatch.pressed(press)
        return reply if reply is not None and reply.is_error else None

    def fetch_meanwhile(self, asker: Asker, files: Sequence[Given]) -> None:
        """Their links may be over before the text is written. A person fills in one field at a time: the one before is over."""
        for asked_by in [key for key, each in self._waiting.items() if each.user_id == asker.user_id]:
            self._forget(asked_by)
        fetching = asyncio.create_task(self._uploads.fetch(files), name="discord file")
        self._waiting[asker.id] = _Waiting(asker.user_id, asker.channel_id, fetching)
        asyncio.get_running_loop().call_later(WAITING_S, self._forget, asker.id)
        while len(self._waiting) > WAITING_MOST:
            self._forget(next(iter(self._waiting)))

    def _forget(self, asked_by: int) -> None:
        """Nobody wrote the text."""
        waiting = self._waiting.pop(asked_by, None)
        if waiting is not None:
            dropping = asyncio.create_task(self._let_go(waiting.files), name="discord file dropped")
            self._dropping.add(dropping)
            dropping.add_done_callback(self._dropping.discard)

    async def _let_go(self, task: asyncio.Task[tuple[Attachment, ...]]) -> None:
        task.cancel()
        for result in await asyncio.gather(task, return_exceptions=True):
            if not isinstance(result, BaseException):
                await self._uploads.drop(result)

    async def close(self) -> None:
        """Let go of what was fetched in vain."""
        for asked_by in list(self._waiting):
            self._forget(asked_by)
        await asyncio.gather(*self._dropping, return_exceptions=True)

    async def _said(self, what: Heard, said: Said, message_id: int) -> Reply | None:
        asker = what.asker
        try:
            fetched = await self._fetched(asker, said)
        except NotFetched as error:
            return Reply(text=str(error), private=True, is_error=True)
        incoming = Incoming(
            key=asker.key,
            place=asker.place,
            person=self._door.with_rights(what),
            text="",
            command=said.parsed,
            receipt=asker.receipt(message_id),
            attachments=fetched,
            is_shared=asker.is_shared,
            whispers=True,
        )
        try:
            if fetched:  # while files are measured and copied nobody waits
                return await self._dispatch.said(incoming)
            async with self._in_order(asker.place):
                return await self._dispatch.said(incoming)
        finally:
            await self._uploads.drop(fetched)

    async def _fetched(self, asker: Asker, said: Said) -> tuple[Attachment, ...]:
        """Raises NotFetched."""
        if said.fetched_by is None:
            return await self._uploads.fetch(said.files)
        waiting = self._waiting.get(said.fetched_by)
        # a client of somebody's own may send any number back
        if waiting is None or (waiting.user_id, waiting.channel_id) != (asker.user_id, asker.channel_id):
            raise NotFetched(sentences.FILE_LOST)
        del self._waiting[said.fetched_by]
        return await waiting.files

    async def _pressed(self, what: Heard, pressed: Pressed, message_id: int) -> Reply | None:
        asker = what.asker
        press = Press(
            key=asker.key,
            place=asker.place,
            person=self._door.with_rights(what),
            verb=pressed.verb,
            target=pressed.target,
            text=pressed.text,
            receipt=asker.receipt(message_id),
            is_shared=asker.is_shared,
            whispers=True,
        )
        async with self._in_order(asker.place):
            return await self._dispatch.pressed(press)

    def _in_order(self, place: str) -> asyncio.Lock:
        return self._deciding.setdefault(place, asyncio.Lock())
