"""What a step may touch, what it comes to, and what becomes of a job whose step failed. Pure but for the types it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from operator import attrgetter

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.circuits import Circuits
from engine.errors import AuthFailed, Billed, DiskFull, EngineError, MediaError, ModelRetired, RateLimited, StorageError
from engine.guarded import Guarded
from engine.job_model import Failure, Job, JobKind, JobState, SayKind
from engine.jobs import finish, move
from engine.line import FlightLimits
from engine.model import Clip, FileKey
from engine.money_rules import MoneyRules
from engine.ports import Announce, Clock, Files, Store
from engine.providers.base import Provider
from engine.providers.painter import Painter
from engine.sightings import Sightings
from engine.tally import Tally
from engine.usual import Looks, Usual

RETRY_FIRST_S = 2.0
RETRY_MOST_S = 60.0
RETRIES = 20
"""Retryable errors in a row before a job is given up: about a quarter of an hour."""
PAID_SLOW_S = 300.0
PAID_LASTS = timedelta(hours=6)
"""How long after it was taken a render is asked for that cannot be had now: it is paid, and no outage is a failure."""
PAID = frozenset({JobState.RENDERING, JobState.SAVING})
NO_ROOM = "the disk here is full, so it is saved as soon as there is room"
"""The trouble of a job whose clip does not fit."""
FETCHES = 3
"""In how many steps a paid clip is fetched that turns out to be none, before that is believed."""
_SEEN = ("percent", "preview", "trouble", "tries", "due_at")
"""What of a job a look may find otherwise."""
_MENDABLE = (AuthFailed, ModelRetired)
"""What the operator can mend while a paid render waits: a key, a provider that is not set up any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a step may touch."""

    store: Store
    files: Files
    providers: Mapping[str, Provider]
    clock: Clock
    announce: Announce
    painters: Mapping[str, Painter] = field(default_factory=dict)
    """By name; the first one is the default."""
    rules: MoneyRules = field(default_factory=MoneyRules)
    tally: Tally = field(default_factory=Tally)
    keep: timedelta | None = None
    """How long a story is kept that nobody touches. None: for ever."""
    limits: FlightLimits = field(default_factory=FlightLimits)
    circuits: Circuits = field(default_factory=Circuits)
    looks: Looks = field(default_factory=Looks)
    usual: Usual = field(default_factory=Usual)
    sightings: Sightings = field(default_factory=Sightings)

    def provider(self, name: str, subject: str = "") -> Provider:
        """The provider of this name, guarded: its circuit learns how it answers. `subject`: the shot that it is wanted for.

        Raises:
            ModelRetired: it is not set up here any more.
        """
        found = self.providers.get(name)
        if found is not None:
            return Guarded(found, subject, self.circuits, self.clock)
        other = next(iter(self.providers), None)
        cure = (
            f"/retake {subject} --provider {other} renders it there" if subject and other else "the operator sets it up"
        )
        raise ModelRetired(f"{name} is not set up here any more; {cure}.", provider=name, billed=Billed.NO)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTry:
    """What became of one paid request for a picture; written together with what becomes of its job."""

    attempt_id: int
    outcome: AttemptOutcome
    take_id: int
    first_frame: FileKey | None = None
    """The picture; None: there is none."""
    usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a step came to: the job in its next version, the clip that it made, what is owed to its place."""

    job: Job
    clip: Clip | None = None
    picture: PictureTry | None = None
    gives_way: bool = False
    """It was its turn, and it does not go: somebody else may."""
    is_taken: bool = False
    """The job has a new task id, and nothing else tells where its paid render is."""
    accepted_id: int | None = None
    """The attempt that gave the job its task id, where that could not be noted before, or its cost is told."""
    render_usd: Decimal | None = None
    """What the service says that this attempt cost. None: nothing."""
    says: tuple[SayKind, ...] = ()
    detail: str = ""
    """For the event row: the provider's own word, never shown to a person."""


_beside_job = attrgetter(*(each.name for each in fields(Outcome) if each.name != "job"))
_NOTHING = tuple(each.default for each in fields(Outcome) if each.name != "job")


def is_only_a_look(before: Job, outcome: Outcome) -> bool:
    """Whether a step found a render as it was, but for how far it is and when to look next: that is written without a settling."""
    job = outcome.job
    if job.state is not JobState.RENDERING or job.due_at is None or _beside_job(outcome) != _NOTHING:
        return False
    return vars(job) == vars(before) | {name: getattr(job, name) for name in _SEEN}


