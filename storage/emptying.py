"""Taking words, pictures and clips from rows that stay: of a person who is forgotten, of a story whose time is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from engine.forget_ports import FORGOTTEN
from engine.job_model import MAY_STILL_COST, WAS_CHARGED, JobState
from engine.jobs import LIVE
from engine.model import FileKey, Story
from storage.film_tables import FILM_ORDER
from storage.rows import from_ms, story_of, to_ms
from storage.selects import STORIES
from storage.story_writes import StoryWrites
from storage.tables import CLIP, EVENT, FILM, JOB, OUTBOX, PLACE, POST, SHOT, STORY, TAKE
from storage.transaction import Transaction

_ABOUT_MONEY = (MAY_STILL_COST, WAS_CHARGED)
"""The notes of a job by which its sums are told."""


class EmptyReads(Transaction):
    """The part of `Reader` about stories that nobody has touched for long."""

    async def touched(self, story_ids: Sequence[int]) -> Mapping[int, datetime]:
        found: dict[int, int] = {}
        stories = select(STORY.c.id.label("story_id"), STORY.c.created_at.label("at"))
        of_stories = [
            stories.where(STORY.c.title != FORGOTTEN),
            select(SHOT.c.story_id, func.max(TAKE.c.created_at).label("at"))
            .join(TAKE, TAKE.c.shot_id == SHOT.c.id)
            .group_by(SHOT.c.story_id),
            select(JOB.c.story_id, func.max(func.coalesce(JOB.c.finished_at, JOB.c.created_at)).label("at")).group_by(
                JOB.c.story_id
            ),
        ]
        for each in of_stories:
            column = each.selected_columns[0]
            for row in await self._all(each.where(column.in_(story_ids))):
                if row["story_id"] in found or each is of_stories[0]:
                    found[row["story_id"]] = max(row["at"], found.get(row["story_id"], 0))
        return {story_id: from_ms(at) for story_id, at in found.items()}

    async def quiet_stories(self, before: datetime, limit: int) -> Sequence[Story]:
        since = to_ms(before)
        kept = sorted({*LIVE, JobState.UNCONFIRMED})  # the latter's person may still answer
        loud = (
            select(SHOT.c.story_id).join(TAKE, TAKE.c.shot_id == SHOT.c.id).where(TAKE.c.created_at >= since),
            select(JOB.c.story_id).where(
                or_(JOB.c.created_at >= since, JOB.c.finished_at >= since, JOB.c.state.in_(kept))
            ),
        )
        quiet = STORIES.where(STORY.c.created_at < since, STORY.c.title != FORGOTTEN)
        quiet = quiet.where(*(STORY.c.id.not_in(each) for each in loud))
        return await self._list(quiet.order_by(STORY.c.id).limit(limit), story_of)


class EmptyWrites(StoryWrites, EmptyReads):
    """The part of `Writer` that takes the words from old stories, and drops what is old and only tells."""

    async def empty_story(self, story_id: int) -> Sequence[FileKey]:
        shots = select(SHOT.c.id).where(SHOT.c.story_id == story_id)
        files = [*await empty_shots(self._connection, [row["id"] for row in await self._all(shots)], self._now())]
        films = select(FILM.c.id).where(FILM.c.story_id == story_id, FILM.c.deleted_at.is_(None))
        for film in await self._all(films):
            files += await self.delete_film(film["id"])
        await self._change(update(STORY).where(STORY.c.id == story_id).values(title=FORGOTTEN, tip_id=None))
        current = update(PLACE).where(PLACE.c.current_story_id == story_id)
        await self._change(current.values(current_story_id=None))
        await empty_jobs(self._connection, JOB.c.story_id == story_id)
        return files

    async def drop_old_words(self, before: datetime, limit: int) -> int:
        kept = select(JOB.c.id).where(JOB.c.state.in_(sorted(LIVE)))
        dropped = 0
        for table, is_old in (
            (EVENT, (EVENT.c.at < to_ms(before)) & EVENT.c.job_id.not_in(kept)),
            (POST, POST.c.changed_at < to_ms(before)),
        ):
            old = select(table.c.id).where(is_old).order_by(table.c.id).limit(limit)
            dropped += await self._change(delete(table).where(table.c.id.in_(old)))
        return dropped


async def empty_shots(connection: AsyncConnection, ids: Sequence[int], now: int) -> tuple[FileKey, ...]:
    """Make them deleted nodes without words, pictures and clips; the files that they referred to."""
    files: list[Any] = []
    for row in (await connection.execute(select(SHOT).where(SHOT.c.id.in_(ids)))).mappings():
        files += [row["first_frame"], row["last_frame"], *(row["reference_keys"] or ())]
    painted = await connection.execute(select(TAKE.c.first_frame).where(TAKE.c.shot_id.in_(ids)))
    files += painted.scalars().all()
    clips = await connection.execute(delete(CLIP).where(CLIP.c.shot_id.in_(ids)).returning(CLIP.c.file))
    files += clips.scalars().all()
    takes = update(TAKE).where(TAKE.c.shot_id.in_(ids))
    await connection.execute(takes.values(edit="", edited_take_id=None, first_frame=None))
    gone = {"prompt": "", "negative": "", "first_frame": None, "last_frame": None, "reference_keys": None}
    shots = update(SHOT).where(SHOT.c.id.in_(ids))
    await connection.execute(shots.values(**gone, deleted_at=func.coalesce(SHOT.c.deleted_at, now)))
    return tuple(FileKey(file) for file in dict.fromkeys(files) if file)


async def empty_jobs(connection: AsyncConnection, whose: ColumnElement[bool]) -> None:
    """Leave of these jobs what their sums follow from: what happened and what it cost, in no words of anybody."""
    noted = await connection.execute(select(JOB.c.id, JOB.c.notes).where(whose, JOB.c.notes.is_not(None)))
    for row in noted.mappings().all():
        about_money = [note for note in row["notes"] or () if note in _ABOUT_MONEY]
        kept = update(JOB).where(JOB.c.id == row["id"])
        await connection.execute(kept.values(notes=about_money or None))
    jobs = select(JOB.c.id).where(whose)
    await connection.execute(delete(FILM_ORDER).where(FILM_ORDER.c.job_id.in_(jobs)))
    await connection.execute(update(EVENT).where(EVENT.c.job_id.in_(jobs), EVENT.c.detail != "").values(detail=""))
    told = update(OUTBOX).where(OUTBOX.c.job_id.in_(jobs), OUTBOX.c.due_at.is_(None))
    await connection.execute(told.values(error=None, receipt=None))
    wordless = {"receipt": None, "asked_receipt": None, "preview": None, "trouble": None}
    await connection.execute(update(JOB).where(whose).values(**wordless))
    failed = update(JOB).where(whose, JOB.c.failure_sentence.is_not(None))
    await connection.execute(failed.values(failure_sentence=FORGOTTEN))
