"""What every handler of the web chat needs, and how it finds it."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

from bot.web.pages import Pages
from bot.web.ports import Dispatch, Hints
from bot.web.rooms import Rooms
from engine.ports import Files


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the page is served. `port` 0 picks a free one; `password` None: nobody is asked, loopback only."""

    host: str = "127.0.0.1"
    port: int = 8420
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The collaborators of the handlers."""

    settings: WebSettings
    rooms: Rooms
    dispatch: Dispatch
    files: Files
    hints: Hints
    pages: Pages


SITE: web.AppKey[Site] = web.AppKey("site", Site)


class CannotListen(Exception):
    """The page cannot be served; one sentence says why and what to do."""


class PortInUse(CannotListen):
    """Another program has the port."""


class PasswordNeeded(CannotListen):
    """Others could reach the page, and nothing would ask them who they are."""
