"""What the engine asks a store to add; ids and numbers are given by the store."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.job_model import JobState, Payer
from engine.model import FileKey, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShot:
    """A shot to add; its number is given by the store."""

    story_id: int
    parent_id: int | None
    person: Person
    prompt: str
    seconds: float
    ratio: str
    resolution: str
    style: str
    provider: str
    model: str
    first_frame: FileKey | None
    last_frame: FileKey | None
    references: tuple[FileKey, ...] = ()
    negative: str = ""
    is_silent: bool = False
    work: str = ""
    is_unseeded: bool = False
    still: str = ""
    later_s: float | None = None
    from_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to add."""

    kind: str
    request_key: str
    place: str
    person: Person
    story_id: int
    shot_id: int | None = None
    take_id: int | None = None
    plan: tuple[int, ...] = ()
    provider: str = ""
    model: str = ""
    asked_receipt: str | None = None
    due_in_s: float = 0.0
    """How long nothing happens to it by itself."""
    state: JobState = JobState.QUEUED
    """ASKING: it waits for somebody's word."""
    quoted_usd: Decimal | None = None
    payer: Payer | None = None
    notes: tuple[str, ...] = ()
