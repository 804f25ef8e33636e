"""One seed: a world is drawn, lived through until everything has come to an end, and judged."""

from __future__ import annotations

import asyncio
import logging
import random
import shutil
from collections.abc import Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from engine.ledger import Limits
from engine.line import FlightLimits
from engine.money_rules import MoneyRules
from engine.providers.base import Recovery
from tests.simulation.chat import Chat
from tests.simulation.database import ProcessDatabase, Shared
from tests.simulation.faults import SLOW, VIOLENT, Faults
from tests.simulation.judge import Judge
from tests.simulation.loop import PROCESS, Process, VirtualLoop
from tests.simulation.machine import Machine
from tests.simulation.people import People
from tests.simulation.service import Render, Service
from tests.simulation.sources import one_source

BEGAN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
CHAOS_S = (300.0, 1_500.0)
"""How long things go wrong."""
CALM_MOST_S = 4 * 3600.0
"""How long after that everything has to be over: longer than the lease of a message, and than all tries of anything."""
LOOK_S = 7.0
ASK_LASTS_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What a world is like."""

    processes: int
    recoveries: tuple[Recovery, ...]
    dedupes: bool
    jobs: int
    in_flight: int
    chaos_s: float
    is_violent: float
    """How much more often processes are killed and frozen than usual."""
    is_slow: float
    """How much more often a request or a list takes its time."""
    freeze_most_s: float
    per_person: int | None
    """In flight at a time, as `per_place`. None: any."""
    per_place: int | None
    stops: bool
    """Processes are stopped in order, too, as for an upgrade."""
    asks: bool
    """Every price needs somebody's word."""
    pots_only: bool
    jumps: bool


@dataclass(slots=True)
class Report:
    """What became of a seed."""

    seed: int
    drawn: Drawn
    violations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    jobs: int = 0
    renders: int = 0
    virtual_s: float = 0.0


def draw(chance: random.Random) -> Drawn:
    """A world."""
    kinds = list(Recovery)
    return Drawn(
        processes=chance.choice([1, 1, 2, 2, 3]),
        recoveries=tuple(chance.sample(kinds, chance.choice([1, 1, 2]))),
        dedupes=chance.random() < 0.5,
        jobs=chance.randint(3, 8),
        in_flight=chance.choice([1, 2, 3, 8]),
        chaos_s=chance.uniform(*CHAOS_S),
        is_violent=chance.choice([0.2, 1.0, 1.0, 3.0]),
        is_slow=chance.choice([1.0, 1.0, 5.0]),
        freeze_most_s=chance.choice([30.0, 120.0, 600.0]),
        jumps=chance.random() < 0.1,
        per_person=chance.choice([None, None, 1, 2]),
        per_place=chance.choice([None, None, 1, 3]),
        stops=chance.random() < 0.3,
        asks=chance.random() < 0.3,
        pots_only=chance.random() < 0.3,
    )


