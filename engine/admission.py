"""Who may take a place of its provider: asked before anything is prepared, and once more in the transaction that takes it.

Nobody looks often. Whoever gives a place free makes the next one due in the same transaction; whoever looks and finds others whose
turn it is makes them due. What each does by itself after a long while is for what nobody foresaw.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from engine.errors import RequestError
from engine.job_model import Job
from engine.line import FlightLimits, Line, Waiting, admitted, next_up
from engine.model import Person
from engine.outcome import World
from engine.ports import Reader, Writer

LINE_S = 900.0
"""After about so long a waiting job looks by itself."""
FRONT_S = 10.0
"""The same where there is room and a limit holds it back, or where it was overtaken at the last moment."""


async def is_its_turn(job: Job, world: World) -> bool:
    """Whether it may leave now. Others that may are made due."""
    in_flight = world.provider(job.provider, job.subject).pace.in_flight

    async def look(tx: Reader) -> Sequence[Waiting] | None:
        """Those that may leave now; None: everybody may. In one snapshot, else one that leaves meanwhile is counted twice."""
        mark = await tx.line_mark(job.provider)
        room = in_flight - mark.flying
        if room <= 0:
            return ()
        if mark.waiting <= room and not world.limits.are_set:
            return None
        line = await line_of(tx, job.provider, world.limits, tuple(world.providers))
        return admitted(line, room, world.limits)

    leaving = await world.store.read(look)
    if leaving is None:
        return True
    others = [each.job_id for each in leaving if each.job_id != job.id and not each.is_due]
    if others:
        await world.store.write(lambda tx: tx.make_due(others))
    return any(each.job_id == job.id for each in leaving)


async def check_may_wait(tx: Reader, person: Person, world: World) -> None:
    """Asked in the transaction that would make one more job.

    Raises:
        RequestError: as many of this person's shots wait as may.
    """
    most = world.limits.waiting_per_person
    if most is None:
        return
    if most == 0:
        raise RequestError("Nothing new is begun here just now; what was begun goes on. Try again later.")
    if await tx.waiting_of(person.key, tuple(world.providers)) >= most:
        wait = "1 of your shots waits" if most == 1 else f"{most} of your shots wait"
        raise RequestError(f"{wait} already, and no more may; try again when one is being rendered, or /cancel one.")


async def line_of(tx: Reader, provider: str, limits: FlightLimits, providers: Sequence[str]) -> Line:
    """Everybody at a provider, and where limits are set those in flight at all of these providers."""
    line = await tx.line(provider)
    return replace(line, flights=await tx.flights(providers)) if limits.are_set else line


async def has_room(tx: Writer, job: Job, world: World) -> bool:
    """Counted again where the place is taken: two that both saw it free do not both leave."""
    pace = world.provider(job.provider, job.subject).pace
    if (await tx.line_mark(job.provider)).flying >= pace.in_flight:
        return False
    if not world.limits.are_set:
        return True
    line = await line_of(tx, job.provider, world.limits, tuple(world.providers))
    alone = replace(line, waiting=[replace(each, is_resting=False) for each in line.waiting if each.job_id == job.id])
    return bool(admitted(alone, 1, world.limits))


def in_line(job: Job, world: World, wait_s: float = LINE_S) -> Job:
    """It waits, and looks by itself after about so long."""
    later = timedelta(seconds=wait_s * random.uniform(0.75, 1.25))
    return replace(job, waits_for=None, due_at=world.clock() + later)


async def wake_next(tx: Writer, job: Job) -> None:
    """This job takes no place any more, or does not take the one that was free: the next one is looked at now.

    With it the next one wherever else its person or its place waits, since one of their limits may have held it back. It itself
    is left alone: a try that failed rests.
    """
    for provider in dict.fromkeys((job.provider, *await tx.lines_of(job))):
        await wake_line(tx, provider, but_not=job.id)


async def wake_line(tx: Writer, provider: str, *, but_not: int | None = None) -> None:
    """Let the next one in this line be looked at now."""
    line = await tx.line(provider)
    up = next_up(replace(line, waiting=[each for each in line.waiting if each.job_id != but_not]))
    if up is not None and not up.is_due:
        await tx.make_due([up.job_id])
