"""The record of requests that may cost money, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class AttemptOutcome(StrEnum):
    """What is known of one request that may cost money."""

    INTENDED = "intended"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class AttemptFor(StrEnum):
    """What the money of one request is for."""

    RENDER = "render"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The intent of one request that may cost money, written before it leaves."""

    id: int
    job_id: int
    number: int
    key: str
    """Ours, unique, given to the provider where it takes one."""
    intent_at: datetime
    outcome: AttemptOutcome
    task_id: str | None
    what: AttemptFor = AttemptFor.RENDER
    usd: Decimal | None = None
    """What this one request cost, where its service said so: a job's cost has its pictures and its render in it."""
    quoted_usd: Decimal | None = None
    """What this one request was to cost, as told before. None: not known."""
    settled_usd: Decimal | None = None
    """What it cost in the end, as the operator found out. None: nobody had to."""
