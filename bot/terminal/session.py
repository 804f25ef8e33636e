"""A desk for one command: the running house's, over its socket, or a house of this process for as long as the command takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from bot.control.remote import HouseGone, RemoteStudio, reach, served_at
from bot.settings import Settings
from bot.terminal.turn import Turn, ask_as
from bot.terminal.voice import Voice
from engine.errors import StorageUnavailable
from engine.model import Asked

if TYPE_CHECKING:
    from bot.house import House

PATIENCE_S = 10.0
"""How long a directory may be held by a process that does not answer: one that opens, closes, or only looks something up."""
LOOK_EVERY_S = 0.1
TRIES = 5


async def at_a_desk(
    settings: Settings, voice: Voice, work: Callable[[Turn], Awaitable[None]], *, at_work: bool, repeatable: bool = True
) -> None:
    """Do `work` at a desk. If the house behind it ends meanwhile, do it again at the next one.

    That is safe because everything that makes a job carries one key per command, and the same key makes one job.
    `at_work`: jobs are worked on while the desk is this process's. `repeatable` False: doing it twice would show.
    """
    asked = ask_as(settings.place)
    for tries_left in reversed(range(TRIES)):
        try:
            async with _open_turn(settings, voice, asked, at_work=at_work) as turn:
                await work(turn)
        except HouseGone:
            if not (repeatable and tries_left):
                raise
        else:
            return


@asynccontextmanager
async def _open_turn(settings: Settings, voice: Voice, asked: Asked, *, at_work: bool) -> AsyncIterator[Turn]:
    async with AsyncExitStack() as stack:
        yield await _enter(stack, settings, voice, asked, at_work=at_work)


async def _enter(stack: AsyncExitStack, settings: Settings, voice: Voice, asked: Asked, *, at_work: bool) -> Turn:
    """Raises StorageUnavailable."""
    holder = await holder_of(settings, stack, at_work=at_work)
    if isinstance(holder, RemoteStudio):
        return Turn(desk=holder, voice=voice, asked=asked, delivers=False, is_remote=True)
    delivers = at_work and holder.speaks_in(settings.place)
    return Turn(desk=holder.studio, voice=voice, asked=asked, delivers=delivers, is_remote=False)


async def holder_of(settings: Settings, stack: AsyncExitStack, *, at_work: bool) -> RemoteStudio | House:
    """Whoever has the data directory: the process that holds it, else a house of ours, until `stack` is left.

    Raises:
        StorageUnavailable: it is held by a process that does not answer.
    """
    patient_until = time.monotonic() + PATIENCE_S
    while True:
        # Its own studio is asked for first: a house of our own takes a second to load.
        address = await asyncio.to_thread(served_at, settings.data_dir)
        if address is not None:
            with suppress(HouseGone):  # it is closing, or was killed: the lock knows
                return await stack.enter_async_context(reach(address))
        from bot.house import DirectoryHeld, open_house  # noqa: PLC0415  # see above

        try:
            return await stack.enter_async_context(open_house(settings, at_work=at_work))
        except DirectoryHeld as held:
            if time.monotonic() > patient_until:
                raise StorageUnavailable(str(held)) from held
        await asyncio.sleep(LOOK_EVERY_S)
