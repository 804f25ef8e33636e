"""How far what a model's renders cost lay from what was told before: the only source of a range, since no service tells one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from engine.ledger import exact
from engine.ports import Reader

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Spread:
    """As factors of the price that is told before. `least` is at most 1, `most` at least 1; both are 1 where nothing is known."""

    least: Decimal = ONE
    most: Decimal = ONE

    def most_usd(self, usd: Decimal | None) -> Decimal | None:
        """What a render at this price may cost: that is what is held. None: nobody knows."""
        return usd if usd is None or self.most == ONE else exact(usd * self.most)

    def told_usd(self, most_usd: Decimal) -> Decimal:
        """The price of which that is the most."""
        return most_usd if self.most == ONE else exact(most_usd / self.most)

    def least_usd(self, most_usd: Decimal) -> Decimal:
        """What a render costs at least that may cost so much."""
        return most_usd if self.least == self.most else exact(most_usd * self.least / self.most)


def spread_of(told: Iterable[tuple[Decimal, Decimal]]) -> Spread:
    """From pairs of what was told before and what it cost. What cost nothing, or was to, says nothing of a price."""
    factors = [cost_usd / quoted_usd for quoted_usd, cost_usd in told if quoted_usd > 0 and cost_usd > 0]
    return Spread(least=min([ONE, *factors]), most=max([ONE, *factors]))


async def known_spread(tx: Reader, provider: str, model: str) -> Spread:
    """What this house has seen of this model's newest renders."""
    return spread_of(await tx.told_costs(provider, model))
