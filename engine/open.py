"""A running studio from its parts: for a program that wants films without any chat."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from engine.admission import wake_line
from engine.driver import Driver, EmbeddedDriver, Stepper
from engine.housekeeping import keep_house
from engine.job_model import Job, JobState
from engine.job_stepper import JobStepper
from engine.jobs import LIVE
from engine.line import FlightLimits
from engine.money_rules import MoneyRules
from engine.news import News
from engine.outcome import World
from engine.ports import Clock, Files, Store
from engine.providers.base import Provider
from engine.providers.painter import Painter
from engine.studio import Studio

STOP_S = 2.0


class SteadyClock:
    """The clock on the wall, which never goes back: where it is set back, the time goes on from where it was.

    Whatever was due in a minute would otherwise wait for hours, and an old intent would look fresh.
    """

    def __init__(self, wall: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic`: seconds since anything."""
        self._wall = wall
        self._monotonic = monotonic
        self._latest = wall(), monotonic()

    def __call__(self) -> datetime:
        elapsed = self._monotonic()
        at, then = self._latest
        now = max(self._wall(), at + timedelta(seconds=elapsed - then))
        self._latest = now, elapsed
        return now


_CLOCK = SteadyClock(lambda: datetime.now(UTC))


def utc_now() -> datetime:
    """Now; it never goes back while this process lives."""
    return _CLOCK()


@asynccontextmanager
async def open_studio(
    store: Store,
    files: Files,
    providers: Sequence[Provider],
    *,
    news: News | None = None,
    painters: Sequence[Painter] = (),
    rules: MoneyRules = MoneyRules(),  # noqa: B008  # frozen
    keep: timedelta | None = None,
    limits: FlightLimits = FlightLimits(),  # noqa: B008  # frozen
    clock: Clock = utc_now,
    more_steppers: Callable[[Studio], Sequence[Stepper]] = lambda _: (),
    driver_of: Callable[[Sequence[Stepper]], Driver] = EmbeddedDriver,
) -> AsyncIterator[Studio]:
    """A studio with its driver at work until the block is left. The first provider is the default one, and so is the first painter.

    What an earlier process left unfinished is taken up again: at once where only one process may work on the store.
    """
    news = news or News()
    by_name: Mapping[str, Provider] = {provider.name: provider for provider in providers}
    world = World(
        store=store,
        files=files,
        providers=by_name,
        clock=clock,
        announce=news.announce,
        painters={painter.name: painter for painter in painters},
        rules=rules,
        keep=keep,
        limits=limits,
    )
    # the driver needs steppers, a stepper of the front ends needs the studio, and the studio wakes the driver
    driver: Driver | None = None

    def wake() -> None:
        if driver is not None:
            driver.wake()

    async def wake_for_more(job: Job) -> None:
        if job.state not in LIVE or job.state is JobState.SAVING:  # a place is free, or a clip is to be fetched
            wake()

    studio = Studio(world, news, default_provider=providers[0].name, wake=wake)
    news.listen(wake_for_more)
    jobs, looks = JobStepper(world, looks=False), JobStepper(world, looks=True)
    for stepper in (jobs, looks):
        news.listen(stepper.job_changed)
    driver = driver_of([jobs, *more_steppers(studio), looks])
    await store.release_leases()
    for name in by_name:  # there may be more room than before
        await store.write(lambda tx, name=name: wake_line(tx, name))  # type: ignore[misc]  # a default is not inferred
    await driver.start()
    keeper = asyncio.create_task(keep_house(world), name="housekeeping")
    try:
        yield studio
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await driver.stop(STOP_S)
        for provider in providers:
            await provider.close()
        for painter in painters:
            await painter.close()
