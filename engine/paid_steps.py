"""Which steps hold a request that may cost money: a driver that ends gives them longer than others, so that fewer are cut off
between the request and its answer, where nobody knows whether it was taken."""

from __future__ import annotations

import asyncio
import weakref

_tasks: weakref.WeakSet[asyncio.Task[object]] = weakref.WeakSet()


def begin_paying() -> None:
    """From here to its end the step that runs in this task holds a paid request. Said before its intent is written."""
    task = asyncio.current_task()
    if task is not None:
        _tasks.add(task)


def is_paying(task: asyncio.Task[None]) -> bool:
    """Whether this step holds one."""
    return task in _tasks
