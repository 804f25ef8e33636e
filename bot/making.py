"""Tells in a job's status message how far its file is, while one is made of its film for the place where it is shown."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot import texts
from bot.fitting import Fitting
from bot.message import Adapter, Export, Limits, NotSent, Reply, SendUnknown
from bot.progress import EDIT_S, Progress
from engine.errors import EngineError
from engine.film_options import FilmFormat
from engine.job_model import Job

log = logging.getLogger(__name__)

Tell = Callable[[Reply], Awaitable[None]]
"""Shows words on how far it is."""
Fit = Callable[[str, Reply, Tell], Awaitable[Reply]]
"""Makes an answer ready for its place."""
MAKING = "making "
"""How each of these words begins."""
MADE, NOT_MADE = "It is made.", "It could not be made."
"""What becomes of these words where the file comes in a message of its own."""
AFTER_S = 3.0
"""Who waits for an answer is told nothing of what is made sooner."""
_NAMES = {FilmFormat.WEBM: "the WebM", FilmFormat.GIF: "the GIF", FilmFormat.FRAMES: "the pictures"}


async def made_ready(
    fitting: Fitting, reply: Reply, place: str, job: Job, *, progress: Progress, adapter: Adapter
) -> Reply:
    """What `Fitting.fit` gives. While it makes something, the job's status message counts the percents, where there still is one.

    Raises:
        BadMedia, MediaLimit: as `Fitting.fit`.
    """
    limits, receipt = adapter.limits(place), job.receipt
    if reply.video is None or receipt is None or progress.is_closed(job) or progress.is_gone(job):
        return await fitting.fit(reply, limits)

    async def tell(words: Reply) -> None:
        async with progress.edits(job), asyncio.timeout(EDIT_S):
            await adapter.edit(receipt, replace(words, text=f"{texts.headline(job)}\n{words.text}"), is_progress=True)

    return await fit_and_count(fitting, reply, limits, tell)


def making(export: Export | None, percent: float) -> str:
    """`making the GIF 40 %`"""
    what = _NAMES[export.kind] if export else "it small enough to be sent"
    return f"{MAKING}{what} {percent:.0f} %"


async def fit_and_count(
    fitting: Fitting,
    reply: Reply,
    limits: Limits,
    tell: Tell,
    *,
    after_s: float = 0.0,
) -> Reply:
    """What `Fitting.fit` gives. While something is made, `tell` gets the newest percent as words, one after the other.

    There are `limits.edit_every_s` between two of them, and nothing is told of what takes less than `after_s`.
    What cannot be told is forgotten.

    Raises:
        BadMedia, MediaLimit: as `Fitting.fit`.
    """
    news, is_over = asyncio.Event(), asyncio.Event()
    newest = 0.0

    def on_progress(percent: float) -> None:
        nonlocal newest
        newest = percent
        news.set()

    async def rest(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await is_over.wait()

    async def count() -> None:
        await rest(after_s)
        while await news.wait() and not is_over.is_set():
            news.clear()
            try:
                await tell(Reply(text=making(reply.export, newest), percent=newest))
            except (NotSent, SendUnknown, EngineError, TimeoutError) as error:
                log.info("percent not told: %s", error)
                if isinstance(error, NotSent) and error.retry_after_s is None:
                    return
            except Exception:  # a defect, for which no film is to be lost
                log.exception("percent crashed")
                return
            await rest(limits.edit_every_s)

    counting = asyncio.create_task(count(), name="percents of a file")
    try:
        return await fitting.fit(reply, limits, on_progress)
    except asyncio.CancelledError:
        counting.cancel()
        raise
    finally:
        # An edit that is under way is let go to its end: whatever is said next in its place has to come after it.
        is_over.set()
        news.set()
        await asyncio.gather(counting, return_exceptions=True)
