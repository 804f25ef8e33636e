"""What the desks of all fake platforms have in common: they open, go away for a while, and wait for what comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Protocol, Self, TypeVar

LOOK_AGAIN_S = 0.05

T = TypeVar("T")


class Server(Protocol):
    """Listens on a port of loopback."""

    @property
    def port(self) -> int: ...

    async def start(self, port: int) -> None: ...

    async def stop_listening(self) -> None: ...

    async def stop(self) -> None: ...


class Desk:
    """A mix-in. `async with` starts and stops its server."""

    _listener: Server
    _port: int

    def changed(self) -> asyncio.Event:
        """Set at the next thing that happens on the platform."""
        raise NotImplementedError

    def report(self) -> str:
        """What there is, for the sentence of a failed wait."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self._listener.start(self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._listener.stop()

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Nobody listens on its port meanwhile; then it is back with all it knew."""
        await self._listener.stop_listening()
        try:
            yield
        finally:
            await self._listener.start(self._listener.port)

    async def wait_until(self, predicate: Callable[[], T], timeout_s: float = 5.0, what: str = "") -> T:
        """Wait until it gives something true, and give that.

        Raises:
            AssertionError: it did not in time; tells what there is instead.
        """
        end_s = time.monotonic() + timeout_s
        while True:
            changed = self.changed()
            found = predicate()
            if found:
                return found
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                raise AssertionError(
                    f"{what or 'What was waited for'} did not happen in {timeout_s} s.\n{self.report()}"
                )
            try:
                await asyncio.wait_for(changed.wait(), min(left_s, LOOK_AGAIN_S))
            except TimeoutError:
                continue
