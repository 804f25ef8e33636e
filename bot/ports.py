"""What the front ends of chat platforms ask of the rest of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot.message import Incoming, Press, Reply


class Kept(Protocol):
    """An update that is on the disk."""

    @property
    def id(self) -> int: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


class Inbox(Protocol):
    """The updates that were received and not yet answered."""

    async def keep(self, platform: str, updates: Sequence[tuple[str, Mapping[str, Any]]]) -> Sequence[Kept]: ...

    async def waiting(self, platform: str) -> Sequence[Kept]: ...

    async def done(self, ids: Sequence[int]) -> None: ...

    async def first_time(self, key: str) -> bool: ...

    async def notes(self, prefix: str) -> Sequence[str]: ...

    async def sweep(self, older_than_s: float) -> int: ...


class SendBudget(Protocol):
    """What a platform still lets its bot say."""

    @property
    def pauses(self) -> int:
        """How often its server said that it was too much, since the start."""
        ...

    def paused(self) -> int:
        """How many chats it silences just now."""
        ...

    def left(self) -> float:
        """The share of what may be said just now that is left, 0 to 1."""
        ...


class Dispatch(Protocol):
    """What answers."""

    async def said(self, incoming: Incoming, /) -> Reply | None: ...

    async def pressed(self, press: Press, /) -> Reply | None: ...


class SentFiles(Protocol):
    """What a platform has from us already, by account, name and kind, and what it calls it."""

    async def find(self, account: str, file: str, kind: str) -> str | None: ...

    async def keep(self, account: str, file: str, kind: str, remote_id: str) -> None: ...

    async def forget(self, account: str, file: str, kind: str) -> None: ...
