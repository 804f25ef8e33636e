"""A painter that does as a test tells it, with real small pictures: what it was asked, what it answers, what it loses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from engine.abilities import Quote
from engine.providers.painter import Painted, PainterAbilities, PictureOrder, PreparedPicture
from tests.fakes.services.pictures import png

CAN = PainterAbilities(
    sizes={"small": 720}, ratios=("16:9", "9:16"), usd_per_picture={"": Decimal("0.05")}, as_of=None, source=""
)
CANNOT_EDIT = PainterAbilities(sizes={"small": 720}, ratios=("16:9",), can_edit=False)


@dataclass
class ScriptedPainter:
    """Paints everything, unless told otherwise."""

    name: str = "brush"
    models: Mapping[str, PainterAbilities] = field(default_factory=lambda: {"fine": CAN, "rough": CANNOT_EDIT})
    orders: list[PictureOrder] = field(default_factory=list)
    """Every paid request that it took."""
    calls: int = 0
    """Paid requests that arrived, taken or not."""
    paint_errors: list[Exception] = field(default_factory=list)
    """Raised by the next calls instead of painting."""
    prepare_errors: list[Exception] = field(default_factory=list)
    says_usd: Decimal | None = Decimal("0.06")
    gate: asyncio.Event | None = None
    """While it is there and not set, calls hang after they were taken."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by the first call."""
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    is_closed: bool = False

    def quote(self, order: PictureOrder) -> Quote:
        prices = self.models[order.model].usd_per_picture
        return Quote(prices[""] if prices else None)

    async def prepare(self, order: PictureOrder, key: str) -> PreparedPicture:
        self.prepared.set()
        if self.prepare_errors:
            raise self.prepare_errors.pop(0)
        return PreparedPicture(order, key, None, ("The frame was sent smaller.",) if order.frame else ())

    async def paint(self, prepared: PreparedPicture, into: Path) -> Painted:
        self.calls += 1
        self.asked.set()
        if self.paint_errors:
            raise self.paint_errors.pop(0)
        self.orders.append(prepared.order)
        if self.gate is not None:
            await self.gate.wait()
        half = into.with_name("half.png")
        await asyncio.to_thread(half.write_bytes, png(64, 36, (len(self.orders), 0, 0)))
        half.replace(into)
        return Painted(self.says_usd, ("Its edges were cut off.",))

    async def close(self) -> None:
        self.is_closed = True
