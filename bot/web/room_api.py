"""What the page reads of a room: its messages, its story, and the stream of news."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.web.hub import News, TooManyListeners
from bot.web.ports import Post
from bot.web.show import post_json
from bot.web.wire import json_answer, place_in, site_of
from engine.codes import is_story_code

PAGE = 100
"""Messages that are loaded at once."""
READ_S = 20.0
BEAT_S = 15.0
"""The longest silence of a stream: proxies and the page know by it that the line is alive."""
RETRY_MS = 1_000
_BEAT = b"event: beat\ndata: {}\n\n"
WRITE_S = 30.0
"""How long a reader may take none of what was sent to it before it is taken for gone."""


async def _room(request: web.Request) -> web.Response:
    """Everything that the page needs to draw itself. The cursor is taken first, so that nothing falls between."""
    site, place = site_of(request), place_in(request)
    cursor = site.rooms.hub.cursor()
    async with asyncio.timeout(READ_S):
        posts = await site.rooms.transcript.posts(place, limit=PAGE)
        story = await site.rooms.story(place)
    return json_answer(
        {
            "room": request.match_info["room"],
            "cursor": cursor,
            **_posts_json(posts),
            "story": story,
            "commands": [dict(hint) for hint in site.hints()],
            "now": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "version": site.pages.version,
            "has_login": site.settings.password is not None,
        }
    )


async def _older(request: web.Request) -> web.Response:
    """The messages before one that the page has."""
    before = request.query.get("before", "")
    if not before.isdecimal() or len(before) > 18:
        raise web.HTTPBadRequest(text="The place to read back from is unknown; reload the page.")
    async with asyncio.timeout(READ_S):
        posts = await site_of(request).rooms.transcript.posts(place_in(request), before=int(before), limit=PAGE)
    return json_answer(_posts_json(posts))


async def _story(request: web.Request) -> web.Response:
    """The strip of a story that is not the current one."""
    code = request.match_info["code"]
    if not is_story_code(code):
        raise web.HTTPNotFound(text="That is not the code of a story.")
    async with asyncio.timeout(READ_S):
        story = await site_of(request).rooms.story(place_in(request), code)
    if story is None:
        raise web.HTTPNotFound(text=f"There is no story {code} here.")
    return json_answer({"story": story})


def _posts_json(posts: Iterable[Post]) -> dict[str, Any]:
    shown = [post_json(post) for post in posts]
    return {"posts": shown, "has_more": len(shown) >= PAGE}


async def _events(request: web.Request) -> web.StreamResponse:
    """Server-sent events from the cursor of the page, or from where a broken line ended."""
    site, place = site_of(request), place_in(request)
    hub = site.rooms.hub
    cursor = request.headers.get("Last-Event-ID") or request.query.get("after")
    try:
        listener = hub.join(place, cursor)
    except TooManyListeners:
        raise web.HTTPServiceUnavailable(text="Too many pages are open here. Close some and try again.") from None
    stream = web.StreamResponse(
        headers={
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        }
    )
    try:
        await stream.prepare(request)
        # Whoever gave a cursor is owed what came after it: only a newcomer begins at now.
        start = "" if cursor else f"id: {hub.cursor()}\n"
        await stream.write(f"retry: {RETRY_MS}\n{start}event: hello\ndata: {{}}\n\n".encode())
        while (news := await listener.take(BEAT_S)) is not None:
            lines = b"".join(_event(hub.cursor(item.number), item) for item in news) or _BEAT
            async with asyncio.timeout(WRITE_S):
                await stream.write(lines)
    except (ConnectionResetError, TimeoutError):
        pass  # the reader left, or reads no more
    finally:
        hub.leave(place, listener)
    return stream


def _event(cursor: str, news: News) -> bytes:
    data = json.dumps(news.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {cursor}\nevent: {news.name}\ndata: {data}\n\n".encode()


ROUTES = (
    web.get("/api/room/{room}", _room),
    web.get("/api/room/{room}/posts", _older),
    web.get("/api/room/{room}/story/{code}", _story),
    web.get("/api/room/{room}/events", _events),
)
