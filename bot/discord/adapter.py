"""Discord as a chat platform: `discord:<channel>` are its places, `discord:<channel>/<message>` its receipts.

A little over 250 lines: it is the composition of the rooms beside it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
from discord import Interaction

from bot import making
from bot.discord import gateway, slash
from bot.discord.answers import Answers
from bot.discord.budget import Budget, Rank
from bot.discord.door import Door
from bot.discord.ear import Ear, account_of
from bot.discord.markdown import MESSAGE_CHARS
from bot.discord.mouth import Mouth
from bot.discord.places import PLATFORM
from bot.discord.ports import Studio
from bot.discord.posts import Posts
from bot.discord.site import DiscordSettings, invite_url
from bot.discord.suggest import Suggestions
from bot.discord.threads import Threads
from bot.discord.turns import Turns
from bot.discord.uploads import Uploads
from bot.discord.wire import Wire
from bot.fitting import Fitting
from bot.message import Limits, Reply
from bot.ports import Dispatch, Inbox, SentFiles
from engine.errors import StorageError
from engine.ports import Files

log = logging.getLogger(__name__)

EDIT_EVERY_S = 5.0
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
STEADY_S = 300.0
"""A connection that lasted this long was a good one."""
HANG_UP_S = 1.0
CANCELS = 4
"""How often the library is told within that time that it shall end."""
SWEEP_EVERY_S = 3600.0
INBOX_KEPT_S = 24 * 3600.0
"""An interaction can be handed over again for as long as a connection can be resumed: minutes."""
COMMANDS_REFUSED = frozenset({400, 401, 403, 404})
"""They would be refused for ever: the next start tries again."""
REFUSED = {
    4004: "NEXTSHOT_DISCORD_TOKEN",
    4010: "this Nextshot's shard",
    4011: "this Nextshot without more shards",
    4012: "this Nextshot's version of its interface",
    4013: "this Nextshot's intents",
}
"""What would be refused for ever, by how the connection is closed.

