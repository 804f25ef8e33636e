"""What the engine asks of a store about forgetting: a person, piece by piece, and stories that nobody has touched for long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.job_model import Job
from engine.model import FileKey, Story

SOMEONE = "someone"
"""The name of a person who is forgotten."""
FORGOTTEN = "(forgotten)"
"""In place of a title or of words that are gone."""
SCRUB_EVERY_S = 3_600.0
"""A database file is written anew to scrub it at most so often: every write waits for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """How much there is of a person."""

    shots: int
    """Living ones and deleted ones that still have their words."""
    clips: int
    stories: int
    """That the person began; their titles are the person's words."""
    places: int
    """In which the person made or began something."""
    films: int
    """That go: the person's, those with a shot of the person's in them, those of the person's stories."""
    others_films: int
    """How many of `films` somebody else asked for."""
    others_shots: int
    """Living shots of others that go on from one of the person's: they stay, and begin on a frame of it."""
    jobs: int
    """Live ones: the person's, and of others on the person's shots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """That a person is being forgotten: durable until nothing is left to do. The person's row has no name any more."""

    id: int
    person_id: int
    keys: tuple[str, ...]
    """The identities that the person had."""
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """By what a message of ours is known to be about a person."""

    texts: tuple[str, ...]
    """Beginnings of prompts, titles, changed words."""
    codes: tuple[str, ...]
    """Of shots and films: as whole words."""
    names: tuple[str, ...]
    """Only where our own sentences have a name."""
    post_ids: frozenset[int]
    """Messages of the web chat about the person's jobs."""
    place_ids: frozenset[int]
    """Where the person made, asked for or said something: nothing else is looked at. None of them: there is nothing to take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one transaction has taken away. `last_id` None: nothing was left to look at."""

    last_id: int | None
    shot_ids: tuple[int, ...] = ()
    files: tuple[FileKey, ...] = ()


class ForgetReader(Protocol):
    """Looks at what there is to forget."""

    async def belongings(self, key: str) -> Belongings | None:
        """Of the one person behind this identity; None: nobody knows it."""
        ...

    async def forget_question(self, token: str) -> tuple[str, datetime] | None:
        """Who asked to be forgotten under this token (a person's key), and until when it may be confirmed."""
        ...

    async def forgettings(self) -> Sequence[Forgetting]:
        """Those under way, oldest first."""
        ...

    async def jobs_in_the_way(self, forgetting: Forgetting) -> Sequence[Job]:
        """Live jobs of the person, of others on the person's shots, and stitches of those."""
        ...

    async def is_news_owed(self, forgetting: Forgetting, since: datetime) -> bool:
        """Whether how a job of the person's ended after `since` is still to be told."""
        ...

    async def words_of(self, forgetting: Forgetting) -> Words:
        """Before the shots lose theirs."""
        ...

    async def tasks_of(self, forgetting: Forgetting) -> Sequence[tuple[str, str]]:
        """Provider and task id of every render of the person's shots or jobs."""
        ...

    async def touched(self, story_ids: Sequence[int]) -> Mapping[int, datetime]:
        """When something was last made, begun or finished in these stories. One whose words are gone is not among them."""
        ...

    async def quiet_stories(self, before: datetime, limit: int) -> Sequence[Story]:
        """Stories in which nothing was made, begun or finished since `before` and nothing is live, and that still have words."""
        ...


class ForgetWriter(ForgetReader, Protocol):
    """Takes away. Every method can be repeated."""

    async def put_forget_question(self, token: str, key: str, expires_at: datetime) -> None:
        """In place of the one that this person had."""
        ...

    async def begin_forgetting(self, key: str) -> Forgetting | None:
        """The person has no name and no identities from now on; who speaks under one of them is a new person. None: nobody.

        Link codes go at once, and everything else with what follows.
        """
        ...

    async def stop_jobs(self, job_ids: Sequence[int]) -> None:
        """None of them is wanted any more; they are looked at now, or right after the look that is under way."""
        ...

    async def forget_posts(self, forgetting: Forgetting, words: Words, after_id: int) -> Piece:
        """Remove what we said that is known by `words`, among the next messages of the web chat after this id.

        With the last piece the person's own go, too.
        """
        ...

    async def forget_shots(self, forgetting: Forgetting, after_id: int) -> Piece:
        """Take words, pictures and clips from the next shots after this id: each is a deleted node of its tree."""
        ...

    async def forget_films(self, forgetting: Forgetting) -> Sequence[FileKey]: ...

    async def forget_rows(self, forgetting: Forgetting) -> None:
        """Take the person's traces from jobs, messages, events, notes of updates, titles, private places and payments.

        What is under way knows no keys and names from then on.
        """
        ...

    async def drop_sent_files(self, files: Sequence[FileKey]) -> None:
        """Forget what platforms call these files."""
        ...

    async def end_forgetting(self, forgetting: Forgetting) -> None:
        """It is not under way any more."""
        ...

    async def empty_story(self, story_id: int) -> Sequence[FileKey]:
        """Take words, pictures, clips and films from a story; its jobs stay as sums."""
        ...

    async def drop_old_words(self, before: datetime, limit: int) -> int:
        """Remove up to so many events and as many web messages older than that; how many. What live jobs need stays."""
        ...
