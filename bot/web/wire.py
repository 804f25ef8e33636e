"""How handlers find what they need in a request, and how they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.web.site import SITE, Site
from bot.web.translate import place_of


def site_of(request: web.Request) -> Site:
    return request.app[SITE]


def place_in(request: web.Request) -> str:
    """The place of the room in the address.

    Raises:
        HTTPNotFound: that cannot be a room.
    """
    place = place_of(request.match_info["room"])
    if place is None:
        raise web.HTTPNotFound(text="A room's name has small letters, digits and hyphens only.")
    return place


def json_answer(data: Mapping[str, Any]) -> web.Response:
    return web.json_response(data, headers={"Cache-Control": "no-store"})
