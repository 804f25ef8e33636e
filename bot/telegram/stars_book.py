"""Which payments came, by whom and for which pot: what a refund, and who asks for one, goes by.

The dollars are in the ledger. Here stands what Telegram wants to know to give Stars back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote, unquote

from bot.ports import Inbox
from bot.telegram.stars_heard import Bill


@dataclass(frozen=True, slots=True)
class Charge:
    """A payment. Its bill has no dollars where nobody knew what it was for."""

    id: str
    user_id: int
    bill: Bill


class StarsBook:
    """Kept as notes of the inbox, for good."""

    def __init__(self, inbox: Inbox, account: str) -> None:
        self._inbox = inbox
        self._paid = f"{account}/paid/"
        self._refused = f"{account}/refund-refused/"
        self._begun = f"{account}/refund-begun/"

    async def keep(self, charge: Charge) -> None:
        """Twice is once.

        Raises:
            StorageError
        """
        bill = charge.bill
        await self._inbox.first_time(
            f"{self._paid}{charge.user_id}/{_name(charge.id)}/{bill.stars}/{bill.usd:f}/{bill.place}"
        )

    async def find(self, charge_id: str) -> Charge | None:
        """The first note of it: a payment has two where its group moved between a crash and the next start.

        Raises:
            StorageError
        """
        charges = [self._read(note) for note in await self._inbox.notes(self._paid)]
        return next((charge for charge in charges if charge.id == charge_id), None)

    async def ids(self) -> frozenset[str]:
        """Of all payments that came. Raises StorageError."""
        return frozenset(self._read(note).id for note in await self._inbox.notes(self._paid))

    async def of(self, user_id: int) -> Sequence[Charge]:
        """Oldest first. Raises StorageError."""
        return [self._read(note) for note in await self._inbox.notes(f"{self._paid}{user_id}/")]

    async def refusals(self, charge_id: str) -> int:
        """How often the server said that it does not pay this back. Raises StorageError."""
        return len(await self._inbox.notes(f"{self._refused}{_name(charge_id)}/"))

    async def refused(self, charge_id: str, number: int) -> None:
        """It said so for the `number`th try, counted from 0. Raises StorageError."""
        await self._inbox.first_time(f"{self._refused}{_name(charge_id)}/{number}")

    async def begin(self, charge_id: str, number: int) -> bool:
        """From here on the Stars may have gone back; False: that was noted before. Raises StorageError."""
        return await self._inbox.first_time(f"{self._begun}{_name(charge_id)}/{number}")

    async def is_begun(self, charge_id: str, number: int) -> bool:
        """Whether the Stars may have gone back already. Raises StorageError."""
        note = f"{self._begun}{_name(charge_id)}/{number}"
        return note in await self._inbox.notes(note)

    def _read(self, note: str) -> Charge:
        user_id, name, stars, usd, place = note.removeprefix(self._paid).split("/", 4)
        return Charge(unquote(name), int(user_id), Bill(place, int(stars), Decimal(usd)))


def _name(charge_id: str) -> str:
    return quote(charge_id, safe="")
