"""What Telegram's front end asks of the rest of the house, beside what every chat platform does."""

from __future__ import annotations

from typing import Protocol

from bot.message import Reply
from engine.model import Job, Person


class Studio(Protocol):
    """What the ear itself asks of the engine."""

    async def job_of_receipt(self, receipt: str) -> Job | None: ...

    async def move_place(self, old: str, new: str) -> None: ...


class Say(Protocol):
    """Says an answer within the chat's budget."""

    async def __call__(self, place: str, reply: Reply, *, reply_to: str | None, to: Person | None) -> str: ...
