"""Who may come in: the right host, the right origin, and the password where one is set. And what browsers are told to forbid.

A page on another site can make a browser send requests here. It cannot read the answers (no CORS header is ever sent), it
cannot write (POST checks the Origin), and it cannot become us by pointing its own name at this address (the Host is checked).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from bot.addresses import is_loopback
from bot.web.site import SITE, WebSettings
from engine.errors import BadMedia, EngineError, NotAllowed, NotFound, RequestError

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "nextshot"
LOGIN_KEPT_S = 30 * 24 * 3600
FAILED_LOGIN_S = 0.6
"""How long a wrong password waits for its answer; one at a time, so guessing in parallel is no faster."""
FAILED_LOGINS_MAX = 16
PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by Docker and Kubernetes under the name of a service or an address of their own; the answers tell a stranger nothing."""
_OPEN = (*PROBES, "/login", "/static/", "/favicon.ico", "/film/")
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def host_is_ours(header: str, settings: WebSettings) -> bool:
    """Whether a browser that sent this Host header meant us: loopback, or the address that we listen on.

    An address that means every interface has no one name. There a password is certain, and its cookie belongs to the name in
    the browser's address bar, so that a foreign name brings none.
    """
    try:
        host = urlsplit(f"//{header}").hostname
    except ValueError:
        return False
    if host is None:
        return False
    if is_loopback(host) or host in {settings.host, settings.public_host}:
        return True
    return settings.host in {"0.0.0.0", "::"} and settings.password is not None  # noqa: S104  # compared, not bound


def origin_is_ours(request: web.Request) -> bool:
    """Whether a request that changes something comes from our own page, or from no browser at all."""
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin.partition("://")[2] == request.host
    return request.headers.get("Sec-Fetch-Site", "none") in {"same-origin", "none"}


class Doorkeeper:
    """Compares passwords and makes the cookie that stands for one. The cookie outlives a restart and ends with the password."""

    def __init__(self, password: str) -> None:
        self._key = hashlib.scrypt(password.encode(), salt=b"nextshot web login", n=2**14, r=8, p=1)
        self._password = password.encode()
        self._failing = asyncio.Lock()
        self._waiting = 0

    async def admits(self, password: str) -> bool:
        """Whether it is the password. A wrong one waits.

        Raises:
            HTTPTooManyRequests: too many wrong ones wait already.
        """
        if hmac.compare_digest(hashlib.sha256(password.encode()).digest(), hashlib.sha256(self._password).digest()):
            return True
        if self._waiting >= FAILED_LOGINS_MAX:
            raise web.HTTPTooManyRequests(text="Too many wrong passwords. Wait a moment and try again.")
        self._waiting += 1
        try:
            async with self._failing:
                await asyncio.sleep(FAILED_LOGIN_S)
        finally:
            self._waiting -= 1
        return False

    def cookie(self, now: float) -> str:
        until = str(int(now) + LOGIN_KEPT_S)
        return f"{until}.{self._sign(until)}"

    def knows(self, cookie: str | None, now: float) -> bool:
        until, _, sign = (cookie or "").partition(".")
        return hmac.compare_digest(sign.encode(), self._sign(until).encode()) and until.isdecimal() and int(until) > now

    def _sign(self, until: str) -> str:
        return hmac.new(self._key, until.encode(), hashlib.sha256).hexdigest()


DOORKEEPER: web.AppKey[Doorkeeper] = web.AppKey("doorkeeper", Doorkeeper)


def sentence_response(status: int, sentence: str) -> web.Response:
    """An error that the page shows as it is."""
    return web.json_response({"error": sentence}, status=status, headers={"Cache-Control": "no-store"})


@web.middleware
async def sentences(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes one sentence; ours go to the log."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400 or request.path == "/login":
            raise
        return sentence_response(answer.status, _http_sentence(answer))
    except EngineError as error:
        return sentence_response(_status_of(error), str(error))
    except TimeoutError:
        log.warning("request timed out method=%s path=%s", request.method, request.path)
        return sentence_response(503, "That took too long. Try again.")
    except (asyncio.CancelledError, ConnectionResetError):
        raise
    except Exception:
        log.exception("request failed method=%s path=%s", request.method, request.path)
        return sentence_response(500, "Something went wrong here; it was written to the log. Try again.")


@web.middleware
async def strangers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only the right host and origin, and only who knows the password."""
    settings = request.app[SITE].settings
    if _is_for_hook(request) or (request.path in PROBES and request.method in {"GET", "HEAD"}):
        return await handler(request)
    if not host_is_ours(request.host, settings):
        return sentence_response(421, "This address is not served here. Open the address that nextshot printed.")
    if request.method not in {"GET", "HEAD"} and not origin_is_ours(request):
        return sentence_response(403, "That came from another page. Open nextshot itself and try again.")
    doorkeeper = request.app.get(DOORKEEPER)
    if doorkeeper is None or request.path.startswith(_OPEN):
        return await handler(request)
    if doorkeeper.knows(request.cookies.get(COOKIE), time.time()):
        return await handler(request)
    if request.path.startswith(("/api/", "/media/")):
        return sentence_response(401, "Log in first: reload the page.")
    raise web.HTTPSeeOther("/login")


def _is_for_hook(request: web.Request) -> bool:
    """Whether another service posts, and it is the hook that answers: a path of the page's own stays guarded whatever is set."""
    return request.method == "POST" and request.match_info.handler in request.app[SITE].hooks.values()


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """On every answer, files and streams too."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _status_of(error: EngineError) -> int:
    match error:
        case NotFound() | BadMedia():
            return 404
        case NotAllowed():
            return 403
        case RequestError():
            return 400
        case _:
            return 503 if error.retryable else 500


def _http_sentence(answer: web.HTTPException) -> str:
    if answer.text and answer.text != f"{answer.status}: {answer.reason}":
        return answer.text
    known = {
        404: "There is nothing at this address.",
        405: "That cannot be done at this address.",
        413: "That is too large.",
        415: "That kind of content is not taken here.",
    }
    return known.get(answer.status, "That request cannot be understood. Reload the page.")
