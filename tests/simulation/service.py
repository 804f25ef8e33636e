"""A video service as it truly is, and as a process sees it through a bad line. The truth about money lives here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.abilities import Abilities, Pace, Price, Quote
from engine.errors import (
    AuthFailed,
    Lost,
    Misunderstood,
    RateLimited,
    Refused,
    RenderFailed,
    StorageUnavailable,
    Unavailable,
    Unconfirmed,
)
from engine.providers.base import (
    CancelOutcome,
    Order,
    Prepared,
    Progress,
    Queued,
    Recovery,
    Rendered,
    Rendering,
    Sent,
    Taken,
)
from engine.providers.leaving import LEAVES_S
from tests.simulation.faults import Faults
from tests.simulation.loop import PROCESS

PRICE_USD = Decimal("0.40")
ANSWER_S = 55.0
"""As `engine.providers.wire.PAID_S`."""
LIST_LAG_S = 9.0
"""With `SEND_S` and `INTENT_LASTS_S` of `engine.submit` it stays under `ABSENT_AFTER_S`, as every service is taken to."""
ROAD_MOST_S = 60.0
"""As `engine.submit.SEND_S`: so long after a sender began its request may arrive, if it does."""
PACE = Pace(first_s=3, every_s=5, give_up_s=900, in_flight=3)
ABILITIES = Abilities(
    min_seconds=1,
    max_seconds=10,
    default_seconds=1,
    ratios=("16:9",),
    resolutions=("480p",),
    first_frame=True,
    seed=True,
    price=Price(usd_per_render=PRICE_USD),
)


@dataclass
class Render:
    """One that was accepted: whatever becomes of it, somebody pays unless it says `is_charged` False."""

    task_id: str
    key: str
    accepted_s: float
    listed_s: float
    done_s: float
    usd: Decimal
    fails: bool = False
    is_charged: bool = True
    is_stopped: bool = False
    is_forgotten: bool = False

    @property
    def job_id(self) -> int:
        """Whose it is: the engine's keys begin with it."""
        return int(self.key.partition("-")[0])


@dataclass
class Service:
    """The other side. What reached it happens, whatever becomes of the process that sent it."""

    name: str
    recovery: Recovery
    faults: Faults
    chance: random.Random
    accepted: Callable[[Service, Render], None]
    jolt: Callable[[], None] = lambda: None
    """Called around every paid request: the process that sends it may be killed or frozen just there."""
    pace: Pace = PACE
    says_cost: bool = True
    can_stop: bool = True
    renders: dict[str, Render] = field(default_factory=dict)
    requests: int = 0

    def knows(self, key: str) -> bool:
        """Whether it gives the first render of this key again."""
        return self.recovery is Recovery.SAME_KEY and any(each.key == key for each in self.renders.values())

    def take(self, key: str) -> Render:
        """The request is read now."""
        now_s = asyncio.get_running_loop().time()
        self.requests += 1
        if self.recovery is Recovery.SAME_KEY:
            known = next((each for each in self.renders.values() if each.key == key), None)
            if known is not None:
                return known
        lag_s = self.chance.uniform(0, LIST_LAG_S) if self.faults.happens("slow look-up") else 0.2
        usd = PRICE_USD + Decimal(self.chance.choice([0, 0, 1, -3])) / 100
        fails = self.faults.happens("render fails")
        render = Render(
            task_id=f"{self.name}-{len(self.renders) + 1}",
            key=key,
            accepted_s=now_s,
            listed_s=now_s + lag_s,
            done_s=now_s + self.chance.uniform(5, 90),
            usd=usd,
            fails=fails,
            is_charged=not fails,
        )
        self.renders[render.task_id] = render
        self.accepted(self, render)
        return render


