"""Brings what people send to this machine, under names of ours and within the server's limits."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from pathlib import Path

import httpx
from telegram import Bot
from telegram.error import BadRequest, TelegramError

from bot.fetching import CHUNK_BYTES, Fetching, NotFetched, NotGiven, drop, fetched_all, write
from bot.message import Attachment
from bot.telegram.faults import Fault, fault_of
from bot.telegram.translate import Media
from engine.ports import Files

__all__ = ["NotFetched", "Uploads"]

WORK = "telegram-uploads"
CLOUD_BYTES = 20_000_000
"""What the cloud lets bots fetch: https://core.telegram.org/bots/api#getfile"""
LOCAL_BYTES = 200_000_000
"""What is taken from a server of one's own."""
AT_ONCE = 4
"""Files that are fetched at the same time, of all chats."""
_NAMES = {"image": "picture", "video": "video", "audio": "sound file"}


class Uploads:
    """Fetches files of messages."""

    def __init__(self, bot: Bot, files: Files, *, is_cloud: bool) -> None:
        self._bot = bot
        self._files = files
        self._is_cloud = is_cloud
        self._most_bytes = CLOUD_BYTES if is_cloud else LOCAL_BYTES
        self._fetching = Fetching("Telegram", at_once=AT_ONCE)

    async def fetch(self, media: Sequence[Media]) -> tuple[Attachment, ...]:
        """All of them as files that the caller drops.

        Raises:
            NotFetched: nothing of them stays.
        """
        return await fetched_all(media, self._fetch)

    async def drop(self, fetched: Sequence[Attachment]) -> None:
        """Remove what is still there; what was wanted has been moved away."""
        await drop(fetched)

    async def _fetch(self, media: Media) -> Attachment:
        what = _NAMES[media.kind]
        self._check_size(what, media.bytes)
        async with self._fetching.filling(self._path, lambda error: self._refusal(error, what, media)) as path:
            file = await self._bot.get_file(media.file_id)
            self._check_size(what, file.file_size)
            await self._write(file.file_path or "", path, what)
        return Attachment(path, media.kind, is_voice=media.is_voice)

    async def _write(self, source: str, path: Path, what: str) -> None:
        """The file behind an address, or of a path on this machine where the server is one's own.

        Raises:
            NotFetched: it is larger than was said.
            OSError, httpx.HTTPError, httpx.InvalidURL, NotGiven
        """
        is_here = not self._is_cloud and source.startswith("/") and await asyncio.to_thread(Path(source).is_file)
        chunks = _of_disk(Path(source)) if is_here else self._fetching.of_server(source, self._check_status)
        await write(chunks, path, self._most_bytes, partial(self._too_big, what, None))

    def _check_status(self, status: int) -> None:
        if status == httpx.codes.NOT_FOUND and not self._is_cloud:
            raise NotGiven(
                "404 from the Bot API server; with --local it gives files only on its own disk, "
                "so let this machine see that directory under the same path, or start it without --local"
            )

    def _refusal(self, error: BaseException, what: str, media: Media) -> NotFetched | None:
        """What the sender reads; None: the error is told already, or none of these."""
        match error:
            case BadRequest() if fault_of(error) is Fault.TOO_BIG:
                self._most_bytes = min(self._most_bytes, CLOUD_BYTES)  # a server of one's own without --local
                return self._too_big(what, media.bytes)
            case BadRequest():
                return self._fetching.gone(what)
            case TelegramError():
                return self._fetching.failed(what, str(error))
            case _:
                return self._fetching.refusal(error, what)

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
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk
