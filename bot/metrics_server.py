"""`/metrics` on a port of its own.

Not on the page's port: behind a proxy on this machine everybody comes from loopback, and what Nextshot spends is not for everybody.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.addresses import is_loopback
from bot.metrics import Metrics
from bot.web.site import CannotListen

log = logging.getLogger(__name__)

PATH = "/metrics"
CLOSE_S = 0.5
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared, not bound


@asynccontextmanager
async def serve_metrics(metrics: Metrics, host: str, port: int) -> AsyncIterator[str]:
    """Serve while it is open; gives the address.

    Raises:
        CannotListen
    """

    async def answer(request: web.Request) -> web.Response:
        # a foreign name that points here is a page that reads in somebody's browser
        if not _is_ours(request.host, host):
            return web.Response(status=421, text="This address is not served here.\n")
        return web.Response(body=await metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.add_routes([web.get(PATH, answer)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=CLOSE_S / 2)  # it waits twice
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, reuse_address=True).start()
        except OSError as error:
            raise CannotListen(_why_not(error, host, port)) from error
        bound = runner.addresses[0]
        url = f"http://{f'[{bound[0]}]' if ':' in bound[0] else bound[0]}:{bound[1]}{PATH}"
        log.info("metrics opened url=%s", url)
        yield url
    finally:
        await runner.cleanup()


def _is_ours(header: str, host: str) -> bool:
    try:
        asked = urlsplit(f"//{header}").hostname
    except ValueError:
        return False
    return asked is not None and (is_loopback(asked) or asked == host or host in _EVERYWHERE)


def _why_not(error: OSError, host: str, port: int) -> str:
    why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be served ({error.strerror})"
    return f"{host}:{port} {why}: choose another one for the metrics with NEXTSHOT_METRICS_PORT."
