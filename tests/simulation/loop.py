"""An event loop whose clock jumps to the next timer when nothing is ready, and which can kill or freeze a part of what runs on it.

Nothing here waits for the real world: what goes to a thread elsewhere runs at once. So one seed is one run, exactly.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class Process:
    """What of the loop belongs to one simulated process. The outside world (a provider's servers, people) belongs to none."""

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.name = name
        self.is_dead = False
        self.is_frozen = False
        self._loop = loop
        self._parked: list[asyncio.Handle] = []
        self._begun = False

    def start(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """A task of this process; what it starts is this process's too."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return self._loop.create_task(coroutine, name=f"{self.name} {name}", context=context)

    def lets(self, handle: asyncio.Handle) -> bool:
        """Whether the process is there to run it now. What a frozen one cannot run now is run when it wakes up."""
        if self.is_dead:
            return False
        if not self.is_frozen:
            self._loop.strike(self)
        if self.is_frozen:
            self._parked.append(handle)
        return not (self.is_dead or self.is_frozen)

    def die(self) -> None:
        """Between two awaits: its coroutines never go on, and no `finally` of theirs runs."""
        self.is_dead, self.is_frozen = True, False
        self._parked.clear()

    def freeze(self) -> None:
        self.is_frozen = True

    def wake(self, *, timers_first: bool) -> None:
        """Go on. What was ready when it froze comes first; then what came meanwhile, and the timers that ran out, or these before.

        A real loop takes news from its selector first, but a timeout cancels a task before that has seen its news.
        """
        if not self.is_frozen:
            return
        self.is_frozen = False
        parked, self._parked = self._parked, []
        if timers_first:
            first, later = parked[:1], parked[1:]
            later.sort(key=lambda handle: not isinstance(handle, asyncio.TimerHandle))
            parked = first + later
        for handle in reversed(parked):
            self._loop.put_first(handle)


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)
"""Whose code runs now; None: the outside world's."""


class VirtualLoop(asyncio.BaseEventLoop):
    """One thread, no sockets, no real time."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._made: list[asyncio.Task[Any]] = []
        self.strike: Callable[[Process], None] = lambda _: None
        """Called before every step of a living process; it may kill or freeze it."""
        self.errors: list[str] = []
        """What nobody caught."""
        self.set_task_factory(self._make)
        self.set_exception_handler(self._note)

    def time(self) -> float:
        return self._now_s

    def put_first(self, handle: asyncio.Handle) -> None:
        """Run it before all that is ready."""
        self._ready.appendleft(handle)  # type: ignore[attr-defined]  # of BaseEventLoop

    def _run_once(self) -> None:
        ready: Any = self._ready  # type: ignore[attr-defined]  # of BaseEventLoop
        timers: list[Any] = self._scheduled  # type: ignore[attr-defined]  # of BaseEventLoop
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not ready:
            if not timers:
                raise RuntimeError("Everything waits, and for nothing.")
            self._now_s = max(self._now_s, timers[0]._when)
        while timers and timers[0]._when <= self._now_s:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            process = handle._context.get(PROCESS) if not handle._cancelled else None
            if not handle._cancelled and (process is None or process.lets(handle)):
                handle._run()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]  # an Unpack there
        """Done at once, heard of a step later: a process may die in between."""
        future = self.create_future()
        try:
            value = func(*args)
        except Exception as error:  # noqa: BLE001  # it is handed to whoever waits
            self.call_soon(_settle, future, None, error)
        else:
            self.call_soon(_settle, future, value, None)
        return future

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:  # type: ignore[override]  # variadic there
        return self.call_soon(callback, *args, context=context)

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        """What a dead process left behind is closed by nobody, least of all when the garbage collector comes by."""

    def _write_to_self(self) -> None:
        return

    def _process_events(self, event_list: Any) -> None:
        return

    def _make(self, loop: Any, coroutine: Any, **more: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **more)
        self._made.append(task)  # else what a dead process left would be collected, and so run on, at any moment
        return task

    def _note(self, _: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {type(error).__name__}: {error}")

    def broken(self) -> list[str]:
        """What the tasks of the outside world raised, which nobody asks for."""
        found = []
        for task in self._made:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and task.get_name().startswith("world "):
                found.append(f"{task.get_name()}: {type(error).__name__}: {error}")
            elif task.cancelled() and task.get_name().startswith("world "):
                found.append(f"{task.get_name()} was cancelled")
        return found

    def end(self) -> None:
        """Put away what is unfinished and close."""
        for task in self._made:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]  # of Task
                _put_away(task.get_coro())
            elif not task.cancelled():
                task.exception()
        self._made.clear()
        self._ready.clear()  # type: ignore[attr-defined]  # of BaseEventLoop
        self._scheduled.clear()  # type: ignore[attr-defined]  # of BaseEventLoop
        self.close()


def _settle(future: asyncio.Future[Any], value: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(value)


def _put_away(coroutine: Any) -> None:
    """Its `finally` blocks run now, which touches nothing any more; one that awaits is told again."""
    for _ in range(50):
        try:
            coroutine.close()
        except BaseException:  # noqa: BLE001, S112  # whatever it says, it is over
            continue
        return