class Simulation:
    """Lives through one seed."""

    def __init__(
        self,
        seed: int,
        shared: Shared,
        root: Path,
        *,
        is_traced: bool = False,
        faults: Mapping[str, float] | None = None,
        redraw: Callable[[Drawn], Drawn] = lambda drawn: drawn,
    ) -> None:
        self.chance = random.Random(seed)
        self.drawn = redraw(draw(self.chance))
        self.report = Report(seed, self.drawn)
        self.loop = VirtualLoop()
        self.faults = Faults(self.chance, faults)
        for each in VIOLENT:
            self.faults.rates[each] *= self.drawn.is_violent
        for each in SLOW:
            self.faults.rates[each] *= self.drawn.is_slow
        self._wall_s = 0.0
        self._is_traced = is_traced
        self._shared = shared
        self._root = root
        self._born = 0
        self._is_calm = False
        self.machines: list[Machine] = []
        self.chat = Chat(self.faults, self.chance, self.drawn.dedupes, self.tell, lambda: self._jolt("while speaking"))
        self.services = {
            kind.name.lower(): Service(
                kind.name.lower(), kind, self.faults, self.chance, self._accepted, says_cost=self.chance.random() < 0.7
            )
            for kind in self.drawn.recoveries
        }
        for service in self.services.values():
            service.jolt = lambda: self._jolt("while sending")
            pace = service.pace
            service.pace = type(pace)(
                first_s=pace.first_s, every_s=pace.every_s, give_up_s=pace.give_up_s, in_flight=self.drawn.in_flight
            )
        self.limits = FlightLimits(self.drawn.per_person, self.drawn.per_place)
        house = Limits(ask_above_usd=Decimal("0.1")) if self.drawn.asks else Limits()
        self.rules = MoneyRules(house=house, pots_only=self.drawn.pots_only, ask_lasts_s=ASK_LASTS_S)
        self.judge = Judge(
            shared.raw,
            services=self.services,
            chat=self.chat,
            tell=self.tell,
            violations=self.report.violations,
            notes=self.report.notes,
            asks=self.drawn.asks,
            limits=self.limits,
            intended=lambda: self._jolt("after the intent"),
        )

    def run(self) -> Report:
        """Everything, from the first command to the last message."""
        self._shared.empty()
        self._shared.committed = self.judge.look
        self.loop.strike = self._strike
        try:
            with one_source(self.chance, self._logged, is_traced=self._is_traced):
                self.loop.run_until_complete(self._live())
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this seed's
            self.tell(f"VIOLATION the simulation broke: {type(error).__name__}: {error}")
            self.report.violations.append(f"the simulation broke: {type(error).__name__}: {error}")
        finally:
            self.report.virtual_s = self.loop.time()
            logging.disable(logging.CRITICAL)
            self.loop.end()
            logging.disable(logging.NOTSET)
            shutil.rmtree(self._root, ignore_errors=True)
        self.report.counts = dict(self.faults.count)
        self.report.jobs = self.judge.jobs
        self.report.renders = sum(len(service.renders) for service in self.services.values())
        return self.report

    def wall(self) -> datetime:
        """The clock on the wall of all machines."""
        return BEGAN + timedelta(seconds=self.loop.time() + self._wall_s)

    def tell(self, line: str) -> None:
        """For who reads how it came."""
        if self._is_traced:
            self.report.trace.append(f"{self.loop.time():10.3f} {line}")

    async def _live(self) -> None:
        for _ in range(self.drawn.processes):
            self._bear()
        people = People(self)
        people.begin()
        if self.drawn.jumps:
            self.loop.create_task(self._jump(), name="world clock on the wall")
        if self.drawn.stops:
            self.loop.create_task(self._stop(), name="world stops")
        while self.loop.time() < self.drawn.chaos_s and not self._is_over(people):  # noqa: ASYNC110  # in virtual time
            await asyncio.sleep(LOOK_S)  # virtual: nothing is waited for
        self._is_calm, self.faults.strength = True, 0.0
        self.tell("--- nothing goes wrong any more")
        ends_s = self.loop.time() + CALM_MOST_S
        is_over = False
        while not is_over and self.loop.time() < ends_s:
            await asyncio.sleep(LOOK_S)
            if self._is_over(people) and not any(machine.process.is_frozen for machine in self.machines):
                await asyncio.sleep(60.0)  # for what somebody does who has just woken up
                is_over = self._is_over(people)
        if not is_over:
            self.judge.wrong(
                f"not over after {CALM_MOST_S / 3600:g} h: {self.judge.unfinished()}, {people.busy} people wait"
            )
        self.judge.judge(self._root)
        await people.settle_unknowns()
        for machine in self.machines:
            machine.kill()
        self.report.violations.extend([*self.loop.errors, *self.loop.broken()])

    def _is_over(self, people: People) -> bool:
        return people.are_done and self.judge.is_over() and not self.judge.is_asked(people.answered)

    def _bear(self) -> None:
        """A new process; it is told whether it is the only one."""
        is_alone = not any(machine.is_alive for machine in self.machines)
        self._born += 1
        machine = Machine(
            self.loop,
            f"p{self._born}",
            database=ProcessDatabase(self._shared, self.faults, self.chance),
            root=self._root,
            services=self.services,
            chat=self.chat,
            wall=self.wall,
            next_due_ms=self.judge.next_due_ms,
            rules=self.rules,
            limits=self.limits,
            chance=self.chance,
            crashed=self._logged_defect,
        )
        self.machines.append(machine)
        self.tell(f"{machine.process.name} starts{' alone' if is_alone else ''}")
        machine.begin(is_alone=is_alone)

    def _strike(self, process: Process) -> None:
        """Before a step of a process: perhaps it is its last one, or it stands still."""
        if self._is_calm:
            return
        if self.faults.happens("crash"):
            self._kill(process)
        elif self.faults.happens("freeze"):
            self._freeze(process, self.chance.uniform(1.0, self.drawn.freeze_most_s))

    def _jolt(self, where: str) -> None:
        """Just where money is about to be spent, or has just been, or where something is being said."""
        process = PROCESS.get()
        if process is None or self._is_calm or process.is_dead or process.is_frozen:
            return
        if self.faults.happens(f"killed {where}"):
            self._kill(process)
        elif self.faults.happens(f"frozen {where}"):
            self._freeze(process, self.chance.uniform(20.0, 2 * self.drawn.freeze_most_s))

    def _kill(self, process: Process) -> None:
        machine = next(each for each in self.machines if each.process is process)
        self.tell(f"{process.name} is killed")
        machine.kill()
        self._outside(self.chance.uniform(0.5, 15.0), self._bear)

    def _freeze(self, process: Process, for_s: float) -> None:
        self.tell(f"{process.name} is frozen for {for_s:.0f} s")
        process.freeze()
        self._outside(for_s, lambda: self._wake(process))

    def _wake(self, process: Process) -> None:
        if process.is_frozen:
            self.tell(f"{process.name} wakes up")
            process.wake(timers_first=self.chance.random() < 0.5)

    def _outside(self, after_s: float, call: Callable[[], None]) -> None:
        self.loop.call_later(after_s, call, context=Context())

    async def _jump(self) -> None:
        while not self._is_calm:
            await asyncio.sleep(self.chance.uniform(30, 600))
            by_s = self.chance.choice([-3600.0, -60.0, -2.0, 2.0, 60.0, 3600.0])
            self.faults.count["wall clock jumps"] += 1
            self._wall_s += by_s
            self.tell(f"the clock on the wall jumps by {by_s:+.0f} s")

    async def _stop(self) -> None:
        """Now and then somebody stops a process, which may be killed before it has ended, and starts another one."""
        while not self._is_calm:
            await asyncio.sleep(self.chance.uniform(20, 400))
            machine = self.chance.choice(self.machines)
            if self._is_calm or not machine.is_alive or machine.process.is_frozen:
                continue
            grace_s = self.chance.uniform(0.0, 10.0)
            self.faults.count["stopped in order"] += 1
            self.tell(f"{machine.process.name} is to stop within {grace_s:.0f} s")
            stopping = machine.process.start(machine.stop(grace_s), "stop")
            await asyncio.wait({stopping, machine.died}, return_when=asyncio.FIRST_COMPLETED)
            if machine.is_alive:
                self._kill(machine.process)

    def _accepted(self, service: Service, render: Render) -> None:
        self.judge.accepted(service, render)

    def _logged(self, record: logging.LogRecord, process: str) -> None:
        if self._is_traced:
            self.tell(f"{process} {record.levelname.lower()} {record.getMessage()}")
        if record.levelno >= logging.ERROR:
            error = record.exc_info[1] if record.exc_info else None
            self._logged_defect(f"{record.getMessage()} ({type(error).__name__}: {error})")

    def _logged_defect(self, what: str) -> None:
        self.tell(f"VIOLATION {what}")
        self.report.violations.append(f"defect: {what}")
