"""Paid services that outlive every kill: what they took and what they charge is the truth about the money."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, cast

from aiohttp import web

from tests.chaos.door import Door
from tests.fakes.services.base import FakeService, FakeTask, FileFault, No, Shown
from tests.fakes.services.comfyui import FakeComfy
from tests.fakes.services.fal import FakeFal
from tests.fakes.services.openai import FakeOpenai, row
from tests.fakes.services.xai import FakeXai

PACE: Mapping[str, Any] = {"first_s": 0.2, "every_s": 0.3, "in_flight": 40}
FATES = (Shown.DONE,) * 17 + (Shown.FAILED, Shown.REFUSED, Shown.NO_VIDEO)
"""How renders end where the run is a rough one."""
FILE_FAULTS = (FileFault.CUT, FileFault.SLOW, FileFault.EXPIRED, FileFault.PAGE)


class PaidService(FakeService):
    """Charges for every render that it finished, and goes wrong by a seed."""

    charges_usd: ClassVar[Decimal]
    """For one render."""

    def __init__(self) -> None:
        super().__init__()
        self.door = Door()
        self.chance: random.Random | None = None
        """None: nothing goes wrong by itself."""
        self.renders_s = (0.2, 0.5)
        self.faults: Counter[str] = Counter()
        """What went wrong, by its name."""

    def table(self) -> dict[str, Any]:
        """What nextshot.toml says of it."""
        setup = self.setup()
        return {"kind": self.kind, **setup.settings, "pace": dict(PACE)}

    def charged_usd(self, task_id: str) -> Decimal:
        """What this render cost: nothing where none came of it."""
        task = self.tasks[task_id]
        return self.price_usd(task) if self.fate(task) is Shown.DONE else Decimal(0)

    def price_usd(self, task: FakeTask) -> Decimal:
        """By what was asked for: a shot takes over the length of the one before it."""
        del task
        return self.charges_usd

    def fate(self, task: FakeTask) -> Shown:
        """How it ends."""
        if task.is_cancelled:
            return Shown.CANCELLED
        fate: Shown = task.extra.get("fate", Shown.DONE)
        return fate

    def words_of(self, task: FakeTask) -> str:
        """All that was asked for."""
        return json.dumps(task.body, default=str)

    async def create(self, request: web.Request, body: Mapping[str, Any], *, task_id: str = "") -> web.StreamResponse:
        words = json.dumps(body, default=str)
        if self.door.is_shut or not await self.door.passes("arrives", words):
            return _cut(request)
        if self.chance is not None and not self.next_no and self.chance.random() < 0.04:
            self.faults["429"] += 1
            self.next_no.append(No.RATE)
        before = len(self.tasks)
        answer = await super().create(request, body, task_id=task_id)
        if len(self.tasks) == before:
            return answer
        task = self.newest
        task.extra["done_s"] = time.monotonic() + random.Random(len(self.tasks)).uniform(*self.renders_s)
        if self.chance is not None:
            task.extra["fate"] = self.chance.choice(FATES)
            task.extra["odd"] = self.chance.random() < 0.05
            if self.chance.random() < 0.1:
                self.file_faults.append(self.chance.choice(FILE_FAULTS))
        if not await self.door.passes("accepted", words):
            return _cut(request)
        if self.chance is not None and self.chance.random() < 0.04:
            self.faults["answer lost"] += 1
            return _cut(request)
        return answer

    def check(self, task_id: str) -> web.Response:
        if (task := self.tasks.get(task_id)) is not None and not task.is_cancelled:
            task.shown = self._stage_now(task)
        return super().check(task_id)

    def _stage_now(self, task: FakeTask) -> Shown:
        left_s = task.extra.get("done_s", 0.0) - time.monotonic()
        if left_s > 0.2:
            return Shown.QUEUED
        if left_s > 0:
            return Shown.RENDERING
        return self.fate(task)

    def refresh(self) -> None:
        """Every task stands where the clock says."""
        for task in self.tasks.values():
            if not task.is_cancelled:
                task.shown = self._stage_now(task)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.door.is_shut:
            self.faults["cut"] += 1
            return _cut(request)
        self.refresh()
        if not self.is_paid(request):
            about = self.words_of(self.tasks[found]) if (found := self._task_in(request)) else ""
            if not await self.door.passes("check", about):
                return _cut(request)
            if self.chance is not None and self.chance.random() < 0.02:
                self.faults["5xx"] += 1
                self.storm += 1
        middleware = cast("Any", FakeService._guard)  # its own, laid around
        answer: web.StreamResponse = await middleware(self, request, handler)
        return answer

    def _task_in(self, request: web.Request) -> str:
        return next((part for part in request.path.split("/") if part in self.tasks), "")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        found = self._task_in(request)
        about = self.words_of(self.tasks[found]) if found else ""
        if self.door.holds.get("download", "\0") in about:
            data = self.clip()
            answer = web.StreamResponse(headers={"Content-Type": "video/mp4", "Content-Length": str(len(data))})
            await answer.prepare(request)
            await answer.write(data[: len(data) // 2])
            await self.door.passes("download", about)
            return _cut_stream(request, answer)
        if not await self.door.passes("download", about):
            return _cut(request)
        return await super()._file(request)


def _cut(request: web.Request) -> web.Response:
    """The connection is gone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _cut_stream(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return answer


class PaidOpenai(PaidService, FakeOpenai):
    """Can be looked through."""

    model = "film-1"
    rows: ClassVar[Mapping[str, Any]] = {
        "film-1": row(resolutions=["720p"], seconds=[4, 8, 12], only=True, price={"per_second": 0.1})
    }
    charges_usd = Decimal("0.1")
    """For a second."""

    def price_usd(self, task: FakeTask) -> Decimal:
        return self.charges_usd * int(str(task.body["seconds"]))

    def table(self) -> dict[str, Any]:
        return {**super().table(), "wire": {"preset": self.preset}, "models": dict(self.rows)}


_SMALL_USD = Decimal("0.08")
"""Of xAI, for a second of 480p."""


class PaidXai(PaidService, FakeXai):
    """Tells nothing of what it took, and its price when it is done."""

    charges_usd = Decimal("0.14")
    """For a second of 720p."""

    def price_usd(self, task: FakeTask) -> Decimal:
        return (self.charges_usd if task.body["resolution"] == "720p" else _SMALL_USD) * int(task.body["duration"])

    cost_usd = price_usd


class PaidComfy(PaidService, FakeComfy):
    """Its ids are ours."""

    charges_usd = Decimal("0.05")
    """For a second of sixteen frames."""

    def price_usd(self, task: FakeTask) -> Decimal:
        (frames,) = {
            node["inputs"]["length"] for node in task.body["prompt"].values() if "length" in node.get("inputs", {})
        }
        return self.charges_usd * round((int(frames) - 1) / 16)

    def fate(self, task: FakeTask) -> Shown:
        """What renders at home refuses nothing."""
        fate = super().fate(task)
        return Shown.DONE if fate is Shown.REFUSED else fate

    def table(self) -> dict[str, Any]:
        return {**super().table(), "models": {"wan-2.2": {"price": {"per_second": 0.05}}}}


class PaidFal(PaidService, FakeFal):
    """Can be looked through with an admin's key."""

    charges_usd = Decimal("0.40")

    def __init__(self) -> None:
        super().__init__()
        self.is_admin = True


KINDS: Mapping[str, type[PaidService]] = {
    "openai": PaidOpenai,
    "xai": PaidXai,
    "comfyui": PaidComfy,
    "fal": PaidFal,
}
ASKS_ABOVE_USD = Decimal("0.50")
"""What is asked about first: xai's."""


def toml(value: object) -> str:
    """A value of nextshot.toml, tables inline."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)
