"""What is offered while somebody fills in a field of a command: what is there in this place, read from the database in time."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from bot.commands import COMMANDS, Is
from bot.discord.choices import Choice, Rows, fitting, itself, of_job, of_option, of_story, of_view, typed_of
from bot.discord.ports import Studio
from engine.errors import NotFound

log = logging.getLogger(__name__)

SUGGEST_S = 1.0
"""An answer after three seconds is shown to nobody, and one after a second to somebody who typed on."""
LOAD_S = 10.0
"""What comes later than wanted is still good for the next letter."""
LISTS_KEPT = 500
ROWS_KEPT = 100
"""Of a list, for when the database is late."""
_WITH_CODES = frozenset({Is.SHOT, Is.STORY, Is.CLIP, Is.SHOTS})
_OTHER_STORY = re.compile(r"([a-z]\d{1,12})-\w*", re.IGNORECASE | re.ASCII)


class Suggestions:
    """Answers while somebody types. Never raises, and never waits long: what was known last is better than nothing."""

    def __init__(self, studio: Studio, within_s: float = SUGGEST_S) -> None:
        self._studio = studio
        self._within_s = within_s
        self._known: OrderedDict[tuple[str, str], Rows] = OrderedDict()
        self._loading: dict[tuple[str, str], asyncio.Task[Rows | None]] = {}

    async def suggest(  # noqa: PLR0917  # as it is told by whom it is asked: the place, who, what is filled in
        self, place: str, person_key: str, command: str, field: str, typed: str, given: Mapping[str, str | float | bool]
    ) -> list[Choice]:
        """What could be meant by `typed` in this field, at most 25. `given`: the command's other fields so far."""
        row = COMMANDS.get(command)
        argument = next((each for each in row.arguments if each.name == field), None) if row else None
        option = next((each for each in row.options if each.name == field), None) if row else None
        if option is not None:
            return of_option(option, typed, given, self._studio.models(), self._studio.painters())
        if argument is None or argument.kind not in _WITH_CODES:
            return []
        _, last = typed_of(argument, typed)
        rows = await self._rows(place, command, argument.kind, last, str(given.get("story", "")).strip())
        return itself(typed) if rows is None else fitting(rows, command, argument, typed, person_key)

    async def _rows(self, place: str, command: str, kind: Is, typed: str, story: str) -> Rows | None:
        """Newest first; None: the database did not answer, and nothing is known from before."""
        if command == "cancel":
            return await self._read(place, "jobs", self._jobs)
        if kind is Is.STORY:
            return await self._read(place, "stories", self._stories)
        named = _OTHER_STORY.fullmatch(typed)
        code = (named[1] if named else story).lower()
        return await self._read(place, f"story {code}", lambda place: self._shots(place, code or None))

    async def _read(self, place: str, what: str, load: Callable[[str], Awaitable[Rows]]) -> Rows | None:
        """Read once for all who ask meanwhile; who cannot wait any longer gets what was known, and the next one what came."""
        key = place, what
        loading = self._loading.get(key)
        if loading is None:
            loading = asyncio.create_task(self._load(key, load), name=f"suggestions for {place}")
            self._loading[key] = loading
            loading.add_done_callback(lambda _: self._loading.pop(key, None))
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.shield(loading)
        except TimeoutError:
            return self._known.get(key)

    async def _load(self, key: tuple[str, str], load: Callable[[str], Awaitable[Rows]]) -> Rows | None:
        try:
            async with asyncio.timeout(LOAD_S):
                rows = await load(key[0])
        except NotFound:
            rows = ()
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the database, somebody is typing
            log.warning("suggestions came from memory: %s", type(error).__name__)
            return self._known.get(key)
        self._known[key] = rows[:ROWS_KEPT]
        self._known.move_to_end(key)
        if len(self._known) > LISTS_KEPT:
            self._known.popitem(last=False)
        return rows

    async def close(self) -> None:
        """Nothing is read any more."""
        loading = list(self._loading.values())
        for each in loading:
            each.cancel()
        await asyncio.gather(*loading, return_exceptions=True)

    async def _stories(self, place: str) -> Rows:
        return tuple(of_story(story) for story in await self._studio.stories(place))

    async def _jobs(self, place: str) -> Rows:
        rows = (of_job(job) for job in await self._studio.jobs(place))
        return tuple({row.code: row for row in rows}.values())

    async def _shots(self, place: str, code: str | None) -> Rows:
        view = await self._studio.story(place, code)
        return () if view is None else of_view(view)
