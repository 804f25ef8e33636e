"""Claims that are kept while their steps run, so that a lease can be short: what a dead process held is free soon."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from engine.errors import StorageError
from engine.job_model import Job, Say
from engine.ports import Store


class Leases:
    """Renews the leases of whatever is held for long. `lease_s`: how long each one is."""

    def __init__(self, store: Store, lease_s: float) -> None:
        self.store = store
        self.lease_s = lease_s
        self._kept: dict[Kept, float] = {}
        """From when each is to be renewed, by the loop's clock: the oldest first."""
        self._timer: asyncio.TimerHandle | None = None

    def kept(self, held: Job | Say, most_s: float | None = None) -> Kept:
        """A block in which the lease of `held` is renewed. A lease that was lost shows at the write, by the fence.

        `most_s`: how long the block may last, longer than a third of the lease; else it raises TimeoutError. None: as long as
        it takes.
        """
        return Kept(self, held, most_s)

    def add(self, kept: Kept) -> None:
        """It begins now."""
        loop = asyncio.get_running_loop()
        self._kept[kept] = loop.time() + self.lease_s / 3
        if self._timer is None:  # one for all: most steps are short, and a timer for each costs as much as a part of it
            self._timer = loop.call_later(self.lease_s / 3, self._renew)

    def drop(self, kept: Kept) -> None:
        """It is over."""
        self._kept.pop(kept, None)

    def _renew(self) -> None:
        """Begin to renew those that have lasted; come back when the next one has."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for kept, at_s in tuple(self._kept.items()):
            if at_s > loop.time():
                self._timer = loop.call_at(at_s, self._renew)
                return
            self.drop(kept)
            kept.renew()


class Kept:
    """See `Leases.kept`."""

    __slots__ = ("_held", "_keeper", "_leases", "_limit", "_most_s")

    def __init__(self, leases: Leases, held: Job | Say, most_s: float | None) -> None:
        self._leases = leases
        self._held = held
        self._most_s = most_s
        self._limit = asyncio.timeout(None)
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        self._leases.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leases.drop(self)
        try:
            if self._keeper is not None:
                self._keeper.cancel()
                await asyncio.gather(self._keeper, return_exceptions=True)
        except asyncio.CancelledError as late:  # the limit's own, or somebody else's: it has to know of it
            await self._limit.__aexit__(type(late), late, late.__traceback__)
            raise
        await self._limit.__aexit__(kind, error, trace)

    def renew(self) -> None:
        """From now on, and no longer than the block may last."""
        if self._most_s is not None:
            loop = asyncio.get_running_loop()
            self._limit.reschedule(loop.time() + self._most_s - self._leases.lease_s / 3)
        name = f"lease of {type(self._held).__name__.lower()} {self._held.id}"
        self._keeper = asyncio.create_task(self._keep(), name=name)

    async def _keep(self) -> None:
        while True:
            with suppress(StorageError):
                if not await self._leases.store.renew(self._held, self._leases.lease_s):
                    return
            await asyncio.sleep(self._leases.lease_s / 3)
