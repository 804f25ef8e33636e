"""Jobs and the messages that they owe, as frozen values. Their life is the table of `engine.jobs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from engine.errors import Billed
from engine.model import Person

MAY_STILL_COST = "The render may still be charged."
"""A note of a cancelled job."""
WAS_CHARGED = "The render was charged."
"""A note of a job that was cancelled when its clip was only to be fetched."""


NOBODY_AGREED = "Nobody agreed to its price in time."
"""A note of a job that was ASKING for too long."""


class JobKind(StrEnum):
    RENDER = "render"
    STITCH = "stitch"


class JobState(StrEnum):
    """Where a job stands. The moves between them are the table of `engine.jobs`."""

    ASKING = "asking"
    """Its price is told, and nobody has agreed to it yet."""
    QUEUED = "queued"
    SUBMITTING = "submitting"
    RENDERING = "rendering"
    SAVING = "saving"
    READY = "ready"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCONFIRMED = "unconfirmed"


class Payer(StrEnum):
    """Whose pot pays for a job: its place's, its person's, or the house's, which is the operator's."""

    HOUSE = "house"
    PLACE = "place"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job ended without a clip. `kind` is the error's class name; `sentence` is for a person."""

    kind: str
    sentence: str
    billed: Billed


@dataclass(frozen=True, kw_only=True)  # no slots: `job_with` fills its dictionary
class Job:
    """Our durable record of one piece of work."""

    id: int
    kind: JobKind
    state: JobState
    request_key: str
    """`Asked.key` of the command that made it."""
    place: str
    person: Person
    """Who asked, and who is told."""
    asked_receipt: str | None = None
    """Where the message that asked stands (`Asked.receipt`)."""
    story_code: str
    shot_id: int | None = None
    """The shot to render; None for a stitch."""
    shot_code: str | None = None
    shot_seconds: float | None = None
    """How long its clip is to be. None: it has no shot."""
    take_id: int | None = None
    plan: tuple[int, ...] = ()
    """The takes to join, in order; empty for a render."""
    film_id: int | None = None
    """The film that a stitch made; None before."""
    provider: str = ""
    model: str = ""
    task_id: str | None = None
    percent: float | None = None
    """0 to 100, only where the provider gave one."""
    preview: str | None = None
    """The path of a picture of the render so far, where the provider gives one. May vanish at any time."""
    waits_for: str | None = None
    """While QUEUED: the code of the shot that it continues and that is not ready, else None."""
    tries: int = 0
    """Retryable errors in a row in this state."""
    failure: Failure | None = None
    receipt: str | None = None
    """Where its status message stands, opaque; None until it was sent."""
    due_at: datetime | None = None
    """When to look next; None: nothing to do."""
    fence: int = 0
    """Grows at every claim; a write with an older one is void."""
    created_at: datetime
    started_at: datetime | None = None
    """When the provider took it."""
    finished_at: datetime | None = None
    quoted_usd: Decimal | None = None
    """What it will cost, as told before. None: not known."""
    cost_usd: Decimal | None = None
    """What it cost, where the provider said so."""
    agreed_usd: Decimal | None = None
    """What somebody agreed to when it was asked for. None: nobody was asked, or it was not known and agreed to as such."""
    payer: Payer | None = None
    """Whose pot its price is held in. None: nothing was held."""
    is_unwanted: bool = False
    """Somebody cancelled it while it was being handed over: it is stopped as soon as that is over."""
    trouble: str | None = None
    """Why it does not go on just now, though it could: one sentence for the person. None: it goes on."""
    rendered_at: datetime | None = None
    """When its provider was first seen to be done with it."""
    notes: tuple[str, ...] = ()
    """What was lost on the way to the provider, one sentence each, for the person."""

    @property
    def subject(self) -> str:
        """What it works on, as a person calls it: the shot's code, or the story's for a stitch."""
        return self.shot_code or self.story_code


def job_with(fields: Mapping[str, Any], **changed: Any) -> Job:
    """The job with these fields, which are all that it has, some of them changed.

    As its constructor in a tenth of the time, for that sets forty fields one by one, and every look at a render makes two jobs.
    """
    job = object.__new__(Job)
    vars(job).update(fields, **changed)
    return job


class SayKind(StrEnum):
    """What has to be said about a job, each at most once."""

    STATUS = "status"
    """The one message whose edits count the progress."""
    RESULT = "result"
    """The finished video."""
    FAILURE = "failure"
    """How it ended without one."""
    LAST = "last"
    """The last edit of the status message, where it could not be made when the job ended."""


class SayState(StrEnum):
    NEW = "new"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One visible message that is owed to a place: an outbox row. Unique per job and kind."""

    id: int
    job_id: int
    kind: SayKind
    place: str
    nonce: str
    """Ours, unique, given to the platform where it takes one."""
    state: SayState
    receipt: str | None
    tries: int
    fence: int
    error: str | None
    again: int = 0
    """How often somebody had it sent once more: more than 0 is said with it."""
