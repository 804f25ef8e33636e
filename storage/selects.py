"""The selects that read a whole value of the engine's; `storage.rows` makes the value of a row of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select

from storage.tables import ATTEMPT, CLIP, FILM, JOB, OUTBOX, PERSON, PLACE, SHOT, STORY, TAKE

_WHO = (PERSON.c.key.label("person_key"), PERSON.c.name.label("person_name"))

STORIES: Select[Any] = (
    select(STORY, PLACE.c.key.label("place"), *_WHO)
    .join(PLACE, PLACE.c.id == STORY.c.place_id)
    .join(PERSON, PERSON.c.id == STORY.c.person_id)
)
SHOTS: Select[Any] = (
    select(SHOT, STORY.c.code.label("story_code"), *_WHO)
    .join(STORY, STORY.c.id == SHOT.c.story_id)
    .join(PERSON, PERSON.c.id == SHOT.c.person_id)
)
TAKES: Select[Any] = select(
    TAKE,
    CLIP.c.file,
    CLIP.c.bytes,
    CLIP.c.seconds,
    CLIP.c.width,
    CLIP.c.height,
    CLIP.c.fps,
    CLIP.c.is_cut,
    CLIP.c.seam,
    CLIP.c.ending,
).outerjoin(CLIP, CLIP.c.take_id == TAKE.c.id)
FILMS: Select[Any] = (
    select(FILM, STORY.c.code.label("story_code"), *_WHO)
    .join(STORY, STORY.c.id == FILM.c.story_id)
    .join(PERSON, PERSON.c.id == FILM.c.person_id)
    .where(FILM.c.deleted_at.is_(None))
)
JOBS: Select[Any] = (
    select(
        JOB,
        PLACE.c.key.label("place"),
        STORY.c.code.label("story_code"),
        SHOT.c.number.label("shot_number"),
        SHOT.c.seconds.label("shot_seconds"),
        *_WHO,
    )
    .join(PLACE, PLACE.c.id == JOB.c.place_id)
    .join(PERSON, PERSON.c.id == JOB.c.person_id)
    .join(STORY, STORY.c.id == JOB.c.story_id)
    .outerjoin(SHOT, SHOT.c.id == JOB.c.shot_id)
)
SAYS: Select[Any] = select(OUTBOX, PLACE.c.key.label("place")).join(PLACE, PLACE.c.id == OUTBOX.c.place_id)
HISTORY: Select[Any] = (
    select(
        CLIP,
        TAKE.c.number.label("take_number"),
        SHOT.c.number.label("shot_number"),
        SHOT.c.prompt,
        STORY.c.code.label("story_code"),
        *_WHO,
    )
    .join(TAKE, TAKE.c.id == CLIP.c.take_id)
    .join(SHOT, SHOT.c.id == CLIP.c.shot_id)
    .join(STORY, STORY.c.id == SHOT.c.story_id)
    .join(PERSON, PERSON.c.id == CLIP.c.person_id)
)

# Built once, with `wanted` left open: every step and every edit of a status message reads these, and to build one costs more
# than to run it.
SHOT_BY_ID = SHOTS.where(SHOT.c.id == bindparam("wanted"))
TAKE_BY_ID = TAKES.where(TAKE.c.id == bindparam("wanted"))
JOB_BY_ID = JOBS.where(JOB.c.id == bindparam("wanted"))
JOBS_BY_IDS = JOBS.where(JOB.c.id.in_(bindparam("wanted", expanding=True))).order_by(JOB.c.was_due_at, JOB.c.id)
ATTEMPTS_OF_JOB = select(ATTEMPT).where(ATTEMPT.c.job_id == bindparam("wanted")).order_by(ATTEMPT.c.number)
