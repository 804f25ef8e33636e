"""The paid request for a picture that a shot begins on, made before its render: the same order of steps as in `engine.submit`.

A shot with a `still` whose take has no first frame is painted first: the intent is committed, fence and age are read again right
before the bytes leave, there is one call, and in one write the take gets its first frame, the attempt is ACCEPTED and the job
QUEUED again; then the ordinary submit goes on with that frame.

A painter answers with the picture itself, so a lost answer cannot be looked up: it is never believed that nothing was painted,
and `ABSENT_AFTER_S` has no part here. `INTENT_LASTS_S` holds as it does there. A picture that lies whole in the job's work
directory is its answer: what a crash left unsaved is adopted and not painted again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from engine.admission import FRONT_S, has_room, in_line, is_its_turn
from engine.attempts import Attempt, AttemptFor, AttemptOutcome
from engine.booking import book
from engine.budget import repriced
from engine.derive import frame
from engine.errors import (
    AuthFailed,
    BadShot,
    Billed,
    EngineError,
    MediaError,
    ModelRetired,
    OutOfCredit,
    RateLimited,
    Refused,
    RenderFailed,
    StorageError,
    Unavailable,
    Withheld,
)
from engine.housekeeping import work_name
from engine.job_model import Job, JobState
from engine.jobs import move
from engine.ledger import ZERO
from engine.model import FileKey, Shot
from engine.orders import Material, material
from engine.outcome import Outcome, PictureTry, World, after_error, error_detail, failed, unconfirmed
from engine.paid_steps import begin_paying
from engine.ports import Writer
from engine.providers.painter import Painted, Painter, PictureOrder, PreparedPicture
from engine.stills import added, needs_picture, picture_of
from engine.submit import INTENT_LASTS_S, NEVER_SENT, is_fresh

log = logging.getLogger(__name__)

PREPARE_S = 60.0
PAINT_S = 270.0
"""The longest that a picture may take; with `PREPARE_S`, `INTENT_LASTS_S` and a frame before it less than a step in QUEUED."""
LOOK_AGAIN_S = 30.0
PAINTING = timedelta(seconds=INTENT_LASTS_S + PAINT_S + LOOK_AGAIN_S)
"""How long after its intent nobody else looks at a request, as `engine.submit.SENDING`."""
_CHARGED = {
    Billed.YES: AttemptOutcome.ACCEPTED,
    Billed.NO: AttemptOutcome.REJECTED,
    Billed.UNKNOWN: AttemptOutcome.UNKNOWN,
}
"""What is noted of a request that was answered, and of which there is no picture."""


@dataclass(frozen=True, slots=True)
class _Try:
    """One paid request: its job in SUBMITTING, its intent, and what it is for."""

    job: Job
    attempt: Attempt
    found: Material
    world: World

    def as_(
        self, outcome: AttemptOutcome, *, first_frame: FileKey | None = None, usd: Decimal | None = None
    ) -> PictureTry:
        """What became of it."""
        take_id = self.found.take.id
        return PictureTry(
            attempt_id=self.attempt.id, outcome=outcome, take_id=take_id, first_frame=first_frame, usd=usd
        )

    async def path(self) -> Path:
        """Where its picture lies as soon as it is whole."""
        work = await asyncio.to_thread(self.world.files.work, work_name(self.job))
        return work / f"painted-{self.attempt.id}.png"

    def unconfirmed(self, detail: str) -> Outcome:
        """Nobody knows; the person is asked."""
        who, what = self.found.shot.still.partition(" ")[0], f"the first frame of {self.job.subject}"
        asked = unconfirmed(self.job, self.world.clock(), detail=detail, who=who, what=what)
        return replace(asked, picture=self.as_(AttemptOutcome.UNKNOWN))

    def failed(self, error: EngineError, outcome: AttemptOutcome, billed: Billed) -> Outcome:
        """There is no picture, and asking again is of no use."""
        ended = failed(self.job, error, self.world.clock(), billed=billed, detail=error_detail(error))
        return replace(ended, picture=self.as_(outcome))


async def paint(job: Job, world: World) -> Outcome | None:
    """QUEUED → SUBMITTING (committed) → QUEUED with a first frame. None: there is nothing to paint, or it is not its turn."""
    shot = await world.store.read(lambda tx: tx.shot(job.shot_id or 0))
    if shot is None or not shot.still:
        return None
    found = await world.store.read(lambda tx: material(tx, job))
    if not needs_picture(found.shot, found.take) or found.waits:
        return None
    found.check()
    if not await is_its_turn(job, world):
        return None  # what is painted is rendered right away
    painter = _painter(found.shot, world)
    order = await _order(found, world)
    key = f"{job.id}-{secrets.token_hex(8)}"
    async with asyncio.timeout(PREPARE_S):
        prepared = await painter.prepare(order, key)
    await asyncio.to_thread(world.files.work, work_name(job))
    notes = tuple(dict.fromkeys((*job.notes, *prepared.notes)))

    async def intend(tx: Writer) -> tuple[Job, Attempt | None]:
        if not await has_room(tx, job, world):
            return in_line(job, world, FRONT_S), None
        priced = await repriced(tx, world.rules, job, None, world.clock())
        submitting = move(priced, JobState.SUBMITTING, waits_for=None, notes=notes)
        await tx.start_take(found.take.id, found.parent_take.id if found.parent_take else None)
        attempt = await tx.add_attempt(job.id, key, AttemptFor.PICTURE, quoted_usd=painter.quote(order).usd)
        await tx.save_job(replace(submitting, due_at=attempt.intent_at + PAINTING))
        await book(tx, submitting)
        return submitting, attempt

    begin_paying()
    submitting, attempt = await world.store.write(intend)
    if attempt is None:
        return Outcome(job=submitting)
    await world.announce(submitting)
    trying = _Try(submitting, attempt, found, world)
    if not await is_fresh(submitting, attempt, world):
        queued = move(submitting, JobState.QUEUED, due_at=world.clock())
        return Outcome(job=queued, picture=trying.as_(AttemptOutcome.ABSENT), detail=NEVER_SENT)
    return await _send(trying, prepared, painter, tries=job.tries)


async def reconcile(job: Job, world: World) -> Outcome | None:
    """A job found in SUBMITTING that was cut off while it was painted: go on where the picture is here, else ask. Never paint anew.

    None: it is its render that was cut off.
    """
    attempts = await world.store.read(lambda tx: tx.attempts(job.id))
    if not attempts or attempts[-1].what is not AttemptFor.PICTURE:
        return None
    attempt = attempts[-1]
    found = await world.store.read(lambda tx: material(tx, job))
    if found.take.first_frame is not None or attempt.outcome is AttemptOutcome.ACCEPTED:
        return Outcome(job=move(job, JobState.QUEUED, due_at=world.clock()), detail="painted")
    trying = _Try(job, attempt, found, world)
    path = await trying.path()
    if attempt.outcome is AttemptOutcome.INTENDED and await asyncio.to_thread(path.is_file):
        return await _painted(trying, path, await asyncio.to_thread(_noted, path))
    return trying.unconfirmed("found in SUBMITTING")


async def _send(trying: _Try, prepared: PreparedPicture, painter: Painter, *, tries: int) -> Outcome:
    path = await trying.path()
    try:
        with trying.world.tally.counting(painter.name):
            async with asyncio.timeout(PAINT_S):
                painted = await painter.paint(prepared, path)
    except (RateLimited, Unavailable) as error:
        waiting = after_error(move(trying.job, JobState.QUEUED, tries=tries), error, trying.world.clock())
        return replace(waiting, picture=trying.as_(AttemptOutcome.REJECTED))
    except (Refused, BadShot, OutOfCredit, AuthFailed, ModelRetired, RenderFailed, Withheld) as error:
        return trying.failed(error, _CHARGED[error.billed], error.billed)
    except (MediaError, StorageError) as error:  # the request had left: what failed is keeping what came
        return trying.failed(error, AttemptOutcome.ACCEPTED, Billed.YES)
    except (EngineError, TimeoutError) as error:
        return trying.unconfirmed(f"{type(error).__name__}: {error}")
    except Exception as error:
        # a defect of the painter, after which nobody knows whether the bytes left: the same as a lost answer
        log.exception("painting crashed job=%d painter=%s", trying.job.id, painter.name)
        return trying.unconfirmed(f"{type(error).__name__}: {error}")
    await asyncio.to_thread(_note_down, path, painted)
    return await _painted(trying, path, painted)


def _note_down(picture: Path, painted: Painted) -> None:
    """What a crash must not lose either: what the picture cost, and what was changed of it. It is not worth losing the picture."""
    told = {"usd": None if painted.usd is None else f"{painted.usd:f}", "notes": painted.notes}
    half = picture.with_suffix(".half")
    try:
        half.write_text(json.dumps(told), encoding="utf-8")
        half.replace(picture.with_suffix(".json"))
    except OSError as error:
        log.warning("what a picture cost could not be noted: %s", error)


def _noted(picture: Path) -> Painted:
    """What was noted down beside a picture; nothing where nothing was."""
    try:
        told = json.loads(picture.with_suffix(".json").read_text(encoding="utf-8"))
        return Painted(None if told["usd"] is None else Decimal(told["usd"]), tuple(told["notes"]))
    except (OSError, ValueError, KeyError, TypeError, ArithmeticError):
        return Painted()


async def _painted(trying: _Try, path: Path, painted: Painted) -> Outcome:
    """The job in QUEUED, due at once, with its first frame.

    A copy is adopted: until the rows say so, the picture in the work directory is all that proves it.
    """
    copy = path.with_name(f"frame-{trying.attempt.id}.png")
    await asyncio.to_thread(shutil.copyfile, path, copy)
    first_frame = await trying.world.files.adopt(copy)
    job = move(
        trying.job,
        JobState.QUEUED,
        due_at=trying.world.clock(),
        cost_usd=added(trying.job.cost_usd, painted.usd),
        agreed_usd=_agreed_usd(trying, painted),
        notes=tuple(dict.fromkeys((*trying.job.notes, *painted.notes))),
    )
    picture = trying.as_(AttemptOutcome.ACCEPTED, first_frame=first_frame, usd=painted.usd)
    return Outcome(job=job, picture=picture, detail="painted")


def _agreed_usd(trying: _Try, painted: Painted) -> Decimal | None:
    """What was agreed to, with what the picture cost more than it was to: that is paid, and no reason to ask again."""
    agreed, quoted = trying.job.agreed_usd, trying.attempt.quoted_usd
    if agreed is None or quoted is None or painted.usd is None:
        return agreed
    return agreed + max(ZERO, painted.usd - quoted)


def _painter(shot: Shot, world: World) -> Painter:
    name, _, model = shot.still.partition(" ")
    painter = world.painters.get(name)
    if painter is None or model not in painter.models:
        who = name if painter is None else shot.still
        raise ModelRetired(
            f"{who}, which was to paint the first frame of {shot.code}, is not here any more; "
            f"/retake {shot.code} --text-only renders it without one."
        )
    return painter


async def _order(found: Material, world: World) -> PictureOrder:
    """The picture, fully settled. Raises BadMedia: the parent's clip is missing or damaged."""
    shot = found.shot
    clip = found.parent_take.clip if found.parent_take else None
    before = await frame(world.files, clip.file, shot.from_s) if clip is not None and shot.later_s is not None else None
    return picture_of(shot, before)
