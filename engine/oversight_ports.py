"""What the operator is shown of everything together, as frozen values, and what is asked of a store for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from engine.attempts import Attempt
from engine.job_model import Job, JobState, Say, SayState
from engine.ledger import Balances, Bucket, Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A change of a job's state, or an error after which it stayed where it was. `detail` is empty or the error's own word."""

    at: datetime
    from_state: str
    to_state: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLine:
    """A job of any place."""

    job: Job
    since: datetime
    """When it came into its state."""
    last_error: str | None
    """Why it ended without a clip, why its clip was not shown, or what its last step ran into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that is owed to a place, or was."""

    say: Say
    subject: str
    """The code of the shot, or of the story for a stitch."""
    created_at: datetime
    due_at: datetime | None
    """When it is tried next. None: never again by itself."""
    is_held: bool
    """Somebody is sending it just now."""

    @property
    def is_given_up(self) -> bool:
        """Nothing is tried any more, and nobody knows that it was shown."""
        return self.due_at is None and self.say.state is not SayState.SENT


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSheet:
    """All that is known of one job."""

    line: JobLine
    events: tuple[Event, ...]
    attempts: tuple[Attempt, ...]
    messages: tuple[Message, ...]
    entries: tuple[Entry, ...]
    """Oldest first."""
    balances: Balances


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCount:
    """How many jobs of a provider stand in a state. `provider` is empty for a stitch."""

    state: JobState
    provider: str
    count: int
    oldest_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageCount:
    """How many messages of a platform stand in a state."""

    state: SayState
    platform: str
    count: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How everything stands, seen at one moment. Jobs that are over and messages that were sent are not counted."""

    jobs: tuple[JobCount, ...]
    messages: tuple[MessageCount, ...]
    due_jobs: int
    """Due, and nobody has claimed them yet."""
    oldest_due_at: datetime | None
    last_event_id: int
    """0: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A job left a state for another one."""

    event_id: int
    provider: str
    model: str
    from_state: JobState
    to_state: JobState
    seconds: float
    """How long it was in the first one."""
    failure_kind: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What lies in a bucket for the jobs of a provider. `provider` is empty for what is of no job."""

    bucket: Bucket
    provider: str
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubles:
    """What waits for the operator."""

    given_up: int
    """Messages that nobody will try again, of jobs whose clip or word did not reach its place."""
    unconfirmed: int
    """Jobs that have been UNCONFIRMED for longer than `UNCONFIRMED_S`."""
    unknown_usd: Decimal
    closed_providers: tuple[str, ...] = ()
    """Those that are left alone just now, since they do not work."""


UNCONFIRMED_S = 600.0


class OversightReader(Protocol):
    """Reads all places at once."""

    async def all_jobs(self, states: frozenset[JobState] | None, limit: int) -> Sequence[JobLine]:
        """Newest first; None: in any state."""
        ...

    async def job_line(self, job_id: int) -> JobLine | None: ...

    async def events(self, job_id: int) -> Sequence[Event]:
        """Oldest first."""
        ...

    async def messages(self, states: frozenset[SayState], limit: int) -> Sequence[Message]:
        """Newest first."""
        ...

    async def messages_of(self, job_id: int) -> Sequence[Message]: ...

    async def message(self, say_id: int) -> Message | None: ...

    async def standing(self) -> Standing: ...

    async def passages(self, after_event_id: int, limit: int) -> Sequence[Passage]:
        """What happened after this event, oldest first."""
        ...

    async def sums(self, after_entry_id: int) -> tuple[int, Sequence[Sum]]:
        """What was posted after this entry, of all pots together, and the id of the last one."""
        ...

    async def troubles(self) -> Troubles: ...


class OversightWriter(OversightReader, Protocol):
    """And lets go again what was given up."""

    async def hasten_message(self, say_id: int) -> None:
        """Make it due now, as it is."""
        ...

    async def send_again(self, say_id: int, nonce: str | None) -> None:
        """Owe it anew, due now, and note that somebody wanted it again. `nonce` None: the one that it has."""
        ...
