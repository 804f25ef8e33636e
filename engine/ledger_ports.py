"""What the engine asks of a store about money: pots, what was posted to them, and what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from engine.job_model import Job
from engine.ledger import Balances, Entry, Limits, Pot, PotKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What the jobs of one person, or of one story, come to in one place."""

    name: str
    """The person's name or the story's code."""
    balances: Balances


class LedgerReader(Protocol):
    """Reads what was posted, in the snapshot of its transaction."""

    async def pot(self, key: PotKey) -> Pot:
        """As it stands. One that nobody has touched is empty, has no limits and is not open."""
        ...

    async def pots(self) -> Sequence[Pot]:
        """All that were ever touched: the house's, then places', then persons'."""
        ...

    async def job_balances(self, job_id: int) -> Balances: ...

    async def committed(
        self,
        *,
        place: str | None = None,
        person: str | None = None,
        story_id: int | None = None,
        shot_id: int | None = None,
        day: date | None = None,
    ) -> Decimal:
        """Held, spent and unknown together, in US dollars, of all jobs that fit; with none given, of all there are.

        `day`: of what left its pot on it, in UTC, and was not given back since. A job that is sent again on another day counts on
        both, and what is given back gives no room but on the day on which it was taken.
        """
        ...

    async def spending(self, place: str) -> tuple[Sequence[Spending], Sequence[Spending]]:
        """What was spent in a place, by person and by story, the most committed first; whoever pays for it."""
        ...

    async def jobs_with_unknown(self, limit: int = 100) -> Sequence[tuple[Job, Balances]]:
        """The jobs of which nobody knows what they cost, by what is posted; the oldest first."""
        ...

    async def jobs_in_doubt(self, place: str | None = None, limit: int = 1_000) -> Sequence[Job]:
        """The jobs with a request without a price that may be in doubt, of which no entry tells; `to_settle` says whether it is.

        Oldest first; of one place, else of all.
        """
        ...

    async def told_costs(self, provider: str, model: str, limit: int = 20) -> Sequence[tuple[Decimal, Decimal]]:
        """What was told before and what it cost, of those of this model's newest renders whose service said it, newest first."""
        ...

    async def entries(
        self, *, job_id: int | None = None, pot: PotKey | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        """Newest first."""
        ...


class LedgerWriter(LedgerReader, Protocol):
    """Posts to pots."""

    async def post(self, lines: Sequence[Entry]) -> bool:
        """Add these entries, two for each move; their pots are made where there are none.

        What leaves its pot does so today. What goes on from HELD, SPENT or UNKNOWN keeps the day of that, the oldest first, and is
        parted where it has several. False: their key was posted before, and nothing is.
        """
        ...

    async def set_limits(self, pot: PotKey, limits: Limits) -> None:
        """Replace what was set for a pot."""
        ...

    async def settle_attempt(self, attempt_id: int, usd: Decimal) -> None:
        """Note what a request of which nobody knew cost, as the operator found out."""
        ...
