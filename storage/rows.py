"""From rows to the engine's values and back. The rows are those of `storage.selects`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping

from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.errors import Billed
from engine.job_model import Failure, Job, JobKind, JobState, Payer, Say, SayKind, SayState, job_with
from engine.model import Clip, Ending, FileKey, Film, Person, SeamMeasure, Shot, ShotOptions, Story, Take
from engine.new_rows import NewShot
from engine.views import HistoryItem

Cells = RowMapping | Mapping[str, Any]
"""One row by column name."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Epoch milliseconds, rounded down."""
    return (at - _EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    return _EPOCH + ms * _MILLISECOND


def _maybe_from_ms(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


def maybe_to_ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _person(row: Cells) -> Person:
    return Person(row["person_key"], row["person_name"])


def _clip(row: Cells) -> Clip:
    return Clip(
        file=FileKey(row["file"]),
        bytes=row["bytes"],
        seconds=row["seconds"],
        width=row["width"],
        height=row["height"],
        fps=row["fps"],
        is_cut=bool(row.get("is_cut")),  # no film is
        seam=SeamMeasure(**row["seam"]) if row.get("seam") else None,  # nor has it one
        ending=Ending(**row["ending"]) if row.get("ending") else None,
    )


_OPTIONS = ("seconds", "ratio", "resolution", "style", "provider", "model")


def options_of(row: Cells) -> ShotOptions:
    """What a place chose."""
    return ShotOptions(**(row["options"] or {}))


def option_cells(options: ShotOptions) -> dict[str, Any] | None:
    """Only what is set and can be kept for a place; None: nothing."""
    chosen = {name: getattr(options, name) for name in _OPTIONS if getattr(options, name) is not None}
    return chosen or None


def story_of(row: Cells) -> Story:
    return Story(
        id=row["id"],
        code=row["code"],
        place=row["place"],
        director=_person(row),
        title=row["title"],
        tip_id=row["tip_id"],
        created_at=from_ms(row["created_at"]),
    )


def shot_of(row: Cells) -> Shot:
    return Shot(
        id=row["id"],
        story_id=row["story_id"],
        story_code=row["story_code"],
        number=row["number"],
        parent_id=row["parent_id"],
        person=_person(row),
        prompt=row["prompt"],
        seconds=row["seconds"],
        ratio=row["ratio"],
        resolution=row["resolution"],
        style=row["style"],
        provider=row["provider"],
        model=row["model"],
        first_frame=row["first_frame"],
        last_frame=row["last_frame"],
        chosen_take_id=row["chosen_take_id"],
        created_at=from_ms(row["created_at"]),
        deleted_at=_maybe_from_ms(row["deleted_at"]),
        references=tuple(row["reference_keys"] or ()),
        negative=row["negative"],
        is_silent=bool(row["is_silent"]),
        work=row["work"],
        is_unseeded=bool(row["is_unseeded"]),
        still=row["still"],
        later_s=row["later_s"],
        from_s=row["from_s"],
    )


def option_cells_of(shot: Shot | NewShot) -> dict[str, Any]:
    """How a shot is rendered."""
    return {
        "seconds": shot.seconds,
        "ratio": shot.ratio,
        "resolution": shot.resolution,
        "style": shot.style,
        "provider": shot.provider,
        "model": shot.model,
        "first_frame": shot.first_frame,
        "last_frame": shot.last_frame,
        "reference_keys": list(shot.references) or None,
        "negative": shot.negative,
        "is_silent": int(shot.is_silent),
        "work": shot.work,
        "is_unseeded": int(shot.is_unseeded),
        "still": shot.still,
        "later_s": shot.later_s,
        "from_s": shot.from_s,
    }


def take_of(row: Cells) -> Take:
    return Take(
        id=row["id"],
        shot_id=row["shot_id"],
        number=row["number"],
        seed=row["seed"],
        parent_take_id=row["parent_take_id"],
        clip=None if row["file"] is None else _clip(row),
        created_at=from_ms(row["created_at"]),
        edit=row["edit"],
        edited_take_id=row["edited_take_id"],
        first_frame=row["first_frame"],
    )


def film_of(row: Cells) -> Film:
    return Film(
        id=row["id"],
        story_id=row["story_id"],
        story_code=row["story_code"],
        number=row["number"],
        person=_person(row),
        shots=tuple(row["shots"]),
        clip=_clip(row),
        created_at=from_ms(row["created_at"]),
    )


def job_of(row: Cells) -> Job:
    failure = None
    if row["failure_kind"] is not None:
        failure = Failure(row["failure_kind"], row["failure_sentence"] or "", Billed(row["failure_billed"]))
    return job_with(
        {
            "id": row["id"],
            "kind": JobKind(row["kind"]),
            "state": JobState(row["state"]),
            "request_key": row["request_key"],
            "place": row["place"],
            "person": _person(row),
            "asked_receipt": row["asked_receipt"],
            "story_code": row["story_code"],
            "shot_id": row["shot_id"],
            "shot_code": None if row["shot_id"] is None else f"{row['story_code']}-{row['shot_number']}",
            "shot_seconds": row["shot_seconds"],
            "take_id": row["take_id"],
            "plan": tuple(row["plan"]),
            "film_id": row["film_id"],
            "provider": row["provider"],
            "model": row["model"],
            "task_id": row["task_id"],
            "percent": row["percent"],
            "preview": row["preview"],
            "waits_for": row["waits_for"],
            "tries": row["tries"],
            "failure": failure,
            "receipt": row["receipt"],
            "due_at": _maybe_from_ms(row["due_at"]),
            "fence": row["fence"],
            "created_at": from_ms(row["created_at"]),
            "started_at": _maybe_from_ms(row["started_at"]),
            "finished_at": _maybe_from_ms(row["finished_at"]),
            "quoted_usd": _usd(row["quoted_usd"]),
            "cost_usd": _usd(row["cost_usd"]),
            "notes": tuple(row["notes"] or ()),
            "agreed_usd": _usd(row["agreed_usd"]),
            "payer": Payer(row["payer"]) if row["payer"] else None,
            "is_unwanted": bool(row["is_unwanted"]),
            "trouble": row["trouble"],
            "rendered_at": _maybe_from_ms(row["rendered_at"]),
        }
    )


def _usd(cell: str | None) -> Decimal | None:
    return None if cell is None else Decimal(cell)


def usd_cell(usd: Decimal | None) -> str | None:
    return None if usd is None else f"{usd:f}"


def job_cells(job: Job) -> dict[str, Any]:
    """What a step may change of a job. Who asked for what, and where, never changes.

    A receipt is written by the delivery while a step is under way, so a step that knows none yet leaves it alone; that it is not
    wanted any more is written by whoever cancels it then.
    """
    failure = job.failure
    cells: dict[str, Any] = {
        "state": str(job.state),
        "take_id": job.take_id,
        "film_id": job.film_id,
        "plan": list(job.plan),
        "provider": job.provider,
        "model": job.model,
        "task_id": job.task_id,
        "percent": job.percent,
        "preview": job.preview,
        "waits_for": job.waits_for,
        "tries": job.tries,
        "failure_kind": failure and failure.kind,
        "failure_sentence": failure and failure.sentence,
        "failure_billed": failure and str(failure.billed),
        "due_at": maybe_to_ms(job.due_at),
        "lease_until": None,
        "started_at": maybe_to_ms(job.started_at),
        "finished_at": maybe_to_ms(job.finished_at),
        "quoted_usd": usd_cell(job.quoted_usd),
        "cost_usd": usd_cell(job.cost_usd),
        "notes": list(job.notes) or None,
        "agreed_usd": usd_cell(job.agreed_usd),
        "payer": job.payer and str(job.payer),
        "trouble": job.trouble,
        "rendered_at": maybe_to_ms(job.rendered_at),
    }
    if job.receipt is not None:
        cells["receipt"] = job.receipt
    return cells


def attempt_of(row: Cells) -> Attempt:
    return Attempt(
        id=row["id"],
        job_id=row["job_id"],
        number=row["number"],
        key=row["key"],
        intent_at=from_ms(row["intent_at"]),
        outcome=AttemptOutcome(row["outcome"]),
        task_id=row["task_id"],
        what=AttemptFor(row["what"]),
        usd=_usd(row["usd"]),
        quoted_usd=_usd(row["quoted_usd"]),
        settled_usd=_usd(row["settled_usd"]),
    )


def say_of(row: Cells) -> Say:
    return Say(
        id=row["id"],
        job_id=row["job_id"],
        kind=SayKind(row["kind"]),
        place=row["place"],
        nonce=row["nonce"],
        state=SayState(row["state"]),
        receipt=row["receipt"],
        tries=row["tries"],
        fence=row["fence"],
        error=row["error"],
        again=row["again"],
    )


def history_item_of(row: Cells) -> HistoryItem:
    return HistoryItem(
        id=row["id"],
        shot_code=f"{row['story_code']}-{row['shot_number']}",
        take_number=row["take_number"],
        person=_person(row),
        prompt=row["prompt"],
        clip=_clip(row),
        created_at=from_ms(row["created_at"]),
    )
