"""What every handler of the web chat needs, and how it finds it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from bot.web.pages import Pages
from bot.web.ports import Dispatch, Hints
from bot.web.rooms import Rooms
from engine.ports import Files

Hook = Callable[[web.Request], Awaitable[web.StreamResponse]]
WhyNotReady = Callable[[], Awaitable[Mapping[str, str]]]
"""Names of parts that do not work, and a few words on each: nothing that is not for strangers."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the page is served. `port` 0 picks a free one; `password` None: nobody is asked, loopback only."""

    host: str = "127.0.0.1"
    port: int = 8420
    password: str | None = field(default=None, repr=False)
    public_host: str | None = None
    """The name under which a proxy serves the page to others."""


class Links(Protocol):
    """Tells our addresses of single files from others."""

    def is_ours(self, sign: str, file: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The collaborators of the handlers."""

    settings: WebSettings
    rooms: Rooms
    dispatch: Dispatch
    files: Files
    hints: Hints
    pages: Pages
    links: Links | None = None
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """Paths where other services post to this process; each of them checks by itself who posts."""
    why_not_ready: WhyNotReady | None = None
    """What keeps this process from working just now; None: nobody looks."""


SITE: web.AppKey[Site] = web.AppKey("site", Site)


class CannotListen(Exception):
    """The page cannot be served; one sentence says why and what to do."""


class PortInUse(CannotListen):
    """Another program has the port."""


class PasswordNeeded(CannotListen):
    """Others could reach the page, and nothing would ask them who they are."""
