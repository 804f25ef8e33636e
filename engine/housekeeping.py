"""What is left when a process dies at the wrong moment: work directories of jobs that are over, files that nothing refers to.

And what is not needed any more: the notes of updates that no platform hands over again, people who are to be forgotten, stories
whose time is over.

A job's work directory is made before its intent is written and dropped last. So whatever was not tidied can be found by it.
"""

from __future__ import annotations

import asyncio
import logging
import re

from engine.erasing import empty_old_stories, finish_forgettings, stop_stragglers
from engine.errors import Billed, EngineError
from engine.job_model import Job, JobState
from engine.jobs import LIVE
from engine.model import FileKey
from engine.outcome import World
from engine.sightings import render_of

log = logging.getLogger(__name__)

EVERY_S = 86_400.0
LOOK_S = 10.0
"""How often is looked whether somebody who is being forgotten can be forgotten whole: its last job may be over."""
FORGET_S = 10.0
"""How long a service has to drop what it keeps: the news of the job waits for it."""
OLD_S = 86_400.0
"""A picture that was sent and never used, or half a file, is kept this long."""
UPDATES_KEPT_S = 7 * 86_400.0
"""Longer than any platform keeps an update that it could hand over again (Telegram: 24 hours)."""
_WORK = re.compile(r"job-(\d{1,18})")


def work_name(job: Job) -> str:
    """The name of the job's work directory."""
    return f"job-{job.id}"


async def tidy(job: Job, world: World) -> None:
    """Drop what was kept for a job that is over. Best effort: what stays is found at a later start.

    A render that failed here and may have been charged stays at its service, where its operator may still fetch it.
    """
    world.looks.drop(job.id)
    world.sightings.drop(render_of(job.id))
    try:
        if job.task_id is not None and job.provider in world.providers and not _is_paid_for(job):
            async with asyncio.timeout(FORGET_S):
                await world.providers[job.provider].forget(job.task_id)
        await world.files.drop_work(work_name(job))
    except (EngineError, TimeoutError) as error:
        log.warning("leftovers stayed job=%d provider=%s: %s", job.id, job.provider, error or "no answer")
    except Exception:  # a defect of the provider's must not keep the news of a job that is over
        log.exception("leftovers stayed job=%d provider=%s", job.id, job.provider)


def _is_paid_for(job: Job) -> bool:
    """Whether it failed and may have cost something; what is free was quoted as such."""
    failure = job.failure if job.state is JobState.FAILED else None
    return failure is not None and failure.billed is not Billed.NO and job.quoted_usd != 0


async def keep_house(world: World) -> None:
    """Tidy up now and once a day, and finish what is to be forgotten, until cancelled."""
    try:
        await _keep(world)
    finally:
        await stop_stragglers(world)


async def _keep(world: World) -> None:
    loop = asyncio.get_running_loop()
    tidied_at_s: float | None = None
    while True:
        is_time = tidied_at_s is None or loop.time() - tidied_at_s >= EVERY_S
        tidied_at_s = loop.time() if is_time else tidied_at_s
        for chore in (tidy_up, empty_old_stories, finish_forgettings) if is_time else (finish_forgettings,):
            try:
                await chore(world)
            except EngineError as error:
                log.warning("housekeeping broke off: %s", error)
            except Exception:
                log.exception("housekeeping crashed")
        await asyncio.sleep(LOOK_S)


async def tidy_up(world: World) -> None:
    """Everything that an earlier process left behind.

    Raises:
        StorageError
    """
    for name in await world.files.works():
        found = _WORK.fullmatch(name)
        if found is None:
            continue
        job_id = int(found[1])
        job = await world.store.read(lambda tx, job_id=job_id: tx.job(job_id))  # type: ignore[misc]  # a default is not inferred
        if job is None:
            await world.files.drop_work(name)
        elif job.state not in LIVE:
            await tidy(job, world)
    removed = await world.files.sweep(lambda key: _is_used(world, key), OLD_S)
    if removed:
        log.info("files swept removed=%d", removed)
    forgotten = await world.store.sweep(UPDATES_KEPT_S)
    if forgotten:
        log.info("updates forgotten removed=%d", forgotten)


async def _is_used(world: World, key: FileKey) -> bool:
    return await world.store.read(lambda tx: tx.file_is_used(key))
