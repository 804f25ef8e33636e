"""The HTTP side of the page: which address leads to which handler, and the socket."""

from __future__ import annotations

import asyncio
import errno
from ipaddress import IPv6Address, ip_address

from aiohttp import web

from bot.addresses import is_loopback
from bot.web import gate, links, media, room_api, speak
from bot.web.guard import DOORKEEPER, Doorkeeper, add_headers, sentences, strangers
from bot.web.site import SITE, CannotListen, PasswordNeeded, PortInUse, Site, WebSettings
from bot.web.translate import place_of

JSON_BYTES_MAX = 64 * 1024
_FRESH = {"Cache-Control": "no-store"}


async def build_app(site: Site) -> web.Application:
    """The whole page as an application."""
    app = web.Application(middlewares=[sentences, strangers], client_max_size=JSON_BYTES_MAX)
    app[SITE] = site
    if site.settings.password is not None:
        app[DOORKEEPER] = await asyncio.to_thread(Doorkeeper, site.settings.password)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(_close_rooms)
    app.add_routes(
        [
            web.get("/", _page),
            web.get("/room/{room}", _page),
            web.get("/static/{version}/{name:[a-z0-9/._-]+}", _asset),
            web.get("/favicon.ico", _icon),
            web.get("/healthz", _health),
            web.get("/readyz", _readiness),
            *gate.ROUTES,
            *room_api.ROUTES,
            *speak.ROUTES,
            *media.ROUTES,
            *links.ROUTES,
            *(web.post(path, hook) for path, hook in site.hooks.items()),
        ]
    )
    return app


async def listen(runner: web.AppRunner, settings: WebSettings) -> str:
    """Bind the socket and serve; gives the URL to open.

    Raises:
        PortInUse, PasswordNeeded, CannotListen
    """
    if settings.password is None and not is_loopback(settings.host):
        raise PasswordNeeded(
            f"Others could reach {settings.host}, but there is no password: set NEXTSHOT_WEB_PASSWORD, or serve on 127.0.0.1."
        )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, reuse_address=True).start()
    except OSError as error:
        await runner.cleanup()
        raise _cannot(error, settings) from error
    port = runner.addresses[0][1]
    return f"http://{_shown(settings.host)}:{port}/"


def _cannot(error: OSError, settings: WebSettings) -> CannotListen:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"Port {settings.port} on {settings.host} is in use: stop the program that has it, or choose another one "
            "with --port (0 picks a free one)."
        )
    if error.errno == errno.EACCES:
        return CannotListen(f"This system does not let you serve on {where}: choose a port above 1023 with --port.")
    return CannotListen(f"The page cannot be served on {where} ({error.strerror}): choose another host or port.")


def _shown(host: str) -> str:
    """The host as a person opens it on this machine."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if host != "localhost" and isinstance(ip_address(host), IPv6Address) else host


async def _close_rooms(app: web.Application) -> None:
    await app[SITE].rooms.close()


async def _page(request: web.Request) -> web.Response:
    if place_of(request.match_info.get("room", "home")) is None:
        raise web.HTTPNotFound(text="A room's name has small letters, digits and hyphens only.")
    return request.app[SITE].pages.html("index.html")


async def _asset(request: web.Request) -> web.Response:
    return request.app[SITE].pages.asset(request.match_info["version"], request.match_info["name"])


async def _icon(request: web.Request) -> web.Response:
    return request.app[SITE].pages.asset("", "icon.svg")


async def _health(_: web.Request) -> web.Response:
    """200 while this process lives and its event loop turns: whoever gets no answer may start it again, and that would help."""
    return web.json_response({"ok": True}, headers=_FRESH)


async def _readiness(request: web.Request) -> web.Response:
    """200 while it can work; else 503 and why, in words for strangers. To start it again would not help."""
    ask = request.app[SITE].why_not_ready
    reasons = await ask() if ask is not None else {}
    return web.json_response(
        {"ok": not reasons, "reasons": dict(reasons)}, status=503 if reasons else 200, headers=_FRESH
    )
