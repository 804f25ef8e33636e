"""What Telegram's front end asks of the rest of the house, beside what every chat platform does."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from bot.message import Reply
from bot.telegram.stars_heard import Bill
from engine.job_model import Job
from engine.ledger import Pot, PotKey
from engine.model import Person


class Purse(Protocol):
    """What payments ask of the engine: each is posted once by its key."""

    async def top_up(self, pot: PotKey, usd: Decimal, key: str, note: str = "") -> Pot: ...

    async def take_back(self, pot: PotKey, usd: Decimal, key: str, note: str = "") -> Pot: ...


class Studio(Purse, Protocol):
    """What the ear itself asks of the engine."""

    async def job_of_receipt(self, receipt: str) -> Job | None: ...

    async def move_place(self, old: str, new: str) -> None: ...


class Edit(Protocol):
    """Replaces a message of ours."""

    async def __call__(self, receipt: str, reply: Reply, *, is_progress: bool = False) -> None: ...


class Say(Protocol):
    """Says an answer within the chat's budget."""

    async def __call__(
        self, place: str, reply: Reply, *, reply_to: str | None, to: Person | None, bill: Bill | None
    ) -> str: ...
