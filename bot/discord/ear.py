"""Listens: an interaction is a row before it is taken, is taken within its three seconds, and ends when it is answered.

What a crash leaves unanswered is handled at the next start if it had been taken. What had not was shown to its person as failed,
and is not done behind their back.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from typing import Any

from discord import Interaction, InteractionType, TextStyle, app_commands, ui

from bot import texts
from bot.discord import picker, sentences
from bot.discord.answers import Answers
from bot.discord.door import Door
from bot.discord.handling import ROW, Handling
from bot.discord.heard import Ack, Asker, Asks, Heard, Picking, Refused, Said, Typing, What
from bot.discord.ports import Studio
from bot.discord.suggest import Suggestions
from bot.discord.translate import heard, without_links
from bot.discord.turns import Turns
from bot.discord.wire import Wire
from bot.making import Fit
from bot.message import Reply
from bot.parsing import Parsed
from bot.ports import Inbox
from engine.errors import EngineError, StorageError
from engine.model import PROMPT_CHARS

log = logging.getLogger(__name__)

KEEP_S = 1.0
"""How long an interaction waits for the disk before it is taken all the same."""
KNOWN_S = 0.3
"""How long a list waits to know who asks for it."""
LOOK_S = 1.0
"""How long something is looked up before a field or a list is opened."""
CLOSE_S = 0.5
FIELD_S = 900.0


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
        self._handling = Handling(account, inbox=inbox, wire=wire, answers=answers, turns=turns, studio=studio, fit=fit)
        self._hearing: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    async def resume(self) -> None:
        """Handle what an earlier process left unanswered."""
        waiting = await self._inbox.waiting(self._account)
        for kept in waiting:
            self._spawn(self._handling.resumed(kept), "discord interaction resumed")
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
                key = await self._person_key(asker)
                found = await self._suggestions.suggest(asker.place, key, command, field, typed, given)
                await self._answers.complete(
                    interaction, [app_commands.Choice(name=each.name, value=each.value) for each in found]
                )
            case Asks():
                await self._ask(interaction, what)
            case Picking():
                await self._pick(interaction, what)
            case Refused(_, sentence):
                await self._answers.refuse(interaction, sentence)

    async def _person_key(self, asker: Asker) -> str:
        """Of the one person behind the identity, where that can be told in time."""
        try:
            async with asyncio.timeout(KNOWN_S):
                return (await self._studio.known(asker.person)).key
        except (TimeoutError, StorageError):
            return asker.person.key

    async def _ask(self, interaction: Interaction[Any], asks: Asks) -> None:
        """Open a field for the text, unless it is known by then that it would be in vain."""
        if asks.shot is not None:
            try:
                async with asyncio.timeout(LOOK_S):
                    refusal = await self._turns.can_continue(asks.asker, asks.shot)
            except (TimeoutError, StorageError):
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
            pressed = interaction.message.id if interaction.message is not None else interaction.id
            if not await self._inbox.first_time(f"{self._account}/picked/{pressed}/{' '.join(pick.picked)}"):
                await self._answers.refuse(interaction, sentences.PICKED_ALREADY)
                return
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
        row = ROW.dump_python(without_links(what), mode="json")
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
                await self._handling.withdraw(what, row)
                return
            if not keeping.result():
                return  # handed over again after a dropped connection
        message_id = await self._answers.take(interaction, what.asker, what.ack)
        try:
            kept = await keeping
        except StorageError as error:
            log.warning("interaction not kept: %s", error)
            if message_id is not None:
                await self._handling.say(what, message_id, Reply(text=sentences.BUSY, private=True, is_error=True))
            await self._handling.withdraw(what, row)
            return
        if not kept:
            return
        if message_id is None:
            log.warning("interaction came too late id=%d", what.asker.id)
            await self._handling.done(kept[0].id)
            return
        await self._handling.handled(what, message_id, kept[0].id)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._own(asyncio.create_task(work, name=name))

    def _own(self, task: asyncio.Task[Any]) -> None:
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)


def account_of(application_id: int) -> str:
    """Under which a bot's interactions and files are kept: another bot's are not ours."""
    return f"discord:{application_id}"
