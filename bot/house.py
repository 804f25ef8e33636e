"""The composition root: settings → lock → store, files, providers → studio, driver → dispatch, delivery, front ends.

A little longer than a room: it is the one place that knows every part, and cut in two each half would know the other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bot.catalog_words import ending_soon
from bot.commands import hints
from bot.control.remote import SOCKET_KEY, served_at
from bot.control.server import drop_socket, serve_desk
from bot.delivery import Delivery
from bot.dispatch import Dispatch
from bot.fitting import Fitting
from bot.health import Health
from bot.hooks import callback_url, hooks_of
from bot.message import Adapter
from bot.platforms import Paces, Parts, Platform, Platforms, platforms_of
from bot.providers import Maker, makers_of, painters_of
from bot.pulse import Pulse
from bot.settings import Settings
from bot.web.adapter import WebAdapter
from bot.web.links import Links, read_secret
from bot.web.site import WebSettings
from engine.driver import Driver, Stepper
from engine.errors import StorageUnavailable
from engine.line import FlightLimits
from engine.news import News
from engine.open import open_studio, utc_now
from engine.ports import Files
from engine.studio import Studio
from storage import DirectoryLock, LocalFiles, SqlStore, Transcript, opened_store, read_holder
from storage.backup_restore import refuse_unfinished
from storage.backup_rows import dump_rows
from storage.faults import disk_error

log = logging.getLogger(__name__)

PAGE_KEY = "page"
"""Under which the lock file says where this process serves its page."""


class DirectoryHeld(StorageUnavailable):
    """Another process has the data directory. `socket` is where it serves its studio; None: it serves none, or not yet."""

    def __init__(self, directory: Path, holder: Mapping[str, object]) -> None:
        who = f"process {holder['pid']}" if "pid" in holder else "another process"
        page = f"; its page is {holder[PAGE_KEY]}" if PAGE_KEY in holder else ""
        super().__init__(
            f"{directory} is in use by {who}{page}: wait until it is done, stop it, or choose another data directory."
        )
        found = holder.get(SOCKET_KEY)
        self.socket = found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything that runs in this process, wired."""

    settings: Settings
    store: SqlStore
    files: Files
    studio: Studio
    dispatch: Dispatch
    web: WebAdapter
    chats: Mapping[str, Platform]
    """By name: the chat platforms that are served."""
    socket: str | None
    lock: DirectoryLock
    pulse: Pulse
    delivery: Delivery

    def tell_page(self, url: str) -> None:
        """Let whoever finds the data directory in use know where its page is."""
        self.lock.tell(**{SOCKET_KEY: self.socket, PAGE_KEY: url})

    def speaks_in(self, place: str) -> bool:
        """Whether an adapter of this process can tell this place anything."""
        platform = place.partition(":")[0]
        return platform == self.web.platform or platform in self.chats


