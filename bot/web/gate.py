"""The login page, where a password is set."""

from __future__ import annotations

import time

from aiohttp import web

from bot.web.guard import COOKIE, DOORKEEPER, LOGIN_KEPT_S
from bot.web.site import SITE

_WRONG = '<p class="gate-error" role="alert">That is not the password. Try again.</p>'


async def _form(request: web.Request) -> web.Response:
    doorkeeper = request.app.get(DOORKEEPER)
    if doorkeeper is None or doorkeeper.knows(request.cookies.get(COOKIE), time.time()):
        raise web.HTTPSeeOther("/")
    return request.app[SITE].pages.html("login.html", fill={"error": ""})


async def _log_in(request: web.Request) -> web.Response:
    doorkeeper = request.app.get(DOORKEEPER)
    if doorkeeper is None:
        raise web.HTTPSeeOther("/")
    given = (await request.post()).get("password", "")
    if not isinstance(given, str) or not await doorkeeper.admits(given):
        return request.app[SITE].pages.html("login.html", status=403, fill={"error": _WRONG})
    answer = web.HTTPSeeOther("/")
    answer.set_cookie(
        COOKIE,
        doorkeeper.cookie(time.time()),
        max_age=LOGIN_KEPT_S,
        httponly=True,
        samesite="Lax",
        secure=request.secure,
        path="/",
    )
    raise answer


ROUTES = (web.get("/login", _form), web.post("/login", _log_in))
