"""What video services may post to us, on the page's own server: only a hint to look now, and never needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web

from engine.errors import StorageError
from engine.providers.base import Hook
from engine.studio import Studio

log = logging.getLogger(__name__)

PATH = "/hooks"
LONGEST_BYTES = 1 << 20
READ_S = 10.0

Handler = Callable[[web.Request], Awaitable[web.Response]]


def callback_url(web_url: str | None) -> str | None:
    """Where services may call, without the provider's name at its end; None: nobody outside reaches the page."""
    return f"{web_url}{PATH}" if web_url else None


def hooks_of(studio: Studio, providers: Iterable[str]) -> Mapping[str, Handler]:
    """By path: a handler for each provider that is here."""
    return {f"{PATH}/{name}": _handler(studio, name) for name in providers}


def _handler(studio: Studio, provider: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(READ_S):
                body = await request.content.read(LONGEST_BYTES + 1)
                while not request.content.at_eof() and len(body) <= LONGEST_BYTES:
                    body += await request.content.read(LONGEST_BYTES + 1 - len(body))
        except TimeoutError:
            return web.Response(status=408)
        except Exception:
            log.info("hook cannot be read provider=%s", provider, exc_info=True)
            return web.Response(status=403)
        if len(body) > LONGEST_BYTES:
            return web.Response(status=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            is_its = await studio.heard(provider, Hook(headers, body))
        except StorageError:
            return web.Response(status=503)
        except Exception:  # anybody may call, with anything: that is never worth more than a line in the log
            log.exception("hook was not understood provider=%s", provider)
            return web.Response(status=503)
        return web.Response(status=200 if is_its else 403)

    return handle