@asynccontextmanager
async def open_house(
    settings: Settings, *, at_work: bool, makers: Mapping[str, Maker] | None = None, paces: Paces | None = None
) -> AsyncIterator[House]:
    """Everything, open until the block is left; then closed in the reverse order.

    `at_work`: jobs are worked on, and other processes are served. Without it one can look and steer, and nothing moves.
    `makers` make the providers; None: as the settings have them. `paces`: how fast platforms may be told things; None: as they
    let bots.

    Raises:
        DirectoryHeld, StorageUnavailable, DiskFull
    """
    directory = settings.data_dir
    async with AsyncExitStack() as stack:
        stack.callback(log.info, "house closed directory=%s", directory)
        lock, left_behind = await asyncio.to_thread(take_directory, directory)
        stack.callback(lock.release)
        await asyncio.to_thread(refuse_unfinished, directory)
        if left_behind is not None:
            await asyncio.to_thread(drop_socket, left_behind)
        store = await stack.enter_async_context(opened_store(settings.store_url, utc_now))
        files = await asyncio.to_thread(LocalFiles, directory)
        transcript = Transcript(store)
        news = News()
        pulse = Pulse(clock=utc_now)
        news.listen(pulse.job_changed)
        adapters: dict[str, Adapter] = {}
        links = await asyncio.to_thread(_links, settings)
        fitting = Fitting(files, link_of=links.link) if links is not None else Fitting(files)
        made: list[tuple[WebAdapter, Platforms, Delivery]] = []
        connections = await stack.enter_async_context(AsyncExitStack())
        """Closed after the driver, which speaks to the end."""

        def front_ends(studio: Studio) -> Sequence[Stepper]:
            web = WebAdapter(web_settings(settings), transcript=transcript, studio=studio, files=files)
            adapters[web.platform] = web
            chats = Platforms({}, {})
            if at_work:
                parts = Parts(store=store, studio=studio, files=files, fitting=fitting)
                chats = platforms_of(settings, parts, paces or Paces())
                adapters.update(chats.by_name)
            delivery = Delivery(store, studio, adapters, utc_now, fitting)
            news.listen(delivery.job_changed)
            news.listen(web.job_changed)
            made.append((web, chats, delivery))
            return [delivery]

        makers = makers or makers_of(settings.services, callback_url(settings.web_url))
        default_first = sorted(makers, key=lambda name: name != settings.provider)
        studio = await stack.enter_async_context(
            open_studio(
                store,
                files,
                [makers[name](files) for name in default_first],
                news=news,
                painters=painters_of(settings.painters),
                keep=timedelta(days=settings.keep_days) if settings.keep_days else None,
                rules=settings.money_rules,
                limits=FlightLimits(
                    settings.in_flight_per_person, settings.in_flight_per_place, settings.waiting_per_person
                ),
                more_steppers=front_ends,
                driver_of=pulse.driver_of if at_work else _standing,
            )
        )
        ((web, chats, delivery),) = made
        for sentence in ending_soon(studio.models(), utc_now().date()) if at_work else ():
            log.warning("model ends soon: %s", sentence)
        for chat in chats.by_name.values():
            await connections.enter_async_context(chat.opened())
        stack.push_async_callback(delivery.stop)
        dispatch = Dispatch(studio)
        for chat in chats.by_name.values():
            chat.connect(dispatch)
        hooks = {**hooks_of(studio, makers), **chats.hooks} if at_work and settings.web_url else chats.hooks
        why_not = Health(store, files, pulse).reasons
        web.connect(dispatch=dispatch, hints=hints, links=links, hooks=hooks, why_not_ready=why_not)
        socket = await stack.enter_async_context(_served(studio, store, lock)) if at_work else None
        log.info("house opened directory=%s at_work=%s", directory, at_work)
        stack.callback(log.info, "house closing directory=%s", directory)
        yield House(
            settings=settings,
            store=store,
            files=files,
            studio=studio,
            dispatch=dispatch,
            web=web,
            chats=chats.by_name,
            socket=socket,
            lock=lock,
            pulse=pulse,
            delivery=delivery,
        )


@asynccontextmanager
async def _served(studio: Studio, store: SqlStore, lock: DirectoryLock) -> AsyncIterator[str]:
    """Other processes of this user reach the studio, and find it through the lock file."""
    async with serve_desk(studio, lambda directory: dump_rows(store.database, directory)) as address:
        lock.tell(**{SOCKET_KEY: address})
        try:
            yield address
        finally:
            lock.tell()


def take_directory(directory: Path) -> tuple[DirectoryLock, str | None]:
    """The lock of the data directory, made where there is none, and the socket that a killed holder left behind.

    Raises:
        DirectoryHeld, StorageUnavailable, DiskFull
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, str(directory)) from error
    lock, left_behind = DirectoryLock(directory), served_at(directory)
    try:
        lock.acquire()
    except StorageUnavailable as error:
        if isinstance(error.__cause__, BlockingIOError):
            raise DirectoryHeld(directory, read_holder(directory) or {}) from error
        raise
    return lock, left_behind


def web_settings(settings: Settings) -> WebSettings:
    """Where the page is served, and who is let in."""
    password = settings.web_password.get_secret_value() if settings.web_password else None
    public_host = urlsplit(settings.web_url).hostname if settings.web_url else None
    return WebSettings(host=settings.web_host, port=settings.web_port, password=password, public_host=public_host)


def _links(settings: Settings) -> Links | None:
    """The maker of links to single films, where others reach the page at all."""
    if settings.web_url is None:
        return None
    try:
        return Links(read_secret(settings.data_dir), settings.web_url)
    except OSError as error:
        raise disk_error(error, str(settings.data_dir)) from error


class _Standing:
    """The driver of a house in which nothing moves."""

    async def start(self) -> None:
        return

    def wake(self) -> None:
        return

    async def stop(self, grace_s: float) -> None:
        del grace_s


def _standing(_: Sequence[Stepper]) -> Driver:
    return _Standing()
