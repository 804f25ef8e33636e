"""Brings what people send to this machine, under names of ours and within the server's limits."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import httpx
from telegram import Bot
from telegram.error import BadRequest, TelegramError

from bot.message import Attachment
from bot.telegram.faults import Fault, fault_of
from bot.telegram.translate import Media
from engine.errors import DiskFull, StorageError
from engine.ports import Files

log = logging.getLogger(__name__)

WORK = "telegram-uploads"
CLOUD_BYTES = 20_000_000
"""What the cloud lets bots fetch: https://core.telegram.org/bots/api#getfile"""
LOCAL_BYTES = 200_000_000
"""What is taken from a server of one's own."""
MOST = 4
"""Files of one message; nothing that can be asked for takes more."""
AT_ONCE = 4
"""Files that are fetched at the same time, of all chats."""
FETCH_S = 180.0
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_CHUNK_BYTES = 1 << 20


class NotFetched(Exception):
    """The file cannot be had; one sentence says why."""


class _NotGiven(Exception):
    """The server does not hand out the bytes. The message is for the operator; addresses have the token in them."""


class Uploads:
    """Fetches files of messages."""

    def __init__(self, bot: Bot, files: Files, *, is_cloud: bool) -> None:
        self._bot = bot
        self._files = files
        self._is_cloud = is_cloud
        self._most_bytes = CLOUD_BYTES if is_cloud else LOCAL_BYTES
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._certificates: ssl.SSLContext | None = None
        """Loaded once, since it takes a while."""

    async def fetch(self, media: Sequence[Media]) -> tuple[Attachment, ...]:
        """All of them as files that the caller drops.

        Raises:
            NotFetched: nothing of them stays.
        """
        fetched: list[Attachment] = []
        try:
            for each in media[:MOST]:
                fetched.append(await self._fetch(each))  # noqa: PERF401  # what came before a failure has to be dropped
        except BaseException:
            await self.drop(fetched)
            raise
        return tuple(fetched)

    async def drop(self, fetched: Sequence[Attachment]) -> None:
        """Remove what is still there; what was wanted has been moved away."""
        for each in fetched:
            await asyncio.shield(asyncio.to_thread(each.path.unlink, missing_ok=True))

    async def _fetch(self, media: Media) -> Attachment:
        what = "video" if media.kind == "video" else "picture"
        self._check_size(what, media.bytes)
        path: Path | None = None
        async with self._slots:
            try:
                path = await asyncio.to_thread(self._path)
                async with asyncio.timeout(FETCH_S):
                    file = await self._bot.get_file(media.file_id)
                    self._check_size(what, file.file_size)
                    await self._write(file.file_path or "", path, what)
            except BaseException as error:
                if path is not None:
                    await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))
                refusal = self._refusal(error, what, media)
                if refusal is None:
                    raise
                raise refusal from error
        return Attachment(path, media.kind)

    async def _write(self, source: str, path: Path, what: str) -> None:
        """The file behind an address, or of a path on this machine where the server is one's own.

        Raises:
            NotFetched: it is larger than was said.
            OSError, httpx.HTTPError, httpx.InvalidURL, _NotGiven
        """
        is_here = not self._is_cloud and source.startswith("/") and await asyncio.to_thread(Path(source).is_file)
        arrived_bytes = 0
        async with aclosing(_of_disk(Path(source)) if is_here else self._of_server(source)) as chunks:
            with await asyncio.to_thread(path.open, "wb") as file:
                async for chunk in chunks:
                    arrived_bytes += len(chunk)
                    if arrived_bytes > self._most_bytes:
                        raise self._too_big(what, None)
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(file.flush)

    async def _of_server(self, url: str) -> AsyncGenerator[bytes]:
        if self._certificates is None:
            self._certificates = await asyncio.to_thread(httpx.create_ssl_context)
        async with (
            httpx.AsyncClient(verify=self._certificates, timeout=_TIMEOUT) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code == httpx.codes.NOT_FOUND and not self._is_cloud:
                raise _NotGiven(
                    "404 from the Bot API server; with --local it gives files only on its own disk, "
                    "so let this machine see that directory under the same path, or start it without --local"
                )
            if answer.status_code != httpx.codes.OK:
                raise _NotGiven(f"{answer.status_code} from the server")
            async for chunk in answer.aiter_bytes(_CHUNK_BYTES):
                yield chunk

    def _refusal(self, error: BaseException, what: str, media: Media) -> NotFetched | None:
        """What the sender reads; None: the error is told already, or none of these. Addresses are not logged."""
        match error:
            case BadRequest() if fault_of(error) is Fault.TOO_BIG:
                self._most_bytes = min(self._most_bytes, CLOUD_BYTES)  # a server of one's own without --local
                return self._too_big(what, media.bytes)
            case BadRequest():
                return NotFetched(f"Telegram does not give out that {what} any more; send it again.")
            case DiskFull() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
                log.error("file not fetched kind=%s: the disk is full", media.kind)
                return NotFetched(f"The disk of this Nextshot is full, so the {what} was not taken; tell its operator.")
            case TelegramError() | _NotGiven() | StorageError():
                why = str(error)
            case OSError():
                why = error.strerror or type(error).__name__
            case httpx.HTTPError() | httpx.InvalidURL():
                why = type(error).__name__
            case _:
                return None
        log.warning("file not fetched kind=%s: %s", media.kind, why)
        return NotFetched(f"The {what} could not be fetched from Telegram; send it again in a moment.")

    def _check_size(self, what: str, size_bytes: int | None) -> None:
        if size_bytes is not None and size_bytes > self._most_bytes:
            raise self._too_big(what, size_bytes)

    def _path(self) -> Path:
        return self._files.work(WORK) / f"{secrets.token_hex(16)}.part"

    def _too_big(self, what: str, size_bytes: int | None) -> NotFetched:
        has = f" has {size_bytes / 1e6:.0f} MB, and" if size_bytes is not None else " is too large:"
        limit = "Telegram lets bots fetch" if self._most_bytes <= CLOUD_BYTES else "Nextshot takes"
        return NotFetched(
            f"That {what}{has} {limit} at most {self._most_bytes / 1e6:.0f} MB here; send a shorter or smaller one."
        )


async def _of_disk(path: Path) -> AsyncGenerator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
            yield chunk
