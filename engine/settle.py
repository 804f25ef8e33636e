"""Writes what a step came to, in one transaction, guarded by the fence: the job, its clip, the canon's tip, what is owed."""

from __future__ import annotations

from dataclasses import replace

from engine.attempts import AttemptOutcome
from engine.jobs import LIVE, WITH_CLIP
from engine.model import Clip, Job, JobKind, Shot, Story
from engine.outcome import Outcome, PictureTry
from engine.ports import Writer
from engine.tree import nearest_living_ancestor


async def settle(tx: Writer, outcome: Outcome) -> Job:
    """The job as it stands afterwards.

    Raises:
        StaleFence: somebody else owns it; nothing is written.
    """
    job = outcome.job
    if outcome.clip is not None:
        job = await _keep(tx, job, outcome.clip)
    await tx.save_job(job, detail=outcome.detail)
    if outcome.accepted_id is not None:
        await tx.close_attempt(outcome.accepted_id, AttemptOutcome.ACCEPTED, job.task_id)
    if outcome.picture is not None:
        await _note(tx, outcome.picture)
    for kind in outcome.says:
        await tx.owe(job.id, kind)
    if job.state not in LIVE:
        await after_work(tx, job)
    return job


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
    await tx.make_due(job.provider)


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
