"""A provider that does as a test tells it, with real tiny clips: what it was asked, what it answers, what it loses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from engine.abilities import FREE, Abilities, Pace, Quote, quote
from engine.errors import ProviderError, Unavailable
from engine.providers.base import CancelOutcome, Order, Prepared, Progress, Recovery, Rendered, Rendering, Sent, Taken

ABILITIES = Abilities(
    min_seconds=0.5,
    max_seconds=10,
    default_seconds=1,
    ratios=("16:9", "9:16"),
    resolutions=("480p", "720p"),
    styles=("plain", "ink"),
    first_frame=True,
    last_frame=True,
    last_needs_first=False,
    seed=True,
    price=FREE,
)
NO_FRAMES = Abilities(
    min_seconds=1, max_seconds=5, default_seconds=2, ratios=("16:9",), resolutions=("480p",), price=FREE
)


def write_clip(path: Path, *, seconds: float, colour: int, size: tuple[int, int] = (64, 36)) -> None:
    """A real H.264 clip of one grey that grows lighter by one level a frame."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "10", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.time_base = Fraction(1, 24)
        for number in range(round(seconds * 24)):
            picture = np.full((size[1], size[0], 3), (colour + number) % 256, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@dataclass
class Render:
    """One render that it took."""

    order: Order
    key: str
    checks: int = 0
    is_cancelled: bool = False
    is_forgotten: bool = False


@dataclass
class ScriptedProvider:
    """Takes everything and is done at the second check, unless told otherwise."""

    name: str = "scripted"
    recovery: Recovery = Recovery.NONE
    pace: Pace = Pace(first_s=0.5, every_s=0.5, give_up_s=60, in_flight=2)  # noqa: RUF009  # frozen
    models: Mapping[str, Abilities] = field(default_factory=lambda: {"one": ABILITIES, "blind": NO_FRAMES})
    renders: dict[str, Render] = field(default_factory=dict)
    """By task id: every paid request that it ever took."""
    submit_errors: list[Exception] = field(default_factory=list)
    """Raised by the next submits instead of taking them."""
    lose_answers: list[Exception] = field(default_factory=list)
    """Raised by the next submits after taking them."""
    find_errors: list[Exception] = field(default_factory=list)
    """Raised by the next look-ups."""
    check_answers: list[Progress | ProviderError] = field(default_factory=list)
    """Given by the next checks, whatever the render."""
    fetch_errors: list[Exception] = field(default_factory=list)
    forget_errors: list[Exception] = field(default_factory=list)
    fetched_bytes: bytes | None = None
    """Served instead of a clip."""
    gives_whole: bool = False
    """An extended clip comes with the one that it goes on from."""
    finishes_at_check: int = 2
    prepare_errors: list[Exception] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    says_usd: Decimal | None = None
    """What it says at once that a render costs."""
    rendered_usd: Decimal | None = None
    """What it says that a finished one has cost."""
    prepares: int = 0
    submits: int = 0
    gate: asyncio.Event | None = None
    """While it is there and not set, submits hang."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first submit."""

    async def quote(self, order: Order) -> Quote:
        return quote(self.models[order.model].price, seconds=order.seconds, resolution=order.resolution)

    async def prepare(self, order: Order, key: str) -> Prepared:
        self.prepares += 1
        if self.prepare_errors:
            raise self.prepare_errors.pop(0)
        return Prepared(order, key, None, self.notes)

    async def submit(self, prepared: Prepared) -> Taken:
        order, key = prepared.order, prepared.key
        self.submits += 1
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.submit_errors:
            raise self.submit_errors.pop(0)
        known = next((task for task, render in self.renders.items() if render.key == key), None)
        if known is not None and self.recovery is Recovery.SAME_KEY:
            return Taken(known)
        task_id = f"task-{len(self.renders) + 1}"
        self.renders[task_id] = Render(order, key)
        if self.lose_answers:
            raise self.lose_answers.pop(0)
        return Taken(task_id, self.says_usd)

    async def find(self, sent: Sent) -> str | None:
        if self.find_errors:
            raise self.find_errors.pop(0)
        return next((task for task, render in self.renders.items() if render.key == sent.key), None)

    async def check(self, task_id: str) -> Progress:
        if self.check_answers:
            answer = self.check_answers.pop(0)
            if isinstance(answer, ProviderError):
                raise answer
            return answer
        render = self.renders[task_id]
        render.checks += 1
        if render.checks < self.finishes_at_check:
            return Rendering(percent=100 * render.checks / self.finishes_at_check)
        return Rendered(f"scripted://{task_id}", self.rendered_usd)

    async def fetch(self, task_id: str, where: str, into: Path) -> None:
        assert where == f"scripted://{task_id}"
        if self.fetch_errors:
            raise self.fetch_errors.pop(0)
        if self.fetched_bytes is not None:
            await asyncio.to_thread(into.write_bytes, self.fetched_bytes)
            return
        order = self.renders[task_id].order
        size = (64, 36) if order.ratio == "16:9" else (36, 64)
        before_s = order.source.seconds if order.source and self.gives_whole else 0.0
        await asyncio.to_thread(write_clip, into, seconds=before_s + order.seconds, colour=order.seed % 200, size=size)

    async def cancel(self, task_id: str) -> CancelOutcome:
        if task_id not in self.renders:
            raise Unavailable("It is not there.", provider=self.name)
        self.renders[task_id].is_cancelled = True
        return CancelOutcome.STOPPED

    async def forget(self, task_id: str) -> None:
        if self.forget_errors:
            raise self.forget_errors.pop(0)
        if task_id in self.renders:
            self.renders[task_id].is_forgotten = True

    async def close(self) -> None:
        return
