"""A claim that is kept while its step runs, so that a lease can be short: what a dead process held is free soon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from engine.errors import StorageError
from engine.job_model import Job, Say
from engine.ports import Store


@asynccontextmanager
async def kept_lease(store: Store, held: Job | Say, lease_s: float, most_s: float | None = None) -> AsyncIterator[None]:
    """Renew the lease until the block is left. A lease that was lost shows at the write, by the fence.

    `most_s`: how long the block may last, longer than a third of the lease. None: as long as it takes.

    Raises:
        TimeoutError: it lasted longer.
    """

    async def keep() -> None:
        while True:
            with suppress(StorageError):
                if not await store.renew(held, lease_s):
                    return
            await asyncio.sleep(lease_s / 3)

    keepers: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()

    def begin() -> None:
        if most_s is not None:
            limit.reschedule(loop.time() + most_s - lease_s / 3)
        keepers.append(asyncio.create_task(keep(), name=f"lease of {type(held).__name__.lower()} {held.id}"))

    # a task, and a limit, only where the step lasts: most are short, and each timer costs a twentieth of a look
    timer = loop.call_later(lease_s / 3, begin)
    async with asyncio.timeout(None) as limit:
        try:
            yield
        finally:
            timer.cancel()
            for keeper in keepers:
                keeper.cancel()
            if keepers:
                await asyncio.gather(*keepers, return_exceptions=True)
