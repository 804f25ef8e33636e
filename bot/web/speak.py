"""What the page says in a room: messages, pictures, videos, and pressed buttons."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Mapping
from typing import Any

from aiohttp import BodyPartReader, web

from bot.message import Attachment, Incoming, Press, Reply
from bot.web.show import post_json, private_json
from bot.web.site import Site
from bot.web.translate import (
    BOT,
    TEXT_CHARS,
    BadRequest,
    person_of,
    read_button,
    read_key,
    read_reply_to,
    read_text,
    receipt_of,
    reply_body,
    said_body,
)
from bot.web.upload import KINDS, receive
from bot.web.wire import json_answer, place_in, site_of
from engine.errors import StorageError

READ_S = 20.0
ANSWER_S = 60.0
"""How long a command may take to be accepted."""
ANSWER_TO_VIDEO_S = 300.0
"""The same where a video has to be read to its end first."""
UPLOADS = "web-uploads"


async def _say(request: web.Request) -> web.Response:
    """Somebody said something, perhaps with a picture or a video."""
    if request.content_type == "multipart/form-data":
        data, brought = await _read_form(request)
    else:
        data, brought = await _read_json(request), []
    try:
        return await _said(request, data, brought)
    finally:  # what the dispatch wanted to keep it has kept
        await _drop(brought)


async def _said(request: web.Request, data: Mapping[str, Any], brought: list[Attachment]) -> web.Response:
    site, place = site_of(request), place_in(request)
    try:
        person = person_of(read_text(data, "name", 200))
        key, reply_to = read_key(data, place), read_reply_to(data)
        text = read_text(data, "text", TEXT_CHARS).strip()
    except BadRequest as wrong:
        raise web.HTTPBadRequest(text=str(wrong)) from None
    if not text and not brought:
        raise web.HTTPBadRequest(text="Write something first; /help lists what you can do.")
    if reply_to is not None:
        answered = await site.rooms.transcript.post(reply_to)
        if answered is None or answered.place != place:
            raise web.HTTPBadRequest(text="The message that this one answers is not in this room.")
    kinds = [each.kind for each in brought]
    async with asyncio.timeout(ANSWER_TO_VIDEO_S if {"video", "audio"} & {*kinds} else ANSWER_S):
        body = said_body(person, text, reply_to=reply_to, kinds=kinds)
        post = await site.rooms.add(place, author=person.key, body=body, nonce=key)
        incoming = Incoming(
            key=key,
            place=place,
            person=person,
            text=text,
            reply_to=None if reply_to is None else receipt_of(reply_to),
            attachments=tuple(brought),
        )
        reply = await _at_once(site.dispatch.said(incoming))
        answer = await _answer(site, place, key, reply, reply_to=post.id)
    return json_answer({"post": post_json(post), **answer})


async def _press(request: web.Request) -> web.Response:
    """Somebody pressed a button."""
    site, place = site_of(request), place_in(request)
    data = await _read_json(request)
    try:
        verb, target = read_button(data)
        press = Press(
            key=read_key(data, place),
            place=place,
            person=person_of(read_text(data, "name", 200)),
            verb=verb,
            target=target,
            text=read_text(data, "text", TEXT_CHARS),
        )
    except BadRequest as wrong:
        raise web.HTTPBadRequest(text=str(wrong)) from None
    async with asyncio.timeout(ANSWER_S):
        reply = await _at_once(site.dispatch.pressed(press))
        return json_answer(await _answer(site, place, press.key, reply, reply_to=None))


async def _at_once(deciding: Awaitable[Reply | None]) -> Reply | None:
    """The answer. Who looks at the page is told that the database is away rather than kept waiting."""
    try:
        return await deciding
    except StorageError as error:
        return Reply(text=str(error), private=True, is_error=True)


async def _answer(site: Site, place: str, key: str, reply: Reply | None, *, reply_to: int | None) -> dict[str, Any]:
    """Keep and tell an answer for all, or hand over one for this tab alone."""
    site.rooms.story_changed(place)
    if reply is None:
        return {"answer": None, "private": None}
    if reply.private:
        return {"answer": None, "private": private_json(reply)}
    kept = await site.rooms.add(place, author=BOT, body=reply_body(reply, reply_to=reply_to), nonce=f"{key}:answer")
    return {"answer": post_json(kept), "private": None}


async def _read_json(request: web.Request) -> Mapping[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON.")
    async with asyncio.timeout(READ_S):
        return _mapping(await request.read())


async def _read_form(request: web.Request) -> tuple[Mapping[str, Any], list[Attachment]]:
    """The part `say` holds the JSON and comes first, then the part `picture` or `video` the file."""
    directory = site_of(request).files.work(UPLOADS)
    brought: list[Attachment] = []
    data: Mapping[str, Any] = {}
    try:
        parts = await request.multipart()
        while isinstance(part := await parts.next(), BodyPartReader):
            if part.name == "say":
                async with asyncio.timeout(READ_S):
                    data = _mapping(bytes(await part.read()))
            else:
                _check_file(part, is_first=bool(data) and not brought)
                brought.append(await receive(part, directory))
    except BaseException as error:
        await _drop(brought)
        if isinstance(error, ValueError):  # no boundary, a broken header
            raise web.HTTPBadRequest(text="That upload is broken; send it again.") from error
        raise
    return data, brought


def _check_file(part: BodyPartReader, *, is_first: bool) -> None:
    if part.name not in KINDS or not is_first:
        raise web.HTTPBadRequest(text="Send one picture, video or sound with a message.")


async def _drop(brought: list[Attachment]) -> None:
    for each in brought:
        await asyncio.shield(asyncio.to_thread(each.path.unlink, missing_ok=True))


def _mapping(raw: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="That request is not JSON.") from None
    if not isinstance(data, dict):
        raise web.HTTPBadRequest(text="That request is not a JSON object.")
    return data


ROUTES = (
    web.post("/api/room/{room}/say", _say),
    web.post("/api/room/{room}/press", _press),
)
