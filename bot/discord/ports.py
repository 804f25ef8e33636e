"""What Discord's front end asks of the rest of the house, beside what every chat platform does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.checks import ModelsByProvider
from engine.job_model import Job
from engine.model import Person, Story
from engine.providers.painter import PaintersByName
from engine.views import StoryView


class Studio(Protocol):
    """What the front end itself asks of the engine."""

    def models(self) -> ModelsByProvider: ...

    def painters(self) -> PaintersByName: ...

    async def known(self, person: Person) -> Person: ...

    async def job_of_request(self, key: str) -> Job | None: ...

    async def story(self, place: str, code: str | None = None, /) -> StoryView | None: ...

    async def stories(self, place: str, /) -> Sequence[Story]: ...

    async def jobs(self, place: str, /) -> Sequence[Job]: ...
