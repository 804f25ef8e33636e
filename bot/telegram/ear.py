"""Listens: an update is a row before the server may forget it, is handled in its place's order, and ends when it is answered.

What a crash leaves unanswered is handled again at the next start: jobs know the update that made them, and other answers may be
said twice. A database that is away is waited for.

A little over 250 lines: what may be said twice and what may be lost is one order, read in one place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from weakref import WeakValueDictionary

from telegram import Bot, Update
from telegram.error import TelegramError

from bot import replies, texts
from bot.making import MADE, NOT_MADE, Fit
from bot.message import NotSent, Reply, SendUnknown
from bot.ports import Inbox, Kept
from bot.telegram.door import Door
from bot.telegram.places import Us, chat_place
from bot.telegram.ports import Edit, Say
from bot.telegram.stars_heard import Checkout, Paid, PaidBack
from bot.telegram.translate import Added, Heard, Migrated, Pressed, Said, heard, join_album
from bot.telegram.turns import Answer, Turns
from engine.errors import EngineError, StorageError

log = logging.getLogger(__name__)

ALBUM_S = 1.0
"""How long the messages of an album take to arrive."""
ANSWER_GIVE_UP_S = 900.0
AT_ONCE = 400
"""Updates under way; more than that wait at the server."""
CLOSE_S = 0.5
STORAGE_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
STORAGE_AWAY_S = 30.0
"""The pauses after those: a file that was sent is fetched anew each time."""
TURNED_AWAY_KEPT = 10_000


class Till(Protocol):
    """Who takes payments."""

    async def check(self, asked: Checkout, /) -> None: ...

    async def paid(self, paid: Paid, /) -> Answer | None: ...

    async def paid_back(self, back: PaidBack, /) -> Answer | None: ...


class Ear:
    """One bot's way of hearing things."""

    def __init__(
        self,
        bot: Bot,
        us: Us,
        *,
        inbox: Inbox,
        say: Say,
        edit: Edit,
        fit: Fit,
        moved: Callable[[int, int], Awaitable[None]],
        door: Door,
        turns: Turns,
        till: Till,
    ) -> None:
        self._bot = bot
        self._us = us
        self._account = us.account
        self._inbox = inbox
        self._say = say
        self._edit = edit
        self._fit = fit
        self._moved = moved
        self._door = door
        self._turns = turns
        self._till = till
        self._hearing: set[asyncio.Task[None]] = set()
        """Updates that are being acted on."""
        self._speaking: set[asyncio.Task[None]] = set()
        """Answers that wait for room in their chats; they hold up nobody else."""
        self._answering: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By place: answers go out in order too."""
        self._turned_away: set[int] = set()
        """Chats that were told already, so that what they go on saying costs nothing."""
        self._albums: dict[str, list[tuple[Said, int]]] = {}

    async def resume(self) -> None:
        """Handle what an earlier process left unanswered."""
        waiting = await self._inbox.waiting(self._account)
        for kept in waiting:
            self._begin(kept)
        if waiting:
            log.info("updates resumed count=%d", len(waiting))

    async def receive(self, updates: Sequence[Update]) -> None:
        """Keep them; when this returns, the server may forget them.

        Raises:
            StorageError: they are not kept.
        """
        worth: list[tuple[str, Mapping[str, Any]]] = []
        for update in updates:
            what = self._heard(update)
            if isinstance(what, Migrated):  # now: what is said in the new group may be in this very batch
                self._door.moved(what.old_chat_id, what.new_chat_id)
            if what is None or self._door.blocks(what):
                continue
            if self._door.admits(what):
                worth.append((f"{self._account}/update/{update.update_id}", update.to_dict()))
            elif isinstance(what, Pressed | Added) or (
                isinstance(what, Said) and what.chat_id not in self._turned_away
            ):
                self._spawn(self._turn_away(what), "telegram stranger", self._speaking)
        for kept in await self._inbox.keep(self._account, worth) if worth else ():
            self._begin(kept)
        while len(self._hearing) >= AT_ONCE:
            await asyncio.wait(self._hearing, return_when=asyncio.FIRST_COMPLETED)

    async def tell(self, answer: Answer) -> None:
        """Say what no update asks for, in its turn."""
        await self._answer(answer)

    async def close(self) -> None:
        """Let what is nearly done end; the rest is handled at the next start."""
        running = self._hearing | self._speaking
        if running:
            await asyncio.wait(running, timeout=CLOSE_S)
        late = self._hearing | self._speaking
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    # --- handling ----------------------------------------------------------------------------------------------------

    def _begin(self, kept: Kept) -> None:
        what = self._reread(kept)
        if isinstance(what, Said) and what.album is not None:
            album = self._albums.setdefault(what.album, [])
            album.append((what, kept.id))
            if len(album) == 1:
                self._spawn(self._album(what.album), "telegram album", self._hearing)
        else:
            self._spawn(self._handled(what, [kept.id]), "telegram update", self._hearing)

    def _reread(self, kept: Kept) -> Heard | None:
        try:
            return self._heard(Update.de_json(dict(kept.body), self._bot))
        except Exception:  # it would stop every start
            log.exception("kept update cannot be read id=%d", kept.id)
            return None

    def _heard(self, update: Update) -> Heard | None:
        try:
            return heard(update, self._us)
        except Exception:  # one strange update must not hold up all that come after it
            log.exception("update cannot be understood id=%d", update.update_id)
            return None

    async def _album(self, name: str) -> None:
        await asyncio.sleep(ALBUM_S)
        parts = self._albums.pop(name)
        await self._handled(join_album([said for said, _ in parts]), [kept_id for _, kept_id in parts])

    async def _handled(self, what: Heard | None, ids: Sequence[int]) -> None:
        try:
            answer = await self._handle_patiently(what, ids)
        except Exception:
            log.exception("update crashed")
            if isinstance(what, Paid | PaidBack):
                return  # money that came is never let go: the next start tries again
            answer = None  # it is done: it would crash at every start
        if answer is None:
            await self._done(ids)
        else:
            self._spawn(self._answered(answer, ids), "telegram answer", self._speaking)

    async def _handle_patiently(self, what: Heard | None, ids: Sequence[int]) -> Answer | None:
        """Waits for a database that is away as long as we run. What goes on failing though it is there is given up, and told."""
        tries = 0
        while True:
            try:
                return await self._handle(what)
            except StorageError as error:
                log.warning("update waits: %s", error)
                tries += 1
                if tries > len(STORAGE_AGAIN_S) and not isinstance(what, Paid | PaidBack) and await self._done(ids):
                    return await self._give_up(what, str(error))
            if tries == len(STORAGE_AGAIN_S) + 1 and isinstance(what, Pressed):
                await self._turns.let_go(what)  # its job, or a late answer, tells the rest
            await asyncio.sleep(STORAGE_AGAIN_S[tries - 1] if tries <= len(STORAGE_AGAIN_S) else STORAGE_AWAY_S)

    async def _give_up(self, what: Heard | None, sentence: str) -> Answer | None:
        """The one who asked is told: where others read, who pressed a button alone."""
        log.warning("update given up: %s", sentence)
        refusal = Reply(text=sentence, private=True, is_error=True)
        match what:
            case Said(incoming=asked):
                return Answer(asked.place, refusal, asked.receipt, asked.person)
            case Pressed(press=press) if press.is_shared:
                await self._turns.let_go(what, sentence)
            case Pressed(press=press):
                await self._turns.let_go(what)
                return Answer(press.place, refusal, press.receipt, press.person)
        return None

    async def _answered(self, answer: Answer, ids: Sequence[int]) -> None:
        try:
            await self._answer(answer)
        except Exception:
            log.exception("answer crashed")
        await self._done(ids)

    async def _done(self, ids: Sequence[int]) -> bool:
        """Whether that is noted; else they are handled again at the next start."""
        try:
            await self._inbox.done(ids)
        except StorageError as error:
            log.warning("update not noted as done: %s", error)
            return False
        return True

    async def _handle(self, what: Heard | None) -> Answer | None:
        """Act on it; gives what is still to be said."""
        match what:
            case Said():
                return await self._turns.said(what)
            case Pressed():
                return await self._turns.pressed(what)
            case Added():
                return await self._greet(what)
            case Migrated():
                await self._moved(what.old_chat_id, what.new_chat_id)
            case Checkout():
                await self._till.check(what)
            case Paid():
                return await self._till.paid(what)
            case PaidBack():
                return await self._till.paid_back(what)
            case None:
                pass
        return None

    async def _greet(self, added: Added) -> Answer | None:
        """Once in a group: how it begins, and where the others in it are not let in, how they would be."""
        if not await self._inbox.first_time(f"{self._account}/greeted/{added.chat_id}"):
            return None
        hello = replies.example_reply()
        if not self._door.lists(added.chat_id):
            hello = replace(hello, text=f"{hello.text}\n{texts.not_let_in(str(added.chat_id))}")
        return Answer(chat_place(added.chat_id), hello)

    async def _turn_away(self, what: Said | Pressed | Added) -> None:
        """One sentence, once in a chat; a group that a stranger put us into is left."""
        try:
            if isinstance(what, Pressed):
                await self._turns.let_go(what, texts.not_let_in(None))
            else:
                self._turned_away.add(what.chat_id)
                if len(self._turned_away) > TURNED_AWAY_KEPT:
                    self._turned_away.pop()
                if await self._inbox.first_time(f"{self._account}/turned-away/{what.chat_id}"):
                    log.info("chat turned away chat=%d", what.chat_id)
                    place = what.incoming.place if isinstance(what, Said) else chat_place(what.chat_id)
                    await self._answer(Answer(place, Reply(text=texts.not_let_in(str(what.chat_id)), is_error=True)))
                if isinstance(what, Added):
                    await self._bot.leave_chat(what.chat_id)
        except (TelegramError, StorageError) as error:
            log.info("stranger not told: %s", error)

    async def _answer(self, answer: Answer) -> None:
        """Say it when the chat has room for it. An answer that may have arrived is not said again."""
        told: str | None = None

        async def tell(words: Reply) -> None:
            nonlocal told
            if told is None:
                told = await self._say(answer.place, words, reply_to=answer.reply_to, to=None, bill=None)
            else:
                await self._edit(told, words, is_progress=True)

        try:
            reply = await self._fit(answer.place, answer.reply, tell)
        except EngineError as error:
            reply = Reply(text=str(error), is_error=True)
        if told is not None:  # what it counted is over; the file comes as a message of its own
            with contextlib.suppress(NotSent, SendUnknown, TimeoutError):
                await self._edit(told, Reply(text=NOT_MADE if reply.video is None else MADE))
        # texts go out in the order of the questions; a film that takes its time to upload lets them pass
        order = contextlib.nullcontext() if reply.video else self._answering.setdefault(answer.place, asyncio.Lock())
        try:
            async with order, asyncio.timeout(ANSWER_GIVE_UP_S):
                await self._say_patiently(replace(answer, reply=reply))
        except (NotSent, SendUnknown, EngineError, TimeoutError) as error:
            log.info("answer not said place=%s: %s", answer.place, error)

    async def _say_patiently(self, answer: Answer) -> None:
        """Raises NotSent (for ever), SendUnknown."""
        while True:
            try:
                await self._say(answer.place, answer.reply, reply_to=answer.reply_to, to=answer.to, bill=answer.bill)
            except NotSent as error:
                if error.retry_after_s is None:
                    raise
                await asyncio.sleep(max(0.05, error.retry_after_s))
            else:
                return

    def _spawn(self, work: Coroutine[Any, Any, None], name: str, owner: set[asyncio.Task[None]]) -> None:
        task = asyncio.create_task(work, name=name)
        owner.add(task)
        task.add_done_callback(owner.discard)