def after_error(job: Job, error: EngineError, now: datetime, *, billed: Billed | None = None) -> Outcome:
    """What becomes of a job whose step failed: tried again later where that may help, else FAILED with the error's sentence.

    `billed`: what is known of its requests, where that is more than the error can know.
    """
    detail = error_detail(error)
    if _goes_on(job, error, now):
        wait_s = error.retry_after_s if isinstance(error, RateLimited) else backoff_s(job.tries)
        if job.tries >= RETRIES:
            wait_s = max(wait_s, PAID_SLOW_S)
        has_no_room = isinstance(error, DiskFull) and job.state is JobState.SAVING
        trouble = NO_ROOM if has_no_room else job.trouble
        due_at = now + timedelta(seconds=wait_s)
        return Outcome(job=move(job, job.state, tries=job.tries + 1, due_at=due_at, trouble=trouble), detail=detail)
    if job.state is JobState.SUBMITTING:  # that it cannot be looked up does not say that nothing was taken
        return unconfirmed(job, now, detail=detail)
    return failed(job, error, now, billed=billed or _billed(job, error), detail=detail)


def _goes_on(job: Job, error: EngineError, now: datetime) -> bool:
    """Whether to try again. What is rendering or rendered is paid: it is given up when clock and number of tries both say so.

    The clock alone would judge by one look after a long time in which nobody here was awake.
    """
    if job.kind is JobKind.RENDER and job.state in PAID and job.started_at is not None:
        if isinstance(error, MediaError):  # a download that broke off, or a busy machine: the clip is there and paid
            return job.state is JobState.SAVING and job.tries + 1 < FETCHES
        # a full disk here, or a database that is away, is no word of the service's: that one says by itself when it is gone
        is_ours = isinstance(error, StorageError)
        is_worth_it = is_ours or now - job.started_at < PAID_LASTS or job.tries < RETRIES
        return (error.retryable or isinstance(error, _MENDABLE)) and is_worth_it
    return error.retryable and job.tries < RETRIES


def unconfirmed(job: Job, now: datetime, *, detail: str, who: str = "", what: str = "") -> Outcome:
    """The job in UNCONFIRMED, and its person is asked. `who` may have taken the request for `what`: its provider, for its shot."""
    taken = f"{who or job.provider} took the request for {what or job.subject}"
    failure = Failure(
        "Unconfirmed",
        f"It is not known whether {taken}, so it was not sent again by itself.",
        Billed.UNKNOWN,
    )
    asked = finish(job, JobState.UNCONFIRMED, now, failure=failure)
    return Outcome(job=asked, says=(SayKind.FAILURE,), detail=detail)


def failed(job: Job, error: EngineError, now: datetime, *, billed: Billed, detail: str) -> Outcome:
    """The job in FAILED, and its place is owed the sentence."""
    failure = Failure(type(error).__name__, str(error), billed)
    return Outcome(
        job=finish(job, JobState.FAILED, now, failure=failure, preview=None), says=(SayKind.FAILURE,), detail=detail
    )


def error_detail(error: EngineError) -> str:
    """For the event row: the class, and the provider's own word or else the sentence."""
    return f"{type(error).__name__}: {getattr(error, 'detail', '') or error}"


def is_unresolved(attempt: Attempt) -> bool:
    """Whether nobody knows what became of it."""
    return attempt.outcome in {AttemptOutcome.UNKNOWN, AttemptOutcome.INTENDED}


def billed_before(attempts: Sequence[Attempt]) -> Billed:
    """What is known of the money of a QUEUED job's earlier requests. A painted first frame is told by the job's cost."""
    spent = any(
        is_unresolved(each) or (each.task_id is not None and each.what is AttemptFor.RENDER) for each in attempts
    )
    return Billed.UNKNOWN if spent else Billed.NO


def painted_usd(attempts: Sequence[Attempt]) -> Decimal | None:
    """What its first frame has cost, in US dollars. None: none was painted, or its painter did not say."""
    paid = [each.usd for each in attempts if each.what is AttemptFor.PICTURE and each.usd is not None]
    return sum(paid, Decimal(0)) if paid else None


def backoff_s(tries: int) -> float:
    """2, 4, 8 … 60 s."""
    return min(RETRY_MOST_S, RETRY_FIRST_S * 2.0 ** min(tries, 16))


def _billed(job: Job, error: EngineError) -> Billed:
    """A render that was finished was paid, whatever became of its file. Before that the error knows.

    But that a service could not be asked says nothing of what it did.
    """
    if job.kind is JobKind.STITCH:
        return Billed.NO
    if job.state is JobState.SAVING:
        return Billed.YES
    if job.state is JobState.RENDERING and (error.retryable or isinstance(error, _MENDABLE)):
        return Billed.UNKNOWN
    return error.billed
