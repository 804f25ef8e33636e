"""One step of a claimed job: a match on its state, at most one effect, through ports. Knows no driver.

A step only says what should be (`Outcome`); `engine.settle` writes it, guarded by the fence. Whoever calls a step too often, too
late or twice breaks nothing: before a request that may cost money the intent is committed (`engine.submit`), everything else is
free and repeatable.
"""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import assert_never

from engine import media, painting, submit
from engine.abilities import Pace
from engine.beginnings import ending_of, known_score, leaves_at, seam_of
from engine.errors import BadMedia, DeadlinePassed, MediaError, Refused, Unavailable
from engine.extended import new_part
from engine.films import script_of
from engine.housekeeping import work_name
from engine.job_model import NOBODY_AGREED, WAS_CHARGED, Job, JobKind, JobState, SayKind
from engine.jobs import finish, move
from engine.model import EXTEND, Clip, Shot, Take
from engine.orders import Material, first_frame_of, material
from engine.outcome import PAID, Outcome, World, painted_usd
from engine.ports import Reader
from engine.providers.base import CancelOutcome, Queued, Rendered, Rendering
from engine.sightings import render_of
from engine.stills import with_cost
from engine.stopping import cost_note, stop
from engine.usual import Look, awake_until, next_look_s

log = logging.getLogger(__name__)

_FENCE_DIGITS = 12
"""Of a fence in a file's name, so that names are in the order of fences."""

_ASKS_PROVIDER = frozenset({JobState.QUEUED, JobState.SUBMITTING, *PAID})


async def advance(job: Job, world: World) -> Outcome:
    """One step.

    Raises:
        EngineError: as the tree says; `after_error` makes an outcome of it.
        StaleFence: somebody else owns the job; nothing is to be written.
    """
    if job.is_unwanted and job.state in {JobState.QUEUED, JobState.RENDERING, JobState.SAVING}:
        return await _cancelled(job, world)
    now = world.clock()
    asks_provider = job.kind is JobKind.RENDER and job.state in _ASKS_PROVIDER
    hold = world.circuits.hold(job.provider, job.subject, now) if asks_provider else None
    if hold is not None:
        return Outcome(job=replace(job, due_at=hold.until, trouble=hold.trouble or job.trouble))
    try:
        outcome = await _advance(job, world, now)
    finally:
        world.circuits.over(job.provider, job.subject, world.clock)
    if job.trouble is not None:
        outcome = replace(outcome, job=replace(outcome.job, trouble=None))
    return outcome


async def _cancelled(job: Job, world: World) -> Outcome:
    """It was cancelled while it was being handed over, and that is over now."""
    note = cost_note(job)
    if job.task_id is not None and await stop(job, job.task_id, world) is CancelOutcome.STOPPED:
        note = ""
    attempts = await world.store.read(lambda tx: tx.attempts(job.id))
    cost_usd = job.cost_usd if note == WAS_CHARGED else painted_usd(attempts)
    notes = (*job.notes, note) if note else job.notes
    ended = finish(job, JobState.CANCELLED, world.clock(), preview=None, cost_usd=cost_usd, notes=notes)
    return Outcome(job=ended, says=(SayKind.FAILURE,))


async def _advance(job: Job, world: World, now: datetime) -> Outcome:
    match job.state:
        case JobState.ASKING:
            ended = finish(job, JobState.CANCELLED, now, notes=(*job.notes, NOBODY_AGREED))
            return Outcome(job=ended, says=(SayKind.FAILURE,))
        case JobState.QUEUED if job.kind is JobKind.STITCH:
            return Outcome(job=move(job, JobState.SAVING, due_at=now))
        case JobState.QUEUED:
            return await painting.paint(job, world) or await submit.submit(job, world)
        case JobState.SUBMITTING:
            return await painting.reconcile(job, world) or await submit.reconcile(job, world)
        case JobState.RENDERING:
            return await _check(job, world, now)
        case JobState.SAVING if job.kind is JobKind.STITCH:
            return await _stitch(job, world)
        case JobState.SAVING:
            return await _save(job, world)
        case JobState.READY | JobState.DELIVERED | JobState.FAILED | JobState.CANCELLED | JobState.UNCONFIRMED:
            return Outcome(job=replace(job, due_at=None))
        case _:
            assert_never(job.state)