class Client:
    """engine.providers.base.Provider: one process's line to a service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._faults = service.faults
        self._chance = service.chance
        self.name = service.name
        self.recovery = service.recovery
        self.pace = service.pace
        self.models = {"one": ABILITIES}

    async def quote(self, order: Order) -> Quote:
        return Quote(PRICE_USD)

    async def prepare(self, order: Order, key: str) -> Prepared:
        await self._way(2.0)
        if self._faults.happens("no connection"):
            raise Unavailable("The picture could not be sent; it is tried again.", provider=self.name)
        return Prepared(order, key, None)

    async def submit(self, prepared: Prepared) -> Taken:
        began_s = asyncio.get_running_loop().time()
        self._service.jolt()
        await self._way(8.0)  # to connect; what follows in this very step are the bytes that leave
        if asyncio.get_running_loop().time() - began_s > LEAVES_S:  # as `engine.providers.wire` asks then
            raise Unavailable("It grew too late to send it.", provider=self.name)
        if self._faults.happens("no connection"):
            raise Unavailable("The service cannot be reached; it is tried again.", provider=self.name)
        answer: asyncio.Future[Taken | Exception] = asyncio.get_running_loop().create_future()
        outside(self._arrives(prepared.key, answer, began_s), "request")
        self._service.jolt()
        try:
            async with asyncio.timeout(ANSWER_S):
                said = await answer
        except TimeoutError as error:
            raise Unconfirmed("The answer was lost.", provider=self.name) from error
        if isinstance(said, Exception):
            raise said
        return said

    async def _arrives(self, key: str, answer: asyncio.Future[Taken | Exception], began_s: float) -> None:
        """On the wire and over there."""
        await self._way(3.0)
        if self._faults.happens("request on a slow road"):
            left_s = began_s + ROAD_MOST_S - asyncio.get_running_loop().time()
            await asyncio.sleep(self._chance.uniform(0.0, max(0.0, left_s)))
        if self._faults.happens("request lost"):
            return
        said: Taken | Exception
        if self._faults.happens("too many requests"):
            said = RateLimited("Too many requests.", retry_after_s=self._chance.uniform(1, 20), provider=self.name)
        elif not self._service.knows(key) and self._faults.happens("refused"):
            said = Refused("These words are refused.", provider=self.name)
        else:
            render = self._service.take(key)
            said = Taken(render.task_id, PRICE_USD if self._service.says_cost else None)
            if self._faults.happens("answer lost"):
                if self._chance.random() < 0.5:
                    return
                said = Unconfirmed("The service answered 502.", provider=self.name)
        await self._way(1.0)
        if not answer.done():
            answer.set_result(said)

    async def find(self, sent: Sent) -> str | None:
        assert self.recovery is Recovery.LOOKUP, "only where the service can be asked"
        await self._way(2.0)
        if self._faults.happens("look-up fails"):
            raise Unavailable("The list cannot be had now.", provider=self.name)
        now_s = asyncio.get_running_loop().time()
        found = [each for each in self._service.renders.values() if each.key == sent.key and each.listed_s <= now_s]
        return found[0].task_id if found else None

    async def check(self, task_id: str) -> Progress:
        await self._way(1.0)
        if self._faults.happens("check fails"):
            if self._chance.random() < 0.3:
                raise RateLimited("Too many requests.", retry_after_s=self._chance.uniform(1, 60), provider=self.name)
            raise Unavailable("The service answered 500.", provider=self.name)
        if self._faults.happens("key revoked"):
            raise AuthFailed("The key is not known.", provider=self.name)
        if self._faults.happens("unknown word"):
            raise Misunderstood("The service said a word that nobody knows.", provider=self.name, detail="dunno")
        render = self._service.renders[task_id]
        now_s = asyncio.get_running_loop().time()
        if render.is_forgotten:
            raise Lost("The service does not know it any more.", provider=self.name)
        if render.is_stopped:
            raise RenderFailed("It was stopped.", provider=self.name)
        if now_s < render.done_s or self._faults.happens("done and not done"):
            return Rendering() if self._chance.random() < 0.8 else Queued()
        if render.fails:
            raise RenderFailed("The service could not render it.", provider=self.name)
        return Rendered(f"sim://{task_id}", render.usd if self._service.says_cost else None)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        await self._way(10.0)
        if self._faults.happens("download breaks"):
            raise Unavailable("The download broke off.", provider=self.name)
        if self._service.renders[task_id].is_forgotten:
            raise Unavailable("The file is not there any more.", provider=self.name)
        whole = f"clip of {task_id} is whole"
        await self._written(into, whole[:9])
        await self._way(2.0)
        if not self._faults.happens("half a file"):
            await self._written(into, whole)

    async def _written(self, into: Path, words: str) -> None:
        try:
            await asyncio.to_thread(into.write_text, words)
        except OSError as error:
            raise StorageUnavailable("The directory is gone.") from error

    async def cancel(self, task_id: str) -> CancelOutcome:
        await self._way(1.0)
        if self._faults.happens("check fails"):
            raise Unavailable("The service answered 500.", provider=self.name)
        render = self._service.renders[task_id]
        if asyncio.get_running_loop().time() < render.done_s and self._service.can_stop and not render.fails:
            render.is_stopped, render.is_charged = True, False
        return CancelOutcome.STOPPED if render.is_stopped else CancelOutcome.MAY_STILL_COST

    async def forget(self, task_id: str) -> None:
        await self._way(1.0)
        self._service.renders[task_id].is_forgotten = True

    async def close(self) -> None:
        return

    async def _way(self, most_s: float) -> None:
        await asyncio.sleep(self._chance.uniform(0.005, most_s))


def outside(coroutine: Coroutine[Any, Any, None], name: str) -> None:
    """Let it happen in the world, whatever becomes of the process that began it."""
    mark = PROCESS.set(None)
    try:
        asyncio.get_running_loop().create_task(coroutine, name=name)
    finally:
        PROCESS.reset(mark)
