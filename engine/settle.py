"""Writes what a step came to, in one transaction, guarded by the fence: the job, its clip, the canon's tip, what is owed."""

from __future__ import annotations

from dataclasses import replace

from engine.admission import wake_next
from engine.attempts import AttemptOutcome
from engine.booking import book
from engine.job_model import MAY_STILL_COST, Job, JobKind, JobState, SayKind
from engine.jobs import LIVE, WITH_CLIP, move
from engine.line import gives_way
from engine.model import Clip, Shot, Story
from engine.outcome import Outcome, PictureTry
from engine.ports import Writer
from engine.stopping import cost_note
from engine.tree import nearest_living_ancestor


async def settle(tx: Writer, outcome: Outcome) -> Job:
    """The job as it stands afterwards.

    Raises:
        StaleFence: somebody else owns it; nothing is written.
    """
    job = await _unless_unwanted(tx, outcome.job)
    if outcome.clip is not None:
        job = await _keep(tx, job, outcome.clip)
    was = await tx.save_job(job, detail=outcome.detail)
    if outcome.accepted_id is not None:
        accepted = AttemptOutcome.ACCEPTED
        await tx.close_attempt(outcome.accepted_id, accepted, job.task_id, usd=outcome.render_usd)
    if outcome.picture is not None:
        await _note(tx, outcome.picture)
    if _may_move_money(replace(outcome, job=job)):
        await book(tx, job)
    for kind in outcome.says:
        await tx.owe(job.id, kind)
    if job.state is JobState.ASKING and was is not JobState.ASKING:
        await _owe_question(tx, job)
    if job.state not in LIVE:
        await after_work(tx, job)
    elif outcome.gives_way or gives_way(was, job):
        await wake_next(tx, job)
    return job


async def adopt(tx: Writer, outcome: Outcome) -> Job | None:
    """The job with a render whose answer came when its sender had lost it and its person was asked. None: it went another way.

    Where its person has answered "leave it" it stays CANCELLED, and the render is still to be stopped: until its service says
    that it did, it may cost.
    """
    late = outcome.job
    fresh = await tx.job(late.id)
    if fresh is None or fresh.task_id is not None:
        return None
    if fresh.state is JobState.CANCELLED:
        return await _left(tx, replace(fresh, task_id=late.task_id), outcome.accepted_id)
    if fresh.state is not JobState.UNCONFIRMED:
        return None
    held = await tx.take_over(late.id)
    if held is None:
        return None
    found = {"task_id": late.task_id, "cost_usd": late.cost_usd, "started_at": late.started_at, "due_at": late.due_at}
    rendering = move(held, JobState.RENDERING, **found, failure=None, finished_at=None)
    await tx.save_job(rendering, detail="its answer came late")
    if outcome.accepted_id is not None:
        accepted = AttemptOutcome.ACCEPTED
        await tx.close_attempt(outcome.accepted_id, accepted, late.task_id, usd=outcome.render_usd)
    await tx.retract(late.id, SayKind.FAILURE)  # it was the question, and is answered
    await tx.retract(late.id, SayKind.LAST)
    await book(tx, rendering)
    return rendering


async def _left(tx: Writer, job: Job, accepted_id: int | None) -> Job:
    note = cost_note(job)
    job = replace(job, notes=tuple(dict.fromkeys((*job.notes, note)))) if note else job
    await tx.save_job(job, detail="its answer came when it was cancelled")
    if accepted_id is not None:
        await tx.close_attempt(accepted_id, AttemptOutcome.ACCEPTED, job.task_id)
    await book(tx, job)
    return job


async def _owe_question(tx: Writer, job: Job) -> None:
    """A price is asked about in the status message; where there is none to edit, it is owed anew."""
    fresh = await tx.job(job.id)
    if fresh is not None and fresh.receipt is None:
        await tx.retract(job.id, SayKind.STATUS)
        await tx.owe(job.id, SayKind.STATUS)


async def _unless_unwanted(tx: Writer, job: Job) -> Job:
    """Who cancelled it while its request was under way is not asked what to do where that answer was lost."""
    if job.state is not JobState.UNCONFIRMED:
        return job
    fresh = await tx.job(job.id)
    if fresh is None or not fresh.is_unwanted:
        return job
    return move(job, JobState.CANCELLED, failure=None, notes=(*job.notes, MAY_STILL_COST))


def _may_move_money(outcome: Outcome) -> bool:
    """Whether what it comes to may be other money than before. A poll, and a look at the line, never is: they stay cheap."""
    is_new = outcome.job.state not in LIVE or outcome.job.state is JobState.ASKING
    return is_new or outcome.is_taken or outcome.picture is not None


async def _note(tx: Writer, tried: PictureTry) -> None:
    """What became of a paid request for a picture."""
    await tx.close_attempt(tried.attempt_id, tried.outcome, usd=tried.usd)
    if tried.first_frame is not None:
        await tx.paint_take(tried.take_id, tried.first_frame)


async def after_work(tx: Writer, job: Job) -> None:
    """The engine's work on the job is over: move the tip if need be, and let those go on who waited for it."""
    if job.kind is not JobKind.RENDER or job.shot_id is None:
        return
    shot = await tx.shot(job.shot_id)
    story = await tx.story(job.story_code)
    if shot is not None and story is not None:
        if job.state in WITH_CLIP:
            await _advance_tip(tx, story, shot)
        elif shot.chosen_take_id is None:
            await retreat_tip(tx, story, shot)
    await tx.make_waiters_due(job.subject)
    await wake_next(tx, job)


async def retreat_tip(tx: Writer, story: Story, shot: Shot) -> None:
    """The shot has no clip (any more): if it is the canon's tip, its nearest living ancestor becomes it that has a clip or will."""
    if story.tip_id != shot.id:
        return
    shots = {each.id: each for each in await tx.shots(story.id)}
    takes = await tx.takes(list(shots))
    with_clip = frozenset(take.shot_id for take in takes if take.clip is not None)
    being_rendered = frozenset(
        job.shot_id for job in await tx.jobs_of_shots(list(shots)) if job.state in LIVE and job.shot_id is not None
    )
    await tx.set_tip(story.id, nearest_living_ancestor(shot, shots, with_clip | being_rendered))


async def _advance_tip(tx: Writer, story: Story, shot: Shot) -> None:
    """A shot that follows the tip directly becomes it: so a retake of a shot that had failed is on the canon again."""
    if shot.deleted_at is None and story.tip_id == shot.parent_id:
        await tx.set_tip(story.id, shot.id)


async def _keep(tx: Writer, job: Job, clip: Clip) -> Job:
    """Note the clip as the take's, or as a new film's."""
    if job.kind is JobKind.STITCH:
        takes = [take for take_id in job.plan if (take := await tx.take(take_id))]
        shots = [shot for take in takes if (shot := await tx.shot(take.shot_id))]
        film = await tx.add_film(shots[0].story_id, job.person, tuple(shot.code for shot in shots), clip)
        return replace(job, film_id=film.id)
    if job.take_id is not None and job.shot_id is not None:
        await tx.add_clip(job.take_id, clip)
        await tx.choose_take(job.shot_id, job.take_id)
    return job
