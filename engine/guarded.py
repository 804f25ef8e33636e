"""A provider as the steps see it: what it answers, and that it does not, is noted for its circuit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.abilities import Abilities, Pace, Quote
from engine.circuits import Circuits
from engine.errors import ProviderError, RateLimited, Unavailable, Unconfirmed
from engine.ports import Clock
from engine.providers.base import CancelOutcome, Order, Prepared, Progress, Provider, Recovery, Sent, Taken


@dataclass(frozen=True, slots=True)
class Guarded:
    """`engine.providers.base.Provider` in front of another. `subject`: what it is asked for.

    A download is not noted: it may come from elsewhere. Nor is a request that was prepared, which may need no service at all.
    """

    inner: Provider
    subject: str
    circuits: Circuits
    clock: Clock

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def models(self) -> Mapping[str, Abilities]:
        return self.inner.models

    @property
    def pace(self) -> Pace:
        return self.inner.pace

    @property
    def recovery(self) -> Recovery:
        return self.inner.recovery

    async def quote(self, order: Order) -> Quote:
        return await self.inner.quote(order)

    async def prepare(self, order: Order, key: str) -> Prepared:
        with self._noted(is_answer=False):
            return await self.inner.prepare(order, key)

    async def submit(self, prepared: Prepared) -> Taken:
        with self._noted(loses_answers=True):
            return await self.inner.submit(prepared)

    async def find(self, sent: Sent) -> str | None:
        with self._noted():
            return await self.inner.find(sent)

    async def check(self, task_id: str) -> Progress:
        with self._noted():
            return await self.inner.check(task_id)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        await self.inner.fetch(task_id, where, into)

    async def cancel(self, task_id: str) -> CancelOutcome:
        return await self.inner.cancel(task_id)

    async def forget(self, task_id: str) -> None:
        await self.inner.forget(task_id)

    async def close(self) -> None:
        await self.inner.close()

    @contextmanager
    def _noted(self, *, is_answer: bool = True, loses_answers: bool = False) -> Iterator[None]:
        """`is_answer`: that it ends well is an answer of the service. `loses_answers`: Unconfirmed says that there was none."""
        try:
            yield
        except RateLimited as error:
            self.circuits.answered(self.name)
            self.circuits.limited(self.name, error.retry_after_s, self.clock())
            raise
        except Unavailable:
            self.circuits.failed(self.name, self.subject, self.clock())
            raise
        except Unconfirmed:
            if loses_answers:
                self.circuits.failed(self.name, self.subject, self.clock())
            else:
                self.circuits.answered(self.name)
            raise
        except ProviderError:
            if is_answer:
                self.circuits.answered(self.name)
            raise
        if is_answer:
            self.circuits.answered(self.name)