https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes"""


class DiscordAdapter:
    """One bot: `connect` before `run`; `opened` around all that may speak."""

    def __init__(
        self,
        settings: DiscordSettings,
        *,
        inbox: Inbox,
        known: SentFiles,
        studio: Studio,
        files: Files,
        fitting: Fitting,
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._known = known
        self._studio = studio
        self._files = files
        self._fitting = fitting
        self._wire = Wire(self._open_line, settings.pace)
        self._posts = Posts(self._wire)
        self._mouth = Mouth(self._wire, self._posts)
        self._dispatch: Dispatch | None = None
        self._ear: Ear | None = None
        self._line: gateway.Client | None = None
        """The client, while it is logged in: it can speak, also when nothing is heard."""

    @property
    def platform(self) -> str:
        return PLATFORM

    @property
    def budget(self) -> Budget:
        """What may still be written."""
        return self._wire.budget

    @property
    def dedupes(self) -> bool:
        """By the nonce for some minutes, and by looking through the channel after that."""
        return True

    def connect(self, dispatch: Dispatch) -> None:
        """Who answers what is said."""
        self._dispatch = dispatch

    # --- the mouth ---------------------------------------------------------------------------------------------------

    def limits(self, place: str) -> Limits:
        return Limits(upload_bytes=self._wire.upload_bytes(place), text_chars=MESSAGE_CHARS, edit_every_s=EDIT_EVERY_S)

    def busy_s(self, place: str, *, is_result: bool) -> float:
        """What a channel takes is looked at when something is sent: most status messages do not count there."""
        del is_result
        return self._wire.wait_s(place)

    async def send(
        self,
        place: str,
        reply: Reply,
        *,
        nonce: str,
        reply_to: str | None = None,
        status: str | None = None,
        is_again: bool = False,
    ) -> str:
        """Say it.

        Raises:
            NotSent, SendUnknown
        """
        return await self._mouth.say(place, reply, nonce=nonce, asked=reply_to, status=status, is_again=is_again)

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        """Replace a message of ours.

        Raises:
            NotSent, SendUnknown
        """
        await self._mouth.edit(receipt, reply, rank=Rank.PROGRESS if is_progress else Rank.WORD)

    async def _fit(self, place: str, reply: Reply, tell: making.Tell) -> Reply:
        return await making.fit_and_count(self._fitting, reply, self.limits(place), tell, after_s=making.AFTER_S)

    # --- the ear -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The connections: open while anything may speak, also after the ear is closed."""
        try:
            yield
        finally:
            await self._close()

    async def run(self) -> None:
        """Listen until cancelled. A token that is refused is one line in the log, and the end of this front end alone."""
        gateway.point_at(self._settings.api_url)
        failures = 0
        while True:
            began_s = time.monotonic()
            try:
                await self._log_in()
                await self._listen()
            except (discord.LoginFailure, discord.PrivilegedIntentsRequired) as error:
                self._refused("NEXTSHOT_DISCORD_TOKEN", type(error).__name__)
                return
            except discord.ConnectionClosed as error:
                if error.code in REFUSED:
                    self._refused(REFUSED[error.code], f"close {error.code}")
                    return
                log.warning("discord closed the connection (%d); listening again", error.code)
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
                if not failures:
                    log.warning("Discord does not work at %s, trying again: %s", self._settings.api_url, error)
            except Exception:  # a defect of ours must not end the other front ends
                log.exception("discord crashed; listening again")
            # a connection that lasted was a good one; what fails again and again must not use up the day's 1,000 beginnings
            failures = 1 if time.monotonic() - began_s > STEADY_S else failures + 1
            await asyncio.sleep(AGAIN_S[min(failures, len(AGAIN_S)) - 1])

    def _refused(self, what: str, why: str) -> None:
        log.error(
            "Discord is not served: %s refuses %s (%s). Copy the token anew from the developer portal and start again.",
            self._settings.api_url,
            what,
            why,
        )

    async def _log_in(self) -> None:
        """A client that can speak. The library's cannot be used again once it was closed."""
        await self._close()
        client = gateway.Client(self._hear)
        try:
            await client.login(self._settings.token)
            if not self._settings.is_cloud:
                await gateway.point_gateway(client)
        except BaseException:
            await client.close()
            raise
        self._line = client

    async def _close(self) -> None:
        client, self._line = self._line, None
        if client is None:
            return
        try:
            async with asyncio.timeout(HANG_UP_S):
                await client.close()
        except TimeoutError:  # it waits for the other side's farewell
            log.info("discord connection not closed in time")
            await client.http.close()

    def _open_line(self) -> discord.Client | None:
        """The library closes its client by itself where the server does not want it back."""
        return None if self._line is None or self._line.is_closed() else self._line

    def _hear(self, interaction: Interaction[Any]) -> None:
        if self._ear is not None:
            self._ear.hear(interaction)

    async def _listen(self) -> None:
        """Until the connection ends for good, which raises."""
        client = self._line
        if self._dispatch is None or client is None or client.application_id is None:
            raise RuntimeError("run was called before connect")
        door = Door(self._settings.access)
        uploads = Uploads(self._settings, self._files)
        ear = Ear(
            account_of(client.application_id),
            inbox=self._inbox,
            wire=self._wire,
            answers=Answers(self._wire, self._mouth, self._posts),
            turns=Turns(
                dispatch=self._dispatch,
                door=door,
                uploads=uploads,
                threads=Threads(self._wire, self._posts, self._inbox),
            ),
            door=door,
            studio=self._studio,
            suggestions=Suggestions(self._studio),
            fit=self._fit,
        )
        beside = [
            asyncio.create_task(self._keep_inbox(), name="discord inbox"),
            asyncio.create_task(self._tell_commands(client, client.application_id), name="discord commands"),
            asyncio.create_task(client.tell_silence(), name="discord silence"),
        ]
        self._ear = ear
        try:
            await ear.resume()
            log.info("discord opened bot=%s invite=%s", client.user, invite_url(client.application_id))
            connection = asyncio.create_task(client.connect(), name="discord connection")
            try:
                await asyncio.wait({connection})
            finally:
                await _ended(connection)
            connection.result()
        finally:
            self._ear = None
            for task in beside:
                task.cancel()
            await asyncio.wait(beside, timeout=HANG_UP_S)
            try:
                async with asyncio.timeout(HANG_UP_S):
                    await client.hang_up()
            except Exception as error:  # noqa: BLE001  # what is open is closed with the client
                log.info("discord connection not ended: %s", error)
            await ear.close()
            log.info("discord closed")

    async def _tell_commands(self, client: discord.Client, application_id: int) -> None:
        """Only when they are others than those that the server has from us, and until it has them."""
        commands = slash.payload(self._studio.models())
        account, digest = account_of(application_id), slash.digest(commands)
        for pause_s in itertools.chain(AGAIN_S, itertools.repeat(AGAIN_S[-1])):
            try:
                if await self._known.find(account, "commands", "digest") == digest:
                    return
                await client.http.bulk_upsert_global_commands(application_id, payload=commands)
                await self._known.keep(account, "commands", "digest", digest)
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError, StorageError) as error:
                log.warning("commands not registered: %s", error)
                if isinstance(error, discord.HTTPException) and error.status in COMMANDS_REFUSED:
                    return
                await asyncio.sleep(pause_s)
            else:
                log.info("commands registered count=%d", len(commands))
                return

    async def _keep_inbox(self) -> None:
        while True:
            try:
                await self._inbox.sweep(INBOX_KEPT_S)
            except StorageError as error:
                log.warning("inbox not swept: %s", error)
            await asyncio.sleep(SWEEP_EVERY_S)


async def _ended(connection: asyncio.Task[None]) -> None:
    """The library drops a cancellation that comes while it connects again, and goes on: it is told until it listens.

    https://github.com/Rapptz/discord.py/blob/v2.7.1/discord/shard.py (Shard.reidentify)
    """
    for _ in range(CANCELS):
        if connection.done():
            break
        connection.cancel()
        await asyncio.wait({connection}, timeout=HANG_UP_S / CANCELS)
    if connection.done() and not connection.cancelled():
        connection.exception()  # whoever is cancelled does not ask for it
