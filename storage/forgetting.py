"""Forgetting a person: what there is of one, and taking it away piece by piece.

That a person is being forgotten is a row of the inbox that is not done: what is to be done and must survive a crash is there
already, and needs no table of its own.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, delete, exists, func, literal, or_, select, union, update

from engine.forget_ports import FORGOTTEN, SOMEONE, Belongings, Forgetting, Piece
from engine.job_model import Job, JobKind, JobState
from engine.jobs import LIVE
from engine.model import FileKey
from storage.emptying import empty_jobs, empty_shots
from storage.forgetting_words import WordReads, WordWrites, is_hers, places_of
from storage.line import AGAIN
from storage.rows import from_ms, job_of, to_ms
from storage.selects import JOBS
from storage.story_writes import StoryWrites
from storage.sweep import NOTES
from storage.tables import (
    CLIP,
    FILM,
    INBOX,
    JOB,
    LINK_CODE,
    LINK_MISS,
    METADATA,
    OUTBOX,
    PERSON,
    PLACE,
    REQUEST,
    SENT_FILE,
    SHOT,
    STORY,
    TAKE,
)

_QUESTION, _UNDER_WAY = "forget?", "forgetting"
"""Of the inbox: as which platform these rows are kept."""
_SHOTS_AT_ONCE = 50
_WITH_PLACE = [table for table in METADATA.sorted_tables if "place_id" in table.c]


class ForgetReads(WordReads):
    """The part of `Reader` about a person who is to be forgotten."""

    async def belongings(self, key: str) -> Belongings | None:
        person_id = await self._known_person(key)
        if person_id is None:
            return None
        own = SHOT.c.person_id == person_id
        parents = select(SHOT.c.id).where(own)
        places = union(*places_of(person_id)).subquery()
        films = await self._films_of(person_id)
        return Belongings(
            shots=await self._count(SHOT.c.id, own, or_(SHOT.c.deleted_at.is_(None), SHOT.c.prompt != "")),
            clips=await self._count(CLIP.c.id, CLIP.c.person_id == person_id),
            stories=await self._count(STORY.c.id, STORY.c.person_id == person_id),
            places=int(await self._value(select(func.count()).select_from(places))),
            films=len(films),
            others_films=sum(film["person_id"] != person_id for film in films),
            others_shots=await self._count(
                SHOT.c.id, SHOT.c.parent_id.in_(parents), SHOT.c.person_id != person_id, SHOT.c.deleted_at.is_(None)
            ),
            jobs=len(await self._jobs_in_the_way(person_id)),
        )

    async def forget_question(self, token: str) -> tuple[str, datetime] | None:
        row = await self._one(select(INBOX).where(INBOX.c.platform == _QUESTION, INBOX.c.key == _question_key(token)))
        return None if row is None else (json.loads(row["body"]), from_ms(row["done_at"]))

    async def forgettings(self) -> Sequence[Forgetting]:
        under_way = select(INBOX).where(INBOX.c.platform == _UNDER_WAY, INBOX.c.done_at.is_(None))
        return [_forgetting(row["id"], row["body"]) for row in await self._all(under_way.order_by(INBOX.c.id))]

    async def jobs_in_the_way(self, forgetting: Forgetting) -> Sequence[Job]:
        return await self._jobs_in_the_way(forgetting.person_id)

    async def is_news_owed(self, forgetting: Forgetting, since: datetime) -> bool:
        owed = exists().where(
            OUTBOX.c.job_id == JOB.c.id,
            OUTBOX.c.due_at.is_not(None),
            JOB.c.person_id == forgetting.person_id,
            JOB.c.finished_at > to_ms(since),
        )
        return bool(await self._value(select(owed)))

    async def tasks_of(self, forgetting: Forgetting) -> Sequence[tuple[str, str]]:
        shots = select(SHOT.c.id).where(SHOT.c.person_id == forgetting.person_id)
        of_person = or_(JOB.c.person_id == forgetting.person_id, JOB.c.shot_id.in_(shots))
        tasks = select(JOB.c.provider, JOB.c.task_id).where(of_person, JOB.c.task_id.is_not(None))
        return [(row["provider"], row["task_id"]) for row in await self._all(tasks.order_by(JOB.c.id))]

    async def _known_person(self, key: str) -> int | None:
        by_key = select(func.coalesce(PERSON.c.joined_id, PERSON.c.id)).where(PERSON.c.key == key)
        found: int | None = await self._value(by_key)
        return found

    async def _count(self, column: Any, *where: ColumnElement[bool]) -> int:
        return int(await self._value(select(func.count(column)).where(*where)))

    async def _jobs_in_the_way(self, person_id: int) -> list[Job]:
        live = JOB.c.state.in_(sorted(LIVE))
        shots = select(SHOT.c.id).where(SHOT.c.person_id == person_id)
        own = or_(JOB.c.person_id == person_id, JOB.c.shot_id.in_(shots))
        jobs = await self._list(JOBS.where(live, own).order_by(JOB.c.id), job_of)
        stitches = await self._list(
            JOBS.where(live, JOB.c.kind == str(JobKind.STITCH), JOB.c.person_id != person_id), job_of
        )
        if stitches:
            takes = select(TAKE.c.id).where(
                TAKE.c.shot_id.in_(shots), TAKE.c.id.in_({take for job in stitches for take in job.plan})
            )
            hers = {row["id"] for row in await self._all(takes)}
            jobs += [job for job in stitches if hers & set(job.plan)]
        return jobs

    async def _films_of(self, person_id: int) -> list[Any]:
        """The living films that go with a person. A film joins shots of its place alone, so only such places are looked at."""
        codes = await self._all(
            select(STORY.c.code, SHOT.c.number, STORY.c.place_id)
            .join(STORY, STORY.c.id == SHOT.c.story_id)
            .where(SHOT.c.person_id == person_id)
        )
        hers = {f"{row['code']}-{row['number']}" for row in codes}
        places = {row["place_id"] for row in codes}
        films = (
            select(FILM, STORY.c.person_id.label("director_id"))
            .join(STORY, STORY.c.id == FILM.c.story_id)
            .where(FILM.c.deleted_at.is_(None))
            .where(or_(STORY.c.place_id.in_(places), FILM.c.person_id == person_id, STORY.c.person_id == person_id))
        )
        return [
            film
            for film in await self._all(films)
            if person_id in {film["person_id"], film["director_id"]} or hers & set(film["shots"])
        ]


class ForgetWrites(StoryWrites, ForgetReads, WordWrites):
    """The part of `Writer` that takes a person away."""

    async def put_forget_question(self, token: str, key: str, expires_at: datetime) -> None:
        body = json.dumps(key)
        await self._change(delete(INBOX).where(INBOX.c.platform == _QUESTION, INBOX.c.body == body))
        # done when it expires: so it is swept a while after that, as every update
        cells = {"platform": _QUESTION, "key": _question_key(token), "body": body}
        await self._add(INBOX, **cells, created_at=self._now(), done_at=to_ms(expires_at))

    async def begin_forgetting(self, key: str) -> Forgetting | None:
        person_id = await self._known_person(key)
        if person_id is None:
            return None
        is_one = or_(PERSON.c.id == person_id, PERSON.c.joined_id == person_id)
        rows = await self._all(select(PERSON).where(is_one).order_by(PERSON.c.id))
        for table in (LINK_CODE, LINK_MISS):
            await self._change(delete(table).where(table.c.person_id.in_([row["id"] for row in rows])))
        for row in rows:
            nobody = {"key": f"forgotten:{secrets.token_hex(8)}", "name": SOMEONE}
            await self._change(update(PERSON).where(PERSON.c.id == row["id"]).values(**nobody))
        keys = [row["key"] for row in rows]
        names = list(dict.fromkeys(row["name"] for row in rows if row["name"] != SOMEONE))
        said = {"person_id": person_id, "keys": keys, "names": names}
        questions = [json.dumps(each) for each in keys]
        await self._change(delete(INBOX).where(INBOX.c.platform == _QUESTION, INBOX.c.body.in_(questions)))
        cells = {"platform": _UNDER_WAY, "key": f"{_UNDER_WAY}/{secrets.token_hex(8)}", "body": json.dumps(said)}
        return _forgetting(await self._add(INBOX, **cells, created_at=self._now()), cells["body"])

    async def stop_jobs(self, job_ids: Sequence[int]) -> None:
        now = self._now()
        unwanted = update(JOB).where(JOB.c.id.in_(job_ids), JOB.c.state.in_(sorted(LIVE)))
        is_leased = JOB.c.lease_until > now
        # a request that is on its way has no lease, and its step is the only one that will know what became of it
        is_leaving = JOB.c.state == JobState.SUBMITTING
        await self._change(unwanted.where(or_(is_leased, is_leaving)).values(is_unwanted=1, was_due_at=AGAIN))
        free = unwanted.where(or_(JOB.c.lease_until.is_(None), ~is_leased), ~is_leaving)
        await self._change(free.values(is_unwanted=1, due_at=now, lease_until=None))

    async def forget_shots(self, forgetting: Forgetting, after_id: int) -> Piece:
        own = select(SHOT.c.id).where(SHOT.c.person_id == forgetting.person_id, SHOT.c.id > after_id)
        ids = [row["id"] for row in await self._all(own.order_by(SHOT.c.id).limit(_SHOTS_AT_ONCE))]
        files = await empty_shots(self._connection, ids, self._now())
        return Piece(last_id=ids[-1] if ids else None, shot_ids=tuple(ids), files=files)

    async def forget_films(self, forgetting: Forgetting) -> Sequence[FileKey]:
        files: list[FileKey] = []
        for film in await self._films_of(forgetting.person_id):
            files += await self.delete_film(film["id"])
        return files

    async def forget_rows(self, forgetting: Forgetting) -> None:
        person_id, keys = forgetting.person_id, forgetting.keys
        jobs = select(JOB.c.id).where(JOB.c.person_id == person_id)
        await self._change(update(TAKE).where(TAKE.c.edit != "", is_hers(TAKE.c.id, person_id)).values(edit=FORGOTTEN))
        await self._change(update(STORY).where(STORY.c.person_id == person_id).values(title=FORGOTTEN))
        shots = select(SHOT.c.id).where(SHOT.c.person_id == person_id)
        await empty_jobs(self._connection, or_(JOB.c.person_id == person_id, JOB.c.shot_id.in_(shots)))
        anew = literal("forgotten/") + cast(JOB.c.id, Text)
        await self._change(update(JOB).where(JOB.c.person_id == person_id).values(request_key=anew))
        await self._change(delete(OUTBOX).where(OUTBOX.c.job_id.in_(jobs)))
        for key in keys:
            await self._forget_mentions(key)
            await self._forget_updates(key)
            private = or_(PLACE.c.key == key, PLACE.c.key.startswith(f"{key}/", autoescape=True))
            for place in await self._all(select(PLACE).where(private)):
                await self._leave_place(place["id"], person_id)
        # the row that says what is under way knew the person by name to this point
        nameless = json.dumps({"person_id": person_id, "keys": [], "names": []})
        await self._change(update(INBOX).where(_is_row_of(forgetting)).values(body=nameless))

    async def drop_sent_files(self, files: Sequence[FileKey]) -> None:
        await self._change(delete(SENT_FILE).where(SENT_FILE.c.file.in_(files)))

    async def end_forgetting(self, forgetting: Forgetting) -> None:
        await self._change(delete(INBOX).where(_is_row_of(forgetting)))

    async def _forget_updates(self, key: str) -> None:
        """Notes that an update was acted on, where their key is of a private chat; and notes of ours about the person."""
        for row in await self._all(select(REQUEST).where(REQUEST.c.key.startswith(f"{key}/", autoescape=True))):
            anew = f"forgotten/{secrets.token_hex(8)}"
            await self._change(update(REQUEST).where(REQUEST.c.id == row["id"]).values(key=anew))
        ours = (INBOX.c.platform == NOTES) & INBOX.c.key.endswith(f"/{key.partition(':')[2]}", autoescape=True)
        await self._change(delete(INBOX).where(ours))

    async def _leave_place(self, place_id: int, person_id: int) -> None:
        """The place of a private chat gets a key that leads nowhere; what a new person has there by now stays where it is."""
        others = exists().where(STORY.c.place_id == place_id, STORY.c.person_id != person_id) | exists().where(
            JOB.c.place_id == place_id, JOB.c.person_id != person_id
        )
        nowhere = f"forgotten:{secrets.token_hex(8)}"
        if not await self._value(select(others)):
            cells = {"key": nowhere, "current_story_id": None, "options": None}
            await self._change(update(PLACE).where(PLACE.c.id == place_id).values(**cells))
            return
        new_id = await self._place_id(nowhere)
        stories = select(STORY.c.id).where(STORY.c.place_id == place_id, STORY.c.person_id == person_id)
        of_stories = {"clip": CLIP.c.shot_id.in_(select(SHOT.c.id).where(SHOT.c.story_id.in_(stories)))}
        of_stories |= {"outbox": OUTBOX.c.job_id.in_(select(JOB.c.id).where(JOB.c.story_id.in_(stories)))}
        of_stories |= {"job": JOB.c.story_id.in_(stories)}
        for table in _WITH_PLACE:
            if table.name in of_stories:
                moved = update(table).where(table.c.place_id == place_id, of_stories[table.name])
                await self._change(moved.values(place_id=new_id))
        current = update(PLACE).where(PLACE.c.id == place_id, PLACE.c.current_story_id.in_(stories))
        await self._change(current.values(current_story_id=None))
        moved = update(STORY).where(STORY.c.place_id == place_id, STORY.c.person_id == person_id)
        await self._change(moved.values(place_id=new_id))


def _question_key(token: str) -> str:
    return f"{_QUESTION}/{token}"


def _forgetting(row_id: int, body: str) -> Forgetting:
    said = json.loads(body)
    keys, names = tuple(said["keys"]), tuple(said["names"])
    return Forgetting(id=row_id, person_id=said["person_id"], keys=keys, names=names)


def _is_row_of(forgetting: Forgetting) -> ColumnElement[bool]:
    """Not an update's: SQLite gives the id of a row that was removed to a later one, and two may end the same forgetting."""
    return and_(INBOX.c.id == forgetting.id, INBOX.c.platform == _UNDER_WAY)