async def _check(job: Job, world: World, now: datetime) -> Outcome:
    provider = world.provider(job.provider, job.subject)
    task_id = _task_id(job)
    progress = await provider.check(task_id)
    match progress:
        case Rendered(_, usd):
            _learn(job, world, now)
            saving = move(job, JobState.SAVING, due_at=now, percent=None, rendered_at=job.rendered_at or now)
            return await with_cost(saving, usd, world)
        case Queued():
            percent, preview = None, None
        case Rendering(percent, path):
            preview = str(path) if path else None
        case _:
            assert_never(progress)
    # it is paid, and the clock on the wall may have been set
    is_late = world.sightings.saw(render_of(job.id)) > provider.pace.give_up_s
    last = world.looks.last(job.id)
    # after an outage, of its service or of ours, the next look decides: nobody could see whether it goes on
    if is_late and last is not None and now <= last.awake_until and job.tries == 0:
        await stop(job, task_id, world)
        minutes = provider.pace.give_up_s / 60
        raise DeadlinePassed(
            f"{job.subject} took longer than {minutes:.0f} minutes and was given up; /retake {job.subject} tries again."
        )
    next_s = await _next_look_s(job, provider.pace, world, now, is_counted=percent is not None or preview is not None)
    due_at = now + timedelta(seconds=next_s * random.uniform(0.9, 1.1))  # not all at the same moment
    return Outcome(job=move(job, JobState.RENDERING, due_at=due_at, percent=percent, preview=preview, tries=0))


async def _next_look_s(job: Job, pace: Pace, world: World, now: datetime, *, is_counted: bool) -> float:
    """How long until the next look at it, which is noted."""
    seconds = job.shot_seconds or 0.0
    if world.usual.is_new(job.provider, job.model):
        earlier = await world.store.read(lambda tx: tx.durations(job.provider, job.model))
        for length_s, took_s in reversed(earlier):
            world.usual.learn(job.provider, job.model, length_s, took_s)
    elapsed_s = _elapsed_s(job, now)
    next_s = next_look_s(
        pace,
        elapsed_s=elapsed_s,
        durations=world.usual.durations(job.provider, job.model, seconds),
        live=world.looks.live(job.provider),
        is_counted=is_counted,
    )
    world.looks.saw(job.id, Look(job.provider, job.model, seconds, elapsed_s, awake_until(now, next_s)))
    return next_s


def _learn(job: Job, world: World, now: datetime) -> None:
    """It is done: somewhere between the last look and this one, where somebody was awake all the time."""
    last = world.looks.last(job.id)
    if last is not None and now <= last.awake_until:
        world.usual.learn(job.provider, job.model, last.seconds, (last.elapsed_s + _elapsed_s(job, now)) / 2)
    world.looks.drop(job.id)
    world.sightings.drop(render_of(job.id))


def _elapsed_s(job: Job, now: datetime) -> float:
    return (now - job.started_at).total_seconds() if job.started_at is not None else 0.0


def _own_file(job: Job, world: World, stem: str) -> Path:
    """A file that no other step of the job writes: after a sleep of this machine an earlier one may still be at work here.

    What earlier ones left is removed; whoever still writes to it writes to nothing.
    """
    directory = world.files.work(work_name(job))
    own = directory / f"{stem}-{job.fence:0{_FENCE_DIGITS}d}.mp4"
    for left in directory.glob(f"{stem}-*.mp4"):
        if left.name < own.name:
            left.unlink(missing_ok=True)
    return own


async def _save(job: Job, world: World) -> Outcome:
    """Fetch, measure and keep the clip; twice, where the first file is none: it is paid."""
    try:
        return await _fetched(job, world)
    except MediaError as error:
        log.warning("clip fetched again job=%d provider=%s: %s", job.id, job.provider, error)
        return await _fetched(job, world)


async def _fetched(job: Job, world: World) -> Outcome:
    """Repeatable: a fresh place to fetch from is asked for every time."""
    provider = world.provider(job.provider, job.subject)
    task_id = _task_id(job)
    progress = await provider.check(task_id)
    if not isinstance(progress, Rendered):
        # it was done before, so this is a slip of the service's
        raise Unavailable(
            f"{job.provider} does not give the clip of {job.subject}; /retake {job.subject} renders it again."
        )
    path = await asyncio.to_thread(_own_file, job, world, "clip")
    await provider.fetch(task_id, progress.where, path)
    found = await world.store.read(lambda tx: material(tx, job))
    if found.shot.work != EXTEND or found.take.edit:
        return await _rendered(job, world, path, found)
    able = provider.models.get(found.shot.model)
    before = found.source_take.clip if found.source_take else None
    new, job = await _without(before, found.shot, able.extend_gives if able else "unknown", path, job)
    ready = await _rendered(job, world, new, found)
    return replace(ready, clip=ready.clip and replace(ready.clip, is_cut=new != path))


