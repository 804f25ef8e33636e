"""What the store needs of a database, whichever it is: transactions, in three manners."""

from __future__ import annotations

import contextvars
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from engine.errors import Defect

T = TypeVar("T")

Work = Callable[[AsyncConnection], Awaitable[T]]
"""What to do in a transaction. It awaits nothing but that transaction, and may be run more than once."""


class JoinedWork(ABC, Generic[T]):
    """Work of which many can be done at once for little more than one. A database that can joins those that come together."""

    __slots__ = ()

    @abstractmethod
    async def __call__(self, connection: AsyncConnection) -> T:
        """It alone."""

    @classmethod
    @abstractmethod
    async def together(cls, connection: AsyncConnection, works: Sequence[Any]) -> Sequence[T | Exception]:
        """All of these, of this very class: the value of each, or what it would have raised."""


class Database(Protocol):
    """An open database whose tables are up to date."""

    async def read(self, work: Work[T]) -> T:
        """Run it in one snapshot; it must not write."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Run it as if alone, and give its value once it is on the disk; raising anything undoes all of it."""
        ...

    async def claim(self, work: Work[T]) -> T:
        """As `write`, for statements that are safe beside each other by themselves."""
        ...

    async def scrub(self) -> None:
        """Let nothing that was removed stay in the database's own files, as far as it can be told to."""
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of every connection. A second time does nothing."""
        ...


_inside = contextvars.ContextVar("nextshot_inside_a_transaction", default=False)


@contextmanager
def begun() -> Iterator[None]:
    """Marks what runs in it as the inside of a transaction."""
    mark = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(mark)


def refuse_inside() -> None:
    """A transaction that waits for another one would wait for ever where there is one connection, so none may.

    Raises:
        Defect: a transaction was asked for inside of one.
    """
    if _inside.get():
        raise Defect("A transaction was begun inside a transaction; use the one that is there.")
