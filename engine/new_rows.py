"""What the engine asks a store to add; ids and numbers are given by the store."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to add. It is QUEUED and due at once."""

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
    notes: tuple[str, ...] = ()
