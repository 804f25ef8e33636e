"""Writing people, places, stories, shots, takes, clips and films."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import Column, Select, Table, bindparam, func, select, update

from engine.codes import story_code
from engine.errors import NotFound
from engine.model import Clip, FileKey, Film, Person, Shot, Story, Take
from engine.new_rows import NewShot
from storage.rows import film_of, option_cells_of, shot_of, story_of, take_of
from storage.selects import FILMS, SHOT_BY_ID, STORIES, TAKE_BY_ID
from storage.tables import CLIP, FILM, PERSON, PLACE, SHOT, STORY, TAKE
from storage.transaction import Transaction

# Built once: they belong to every command.
_PERSON_BY_KEY = select(func.coalesce(PERSON.c.joined_id, PERSON.c.id)).where(PERSON.c.key == bindparam("wanted"))
_RENAMED = (
    update(PERSON)
    .where(PERSON.c.id == bindparam("wanted"), PERSON.c.name != bindparam("new_name"))
    .values(name=bindparam("new_name"))
)


@cache
def _by_key(table: Table) -> Select[int]:
    return select(table.c.id).where(table.c.key == bindparam("wanted"))


class StoryWrites(Transaction):
    """The part of `Writer` about what is told."""

    async def know(self, place: str, person: Person) -> None:
        await self._place_id(place)
        await self._person_id(person)

    async def add_story(self, place: str, director: Person, title: str) -> Story:
        place_id = await self._place_id(place)
        story_id = await self._add(
            STORY,
            code=secrets.token_hex(16),  # its code is made from the id, which the database gives
            place_id=place_id,
            person_id=await self._person_id(director),
            title=title,
            created_at=self._now(),
        )
        await self._change(update(STORY).where(STORY.c.id == story_id).values(code=story_code(story_id)))
        await self._change(update(PLACE).where(PLACE.c.id == place_id).values(current_story_id=story_id))
        return story_of(await self._the(STORIES.where(STORY.c.id == story_id)))

    async def set_current(self, place: str, story_id: int) -> None:
        place_id = await self._place_id(place)
        await self._change(update(PLACE).where(PLACE.c.id == place_id).values(current_story_id=story_id))

    async def set_tip(self, story_id: int, shot_id: int | None) -> None:
        await self._change(update(STORY).where(STORY.c.id == story_id).values(tip_id=shot_id))

    async def add_shot(self, shot: NewShot) -> Shot:
        number = await self._next_number(STORY, shot.story_id, STORY.c.shot_count, "story")
        shot_id = await self._add(
            SHOT,
            story_id=shot.story_id,
            number=number,
            parent_id=shot.parent_id,
            person_id=await self._person_id(shot.person),
            prompt=shot.prompt,
            **option_cells_of(shot),
            created_at=self._now(),
        )
        return shot_of(await self._the(SHOT_BY_ID, wanted=shot_id))

    async def change_shot(self, shot: Shot) -> None:
        await self._change(update(SHOT).where(SHOT.c.id == shot.id).values(**option_cells_of(shot)))

    async def delete_shot(self, shot_id: int) -> Sequence[FileKey]:
        shot = await self._one(
            update(SHOT)
            .where(SHOT.c.id == shot_id, SHOT.c.deleted_at.is_(None))
            .values(deleted_at=self._now())
            .returning(SHOT.c.first_frame, SHOT.c.last_frame, SHOT.c.reference_keys)
        )
        if shot is None:
            return []
        takes = select(TAKE.c.id).where(TAKE.c.shot_id == shot_id)
        clips = await self._all(CLIP.delete().where(CLIP.c.take_id.in_(takes)).returning(CLIP.c.file))
        painted = await self._all(select(TAKE.c.first_frame).where(TAKE.c.shot_id == shot_id))
        given = [shot["first_frame"], shot["last_frame"], *(shot["reference_keys"] or ())]
        files = [*(clip["file"] for clip in clips), *given, *(take["first_frame"] for take in painted)]
        return [FileKey(file) for file in dict.fromkeys(files) if file is not None]

    async def add_take(
        self, shot_id: int, seed: int, parent_take_id: int | None, *, edit: str = "", edited_take_id: int | None = None
    ) -> Take:
        number = await self._next_number(SHOT, shot_id, SHOT.c.take_count, "shot")
        take_id = await self._add(
            TAKE,
            shot_id=shot_id,
            number=number,
            seed=seed,
            parent_take_id=parent_take_id,
            created_at=self._now(),
            edit=edit,
            edited_take_id=edited_take_id,
        )
        return take_of(await self._the(TAKE_BY_ID, wanted=take_id))

    async def start_take(self, take_id: int, parent_take_id: int | None) -> None:
        await self._change(update(TAKE).where(TAKE.c.id == take_id).values(parent_take_id=parent_take_id))

    async def paint_take(self, take_id: int, first_frame: FileKey) -> None:
        await self._change(update(TAKE).where(TAKE.c.id == take_id).values(first_frame=first_frame))

    async def choose_take(self, shot_id: int, take_id: int) -> None:
        await self._change(update(SHOT).where(SHOT.c.id == shot_id).values(chosen_take_id=take_id))

    async def add_clip(self, take_id: int, clip: Clip) -> None:
        owner = await self._one(
            select(TAKE.c.shot_id, SHOT.c.person_id, STORY.c.place_id)
            .join(SHOT, SHOT.c.id == TAKE.c.shot_id)
            .join(STORY, STORY.c.id == SHOT.c.story_id)
            .where(TAKE.c.id == take_id)
        )
        if owner is None:
            raise NotFound("There is no such take; nothing was saved.")
        cells = {**owner, **_clip_cells(clip), "is_cut": int(clip.is_cut), "created_at": self._now()}
        cells |= {"seam": clip.seam and asdict(clip.seam), "ending": clip.ending and asdict(clip.ending)}
        await self._add_once(CLIP, ("take_id",), take_id=take_id, **cells)

    async def add_film(self, story_id: int, person: Person, shots: tuple[str, ...], clip: Clip) -> Film:
        number = await self._next_number(STORY, story_id, STORY.c.film_count, "story")
        film_id = await self._add(
            FILM,
            story_id=story_id,
            number=number,
            person_id=await self._person_id(person),
            shots=list(shots),
            **_clip_cells(clip),
            created_at=self._now(),
        )
        return film_of(await self._the(FILMS.where(FILM.c.id == film_id)))

    async def delete_film(self, film_id: int) -> Sequence[FileKey]:
        deleted = await self._one(
            update(FILM)
            .where(FILM.c.id == film_id, FILM.c.deleted_at.is_(None))
            .values(deleted_at=self._now())
            .returning(FILM.c.file)
        )
        return [] if deleted is None else [FileKey(deleted["file"])]

    async def _place_id(self, key: str) -> int:
        return await self._known_id(PLACE, key, created_at=self._now())

    async def _person_id(self, person: Person) -> int:
        """The row of the one person behind this identity, with the name that the person has now."""
        person_id = await self._value(_PERSON_BY_KEY, wanted=person.key) or await self._identity_id(person)
        await self._change(_RENAMED, wanted=person_id, new_name=person.name)
        return int(person_id)

    async def _identity_id(self, person: Person) -> int:
        """The row of this identity itself, to whomever it was joined."""
        return await self._known_id(PERSON, person.key, name=person.name, created_at=self._now())

    async def _known_id(self, table: Table, key: str, **cells: Any) -> int:
        by_key = _by_key(table)
        found = await self._value(by_key, wanted=key)
        if found is None:
            found = await self._add_once(table, ("key",), key=key, **cells)
        if found is None:  # another transaction added it meanwhile
            found = await self._value(by_key, wanted=key)
        return int(found)

    async def _next_number(self, table: Table, row_id: int, counter: Column[Any], word: str) -> int:
        counted = update(table).where(table.c.id == row_id).values({counter: counter + 1}).returning(counter)
        number = await self._value(counted)
        if number is None:
            raise NotFound(f"There is no such {word}; nothing was saved.")
        return int(number)


def _clip_cells(clip: Clip) -> dict[str, Any]:
    return {
        "file": clip.file,
        "bytes": clip.bytes,
        "seconds": clip.seconds,
        "width": clip.width,
        "height": clip.height,
        "fps": clip.fps,
    }
