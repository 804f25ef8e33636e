"""What the web chat asks of the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bot.message import Incoming, Press, Reply
from engine.job_model import Job
from engine.model import Story
from engine.views import StoryView


class Post(Protocol):
    """One message of a room, as it is kept. `revision` grows with every change of the post."""

    @property
    def id(self) -> int: ...
    @property
    def place(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def body(self) -> Mapping[str, Any]: ...
    @property
    def revision(self) -> int: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def changed_at(self) -> datetime: ...


class Transcript(Protocol):
    """The kept messages of all rooms."""

    async def add(self, place: str, *, author: str, body: Mapping[str, Any], nonce: str) -> Post:
        """Keep a message. The same nonce again gives the first one, unchanged."""
        ...

    async def change(self, post_id: int, body: Mapping[str, Any]) -> Post | None:
        """Replace what a message says; None: there is no such message."""
        ...

    async def post(self, post_id: int) -> Post | None: ...

    async def posts(self, place: str, *, before: int | None = None, limit: int = 100) -> Sequence[Post]:
        """The newest `limit` messages with an id below `before`, oldest first."""
        ...


class Dispatch(Protocol):
    """Turns what was said or pressed into work, and its immediate answer; None where the job's own message will tell."""

    async def said(self, incoming: Incoming, /) -> Reply | None: ...

    async def pressed(self, press: Press, /) -> Reply | None: ...


class Studio(Protocol):
    """What the page shows beside the messages."""

    async def story(self, place: str, code: str | None = None, /) -> StoryView | None:
        """None: the place has no such story, or none at all."""
        ...

    async def stories(self, place: str, /) -> Sequence[Story]:
        """Newest first."""
        ...

    async def job(self, job_id: int, /) -> Job | None: ...

    async def download(self, place: str, code: str, variant: str, /) -> Path:
        """The file of a shot or a film; `variant` is one of `engine.derive.VARIANTS`.

        Raises:
            NotFound, BadMedia, MediaLimit, StorageError
        """
        ...


class Hints(Protocol):
    """The commands and their options, for completion: `{name, usage, help, options: [{name, kind, choices, help}]}` each."""

    def __call__(self) -> Sequence[Mapping[str, Any]]: ...
