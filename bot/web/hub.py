"""Who listens to which room, and what each of them has not been told yet.

A listener that is slow is not owed history: of every message it gets the newest state only, and beyond a bound just the word
to load the room anew. So memory stays bounded however slow a reader is, and what it shows in the end is right.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WAITING_MAX = 64
"""How many different pieces of news may wait for one listener."""
KEPT_MAX = 256
"""How many past pieces of news a room keeps for listeners that come back."""
LISTENERS_MAX = 512

RESYNC = "resync"


@dataclass(frozen=True, slots=True)
class News:
    """One thing that changed. Of two with the same `subject` only the newer one matters."""

    number: int
    name: str
    """The event's name on the wire: `post`, `story` or `resync`."""
    subject: str
    data: Mapping[str, Any]


class TooManyListeners(Exception):
    """No room for one more reader."""


class Listener:
    """One reader's share of the news."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, News] = OrderedDict()
        self._changed = asyncio.Event()
        self._is_closed = False

    def put(self, news: News) -> None:
        """Owe it this; what it replaces is dropped."""
        if RESYNC in self._waiting:
            self._waiting[RESYNC] = News(news.number, RESYNC, RESYNC, {})
        else:
            self._waiting.pop(news.subject, None)
            self._waiting[news.subject] = news
            if len(self._waiting) > WAITING_MAX:
                self._waiting.clear()
                self._waiting[RESYNC] = News(news.number, RESYNC, RESYNC, {})
        self._changed.set()

    def close(self) -> None:
        self._is_closed = True
        self._changed.set()

    async def take(self, timeout_s: float) -> list[News] | None:
        """All that waits, in order; empty after `timeout_s` of silence; None: no more will come."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return []
        self._changed.clear()
        if self._is_closed:
            self._changed.set()
            return None
        taken = list(self._waiting.values())
        self._waiting.clear()
        return taken


class _Room:
    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self.kept: deque[News] = deque(maxlen=KEPT_MAX)


class Hub:
    """The listeners of all rooms. News are numbered from 1 per run of the server; a `cursor` names run and number."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._number = 0
        self._rooms: dict[str, _Room] = {}
        self._is_closed = False

    def cursor(self, number: int | None = None) -> str:
        """Where a reader stands who has seen everything up to `number` (None: up to now)."""
        return f"{self._run}-{self._number if number is None else number}"

    def tell(self, place: str, name: str, subject: str, data: Mapping[str, Any]) -> None:
        """Tell everybody who listens to this place."""
        self._number += 1
        news = News(self._number, name, subject, data)
        room = self._rooms.setdefault(place, _Room())
        room.kept.append(news)
        for listener in room.listeners:
            listener.put(news)

    def has_listeners(self, place: str) -> bool:
        room = self._rooms.get(place)
        return room is not None and bool(room.listeners)

    def join(self, place: str, cursor: str | None) -> Listener:
        """A new listener that is owed everything after `cursor` (None: after now).

        Raises:
            TooManyListeners
        """
        if sum(len(room.listeners) for room in self._rooms.values()) >= LISTENERS_MAX:
            raise TooManyListeners
        room = self._rooms.setdefault(place, _Room())
        listener = Listener()
        if cursor is not None:
            self._catch_up(listener, room, cursor)
        if self._is_closed:
            listener.close()
        room.listeners.add(listener)
        return listener

    def leave(self, place: str, listener: Listener) -> None:
        room = self._rooms.get(place)
        if room is not None:
            room.listeners.discard(listener)
            if not room.listeners and not room.kept:  # nobody ever said anything there
                del self._rooms[place]

    def close(self) -> None:
        """End every listener's waiting."""
        self._is_closed = True
        for room in self._rooms.values():
            for listener in room.listeners:
                listener.close()

    def _catch_up(self, listener: Listener, room: _Room, cursor: str) -> None:
        run, _, number_text = cursor.partition("-")
        number = int(number_text) if number_text.isdecimal() and len(number_text) < 16 else -1
        is_covered = len(room.kept) < KEPT_MAX or (bool(room.kept) and room.kept[0].number <= number + 1)
        if run != self._run or not 0 <= number <= self._number or not is_covered:
            listener.put(News(self._number, RESYNC, RESYNC, {}))
            return
        for news in room.kept:
            if news.number > number:
                listener.put(news)
