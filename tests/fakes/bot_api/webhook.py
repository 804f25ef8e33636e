"""Posts updates to the bot's URL: one at a time for each chat, again and again until it answers with a 2xx."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from tests.fakes.bot_api.model import Json
from tests.fakes.bot_api.updates import Updates

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"


@dataclass
class Webhook:
    """No URL means that there is no webhook."""

    updates: Updates
    retry_s: float = 0.05
    """How long it waits after an answer that is no 2xx."""
    timeout_s: float = 60.0
    url: str = ""
    secret: str | None = None
    max_connections: int = 40
    last_error: tuple[int, str] | None = None
    posts: int = 0
    """Requests made, repeated ones too."""
    _session: aiohttp.ClientSession | None = None
    _lines: dict[int, asyncio.Queue[Json]] = field(default_factory=dict)
    _workers: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def set(self, url: str, secret: str | None, max_connections: int) -> None:
        """Begin to post there, with what is pending."""
        await self.close()
        self.url, self.secret, self.max_connections = url, secret, max_connections
        self.last_error = None
        if not url:
            return
        connector = aiohttp.TCPConnector(limit=max_connections)
        self._session = aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=self.timeout_s))
        self.updates.listener = self._take
        for update_id in sorted(self.updates.pending):
            self._take(self.updates.pending[update_id])

    async def close(self) -> None:
        """Stop posting. What was not taken stays pending."""
        self.updates.listener = None
        self.url = ""
        workers, self._workers, self._lines = list(self._workers.values()), {}, {}
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _take(self, update: Json) -> None:
        line = _line_of(update)
        if line not in self._lines:
            self._lines[line] = asyncio.Queue()
            self._workers[line] = asyncio.create_task(self._work(self._lines[line]), name=f"webhook of {line}")
        self._lines[line].put_nowait(update)

    async def _work(self, line: asyncio.Queue[Json]) -> None:
        while True:
            update = await line.get()
            while not await self._post(update):  # noqa: ASYNC110  # a bot that says no wakes nobody
                await asyncio.sleep(self.retry_s)
            self.updates.delivered(update["update_id"])

    async def _post(self, update: Json) -> bool:
        assert self._session is not None
        headers = {SECRET_HEADER: self.secret} if self.secret else {}
        self.posts += 1
        try:
            async with self._session.post(self.url, json=update, headers=headers, allow_redirects=False) as answer:
                with suppress(aiohttp.ClientPayloadError):
                    await answer.read()
                if answer.ok and answer.status < 300:
                    return True
                self._failed(f"Wrong response from the webhook: {answer.status} {answer.reason}")
        except TimeoutError:
            self._failed("Read timeout expired")
        except aiohttp.ClientError as error:
            self._failed(f"Connection failed: {type(error).__name__}")
        return False

    def _failed(self, why: str) -> None:
        self.last_error = (int(time.time()), why)


def _line_of(update: Json) -> int:
    """The chat of an update: only within a chat the order is kept."""
    payload = next(value for key, value in update.items() if key != "update_id")
    message = payload.get("message", payload)
    return int(message["chat"]["id"] if "chat" in message else payload["from"]["id"])
