"""What a render is made from, read in one piece, and the order that its provider gets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.derive import VIDEO, derived, frame
from engine.errors import NothingToContinue, Refused
from engine.job_model import Job, JobState
from engine.jobs import LIVE
from engine.model import EXTEND, TEXT_ONLY, Clip, Shot, Take
from engine.outcome import World
from engine.ports import Reader
from engine.providers.base import Order, Provider, Source, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A job's shot and take, and what stands before them in the story."""

    shot: Shot
    take: Take
    parent: Shot | None
    parent_take: Take | None
    """The parent's take to start from. None: it has none, or the shot begins without it."""
    parent_job: Job | None
    """The parent's newest job."""
    source_take: Take | None = None
    """The take whose clip the service itself works on: the parent's that is extended, or the one that is edited."""
    source_job: Job | None = None
    """What rendered that."""

    @property
    def waits(self) -> bool:
        """The parent's clip is needed, is not there, and is being rendered."""
        return self._lacks_parent and self.parent_job is not None and self.parent_job.state in LIVE

    @property
    def _lacks_parent(self) -> bool:
        if self.take.edited_take_id is not None or not starts_on_parent(self.shot):
            return False
        if self.take.first_frame is not None:
            return False  # it was painted, and paid
        return self.parent_take is None or self.parent_take.clip is None

    def check(self) -> None:
        """Raises NothingToContinue: what it goes on from has no clip, and will have none by itself."""
        subject = self.shot.code
        if self.take.edited_take_id is not None and (self.source_take is None or self.source_take.clip is None):
            raise NothingToContinue(
                f"The take of {subject} that was to be changed was deleted; /show {subject} lists them."
            )
        if not self._lacks_parent or self.parent is None:
            return
        code = self.parent.code
        if self.parent.deleted_at is not None:
            raise NothingToContinue(f"{code}, which {subject} continues, was deleted; /continue another shot.")
        raise NothingToContinue(
            f"{code}, which {subject} continues, has no clip; /retake {code} first, then /retake {subject}."
        )


def starts_on_parent(shot: Shot) -> bool:
    """Whether it needs its parent's clip: for its first frame, as what that is painted from, or to be extended."""
    is_painted_from_words = bool(shot.still) and shot.later_s is None and shot.work != EXTEND
    is_without = shot.is_unseeded or shot.work == TEXT_ONLY
    return not (shot.parent_id is None or shot.first_frame or is_without or is_painted_from_words)


async def material(tx: Reader, job: Job) -> Material:
    """What this job's render is made from.

    Once the intent is written the take to start from is the one that it names: the same key must mean the same request.

    Raises:
        Refused: the shot or the take is gone.
    """
    shot = await tx.shot(job.shot_id or 0)
    take = await tx.take(job.take_id or 0)
    if shot is None or take is None:
        raise Refused(f"{job.subject} was deleted before it was rendered.")
    parent = await tx.shot(shot.parent_id) if shot.parent_id else None
    parent_take = None
    if starts_on_parent(shot):
        is_settled = take.first_frame is not None or take.edited_take_id is not None
        is_named = is_settled or job.state is not JobState.QUEUED
        start_id = take.parent_take_id if is_named else parent and parent.chosen_take_id
        parent_take = await tx.take(start_id) if start_id else None
    parent_job = next(iter(await tx.jobs_of_shots([parent.id])), None) if parent else None
    source = None
    if take.edited_take_id is not None:
        source = await tx.take(take.edited_take_id)
    elif shot.work == EXTEND:
        source = parent_take
    return Material(
        shot=shot,
        take=take,
        parent=parent,
        parent_take=parent_take,
        parent_job=parent_job,
        source_take=source,
        source_job=await tx.job_of_take(source) if source else None,
    )


async def order_of(found: Material, provider: Provider, world: World) -> Order:
    """The render, fully settled.

    Raises:
        BadMedia: a clip's file is missing or damaged.
    """
    shot, take = found.shot, found.take
    source = await _source(found, provider, world)
    is_bare = take.edited_take_id is not None or shot.work == TEXT_ONLY
    return Order(
        prompt=take.edit or shot.prompt,
        seconds=shot.seconds,
        ratio=shot.ratio,
        resolution=shot.resolution,
        seed=take.seed,
        style=shot.style,
        model=shot.model,
        caption=shot.code,
        first_frame=None if source else await first_frame_of(found, world),
        last_frame=world.files.path(shot.last_frame) if shot.last_frame and not is_bare else None,
        references=() if is_bare else tuple(world.files.path(key) for key in shot.references),
        negative=shot.negative,
        is_silent=shot.is_silent,
        source=source,
    )


async def first_frame_of(found: Material, world: World) -> Path | None:
    """What was painted for it, else what was given, else the parent's last frame, or the one that was chosen instead.

    Raises:
        BadMedia: a clip's file is missing or damaged.
    """
    given = found.take.first_frame or (None if found.shot.work == TEXT_ONLY else found.shot.first_frame)
    if given is not None:
        return world.files.path(given)
    clip = found.parent_take.clip if found.parent_take else None
    return await frame(world.files, clip.file, found.shot.from_s) if clip else None


async def _source(found: Material, provider: Provider, world: World) -> Source | None:
    """The clip that the service works on; None: it renders from words and pictures."""
    clip: Clip | None = found.source_take.clip if found.source_take else None
    if clip is None:
        return None
    able = provider.models.get(found.shot.model)
    work = Work.EDIT if able is None or able.edit else Work.REMIX
    if found.take.edited_take_id is None:
        work = Work.EXTEND
    # of a clip that was cut the service has more than is here
    is_its_own = found.source_job is not None and found.source_job.provider == provider.name and not clip.is_cut
    return Source(
        work=work,
        video=await derived(world.files, clip.file, VIDEO),
        seconds=clip.seconds,
        task_id=found.source_job.task_id if is_its_own and found.source_job else None,
    )
