"""What a step may touch, what it comes to, and what becomes of a job whose step failed. Pure but for the types it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.errors import Billed, EngineError, RateLimited
from engine.jobs import finish, move
from engine.model import Clip, Failure, Job, JobKind, JobState, SayKind
from engine.ports import Announce, Clock, Files, Store
from engine.providers.base import Provider

RETRY_FIRST_S = 2.0
RETRY_MOST_S = 60.0
RETRIES = 20
"""Retryable errors in a row before a job is given up: about a quarter of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything a step may touch."""

    store: Store
    files: Files
    providers: Mapping[str, Provider]
    clock: Clock
    announce: Announce


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a step came to: the job in its next version, the clip that it made, what is owed to its place."""

    job: Job
    clip: Clip | None = None
    says: tuple[SayKind, ...] = ()
    detail: str = ""
    """For the event row: the provider's own word, never shown to a person."""


def after_error(job: Job, error: EngineError, now: datetime) -> Outcome:
    """What becomes of a job whose step failed: tried again later where that may help, else FAILED with the error's sentence."""
    detail = error_detail(error)
    if error.retryable and job.tries < RETRIES:
        wait_s = error.retry_after_s if isinstance(error, RateLimited) else backoff_s(job.tries)
        return Outcome(
            job=move(job, job.state, tries=job.tries + 1, due_at=now + timedelta(seconds=wait_s)), detail=detail
        )
    if job.state is JobState.SUBMITTING:  # that it cannot be looked up does not say that nothing was taken
        return unconfirmed(job, now, detail=detail)
    return failed(job, error, now, billed=_billed(job, error), detail=detail)


def unconfirmed(job: Job, now: datetime, *, detail: str) -> Outcome:
    """The job in UNCONFIRMED, and its person is asked."""
    failure = Failure(
        "Unconfirmed",
        f"It is not known whether {job.provider} took the request for {job.subject}, so it was not sent again by itself.",
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
    """A render that was finished was paid, whatever became of its file. Before that the error's class knows."""
    if job.state is JobState.SAVING and job.kind is JobKind.RENDER:
        return Billed.YES
    return error.billed
