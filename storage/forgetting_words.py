"""By which words a person is known in what the bot wrote, and taking that away: web messages, events, notes of payments.

Only places where the person was are looked at, and only whole words of the person's: what is said to strangers stays.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Table, delete, exists, select, union, update

from engine.forget_ports import FORGOTTEN, SOMEONE, Forgetting, Piece, Words
from storage.tables import ENTRY, EVENT, FILM, JOB, OUTBOX, POST, SHOT, STORY, TAKE
from storage.transaction import Transaction

_ROWS_AT_ONCE = 500
_TEXT_CHARS = 60
"""So much of a prompt's beginning is looked for: titles and quotes are cut later than that."""
_TELLING_CHARS = 12
"""A text this long is the person's wherever it stands; a shorter one may be a part of anybody's sentence."""
_RECEIPT = re.compile(r"local:(\d{1,18})")


def is_hers(take_id: Any, person_id: int) -> ColumnElement[bool]:
    """Takes that a job of this person's made, or that are of a shot of hers."""
    asked = exists().where(JOB.c.take_id == take_id, JOB.c.shot_id == TAKE.c.shot_id, JOB.c.person_id == person_id)
    return asked | exists().where(SHOT.c.id == TAKE.c.shot_id, SHOT.c.person_id == person_id)


def places_of(person_id: int) -> tuple[Select[Any], ...]:
    """The ids of the places in which the person made, began or asked for something."""
    return (
        select(STORY.c.place_id).join(SHOT, SHOT.c.story_id == STORY.c.id).where(SHOT.c.person_id == person_id),
        select(STORY.c.place_id).where(STORY.c.person_id == person_id),
        select(JOB.c.place_id).where(JOB.c.person_id == person_id),
    )


class WordReads(Transaction):
    """The part of `Reader` about the words by which a person is known."""

    async def words_of(self, forgetting: Forgetting) -> Words:
        person_id = forgetting.person_id
        shots = await self._all(
            select(SHOT.c.number, SHOT.c.prompt, STORY.c.code)
            .join(STORY, STORY.c.id == SHOT.c.story_id)
            .where(SHOT.c.person_id == person_id)
        )
        titles = await self._all(select(STORY.c.title).where(STORY.c.person_id == person_id))
        edits = await self._all(select(TAKE.c.edit).where(TAKE.c.edit != "", is_hers(TAKE.c.id, person_id)))
        films = await self._all(
            select(FILM.c.number, STORY.c.code)
            .join(STORY, STORY.c.id == FILM.c.story_id)
            .where(FILM.c.person_id == person_id)
        )
        told = await self._all(
            select(OUTBOX.c.receipt).join(JOB, JOB.c.id == OUTBOX.c.job_id).where(JOB.c.person_id == person_id)
        )
        spoke = select(POST.c.place_id).where(POST.c.author.in_(forgetting.keys))
        places = await self._all(union(*places_of(person_id), spoke))
        found = (_RECEIPT.fullmatch(row["receipt"] or "") for row in told)
        texts = [*(row["prompt"] for row in shots), *(row["title"] for row in titles), *(row["edit"] for row in edits)]
        codes = [f"{row['code']}-{row['number']}" for row in shots]
        codes += [f"{row['code']}-f{row['number']}" for row in films]
        begun = (text.rstrip("…")[:_TEXT_CHARS].strip() for text in texts if text != FORGOTTEN)
        return Words(
            texts=tuple(dict.fromkeys(text for text in begun if text)),
            codes=tuple(dict.fromkeys(codes)),
            names=tuple(dict.fromkeys(name.strip() for name in forgetting.names if name.strip())),
            post_ids=frozenset(int(match[1]) for match in found if match),
            place_ids=frozenset(row["place_id"] for row in places),
        )


class WordWrites(Transaction):
    """The part of `Writer` that takes away what was said about a person."""

    async def forget_posts(self, forgetting: Forgetting, words: Words, after_id: int) -> Piece:
        is_ours = (POST.c.author == "") & POST.c.place_id.in_(words.place_ids)
        ours = select(POST).where(is_ours, POST.c.id > after_id).order_by(POST.c.id).limit(_ROWS_AT_ONCE)
        posts = await self._all(ours)
        if not posts:
            # the person's own go last: until then they tell which of ours are answers to them
            await self._change(delete(POST).where(POST.c.author.in_(forgetting.keys)))
            return Piece(last_id=None)
        asked = {post["body"].get("reply_to") for post in posts} - {None}
        of_person = select(POST.c.id).where(POST.c.id.in_(asked), POST.c.author.in_(forgetting.keys))
        own = {row["id"] for row in await self._all(of_person)}
        tells = _pattern_of(words)
        about = [
            post["id"]
            for post in posts
            if post["id"] in words.post_ids
            or post["body"].get("reply_to") in own
            or tells.search(str(post["body"].get("text", "")))
        ]
        await self._change(delete(POST).where(POST.c.id.in_(about)))
        return Piece(last_id=posts[-1]["id"])

    async def _forget_mentions(self, key: str) -> None:
        """In events of others' jobs and in notes of payments."""
        await self._replace(EVENT, EVENT.c.detail, key, f"by {SOMEONE}")
        await self._replace(ENTRY, ENTRY.c.note, key, FORGOTTEN)

    async def _replace(self, table: Table, column: Column[Any], key: str, instead: str) -> None:
        """Put this in the place of every text that names the key, whole: `local:a` is not named by `local:ana`."""
        named = re.compile(rf"(?<![\w:@./-]){re.escape(key)}(?=/|[.,;:!?)\]”\"']*(?:\s|$))")
        maybe = select(table.c.id, column.label("says")).where(column.contains(key, autoescape=True))
        after_id = 0
        while rows := await self._all(maybe.where(table.c.id > after_id).order_by(table.c.id).limit(_ROWS_AT_ONCE)):
            after_id = rows[-1]["id"]
            ids = [row["id"] for row in rows if named.search(row["says"])]
            await self._change(update(table).where(table.c.id.in_(ids)).values({column.name: instead}))


def _pattern_of(words: Words) -> re.Pattern[str]:
    """Matches a message of ours that is about the person.

    A short text counts in quotes or as a whole line alone, and a name only where one stands in our own sentences: people are
    called "ready", and make films of "rain".
    """
    parts = [rf"(?<!\w){re.escape(code)}(?!\w)" for code in words.codes]
    for text in map(re.escape, (text for text in words.texts if len(text) < _TELLING_CHARS)):
        parts += [rf"[“„«\"]{text}…?[”“»\"]", rf"^\s*{text}\s*$"]
    parts += [re.escape(text) for text in words.texts if len(text) >= _TELLING_CHARS]
    for name in map(re.escape, words.names):
        parts += [rf"· by {name}(?=\s*$|\s+[·(])", rf"(?:^|[:,] ){name} \$\d"]
    return re.compile("|".join(parts) or r"(?!)", re.MULTILINE)
