"""Takes an interaction within its three seconds, and answers it: in place, or seen by who asked alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, cast

import discord
from discord import Interaction, app_commands

from bot.discord.faults import ERRORS, Code, code_of
from bot.discord.heard import Ack, Asker
from bot.discord.letters import NOBODY, letter_of
from bot.discord.mouth import Mouth
from bot.discord.places import Asking, sent_at_s
from bot.discord.posts import Posts
from bot.discord.wire import Over, ShutOut, TooLarge, Wire, hook_of, letter_to_send
from bot.making import MAKING
from bot.message import NotSent, Reply, SendUnknown

log = logging.getLogger(__name__)

TAKE_S = 10.0
ORIGINAL = cast("int", "@original")
"""The message that an interaction was answered with, by the name that the server has for it (the library wants a number)."""
NEUTRAL = "…"
"""In front of all, while the answer is whispered."""
AGAIN_S = (0.5, 2.0, 5.0)
LOOK_AGAIN_S = 10.0
UNKNOWN_MOST = 5
"""How often an answer that may have arrived is said again where that changes nothing."""
WHISPERS_MOST = 2
"""The same of a whisper, which would stand there twice: better than no answer."""
GIVE_UP_S = 900.0
NONCE_KNOWN_S = 60.0
"""For "a few minutes" the server knows a nonce: https://docs.discord.com/developers/resources/message#create-message"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an interaction was answered with at first."""

    message_id: int
    is_waiting: bool
    """It still says that the bot is thinking. Of a button that was let go it is the message below which the button stands."""


