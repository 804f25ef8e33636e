"""What a step may touch, what it comes to, and what becomes of a job whose step failed. Pure but for the types it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from engine.attempts import AttemptOutcome
from engine.errors import AuthFailed, Billed, EngineError, RateLimited
from engine.jobs import finish, move
from engine.model import Clip, Failure, FileKey, Job, JobKind, JobState, SayKind
from engine.ports import Announce, Clock, Files, Store
from engine.providers.base import Provider
from engine.providers.painter import Painter

RETRY_FIRST_S = 2.0
RETRY_MOST_S = 60.0
RETRIES = 20
"""Retryable errors in a row before a job is given up: about a quarter of an hour."""
PAID_SLOW_S = 300.0
PAID_LASTS = timedelta(hours=6)
"""How long after it was taken a render is asked for that cannot be had now: it is paid, and no outage is a failure."""
PAID = frozenset({JobState.RENDERING, JobState.SAVING})


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
    says: tuple[SayKind, ...] = ()
    detail: str = ""
    """For the event row: the provider's own word, never shown to a person."""


def after_error(job: Job, error: EngineError, now: datetime) -> Outcome:
    """What becomes of a job whose step failed: tried again later where that may help, else FAILED with the error's sentence."""
    detail = error_detail(error)
    if _goes_on(job, error, now):
        wait_s = error.retry_after_s if isinstance(error, RateLimited) else backoff_s(job.tries)
        if job.tries >= RETRIES:
            wait_s = max(wait_s, PAID_SLOW_S)
        return Outcome(
            job=move(job, job.state, tries=job.tries + 1, due_at=now + timedelta(seconds=wait_s)), detail=detail
        )
    if job.state is JobState.SUBMITTING:  # that it cannot be looked up does not say that nothing was taken
        return unconfirmed(job, now, detail=detail)
    return failed(job, error, now, billed=_billed(job, error), detail=detail)


def _goes_on(job: Job, error: EngineError, now: datetime) -> bool:
    """Whether to try again. What is rendering or rendered is paid: it is given up by the clock, not by the number of tries."""
    if job.kind is JobKind.RENDER and job.state in PAID and job.started_at is not None:
        # a key can be mended while the render waits for it
        return (error.retryable or isinstance(error, AuthFailed)) and now - job.started_at < PAID_LASTS
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


def backoff_s(tries: int) -> float:
    """2, 4, 8 … 60 s."""
    return min(RETRY_MOST_S, RETRY_FIRST_S * 2.0**tries)


def _billed(job: Job, error: EngineError) -> Billed:
    """A render that was finished was paid, whatever became of its file. Before that the error knows.

    But that a service could not be asked says nothing of what it did.
    """
    if job.state is JobState.SAVING and job.kind is JobKind.RENDER:
        return Billed.YES
    if job.state is JobState.RENDERING and (error.retryable or isinstance(error, AuthFailed)):
        return Billed.UNKNOWN
    return error.billed
