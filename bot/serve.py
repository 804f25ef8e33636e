"""`nextshot run` and `nextshot demo`: the house with its front ends, until a signal ends it."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import gc
import logging
import os
import sys
import threading
import time
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.control.remote import SOCKET_KEY
from bot.house import DirectoryHeld, House, open_house, web_settings
from bot.setting_sources import exposed_secrets
from bot.settings import Settings
from bot.web.server import listen
from bot.web.site import CannotListen
from engine.errors import NotPossible
from engine.open import utc_now
from storage import read_holder

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""How long the start waits for a command that only looks something up, or for a server that is closing."""
LOOK_EVERY_S = 0.1


async def serve(settings: Settings, *, browser: bool) -> None:
    """Serve until cancelled. `browser`: open the page in one, where this machine has a screen.

    Raises:
        NotPossible: the page cannot be served there; nothing was changed.
        DirectoryHeld, StorageUnavailable, DiskFull
    """
    # else the interpreter looks through all that is left before it ends: nine tenths of the processor time of an end, and
    # seconds where other programs want the processor too. Nothing of ours is closed that late.
    atexit.register(gc.freeze)
    holder = read_holder(settings.data_dir)
    if holder is not None and SOCKET_KEY in holder:
        raise DirectoryHeld(settings.data_dir, holder)
    for sentence in exposed_secrets():
        log.warning("secrets exposed: %s", sentence)
    try:
        await _try_port(settings)
        async with _open_patiently(settings) as house:
            gc.freeze()  # what is loaded stays: to look through it again and again is a tenth of ten thousand looks
            url = await house.web.open()
            house.tell_page(url)
            async with _metrics_served(house), asyncio.TaskGroup() as tasks:
                tasks.create_task(house.web.run(), name="web")
                tasks.create_task(house.pulse.run(), name="pulse")
                for name, chat in house.chats.items():
                    tasks.create_task(chat.run(), name=name)
                sys.stdout.write(f"Open {url}\n")
                sys.stdout.flush()
                if browser and _has_screen():
                    # a daemon: a browser that does not come back must not hold up the end
                    threading.Thread(target=_open_browser, args=(url,), name="browser", daemon=True).start()
    except CannotListen as error:
        raise NotPossible(str(error)) from error


async def _try_port(settings: Settings) -> None:
    """Before the data directory is touched, see whether the page could be served.

    Raises:
        CannotListen
    """
    if settings.web_port:
        runner = web.AppRunner(web.Application())
        await listen(runner, web_settings(settings))
        await runner.cleanup()


@asynccontextmanager
async def _open_patiently(settings: Settings) -> AsyncIterator[House]:
    patient_until = time.monotonic() + PATIENCE_S
    async with contextlib.AsyncExitStack() as stack:
        while True:
            try:
                house = await stack.enter_async_context(open_house(settings, at_work=True))
            except DirectoryHeld as held:
                if held.socket is not None or time.monotonic() > patient_until:
                    raise
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                yield house
                return


@asynccontextmanager
async def _metrics_served(house: House) -> AsyncIterator[None]:
    """Where a port was set for them."""
    settings = house.settings
    if settings.metrics_port is None:
        yield
        return
    from bot.metrics import Metrics, Sources  # noqa: PLC0415  # its library takes a while to load
    from bot.metrics_server import serve_metrics  # noqa: PLC0415  # as above

    sources = Sources(
        store=house.store,
        files=house.files,
        clock=utc_now,
        pulse=house.pulse,
        studio=house.studio,
        delivery=house.delivery,
        budgets={name: chat.budget for name, chat in house.chats.items()},
    )
    metrics = Metrics(sources)
    await metrics.begin()
    async with serve_metrics(metrics, settings.metrics_host, settings.metrics_port):
        yield


def _has_screen() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open_browser(url: str) -> None:
    """Best effort: the address stands on the screen too."""
    try:
        webbrowser.open(url)
    except (webbrowser.Error, OSError) as error:
        log.info("no browser opened: %s", error)
