"""The web page as a chat platform: `local:<room>` are its places, `local:<post id>` its receipts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from aiohttp import web

from bot.message import Limits, NotSent, Reply
from bot.web.hub import Hub
from bot.web.links import Links
from bot.web.pages import Pages
from bot.web.ports import Dispatch, Hints, Studio, Transcript
from bot.web.rooms import Rooms
from bot.web.server import build_app, listen
from bot.web.site import CannotListen, Hook, Site, WebSettings, WhyNotReady
from bot.web.translate import BOT, PLATFORM, TEXT_CHARS, post_id_of, receipt_of, reply_body
from engine.errors import StorageError
from engine.job_model import Job
from engine.ports import Files

log = logging.getLogger(__name__)

CLOSE_S = 0.8
"""How long running requests may take to end when the server stops."""
RETRY_S = 2.0


class WebAdapter:
    """Serves the page and speaks on it.

    `connect` before `open`: what it needs may need it in turn.
    """

    def __init__(self, settings: WebSettings, *, transcript: Transcript, studio: Studio, files: Files) -> None:
        self._settings = settings
        self._files = files
        self._rooms = Rooms(transcript, studio, Hub())
        self._dispatch: Dispatch | None = None
        self._hints: Hints | None = None
        self._links: Links | None = None
        self._hooks: Mapping[str, Hook] = {}
        self._why_not_ready: WhyNotReady | None = None
        self._runner: web.AppRunner | None = None

    @property
    def platform(self) -> str:
        return PLATFORM

    @property
    def dedupes(self) -> bool:
        """The transcript knows every nonce."""
        return True

    def connect(
        self,
        *,
        dispatch: Dispatch,
        hints: Hints,
        links: Links | None = None,
        hooks: Mapping[str, Hook] | None = None,
        why_not_ready: WhyNotReady | None = None,
    ) -> None:
        """Who answers what is said on the page, which commands it offers, and what else this server serves."""
        self._why_not_ready = why_not_ready
        self._dispatch = dispatch
        self._hints = hints
        self._links = links
        self._hooks = hooks or {}

    # --- the mouth ---------------------------------------------------------------------------------------------------

    def limits(self, place: str) -> Limits:
        """The page takes files of any size; half a second between edits looks alive and costs nothing."""
        del place
        return Limits(upload_bytes=2**63 - 1, text_chars=TEXT_CHARS, edit_every_s=0.5)

    def busy_s(self, place: str, *, is_result: bool) -> float:
        """Never."""
        del place, is_result
        return 0.0

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
        """Keep it and tell it. The same nonce again gives the first receipt.

        Raises:
            NotSent
        """
        del status, is_again  # each nonce is known for good
        answered = None if reply_to is None else post_id_of(reply_to)
        try:
            body = reply_body(reply, reply_to=answered)
            post = await self._rooms.add(place, author=BOT, body=body, nonce=nonce)
        except StorageError as error:  # with its nonce it is safe to send again
            raise NotSent(str(error), retry_after_s=RETRY_S) from error
        return receipt_of(post.id)

    async def edit(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None:
        """Replace a message of ours.

        Raises:
            NotSent
        """
        del is_progress
        post_id = post_id_of(receipt)
        try:
            before = None if post_id is None else await self._rooms.transcript.post(post_id)
            if before is None or before.author != BOT:
                raise NotSent(f"there is no message {receipt} here", retry_after_s=None)
            body = reply_body(reply, reply_to=before.body.get("reply_to"))
            await self._rooms.change(before.id, body)
        except StorageError as error:
            raise NotSent(str(error), retry_after_s=RETRY_S) from error

    async def job_changed(self, job: Job) -> None:
        """A listener of the engine's news: the strip shows the change without waiting for a message."""
        if job.place.startswith(f"{PLATFORM}:"):
            self._rooms.story_changed(job.place)

    # --- the ear -----------------------------------------------------------------------------------------------------

    async def open(self) -> str:
        """Begin to serve; gives the page's URL.

        Raises:
            PortInUse, PasswordNeeded, CannotListen
        """
        if self._dispatch is None or self._hints is None:
            raise CannotListen("The web page was opened before it was connected.")
        pages = await asyncio.to_thread(Pages.read)
        site = Site(
            settings=self._settings,
            rooms=self._rooms,
            dispatch=self._dispatch,
            files=self._files,
            hints=self._hints,
            pages=pages,
            links=self._links,
            hooks=self._hooks,
            why_not_ready=self._why_not_ready,
        )
        # aiohttp waits twice as long: for a handler to end by itself, then for it to end without its request
        runner = web.AppRunner(await build_app(site), access_log=None, shutdown_timeout=CLOSE_S / 2)
        url = await listen(runner, self._settings)
        self._runner = runner
        log.info("web page opened url=%s", url)
        return url

    async def run(self) -> None:
        """Serve until cancelled; opens first if that was not done."""
        if self._runner is None:
            await self.open()
        try:
            await asyncio.Event().wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """End all listening and let running requests finish. A second time does nothing."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
            log.info("web page closed")
