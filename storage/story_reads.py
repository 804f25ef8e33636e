"""Reading stories, shots, takes, films and histories."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Text, cast, exists, func, select

from engine.model import FileKey, Film, Shot, ShotOptions, Story, Take
from engine.views import HistoryPage
from storage.film_orders import sound_is_wanted
from storage.rows import film_of, history_item_of, options_of, shot_of, story_of, take_of
from storage.selects import FILMS, HISTORY, SHOT_BY_ID, SHOTS, STORIES, TAKE_BY_ID, TAKES
from storage.tables import CLIP, FILM, PERSON, PLACE, SHOT, STORY, TAKE
from storage.transaction import Transaction


class StoryReads(Transaction):
    """The part of `Reader` about what is told."""

    async def story(self, code: str) -> Story | None:
        return await self._find(STORIES.where(STORY.c.code == code), story_of)

    async def current_story(self, place: str) -> Story | None:
        return await self._find(STORIES.where(PLACE.c.key == place, STORY.c.id == PLACE.c.current_story_id), story_of)

    async def place_options(self, place: str) -> ShotOptions:
        chosen = await self._find(select(PLACE.c.options).where(PLACE.c.key == place), options_of)
        return chosen or ShotOptions()

    async def stories(self, place: str, limit: int = 20) -> Sequence[Story]:
        return await self._list(STORIES.where(PLACE.c.key == place).order_by(STORY.c.id.desc()).limit(limit), story_of)

    async def shot(self, shot_id: int) -> Shot | None:
        return await self._find(SHOT_BY_ID, shot_of, wanted=shot_id)

    async def shot_by_code(self, story_code: str, number: int) -> Shot | None:
        return await self._find(SHOTS.where(STORY.c.code == story_code, SHOT.c.number == number), shot_of)

    async def shots(self, story_id: int) -> Sequence[Shot]:
        return await self._list(SHOTS.where(SHOT.c.story_id == story_id).order_by(SHOT.c.number), shot_of)

    async def newest_shot(self, place: str) -> Shot | None:
        return await self._find(
            SHOTS.join(PLACE, PLACE.c.current_story_id == SHOT.c.story_id)
            .where(PLACE.c.key == place, SHOT.c.deleted_at.is_(None))
            .order_by(SHOT.c.number.desc())
            .limit(1),
            shot_of,
        )

    async def takes(self, shot_ids: Sequence[int]) -> Sequence[Take]:
        if not shot_ids:
            return []
        return await self._list(
            TAKES.where(TAKE.c.shot_id.in_(shot_ids)).order_by(TAKE.c.shot_id, TAKE.c.number), take_of
        )

    async def take(self, take_id: int) -> Take | None:
        return await self._find(TAKE_BY_ID, take_of, wanted=take_id)

    async def film(self, film_id: int) -> Film | None:
        return await self._find(FILMS.where(FILM.c.id == film_id), film_of)

    async def film_by_code(self, story_code: str, number: int) -> Film | None:
        return await self._find(FILMS.where(STORY.c.code == story_code, FILM.c.number == number), film_of)

    async def films(self, story_id: int) -> Sequence[Film]:
        return await self._list(FILMS.where(FILM.c.story_id == story_id).order_by(FILM.c.number), film_of)

    async def history(self, *, place: str | None, person: str | None, before: int | None, limit: int) -> HistoryPage:
        # The keys are looked up first: with the bare ids the index of clips is walked from its end, and nothing is sorted.
        page = HISTORY.order_by(CLIP.c.id.desc()).limit(limit + 1)
        one_person = func.coalesce(PERSON.c.joined_id, PERSON.c.id)
        for key, table, own_id, column in (
            (place, PLACE, PLACE.c.id, CLIP.c.place_id),
            (person, PERSON, one_person, CLIP.c.person_id),
        ):
            if key is not None:
                found = await self._value(select(own_id).where(table.c.key == key))
                if found is None:
                    return HistoryPage((), None)
                page = page.where(column == found)
        if before is not None:
            page = page.where(CLIP.c.id < before)
        items = tuple(history_item_of(row) for row in await self._all(page))
        shown = items[:limit]
        return HistoryPage(shown, shown[-1].id if len(items) > limit else None)

    async def file_is_used(self, file: FileKey) -> bool:
        used = select(
            exists().where(CLIP.c.file == file)
            | exists().where(FILM.c.file == file, FILM.c.deleted_at.is_(None))
            | exists().where(SHOT.c.first_frame == file, SHOT.c.deleted_at.is_(None))
            | exists().where(SHOT.c.last_frame == file, SHOT.c.deleted_at.is_(None))
            | exists().where(TAKE.c.first_frame == file, SHOT.c.id == TAKE.c.shot_id, SHOT.c.deleted_at.is_(None))
            | exists().where(
                SHOT.c.reference_keys.is_not(None),
                cast(SHOT.c.reference_keys, Text).contains(file, autoescape=True),
                SHOT.c.deleted_at.is_(None),
            )
            | sound_is_wanted(file)
        )
        return bool(await self._value(used))
