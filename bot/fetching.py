"""Files that people sent, brought to this machine: a few at a time, within a limit, and nothing of one that fails stays."""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx

from bot.message import Attachment
from engine.errors import DiskFull, StorageError

log = logging.getLogger(__name__)

MOST = 4
"""Files of one message; nothing that can be asked for takes more."""
FETCH_S = 180.0
CHUNK_BYTES = 1 << 20
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)

T = TypeVar("T")


class NotFetched(Exception):
    """The file cannot be had; one sentence says why."""


class NotGiven(Exception):
    """The server does not hand out the bytes. The message is for the operator; addresses may have secrets in them."""


class Fetching:
    """What all front ends do to have a file. `platform` is its name in sentences; `at_once`: files, of all chats."""

    def __init__(self, platform: str, *, at_once: int) -> None:
        self._platform = platform
        self._slots = asyncio.Semaphore(at_once)
        self._certificates: ssl.SSLContext | None = None
        """Loaded once, since it takes a while."""

    @asynccontextmanager
    async def filling(
        self, new_path: Callable[[], Path], refusal_of: Callable[[BaseException], NotFetched | None]
    ) -> AsyncIterator[Path]:
        """A new file to be filled within `FETCH_S`; where that fails it is removed.

        `refusal_of` says what the sender reads; None: the error goes on as it is.

        Raises:
            NotFetched
        """
        path: Path | None = None
        async with self._slots:
            try:
                path = await asyncio.to_thread(new_path)
                async with asyncio.timeout(FETCH_S):
                    yield path
            except BaseException as error:
                if path is not None:
                    await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))
                refusal = refusal_of(error)
                if refusal is None:
                    raise
                raise refusal from error

    async def of_server(self, url: str, check: Callable[[int], None]) -> AsyncGenerator[bytes]:
        """The bytes behind an address, without following it elsewhere. `check` is told any HTTP status but 200.

        Raises:
            httpx.HTTPError, httpx.InvalidURL, NotGiven
        """
        if self._certificates is None:
            self._certificates = await asyncio.to_thread(httpx.create_ssl_context)
        async with (
            httpx.AsyncClient(verify=self._certificates, timeout=_TIMEOUT, follow_redirects=False) as client,
            client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                check(answer.status_code)
                raise NotGiven(f"{answer.status_code} from the server")
            async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                yield chunk

    def refusal(self, error: BaseException, what: str) -> NotFetched | None:
        """What the sender of a `picture`, a `video` or a `file` reads; None: none of our failures. Addresses are not logged."""
        match error:
            case DiskFull() | OSError(errno=errno.ENOSPC | errno.EDQUOT):
                log.error("file not fetched kind=%s: the disk is full", what)
                return NotFetched(f"The disk of this Nextshot is full, so the {what} was not taken; tell its operator.")
            case NotGiven() | StorageError():
                return self.failed(what, str(error))
            case OSError():
                return self.failed(what, error.strerror or type(error).__name__)
            case httpx.HTTPError() | httpx.InvalidURL():
                return self.failed(what, type(error).__name__)
            case _:
                return None

    def failed(self, what: str, why: str) -> NotFetched:
        """What the sender reads when it may work the next time; `why` is for the operator."""
        log.warning("file not fetched kind=%s: %s", what, why)
        return NotFetched(f"The {what} could not be fetched from {self._platform}; send it again in a moment.")

    def gone(self, what: str) -> NotFetched:
        """What the sender reads when it will not."""
        return NotFetched(f"{self._platform} does not give out that {what} any more; send it again.")


async def fetched_all(wanted: Sequence[T], fetch: Callable[[T], Awaitable[Attachment]]) -> tuple[Attachment, ...]:
    """As many as are taken, as files that the caller drops; all of them, or none stays."""
    fetched: list[Attachment] = []
    try:
        for each in wanted[:MOST]:
            fetched.append(await fetch(each))  # noqa: PERF401  # what came before a failure has to be dropped
    except BaseException:
        await drop(fetched)
        raise
    return tuple(fetched)


async def drop(fetched: Iterable[Attachment]) -> None:
    """Remove what is still there; what was wanted has been moved away."""
    for each in fetched:
        await asyncio.shield(asyncio.to_thread(each.path.unlink, missing_ok=True))


async def write(
    chunks: AsyncGenerator[bytes], path: Path, most_bytes: int, too_large: Callable[[], NotFetched]
) -> None:
    """All of it into the file; the bytes that arrive are counted, whatever was said of them.

    Raises:
        NotFetched: `too_large`, as soon as it is.
        OSError, and what `chunks` raises
    """
    arrived_bytes = 0
    async with aclosing(chunks):
        with await asyncio.to_thread(path.open, "wb") as file:
            async for chunk in chunks:
                arrived_bytes += len(chunk)
                if arrived_bytes > most_bytes:
                    raise too_large()
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(file.flush)
