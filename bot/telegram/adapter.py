"""Telegram as a chat platform: `telegram:<chat>[/<topic>]` are its places, `telegram:<chat>/<message>` its receipts.

A little over 250 lines: it is the composition of the rooms beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web
from telegram import Bot
from telegram.error import BadRequest, InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bot import making
from bot.fitting import Fitting
from bot.message import Limits, NotSent, Reply, SendUnknown
from bot.ports import Dispatch, Inbox, SentFiles
from bot.telegram import sources
from bot.telegram.budget import Budget, Rank
from bot.telegram.door import Door
from bot.telegram.ear import Ear
from bot.telegram.films import Films
from bot.telegram.menu import tell_menu
from bot.telegram.mouth import Mouth
from bot.telegram.places import PLATFORM, Us, chat_place, read_place
from bot.telegram.ports import Studio
from bot.telegram.site import TelegramSettings
from bot.telegram.stars import open_till
from bot.telegram.stars_heard import Bill
from bot.telegram.stars_statement import Statement
from bot.telegram.translate import KINDS, TEXT_CHARS
from bot.telegram.turns import Turns
from bot.telegram.uploads import Uploads
from engine.errors import StorageError
from engine.model import Person
from engine.ports import Files

log = logging.getLogger(__name__)

EDIT_EVERY_S = 5.0
GROUP_EDIT_EVERY_S = 15.0
"""Of a group's 20 messages a minute, progress gets four."""
NOT_THERE_S = 30.0
CRASHED_S = 5.0
HANG_UP_S = 0.5
"""How long the connections for updates and for messages may each take to close."""
SWEEP_EVERY_S = 3600.0
INBOX_KEPT_S = 2 * 24 * 3600.0
"""The server keeps an update for a day, so none comes again later than that."""


class TelegramAdapter:
    """One bot: `connect` before `run`; `opened` around all that may speak."""

    def __init__(
        self,
        settings: TelegramSettings,
        *,
        inbox: Inbox,
        sent: SentFiles,
        studio: Studio,
        files: Files,
        fitting: Fitting,
    ) -> None:
        self._settings = settings
        self._inbox = inbox
        self._studio = studio
        self._files = files
        self._fitting = fitting
        # a proxy in the environment is used, as by every client of httpx
        self._requests = (
            HTTPXRequest(connection_pool_size=1, read_timeout=10, connect_timeout=10),
            HTTPXRequest(
                connection_pool_size=64,
                read_timeout=60,
                write_timeout=30,
                connect_timeout=10,
                pool_timeout=30,
                media_write_timeout=300,
            ),
        )
        self._bot = Bot(
            settings.token,
            base_url=f"{settings.api_url}/bot",
            base_file_url=f"{settings.api_url}/file/bot",
            get_updates_request=self._requests[0],
            request=self._requests[1],
        )
        films = Films(self._bot, sent)
        self._mouth = Mouth(self._bot, films=films, is_cloud=settings.is_cloud, moved=self._move, pace=settings.pace)
        self._dispatch: Dispatch | None = None
        self._ear: Ear | None = None
        self._door: Door | None = None
        self._us: Us | None = None
        self._is_there = False

    @property
    def platform(self) -> str:
        return PLATFORM

    @property
    def dedupes(self) -> bool:
        """The server knows no nonces: what may have been sent is shown in the status message instead."""
        return False

    @property
    def budget(self) -> Budget:
        """What may still be said."""
        return self._mouth.budget

    def connect(self, dispatch: Dispatch) -> None:
        """Who answers what is said."""
        self._dispatch = dispatch

    # --- the mouth ---------------------------------------------------------------------------------------------------

    def limits(self, place: str) -> Limits:
        return Limits(
            upload_bytes=self._mouth.upload_bytes,
            text_chars=TEXT_CHARS,
            edit_every_s=GROUP_EDIT_EVERY_S if read_place(place)[0] < 0 else EDIT_EVERY_S,
            wants_sound=True,
            wants_posters=True,
        )

    def busy_s(self, place: str, *, is_result: bool) -> float:
        if not self._is_there:
            return NOT_THERE_S
        return self._mouth.wait_s(place, Rank.RESULT if is_result else Rank.STATUS)

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
        """Say it. The nonce is of no use here.

        Raises:
            NotSent, SendUnknown
        """
        del nonce, status, is_again
        rank = Rank.RESULT if reply.video is not None or reply.is_error else Rank.STATUS
        return await self._mouth.say(place, reply, rank=rank, reply_to=reply_to)

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        """Replace a message of ours.

        Raises:
            NotSent, SendUnknown
        """
        rank = Rank.RESULT if reply.video is not None else Rank.WORD
        await self._mouth.edit(receipt, reply, rank=Rank.PROGRESS if is_progress else rank)

    async def _answer(
        self, place: str, reply: Reply, *, reply_to: str | None, to: Person | None, bill: Bill | None
    ) -> str:
        return await self._mouth.say(place, reply, rank=Rank.WORD, reply_to=reply_to, to=to, bill=bill)

    async def _tell_admins(self, text: str) -> bool:
        """In their private chats, where they began one; @names cannot be written to. Whether anybody was told."""
        is_told = False
        for name in sorted(self._settings.access.admins):
            if name.isdecimal():
                try:
                    await self._mouth.say(chat_place(int(name)), Reply(text=text), rank=Rank.WORD)
                except (NotSent, SendUnknown) as error:
                    log.info("admin not told id=%s: %s", name, error)
                else:
                    is_told = True
        return is_told

    async def _fit(self, place: str, reply: Reply, tell: making.Tell) -> Reply:
        return await making.fit_and_count(self._fitting, reply, self.limits(place), tell, after_s=making.AFTER_S)

    # --- the ear -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The connections: open while anything may speak, also after the ear is closed."""
        try:
            yield
        finally:
            self._is_there = False
            for request in self._requests:
                with suppress(TimeoutError):
                    async with asyncio.timeout(HANG_UP_S):
                        await request.shutdown()

    async def run(self) -> None:
        """Listen until cancelled. A token that is refused is one line in the log, and the end of this front end alone."""
        while True:
            try:
                us = await self._meet()
            except InvalidToken:
                log.error(  # noqa: TRY400  # no stack: it is the operator's to mend
                    "Telegram is not served: %s refuses NEXTSHOT_TELEGRAM_TOKEN. Copy the token anew from @BotFather and "
                    "start again.",
                    self._settings.api_url,
                )
                return
            try:
                await self._listen(us)
            except InvalidToken:  # taken back, or a proxy that answers 404 for a moment: the next getMe tells
                log.warning("telegram refused the token while listening; asking again in %.0f s", CRASHED_S)
            except Exception:  # a defect of ours must not end the other front ends
                log.exception("telegram crashed; listening again in %.0f s", CRASHED_S)
            finally:
                self._is_there = False
            await asyncio.sleep(CRASHED_S)

    async def hear_hook(self, request: web.Request) -> web.Response:
        """What the server posts in webhook mode."""
        if self._ear is None:
            return web.Response(status=503)
        return await sources.hook(self._bot, self._ear.receive)(request)

    async def _meet(self) -> Us:
        """Who we are and how updates come, asked for until the server answers.

        Raises:
            InvalidToken: it does not know the token.
        """
        again, url = sources.Again(), self._settings.webhook_url
        while True:
            try:
                me = await self._bot.get_me()
                await (self._bot.delete_webhook() if url is None else self._hang_up_hook(url))
            except InvalidToken:
                raise
            except TelegramError as error:
                if not again.failures:
                    log.warning("Telegram does not work at %s, trying again: %s", self._settings.api_url, error.message)
                await asyncio.sleep(again.next_s())
            else:
                log.info("telegram opened bot=@%s by=%s", me.username, "polling" if url is None else "webhook")
                return Us(me.id, me.username or "")

    async def _hang_up_hook(self, url: str) -> None:
        try:
            await self._bot.set_webhook(
                url,
                secret_token=sources.secret_of(self._bot.token),
                allowed_updates=KINDS,
                max_connections=sources.CONNECTIONS,
            )
        except BadRequest:
            log.warning("Telegram does not take NEXTSHOT_TELEGRAM_WEBHOOK_URL: mend it or leave it out")
            raise

    async def _listen(self, us: Us) -> None:
        """Raises InvalidToken."""
        if self._dispatch is None:
            raise RuntimeError("run was called before connect")
        moves = await self._inbox.notes(f"{us.account}/moved/")
        door = self._door = Door(self._bot, self._settings.access)
        for note in moves:
            _, _, old, new = note.rsplit("/", 3)
            door.moved(int(old), int(new))
        self._us = us
        uploads = Uploads(self._bot, self._files, is_cloud=self._settings.is_cloud)
        stars = open_till(
            self._bot,
            us.account,
            star_usd=self._settings.stars_usd,
            inbox=self._inbox,
            purse=self._studio,
            door=door,
            pass_on=self._tell_admins,
        )
        turns = Turns(self._bot, dispatch=self._dispatch, studio=self._studio, door=door, uploads=uploads, till=stars)
        ear = Ear(
            self._bot,
            us,
            inbox=self._inbox,
            say=self._answer,
            edit=self.edit,
            fit=self._fit,
            moved=self._move,
            door=door,
            turns=turns,
            till=stars,
        )
        statement = Statement(
            self._bot,
            us.account,
            inbox=self._inbox,
            till=stars,
            tell=ear.tell,
            is_selling=self._settings.stars_usd is not None,
        )
        beside = [
            asyncio.create_task(self._keep_inbox(), name="telegram inbox"),
            asyncio.create_task(statement.run(), name="telegram stars"),
            asyncio.create_task(tell_menu(self._bot), name="telegram menu"),
        ]
        self._is_there = True
        try:
            await ear.resume()
            self._ear = ear
            if self._settings.webhook_url is None:
                await sources.poll(self._bot, ear.receive)
            await asyncio.Event().wait()
        finally:
            self._ear = None
            for task in beside:
                task.cancel()
            await asyncio.wait(beside, timeout=HANG_UP_S)
            await ear.close()
            log.info("telegram closed")

    async def _keep_inbox(self) -> None:
        while True:
            try:
                await self._inbox.sweep(INBOX_KEPT_S)
            except StorageError as error:
                log.warning("inbox not swept: %s", error)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _move(self, old_chat_id: int, new_chat_id: int) -> None:
        """A group has a new id: its story goes on there, and who was let in there stays let in.

        Raises:
            StorageError
        """
        await self._studio.move_place(chat_place(old_chat_id), chat_place(new_chat_id))
        if self._us is not None and self._door is not None:
            await self._inbox.first_time(f"{self._us.account}/moved/{old_chat_id}/{new_chat_id}")
            self._door.moved(old_chat_id, new_chat_id)
