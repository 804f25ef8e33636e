"""What is done with an interaction after it was taken, by this process or the next one, until it is answered and noted as done."""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

from pydantic import TypeAdapter

from bot import texts
from bot.discord import sentences
from bot.discord.answers import Answers
from bot.discord.heard import Ack, Heard
from bot.discord.ports import Studio
from bot.discord.turns import Turns
from bot.discord.wire import TooLarge, Wire
from bot.making import Fit
from bot.message import NotSent, Reply, SendUnknown
from bot.ports import Inbox, Kept
from engine.errors import EngineError, StorageError

log = logging.getLogger(__name__)

FITS_MOST = 6
"""How often an answer is made smaller for a channel whose cap is learned from its refusals."""
STORAGE_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
STORAGE_AWAY_S, STORAGE_AWAY_MOST = 30.0, 28
"""Then every half minute, for as long as the token lasts."""

ROW = TypeAdapter(Heard)
"""How an interaction is kept."""


class Handling:
    """Brings interactions to their end."""

    def __init__(
        self,
        account: str,
        *,
        inbox: Inbox,
        wire: Wire,
        answers: Answers,
        turns: Turns,
        studio: Studio,
        fit: Fit,
    ) -> None:
        """`account`: under which its interactions are kept."""
        self._account = account
        self._inbox = inbox
        self._wire = wire
        self._answers = answers
        self._turns = turns
        self._studio = studio
        self._fit = fit

    async def withdraw(self, what: Heard, row: Any) -> None:
        """Its person was told that nothing was started. It may be on the disk all the same: then it is done there."""
        for pause_s in chain(STORAGE_AGAIN_S, repeat(STORAGE_AGAIN_S[-1])):
            await asyncio.sleep(pause_s)
            try:
                kept = await self._inbox.keep(self._account, [(what.asker.key, row)])
                await self._inbox.done([each.id for each in kept])
            except StorageError as error:
                log.info("interaction not withdrawn yet id=%d: %s", what.asker.id, error)
            else:
                return

    async def resumed(self, kept: Kept) -> None:
        """What an earlier process left: acted on only if its person still waits for it, and nothing came of it yet."""
        try:
            what = ROW.validate_python(dict(kept.body))
        except ValueError:
            log.exception("kept interaction cannot be read id=%d", kept.id)
            await self.done(kept.id)
            return
        taken = await self._answers.original(what.asker)
        if taken is None:
            log.info("interaction left id=%d: its person was told that it failed", what.asker.id)
            await self.done(kept.id)
            return
        if not taken.is_waiting and what.ack is not Ack.QUIET:  # answered, or its job's status message by now
            await self.done(kept.id)
            return
        try:
            job = await self._studio.job_of_request(what.asker.key)
        except StorageError as error:
            log.warning("interaction stays for the next start: %s", error)
            return
        if job is not None:  # it speaks for itself; what came with the command is gone, and not needed any more
            await self.done(kept.id)
            return
        self._wire.learn(what.asker.channel_id, what.asker.upload_bytes)
        await self.handled(what, taken.message_id, kept.id)

    async def handled(self, what: Heard, message_id: int, row_id: int) -> None:
        """Act on it, answer it, and note that it is done. Where the database stays away its row stays, too."""
        try:
            reply = await self._act_patiently(what, message_id)
        except StorageError as error:
            log.warning("interaction stays for the next start: %s", error)
            return
        except Exception:
            reference = secrets.token_hex(3)
            log.exception("interaction crashed reference=%s", reference)  # and is done: it would crash at every start
            reply = Reply(text=texts.broken(reference), private=True, is_error=True)
        await self.say(what, message_id, reply)
        await self.done(row_id)

    async def _act_patiently(self, what: Heard, message_id: int) -> Reply | None:
        """Raises StorageError: the database does not come back."""
        for pause_s in chain(STORAGE_AGAIN_S, repeat(STORAGE_AWAY_S, STORAGE_AWAY_MOST)):
            try:
                return await self._turns.act(what, message_id)
            except StorageError as error:
                log.warning("interaction waits: %s", error)
                await asyncio.sleep(pause_s)
        return await self._turns.act(what, message_id)

    async def say(self, what: Heard, message_id: int, reply: Reply | None) -> None:
        """Best effort: the answer, small enough for the channel."""
        try:
            if reply is None:
                await self._answers.clear(what.asker, what.ack, message_id)
                return
            await self._say_small_enough(what, message_id, reply)
        except (NotSent, SendUnknown, TimeoutError) as error:
            log.info("answer not said place=%s: %s", what.asker.place, error)
        except Exception:
            log.exception("answer crashed")

    async def _say_small_enough(self, what: Heard, message_id: int, reply: Reply) -> None:
        """Made smaller as often as the server says that it is too large; without its video if nothing helps.

        Raises:
            NotSent, SendUnknown
        """
        for _ in range(FITS_MOST):
            try:
                fitted = await self._fit(
                    what.asker.place, reply, lambda words: self._answers.count(what.asker, what.ack, words)
                )
            except EngineError as error:
                fitted = replace(reply, text=str(error), video=None, is_error=True)
            try:
                await self._answers.answer(what.asker, what.ack, message_id, fitted)
            except TooLarge as error:
                if error.retry_after_s is None:
                    break
            else:
                return
        bare = replace(reply, text=f"{reply.text}\n{sentences.TOO_LARGE}", video=None, picture=None, as_file=False)
        await self._answers.answer(what.asker, what.ack, message_id, bare)

    async def done(self, row_id: int) -> None:
        """Nothing is left to do for it."""
        try:
            await self._inbox.done([row_id])
        except StorageError as error:
            log.warning("interaction not noted as done: %s", error)