async def _rendered(job: Job, world: World, path: Path, found: Material) -> Outcome:
    """READY, with what is kept of how the clip begins and ends. That is not worth losing a paid clip."""
    try:
        given = await first_frame_of(found, world)
    except MediaError as error:
        log.warning("seam not measured job=%d: %s", job.id, error)
        given = None
    measured = await media.probe(path, given=given)
    ready = await _ready(job, world, path, measured)
    seam = seam_of(measured.begins, shot=found.shot, take=found.take, parent=found.parent_take)
    return replace(ready, clip=ready.clip and replace(ready.clip, seam=seam, ending=ending_of(measured)))


async def _without(before: Clip | None, shot: Shot, gives: str, path: Path, job: Job) -> tuple[Path, Job]:
    """The new part of an extended clip. What cannot be cut, or may be all new, is kept whole, and said: it is paid."""
    whole = await media.probe(path)
    part = new_part(
        gives=gives, whole_s=whole.seconds, asked_s=shot.seconds, before_s=before.seconds if before else None
    )
    note = "" if part.is_sure else "This clip may begin with the shot before it: its length does not tell."
    new = path.with_stem(f"extended-{job.fence}")
    if part.from_s:
        try:
            await media.cut(path, new, part.from_s)
        except MediaError as error:
            log.warning("extended clip kept whole job=%d: %s", job.id, error)
            note = "This clip begins with the shot before it, which could not be cut off."
        else:
            return new, job
    return path, replace(job, notes=tuple(dict.fromkeys((*job.notes, note)))) if note else job


async def _stitch(job: Job, world: World) -> Outcome:
    """Join the planned takes into a film."""

    pieces = await world.store.read(lambda tx: _pieces(tx, job))
    options = await world.store.read(lambda tx: tx.stitch_options(job.id))
    story = await world.store.read(lambda tx: tx.story(job.story_code))
    if story is None:
        raise BadMedia("The story of this film was deleted meanwhile.")
    script = replace(
        script_of(story, [(shot, clip) for shot, _, clip in pieces], options, world.files.path),
        ends=(*(leaves_at(*before[:2], *after[:2]) for before, after in pairwise(pieces)), None),
        scores=tuple(known_score(*before[:2], *after[:2]) for before, after in pairwise(pieces)),
    )
    path = await asyncio.to_thread(_own_file, job, world, "film")
    telling: set[asyncio.Task[None]] = set()

    def tell(percent: float) -> None:
        task = asyncio.create_task(world.announce(replace(job, percent=percent)), name=f"job {job.id} progress")
        telling.add(task)
        task.add_done_callback(telling.discard)

    try:
        made = await media.stitch(script, path, on_progress=tell)
    finally:
        await asyncio.gather(*telling, return_exceptions=True)
    noted = replace(job, notes=tuple(dict.fromkeys((*job.notes, *made.notes))))
    return await _ready(noted, world, path, await media.probe(path, decode=False))


async def _pieces(tx: Reader, job: Job) -> list[tuple[Shot, Take, Clip]]:
    """The planned shots, their takes and clips, in order."""
    pieces = []
    for take_id in job.plan:
        take: Take | None = await tx.take(take_id)
        shot = await tx.shot(take.shot_id) if take else None
        if take is None or take.clip is None or shot is None:
            raise BadMedia("A clip of this film was deleted meanwhile; /stitch again joins what is left.")
        pieces.append((shot, take, take.clip))
    return pieces


async def _ready(job: Job, world: World, path: Path, measured: media.Probe) -> Outcome:
    file = await world.files.adopt(path)
    clip = Clip(
        file=file,
        bytes=measured.bytes,
        seconds=measured.seconds,
        width=measured.width,
        height=measured.height,
        fps=measured.fps,
    )
    ready = finish(job, JobState.READY, world.clock(), percent=None, preview=None)
    return Outcome(job=ready, clip=clip, says=(SayKind.RESULT,))


def _task_id(job: Job) -> str:
    if job.task_id is None:
        raise Refused(f"{job.subject} has no render at {job.provider}; /retake {job.subject} starts one.")
    return job.task_id