class Answers:
    """Speaks through interactions."""

    def __init__(self, wire: Wire, mouth: Mouth, posts: Posts) -> None:
        self._wire = wire
        self._posts = posts
        self._mouth = mouth

    # --- within three seconds ----------------------------------------------------------------------------------------

    async def take(self, interaction: Interaction[Any], asker: Asker, ack: Ack) -> int | None:
        """Say that it was heard; the id of the message that its answer goes into.

        None: it was too late, and its person was told that it failed.
        """
        try:
            async with asyncio.timeout(TAKE_S):
                response = await interaction.response.defer(ephemeral=ack is Ack.PRIVATE, thinking=ack is not Ack.QUIET)
        except discord.HTTPException as error:
            if code_of(error) != Code.ACKED_ALREADY and error.status < 500:  # the server's own fault
                log.warning("interaction not taken id=%d: %s", interaction.id, error)
                return None
        except ERRORS as error:
            log.warning("interaction perhaps not taken id=%d: %s", interaction.id, type(error).__name__)
        else:
            if response is not None and response.message_id is not None:
                return response.message_id
            if ack is Ack.QUIET and interaction.message is not None:
                return interaction.message.id
        taken = await self.original(asker)
        return taken.message_id if taken is not None else None

    async def original(self, asker: Asker) -> Taken | None:
        """The message that the interaction was answered with; None: it was not answered, or its token is over.

        Looked for until that is known: what was taken must not be left, and what was not must not be done.
        """
        for pause_s in chain(AGAIN_S, repeat(LOOK_AGAIN_S)):
            try:
                async with self._wire.sending(asker.channel_id, Reply(text="")):
                    message = await hook_of(self._wire.client(), asker.token).fetch_message(ORIGINAL)
            except Over as over:
                # it was answered once, and that was taken away after a whisper
                is_gone = code_of(over.__cause__ or over) == Code.UNKNOWN_MESSAGE
                return Taken(asker.id, is_waiting=False) if is_gone else None
            except ShutOut:
                return None
            except NotSent as error:
                if error.retry_after_s is None:
                    return None
            except SendUnknown as error:
                log.info("interaction cannot be looked up id=%d: %s", asker.id, error)
            else:
                waits = message.flags.loading or message.content == NEUTRAL or message.content.startswith(MAKING)
                return Taken(message.id, is_waiting=waits)
            await asyncio.sleep(pause_s)
        return None

    async def refuse(self, interaction: Interaction[Any], sentence: str) -> None:
        """One sentence to who asked alone, at once. Best effort."""
        await self.at_once(interaction, Reply(text=sentence, private=True, is_error=True))

    async def at_once(self, interaction: Interaction[Any], reply: Reply) -> None:
        """A short answer without being asked to wait. Best effort."""
        letter = await letter_of(reply)
        try:
            async with asyncio.timeout(TAKE_S):
                await interaction.response.send_message(**letter.as_new(), ephemeral=reply.private)
        except ERRORS as error:
            log.info("answer not said interaction=%d: %s", interaction.id, error)

    async def complete(self, interaction: Interaction[Any], choices: list[app_commands.Choice[str]]) -> None:
        """What a field may be filled in with. Best effort."""
        try:
            async with asyncio.timeout(TAKE_S):
                await interaction.response.autocomplete(choices)
        except ERRORS as error:
            log.info("field not completed interaction=%d: %s", interaction.id, error)

    async def open_field(self, interaction: Interaction[Any], modal: discord.ui.Modal) -> None:
        """Ask for a text. Best effort."""
        try:
            async with asyncio.timeout(TAKE_S):
                modal.stop()  # the library keeps nothing for it: what was written is heard like everything else
                await interaction.response.send_modal(modal)
        except ERRORS as error:
            log.info("field not opened interaction=%d: %s", interaction.id, error)

    async def show_list(
        self, interaction: Interaction[Any], words: str, view: discord.ui.View, *, is_new: bool
    ) -> None:
        """The list of clips, seen by who picks alone: anew, or changed in its place. Best effort."""
        view.stop()  # the library keeps nothing for it: what is picked is heard like everything else
        try:
            async with asyncio.timeout(TAKE_S):
                if is_new:
                    await interaction.response.send_message(words, view=view, ephemeral=True, allowed_mentions=NOBODY)
                else:
                    await interaction.response.edit_message(content=words, view=view, allowed_mentions=NOBODY)
        except ERRORS as error:
            log.info("list not shown interaction=%d: %s", interaction.id, error)

    # --- later -------------------------------------------------------------------------------------------------------

    async def answer(self, asker: Asker, ack: Ack, message_id: int, reply: Reply) -> None:
        """Say it: into the message that waits for it, else as one of its own; what is private to who asked alone.

        Raises:
            TooLarge: its video is to be made smaller.
            NotSent: for ever.
            SendUnknown
        """
        unknown = 0
        async with asyncio.timeout(GIVE_UP_S):
            while True:
                try:
                    await self._answer(asker, ack, message_id, reply, is_again=unknown > 0)
                except TooLarge:
                    raise
                except NotSent as error:
                    if error.retry_after_s is None:
                        raise
                    await asyncio.sleep(max(0.05, error.retry_after_s))
                except SendUnknown:
                    unknown += 1
                    is_whisper = reply.private and ack is not Ack.PRIVATE
                    if unknown > (WHISPERS_MOST if is_whisper else UNKNOWN_MOST):
                        raise
                    await asyncio.sleep(AGAIN_S[min(unknown, len(AGAIN_S)) - 1])
                else:
                    return

    async def count(self, asker: Asker, ack: Ack, words: Reply) -> None:
        """How far the answer is, in the message that waits for it. A start that finds it there begins anew.

        Raises:
            NotSent, SendUnknown
        """
        if ack is Ack.QUIET:
            return
        hook = hook_of(self._wire.client(), asker.token)
        try:
            async with self._wire.sending(asker.channel_id, Reply(text="")):
                await hook.edit_message(ORIGINAL, content=words.text, allowed_mentions=NOBODY)
        except (Over, ShutOut) as error:
            raise NotSent(str(error), retry_after_s=None) from error

    async def _answer(self, asker: Asker, ack: Ack, message_id: int, reply: Reply, *, is_again: bool) -> None:
        is_public = not reply.private and ack is not Ack.PRIVATE
        try:
            try:
                if reply.private and ack is not Ack.PRIVATE:
                    await self._whisper(asker, ack, reply)
                elif ack is Ack.QUIET:
                    await self._apart(asker, reply, is_again=is_again)
                else:
                    await self._in_place(asker, message_id, reply, whispers=ack is Ack.PRIVATE)
            except Over:
                if not is_public or not asker.has_access or ack is Ack.QUIET:
                    raise
                await self._apart(asker, reply, is_again=is_again)
        except (Over, ShutOut) as error:
            raise NotSent(str(error), retry_after_s=None) from error

    async def _in_place(self, asker: Asker, message_id: int, reply: Reply, *, whispers: bool) -> None:
        asking = Asking(asker.channel_id, message_id, asker.user_id, asker.has_access, asker.token)
        client = self._wire.client()
        await self._mouth.fill(client, asking, reply, nonce=str(asker.id), whispers=whispers)

    async def _apart(self, asker: Asker, reply: Reply, *, is_again: bool) -> None:
        """A message of the bot's own, whose nonce is the interaction; where it has no access, after the interaction."""
        client = self._wire.client()
        if asker.has_access:
            try:
                is_late = self._wire.clock_s() - sent_at_s(asker.id) > NONCE_KNOWN_S
                await self._posts.post(
                    client,
                    asker.channel_id,
                    reply,
                    str(asker.id),
                    None,
                    is_again=is_again or is_late,
                    since=asker.id,
                )
            except ShutOut:
                log.info("channel does not take messages channel=%d", asker.channel_id)
            else:
                return
        async with self._wire.sending(asker.channel_id, reply), letter_to_send(reply) as letter:
            await hook_of(client, asker.token).send(wait=True, **letter.as_new())

    async def _whisper(self, asker: Asker, ack: Ack, reply: Reply) -> None:
        """To who asked alone. Who sees a message cannot be changed, so what waits in front of all says nothing and is taken away.

        In this order: what follows an answer that still waits would become that answer, and what was taken away already would leave
        its person with nothing if the whisper then failed.
        """
        hook = hook_of(self._wire.client(), asker.token)
        if ack is Ack.PUBLIC:
            async with self._wire.sending(asker.channel_id, Reply(text="")):
                await self._unless_gone(hook.edit_message(ORIGINAL, content=NEUTRAL, allowed_mentions=NOBODY))
        async with self._wire.sending(asker.channel_id, reply), letter_to_send(reply) as letter:
            await hook.send(wait=True, ephemeral=True, **letter.as_new())
        if ack is Ack.PUBLIC:
            try:
                async with self._wire.sending(asker.channel_id, Reply(text="")):
                    await self._unless_gone(hook.delete_message(ORIGINAL))
            except (NotSent, SendUnknown, Over, ShutOut) as error:
                log.info("answer not taken away interaction=%d: %s", asker.id, error)

    async def _unless_gone(self, request: Coroutine[Any, Any, object]) -> None:
        """What somebody took away already is gone."""
        try:
            await request
        except discord.NotFound as error:
            if code_of(error) != Code.UNKNOWN_MESSAGE:
                raise

    async def clear(self, asker: Asker, ack: Ack, message_id: int) -> None:
        """There was nothing to say: the message that waits for an answer says so."""
        if ack is Ack.PRIVATE:
            await self.answer(asker, ack, message_id, Reply(text="Done.", private=True))
