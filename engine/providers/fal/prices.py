"""A quote from fal's pricing API and the catalog together. Pure.

https://fal.ai/docs/platform-apis/v1/models/pricing gives one unit price for an endpoint, "with proportional adjustments for
resolution/length" that it does not give: so the catalog says how the prices of a model stand to each other, and the API how high
they all are today.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.abilities import Price, Quote
from engine.providers.reading import amount_of, rows_of, text_of

FRESH_S = 3_600.0
"""How long a price is believed."""
FAILED_S = 60.0
"""How long it is not asked for again after it could not be had."""
FAR = Decimal(2)
"""A price so many times higher or lower than the catalog's is of some other unit, and not believed."""


@dataclass(frozen=True, slots=True)
class UnitPrice:
    """What one unit costs, in US dollars."""

    usd: Decimal
    unit: str

    @property
    def is_per_second(self) -> bool:
        """Of video; a GPU's seconds are something else."""
        return bool(re.fullmatch(r"(video |output |generated )?(s|sec|second)s?", self.unit.strip().lower()))

    @property
    def is_per_video(self) -> bool:
        return bool(re.fullmatch(r"(generated )?videos?", self.unit.strip().lower()))


def read_unit_price(said: Mapping[str, Any], endpoint: str) -> UnitPrice | None:
    """The price of this endpoint; None: the answer has none in dollars."""
    for each in rows_of(said.get("prices")):
        if each.get("endpoint_id") != endpoint or each.get("currency") != "USD":
            continue
        usd = amount_of(each.get("unit_price"))
        return None if usd is None else UnitPrice(usd, text_of(each.get("unit")))
    return None


def quote_by(listed: Quote, price: Price | None, today: UnitPrice, seconds: float, price_at: str) -> Quote:
    """The catalog's quote at today's level. `price_at`: the resolution whose price the API tells; empty: not known.

    What the API tells is not used where its unit is none that we bill by, or where it is too far from all that the catalog has.
    """
    if price is None or listed.usd is None:
        if today.is_per_second:
            return Quote(today.usd * Decimal(str(seconds)))
        return Quote(today.usd) if today.is_per_video else listed
    if not today.is_per_second or not today.usd:
        return listed
    known = {*price.usd_per_second.values(), *price.silent_usd_per_second.values()} - {Decimal(0)}
    at = price.usd_per_second.get(price_at)
    base = at or min(known, key=lambda each: abs(each - today.usd), default=None)
    if base is None or not 1 / FAR <= today.usd / base <= FAR:
        return listed
    return Quote(listed.usd * today.usd / base)
