"""Those who ask for shots: they begin, go on, cancel, answer questions, and their platform hands updates over until it is heard."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError, RequestError, StorageError
from engine.job_model import Job, Payer
from engine.ledger import PotKey
from engine.model import Asked, Continue, Create, Person, Retake, ShotOptions, Stitch
from engine.studio import Studio
from tests.simulation.machine import Machine

if TYPE_CHECKING:
    from tests.simulation.world import Simulation

PERSONS = (Person("sim:ana", "Ana"), Person("sim:ben", "Ben"))
PLACE = "sim:home"
ANSWER_S = 60.0
"""How long a platform waits before it hands an update over again."""
LOOK_S = 15.0

Act = Callable[[Studio, Asked], Awaitable[object]]


class People:
    """Everybody outside of the processes."""

    def __init__(self, world: Simulation) -> None:
        self._world = world
        self._chance = world.chance
        self._keys = itertools.count(1)
        self.busy = 0
        """How many are about to ask for something, or wait for an answer."""
        self.answered: set[tuple[int, int]] = set()
        """The questions that somebody has seen, by job and time."""

    @property
    def are_done(self) -> bool:
        """Nobody is about to ask for anything."""
        return self.busy == 0

    def begin(self) -> None:
        """Begin to ask."""
        loop = self._world.loop
        for number in range(self._world.drawn.jobs):
            self.busy += 1
            loop.create_task(self._want(number), name=f"world wish {number}")
        loop.create_task(self._answer(), name="world answers")
        if self._world.drawn.pots_only:
            for number in range(3):
                self.busy += 1
                loop.create_task(self._pay(number), name=f"world payment {number}")

    async def _pay(self, number: int) -> None:
        """Fill the place's pot or one's own; the same payment may be told of twice."""
        person = self._chance.choice(PERSONS)
        pot = self._chance.choice([PotKey(Payer.PLACE, PLACE), PotKey(Payer.PERSON, person.key)])
        usd = Decimal(self._chance.randint(20, 200)) / 100
        if number:
            await asyncio.sleep(self._chance.uniform(0, self._world.drawn.chaos_s * 0.5))
        await self._update(person, lambda studio, asked: studio.top_up(pot, usd, f"payment {number}"))
        self.busy -= 1

    async def _want(self, number: int) -> None:
        person = self._chance.choice(PERSONS)
        services = list(self._world.services)
        await asyncio.sleep(self._chance.uniform(0, self._world.drawn.chaos_s * 0.6) if number else 0.0)
        kind = self._chance.random()
        if number == 0 or kind < 0.5:
            options = ShotOptions(provider=self._chance.choice(services))
            job = await self._update(
                person,
                lambda studio, asked: studio.create(Create(asked=asked, prompt=f"lamp {number}", options=options)),
            )
        elif kind < 0.75:
            job = await self._update(
                person, lambda studio, asked: studio.continue_story(Continue(asked=asked, prompt=f"on {number}"))
            )
        elif kind < 0.9:
            job = await self._update(person, lambda studio, asked: studio.retake(Retake(asked=asked)))
        else:
            job = await self._update(person, lambda studio, asked: studio.stitch(Stitch(asked=asked)))
        if isinstance(job, Job) and self._chance.random() < 0.3:
            await asyncio.sleep(self._chance.choice([0.0, 5.0, 60.0]) + self._chance.uniform(0, 10))
            target = self._chance.choice([None, job.subject])
            await self._update(person, lambda studio, asked: studio.cancel(asked, target))
        self.busy -= 1

    async def _answer(self) -> None:
        """Each question once: again, leave it, or nothing at all."""
        while True:
            await asyncio.sleep(LOOK_S)
            for job_id, key, subject, finished_at, word in self._world.judge.questions():
                if (job_id, finished_at) in self.answered:
                    continue
                self.answered.add((job_id, finished_at))
                person = next(each for each in PERSONS if each.key == key)
                choice = self._chance.random()
                if word == "asking":
                    if choice < 0.8:
                        self._spawn(person, _press(Studio.agree, subject))
                    elif choice < 0.9:
                        self._spawn(person, _press(Studio.cancel, subject))
                elif choice < 0.5:
                    self._spawn(person, _press(Studio.again, subject))
                elif choice < 0.7:
                    self._spawn(person, _press(Studio.cancel, subject))

    async def settle_unknowns(self) -> None:
        """The operator looks at the services' bills."""
        for job_id, usd in self._world.judge.unknown_usd():
            await self._update(PERSONS[0], _settle(job_id, usd))
            self._world.judge.books.judge_resolved(job_id, usd)

    def _spawn(self, person: Person, act: Act) -> None:
        async def press() -> None:
            await asyncio.sleep(self._chance.uniform(0, 30))
            await self._update(person, act)
            self.busy -= 1

        self.busy += 1
        self._world.loop.create_task(press(), name="world press")

    async def _update(self, person: Person, act: Act) -> object:
        """Hand an update over until somebody has answered it, and sometimes once more."""
        asked = Asked(f"update-{next(self._keys)}", PLACE, person)
        said: object = None
        for _ in range(2 if self._world.faults.happens("update again") else 1):
            said = await self._handed_over(asked, act)
        return said

    async def _handed_over(self, asked: Asked, act: Act) -> object:
        while True:
            machine = await self._somebody()
            task = machine.process.start(_asked(act, machine.studio, asked), asked.key)
            either: set[asyncio.Future[Any]] = {task, machine.died}
            await asyncio.wait(either, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            if task.cancelled():
                self._world.tell(f"{asked.key} was cancelled")
            elif task.done():
                error = task.exception()
                if error is None:
                    return task.result()
                if isinstance(error, RequestError):
                    return None
                if not isinstance(error, StorageError):
                    what = "refused" if isinstance(error, EngineError) else "crashed"
                    self._world._logged_defect(f"a command {what}: {type(error).__name__}: {error}")
                    return None
            await asyncio.sleep(self._chance.uniform(1, 5))

    async def _somebody(self) -> Machine:
        while True:
            living = [machine for machine in self._world.machines if machine.is_alive]
            if living:
                return self._chance.choice(living)
            await asyncio.sleep(1.0)


def _press(verb: Callable[[Studio, Asked, str], Awaitable[object]], code: str) -> Act:
    return lambda studio, asked: verb(studio, asked, code)


def _settle(job_id: int, usd: Decimal) -> Act:
    return lambda studio, _: studio.resolve(job_id, usd)


async def _asked(act: Act, studio: Studio, asked: Asked) -> object:
    return await act(studio, asked)
