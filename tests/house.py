"""The whole house around a scripted provider and a chat in memory, moved by hand: a real store, real files, real clips."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bot.delivery import Delivery
from bot.dispatch import Dispatch
from bot.fitting import Fitting
from bot.message import Attachment, Incoming, Press, Reply
from engine.job_model import Job, JobState
from engine.job_stepper import JobStepper
from engine.jobs import LIVE
from engine.line import FlightLimits
from engine.model import Asked, Create, Person
from engine.money_rules import MoneyRules
from engine.news import News
from engine.outcome import World
from engine.providers.base import Provider
from engine.providers.painter import Painter
from engine.sightings import Sightings
from engine.studio import Studio
from storage import LocalFiles, SqlStore, opened_store
from tests.fakes.chat import FakeChat
from tests.fakes.clock import FakeClock
from tests.fakes.provider import ScriptedProvider

ANA = Person("local:ana", "Ana")
BEN = Person("local:ben", "Ben")
OPERATOR = Person("cli:root", "root", is_operator=True)
HOME = "local:home"


@dataclass
class House:
    """All parts, and the hands that move them."""

    store: SqlStore
    files: LocalFiles
    clock: FakeClock
    provider: ScriptedProvider
    chat: FakeChat
    studio: Studio
    dispatch: Dispatch
    delivery: Delivery
    stepper: JobStepper
    news: News
    wakes: int = 0
    keys: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def asked(self, person: Person = ANA, place: str = HOME) -> Asked:
        """A new update of this person."""
        return Asked(f"update-{next(self.keys)}", place, person)

    async def say(
        self,
        said: str,
        person: Person = ANA,
        place: str = HOME,
        reply_to: str | None = None,
        *,
        pictures: tuple[Path, ...] = (),
        videos: tuple[Path, ...] = (),
        sounds: tuple[Path, ...] = (),
        receipt: str | None = None,
        is_shared: bool = False,
        key: str | None = None,
    ) -> Reply | None:
        """Somebody says something; the immediate answer. `key`: of an update that is handed over again."""
        attachments = (
            *(Attachment(path, "image") for path in pictures),
            *(Attachment(path, "video") for path in videos),
            *(Attachment(path, "audio") for path in sounds),
        )
        return await self.dispatch.said(
            Incoming(
                key=key or f"update-{next(self.keys)}",
                place=place,
                person=person,
                text=said,
                receipt=receipt,
                reply_to=reply_to,
                attachments=attachments,
                is_shared=is_shared,
            )
        )

    async def press(
        self,
        verb: str,
        target: str,
        person: Person = ANA,
        said: str = "",
        *,
        receipt: str | None = None,
        is_shared: bool = False,
    ) -> Reply | None:
        """Somebody presses a button."""
        return await self.dispatch.pressed(
            Press(
                key=f"update-{next(self.keys)}",
                place=HOME,
                person=person,
                verb=verb,
                target=target,
                text=said,
                receipt=receipt,
                is_shared=is_shared,
            )
        )

    async def tick(self) -> int:
        """Step everything that is due once; how much it was."""
        jobs = await self.stepper.claim(100)
        says = await self.delivery.claim(100)
        await asyncio.gather(*(self.stepper.step(job) for job in jobs), *(self.delivery.step(say) for say in says))
        if tellers := list(self.delivery.progress._tellers.values()):
            await asyncio.wait(tellers, timeout=0.1)
        return len(jobs) + len(says)

    async def run(self, for_s: float = 30.0) -> None:
        """Let time pass, from one thing that is due to the next."""
        until = self.clock() + timedelta(seconds=for_s)
        while self.clock() < until:
            if await self.tick() == 0:
                # what is due and yet not claimed waits for something else, so the clock moves on in any case
                soonest = max(await self._next_due() or until, self.clock() + timedelta(seconds=0.25))
                self.clock.now = min(soonest, until)
        await self.tick()

    async def _next_due(self) -> datetime | None:
        query = text("SELECT min(due_at) FROM (SELECT due_at FROM job UNION ALL SELECT due_at FROM outbox) AS due")
        due_ms = await self.store.database.read(lambda connection: connection.scalar(query))
        return None if due_ms is None else datetime.fromtimestamp(due_ms / 1000, UTC) + timedelta(milliseconds=1)

    async def job(self, job_id: int) -> Job:
        job = await self.studio.job(job_id)
        assert job is not None
        return job

    async def shot(self, prompt: str = "a lamp") -> Job:
        """A story with one finished shot."""
        job = await self.studio.create(Create(asked=self.asked(), prompt=prompt))
        await self.run(10)
        done = await self.job(job.id)
        assert done.state in {JobState.READY, JobState.DELIVERED}, done
        return done

    async def live(self) -> int:
        """How many jobs the engine still works on."""
        return len([job for job in await self.studio.jobs(HOME) if job.state in LIVE])


@asynccontextmanager
async def opened_house(
    tmp_path: Path,
    clock: FakeClock,
    provider: ScriptedProvider | None = None,
    chat: FakeChat | None = None,
    url: str = "sqlite://",
    *,
    others: Sequence[Provider] = (),
    painters: Sequence[Painter] = (),
    rules: MoneyRules = MoneyRules(),  # noqa: B008  # frozen
    limits: FlightLimits = FlightLimits(),  # noqa: B008  # frozen
    monotonic: Callable[[], float] | None = None,
) -> AsyncIterator[House]:
    """A house that is closed when the block is left. `others` are providers beside the scripted one; they stay open.

    `monotonic`: None, it goes as `clock` does.
    """
    provider, chat, news = provider or ScriptedProvider(), chat or FakeChat(), News()
    async with opened_store(url, clock) as store:
        files = LocalFiles(tmp_path / "files")
        providers = {each.name: each for each in (provider, *others)}
        world = World(
            store=store,
            files=files,
            providers=providers,
            clock=clock,
            announce=news.announce,
            painters={each.name: each for each in painters},
            rules=rules,
            limits=limits,
            sightings=Sightings(monotonic or (lambda: clock().timestamp())),
        )
        studio = Studio(world, news, default_provider=provider.name, wake=lambda: None)
        delivery = Delivery(store, studio, {chat.platform: chat}, clock, Fitting(files))
        stepper = JobStepper(world)
        news.listen(delivery.job_changed)
        news.listen(stepper.job_changed)
        house = House(
            store=store,
            files=files,
            clock=clock,
            provider=provider,
            chat=chat,
            studio=studio,
            dispatch=Dispatch(studio, names=frozenset({"nextshot_bot"})),
            delivery=delivery,
            stepper=stepper,
            news=news,
        )
        try:
            yield house
        finally:
            await delivery.stop()
