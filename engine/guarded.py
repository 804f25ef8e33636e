"""A provider as the steps see it: what it answers, and that it does not, is noted for its circuit."""

from __future__ import annotations

from collections.abc import Mapping
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

    def _noted(self, *, is_answer: bool = True, loses_answers: bool = False) -> _Noted:
        return _Noted(self, is_answer, loses_answers)


class _Noted:
    """`is_answer`: that it ends well is an answer of the service. `loses_answers`: Unconfirmed says that there was none."""

    __slots__ = ("_guarded", "_is_answer", "_loses_answers")

    def __init__(self, guarded: Guarded, is_answer: bool, loses_answers: bool) -> None:
        self._guarded = guarded
        self._is_answer = is_answer
        self._loses_answers = loses_answers

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        circuits, name = self._guarded.circuits, self._guarded.name
        match error:
            case RateLimited():
                circuits.answered(name)
                circuits.limited(name, error.retry_after_s, self._guarded.clock())
            case Unavailable():
                circuits.failed(name, self._guarded.subject, self._guarded.clock())
            case Unconfirmed() if self._loses_answers:
                circuits.failed(name, self._guarded.subject, self._guarded.clock())
            case Unconfirmed():
                circuits.answered(name)
            case None | ProviderError() if self._is_answer:
                circuits.answered(name)
            case _:
                pass
