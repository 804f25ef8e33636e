"""Where updates come from: asked for by long polling, or posted to us by the server (webhook).

Not the library's Updater: it confirms an update to the server when it has queued it in memory, and what is queued is lost with the
process. Here an update is confirmed when it is on the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import warnings
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from telegram import Bot, Update
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.telegram.faults import retry_s
from bot.telegram.translate import KINDS
from engine.errors import StorageError

log = logging.getLogger(__name__)

Receive = Callable[[Sequence[Update]], Awaitable[None]]
"""Keeps updates; raises StorageError where it could not."""

POLL_S = 50
"""The longest that the server waits (its own cap)."""
AGAIN_S = (1.0, 2.0, 5.0, 10.0, 30.0)
UPDATE_BYTES_MAX = 1_000_000
CONNECTIONS = 20
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # its name


class Again:
    """How long to wait before the next try, longer each time until something works."""

    def __init__(self) -> None:
        self.failures = 0

    def next_s(self) -> float:
        self.failures += 1
        return AGAIN_S[min(self.failures, len(AGAIN_S)) - 1]

    def works(self) -> None:
        self.failures = 0


async def poll(bot: Bot, receive: Receive) -> None:
    """Ask for updates until cancelled.

    Raises:
        InvalidToken: the server does not know the token (any more).
    """
    offset: int | None = None
    again = Again()
    while True:
        try:
            after, updates = await _ask(bot, offset)
        except InvalidToken:
            raise
        except RetryAfter as error:
            await asyncio.sleep(retry_s(error))
            continue
        except TelegramError as error:
            if not again.failures:  # an outage is one line, and so is its end
                log.warning("%s", _why_not(error))
            await asyncio.sleep(again.next_s())
            continue
        if again.failures:
            log.info("polling works again")
        again.works()
        try:
            await receive(updates)
        except StorageError as error:
            log.warning("updates stay at the server: %s", error)
            await asyncio.sleep(again.next_s())
            continue
        offset = after


async def _ask(bot: Bot, offset: int | None) -> tuple[int | None, Sequence[Update]]:
    """What is new, and where to go on from. An update that the library cannot read is left out: it would come again for a day."""
    try:
        updates = await bot.get_updates(offset, timeout=POLL_S, allowed_updates=KINDS)
    except TelegramError:
        raise
    except Exception:
        log.exception("an update cannot be read")
        return await _ask_one_by_one(bot, offset)
    return (updates[-1].update_id + 1 if updates else offset), updates


async def _ask_one_by_one(bot: Bot, offset: int | None) -> tuple[int | None, Sequence[Update]]:
    arguments = {"timeout": 0, "allowed_updates": list(KINDS)} | ({} if offset is None else {"offset": offset})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library would rather read them itself
        raw = await bot.do_api_request("getUpdates", api_kwargs=arguments)
    updates = []
    for each in raw if isinstance(raw, list) else ():
        try:
            updates.append(Update.de_json(each, bot))
        except Exception:  # noqa: BLE001  # logged with its trace a moment ago
            log.warning("update left out id=%s", each.get("update_id"))
        offset = int(each["update_id"]) + 1
    return offset, updates


def _why_not(error: TelegramError) -> str:
    if isinstance(error, Conflict):
        return (
            "Telegram gives its updates to another program with the same token: stop that one, or give this one a bot of "
            f"its own. ({error.message})"
        )
    return f"Telegram cannot be reached, trying again: {error.message}"


def secret_of(token: str) -> str:
    """What the server has to send along: it follows from the token, so there is nothing to set or to keep."""
    return hmac.new(token.encode(), b"nextshot webhook", hashlib.sha256).hexdigest()


def hook(bot: Bot, receive: Receive) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler for what the server posts: 200 only when the update is on the disk; anything else is posted again."""
    secret = secret_of(bot.token)

    async def handle(request: web.Request) -> web.Response:
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.encode()):
            return web.Response(status=403)
        if request.content_length is not None and request.content_length > UPDATE_BYTES_MAX:
            return web.Response(status=413)
        try:
            update = Update.de_json(json.loads(await _body(request)), bot)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("webhook got no update: %s", type(error).__name__)
            return web.Response(status=400)
        try:
            await receive([update])
        except StorageError as error:
            log.warning("update stays at the server: %s", error)
            return web.Response(status=503)
        return web.Response()

    return handle


async def _body(request: web.Request) -> bytes:
    """All of it: a body comes in pieces.

    Raises:
        ValueError: it is too long.
    """
    body = bytearray()
    async for piece in request.content.iter_chunked(64 * 1024):
        body += piece
        if len(body) > UPDATE_BYTES_MAX:
            raise ValueError("too long")
    return bytes(body)
