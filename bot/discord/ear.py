"""Listens: an interaction is a row before it is taken, is taken within its three seconds, and ends when it is answered.

What a crash leaves unanswered is handled at the next start if it had been taken. What had not was shown to its person as failed,
and is not done behind their back.

Longer than other rooms: what is done within the three seconds and what is left for later is one order, read in one place.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from discord import Interaction, InteractionType, TextStyle, app_commands, ui
from pydantic import TypeAdapter

from bot import texts
from bot.discord import picker, sentences
from bot.discord.answers import Answers
from bot.discord.door import Door
from bot.discord.heard import Ack, Asks, Heard, Picking, Refused, Said, Typing, What
from bot.discord.places import TOKEN_LASTS_S, sent_at_s
from bot.discord.ports import Fit, Studio
from bot.discord.suggest import Suggestions
from bot.discord.translate import heard, without_links
from bot.discord.turns import Turns
from bot.discord.wire import TooLarge, Wire
from bot.message import NotSent, Reply, SendUnknown
from bot.parsing import Parsed
from bot.ports import Inbox, Kept
from engine.errors import EngineError, StorageError
from engine.model import PROMPT_CHARS

log = logging.getLogger(__name__)

KEEP_S = 1.0
"""How long an interaction waits for the disk before it is taken all the same."""
LOOK_S = 1.0
"""How long something is looked up before a field or a list is opened."""
CLOSE_S = 0.5
FITS_MOST = 6
"""How often an answer is made smaller for a channel whose cap is learned from its refusals."""
STORAGE_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
FIELD_S = 900.0

_ROW = TypeAdapter(Heard)


class Ear:
    """One bot's way of hearing things."""

    def __init__(
        self,
        account: str,
        *,
        inbox: Inbox,
        wire: Wire,
        answers: Answers,
        turns: Turns,
        door: Door,
        studio: Studio,
        suggestions: Suggestions,
        fit: Fit,
    ) -> None:
        """`account`: under which its interactions are kept."""
        self._account = account
        self._inbox = inbox
        self._wire = wire
        self._answers = answers
        self._turns = turns
        self._door = door
        self._studio = studio
        self._suggestions = suggestions
        self._fit = fit
        self._hearing: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def resume(self) -> None:
        """Handle what an earlier process left unanswered."""
        waiting = await self._inbox.waiting(self._account)
        for kept in waiting:
            self._spawn(self._resumed(kept), "discord interaction resumed")
        if waiting:
            log.info("interactions resumed count=%d", len(waiting))

    def hear(self, interaction: Interaction[Any]) -> None:
        """Begin to handle it."""
        if not self._is_closed:
            self._spawn(self._heard(interaction), "discord interaction")

    async def close(self) -> None:
        """Let what is nearly done end; the rest is handled at the next start."""
        self._is_closed = True
        if self._hearing:
            await asyncio.wait(self._hearing, timeout=CLOSE_S)
        late = set(self._hearing)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._suggestions.close()
        await self._turns.close()

    # --- within three seconds ----------------------------------------------------------------------------------------

    async def _heard(self, interaction: Interaction[Any]) -> None:
        try:
            await self._understand(interaction)
        except Exception:
            reference = secrets.token_hex(3)
            log.exception("interaction crashed id=%d reference=%s", interaction.id, reference)
            if interaction.type is not InteractionType.autocomplete:
                await self._answers.refuse(interaction, texts.broken(reference))

    async def _understand(self, interaction: Interaction[Any]) -> None:
        what = heard(interaction)
        if what is None or self._door.blocks(what.asker):
            return
        if self._door.admits(what.asker):
            self._wire.learn(what.asker.channel_id, what.asker.upload_bytes)
            await self._let_in(interaction, what)
        elif isinstance(what, Typing):
            await self._answers.complete(interaction, [])
        else:
            where = what.asker.guild_id or what.asker.user_id
            log.info("interaction turned away user=%d guild=%s", what.asker.user_id, what.asker.guild_id)
            await self._answers.refuse(interaction, texts.not_let_in(str(where), "NEXTSHOT_DISCORD_ALLOWED"))

    async def _let_in(self, interaction: Interaction[Any], what: What) -> None:
        match what:
            case Heard():
                await self._take(interaction, what)
            case Typing(asker, command, field, typed, given):
                found = await self._suggestions.suggest(asker.place, asker.person.key, command, field, typed, given)
                await self._answers.complete(
                    interaction, [app_commands.Choice(name=each.name, value=each.value) for each in found]
                )
            case Asks():
                await self._ask(interaction, what)
            case Picking():
                await self._pick(interaction, what)
            case Refused(_, sentence):
                await self._answers.refuse(interaction, sentence)

    async def _ask(self, interaction: Interaction[Any], asks: Asks) -> None:
        """Open a field for the text, unless it is known by then that it would be in vain."""
        if asks.shot is not None:
            try:
                async with asyncio.timeout(LOOK_S):
                    refusal = await self._turns.can_continue(asks.asker, asks.shot)
            except TimeoutError:
                refusal = None
            if refusal is not None:
                await self._answers.at_once(interaction, refusal)
                return
        if asks.files:
            self._turns.fetch_meanwhile(asks.asker, asks.files)
        modal = ui.Modal(title=asks.title, custom_id=asks.custom_id, timeout=FIELD_S)
        label = sentences.WHAT_NEXT if asks.shot or asks.custom_id.startswith("continued") else sentences.WHAT_IS_SHOWN
        prompt: ui.TextInput[Any] = ui.TextInput(
            style=TextStyle.paragraph, max_length=PROMPT_CHARS, required=True, placeholder=sentences.PLACEHOLDER
        )
        modal.add_item(ui.Label(text=label, component=prompt))
        await self._answers.open_field(interaction, modal)

    async def _pick(self, interaction: Interaction[Any], picking: Picking) -> None:
        pick = picker.read_pick(picking)
        if pick is None:
            await self._answers.refuse(interaction, texts.ANOTHER_VERSION)
            return
        if pick.is_film and pick.picked:
            film = Said(Parsed("stitch", pick.picked))
            await self._take(interaction, Heard(picking.asker, Ack.PUBLIC, film))
            return
        try:
            async with asyncio.timeout(LOOK_S):
                story = await self._studio.story(picking.asker.place, pick.story)
        except (EngineError, TimeoutError) as error:
            sentence = str(error) if isinstance(error, EngineError) else sentences.BUSY
            await self._answers.refuse(interaction, sentence)
            return
        if story is None or not picker.clips_of(story):
            await self._answers.refuse(interaction, sentences.NOTHING_TO_PICK)
            return
        is_list = interaction.message is not None and interaction.message.flags.ephemeral
        await self._answers.show_list(interaction, picker.words(pick), picker.view(pick, story), is_new=not is_list)

    async def _take(self, interaction: Interaction[Any], what: Heard) -> None:
        """Keep it, and say within three seconds that it was heard."""
        row = _ROW.dump_python(without_links(what), mode="json")
        keeping = asyncio.create_task(
            self._inbox.keep(self._account, [(what.asker.key, row)]), name="discord interaction kept"
        )
        self._own(keeping)
        try:
            await asyncio.wait({keeping}, timeout=KEEP_S)
        except asyncio.CancelledError:
            keeping.cancel()
            raise
        if keeping.done() and not keeping.cancelled():
            if isinstance(keeping.exception(), StorageError):
                log.warning("interaction not kept: %s", keeping.exception())
                await self._answers.refuse(interaction, sentences.BUSY)
                return
            if not keeping.result():
                return  # handed over again after a dropped connection
        message_id = await self._answers.take(interaction, what.asker, what.ack)
        try:
            kept = await keeping
        except StorageError as error:
            log.warning("interaction not kept: %s", error)
            if message_id is not None:
                await self._say(what, message_id, Reply(text=sentences.BUSY, private=True, is_error=True))
            return
        if not kept:
            return
        if message_id is None:
            log.warning("interaction came too late id=%d", what.asker.id)
            await self._done(kept[0].id)
            return
        await self._handled(what, message_id, kept[0].id)

    # --- later -------------------------------------------------------------------------------------------------------

    async def _resumed(self, kept: Kept) -> None:
        try:
            what = _ROW.validate_python(dict(kept.body))
        except ValueError:
            log.exception("kept interaction cannot be read id=%d", kept.id)
            await self._done(kept.id)
            return
        message_id = None
        if time.time() - sent_at_s(what.asker.id) < TOKEN_LASTS_S:
            message_id = await self._answers.original(what.asker)
        if message_id is None:
            log.info("interaction left id=%d: its person was told that it failed", what.asker.id)
            await self._done(kept.id)
            return
        self._wire.learn(what.asker.channel_id, what.asker.upload_bytes)
        await self._handled(what, message_id, kept.id)

    async def _handled(self, what: Heard, message_id: int, row_id: int) -> None:
        try:
            reply = await self._act_patiently(what, message_id)
        except StorageError as error:
            log.warning("interaction stays for the next start: %s", error)
            return
        except Exception:
            reference = secrets.token_hex(3)
            log.exception("interaction crashed reference=%s", reference)  # and is done: it would crash at every start
            reply = Reply(text=texts.broken(reference), private=True, is_error=True)
        await self._say(what, message_id, reply)
        await self._done(row_id)

    async def _act_patiently(self, what: Heard, message_id: int) -> Reply | None:
        """Raises StorageError: the database does not come back."""
        for pause_s in STORAGE_AGAIN_S:
            try:
                return await self._turns.act(what, message_id)
            except StorageError as error:
                log.warning("interaction waits: %s", error)
                await asyncio.sleep(pause_s)
        return await self._turns.act(what, message_id)

    async def _say(self, what: Heard, message_id: int, reply: Reply | None) -> None:
        """An answer that may have arrived is not said again where that would double it."""
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
                fitted = await self._fit(what.asker.place, reply)
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

    async def _done(self, row_id: int) -> None:
        try:
            await self._inbox.done([row_id])
        except StorageError as error:
            log.warning("interaction not noted as done: %s", error)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._own(asyncio.create_task(work, name=name))

    def _own(self, task: asyncio.Task[Any]) -> None:
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)


def account_of(application_id: int) -> str:
    """Under which a bot's interactions and files are kept: another bot's are not ours."""
    return f"discord:{application_id}"
