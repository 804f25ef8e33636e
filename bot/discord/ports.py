"""What Discord's front end asks of the rest of the house."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from bot.message import Incoming, Press, Reply
from engine.checks import ModelsByProvider
from engine.model import Job, Story
from engine.views import StoryView

Fit = Callable[[str, Reply], Awaitable[Reply]]
"""Makes the video of a reply ready for a place."""


class Kept(Protocol):
    """An interaction that is on the disk."""

    @property
    def id(self) -> int: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


class Inbox(Protocol):
    """The interactions that were received and not yet answered."""

    async def keep(self, platform: str, updates: Sequence[tuple[str, Mapping[str, Any]]]) -> Sequence[Kept]: ...

    async def waiting(self, platform: str) -> Sequence[Kept]: ...

    async def done(self, ids: Sequence[int]) -> None: ...

    async def first_time(self, key: str) -> bool: ...

    async def sweep(self, older_than_s: float) -> int: ...


class Known(Protocol):
    """What the server has from us already."""

    async def find(self, account: str, file: str, kind: str) -> str | None: ...

    async def keep(self, account: str, file: str, kind: str, remote_id: str) -> None: ...


class Dispatch(Protocol):
    """What answers."""

    async def said(self, incoming: Incoming, /) -> Reply | None: ...

    async def pressed(self, press: Press, /) -> Reply | None: ...


class Studio(Protocol):
    """What the front end itself asks of the engine."""

    def models(self) -> ModelsByProvider: ...

    async def job_of_receipt(self, receipt: str) -> Job | None: ...

    async def story(self, place: str, code: str | None = None, /) -> StoryView | None: ...

    async def stories(self, place: str, /) -> Sequence[Story]: ...

    async def jobs(self, place: str, /) -> Sequence[Job]: ...
