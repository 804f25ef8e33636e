"""`nextshot run`, forked from a process that has loaded it already, and told at which line to die.

Each line on stdin is a `Life` as JSON; its pid is the line on stdout. The product is as it is, but for the functions of
`points.INSIDE`, at which a job of one place is held for ever, or the whole process kills or stops itself.

Forking saves two seconds of imports a start; the process that runs is one of its own, with its own session, database, loop.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import wraps
from typing import Any

from tests.chaos.points import INSIDE, Inside


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One life of the process."""

    home: str
    """Where it is started."""
    environment: Mapping[str, str]
    holds: Mapping[str, str] = field(default_factory=dict)
    """By point: the place whose job is held there."""
    dies_at: str = ""
    """The point at which it kills itself."""
    stops_at: str = ""
    """The point at which it stops itself once, until it is continued."""
    after: int = 1
    """At how many arrivals there."""

    def line(self) -> str:
        """As stdin takes it."""
        return json.dumps(asdict(self)) + "\n"


def reached_file(home: str) -> str:
    """Where the names of the points are written at which something is held, one a line."""
    return os.path.join(home, "reached.txt")  # noqa: PTH118  # read in a loop


def main() -> None:
    import bot.serve  # all that a start imports
    import bot.telegram.adapter  # noqa: F401
    from bot import cli

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    gc.freeze()
    for line in sys.stdin:
        life = Life(**json.loads(line))
        pid = os.fork()
        if pid == 0:
            _become(life)
            os._exit(cli.main())
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _become(life: Life) -> None:
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(life.environment)
    os.chdir(life.home)
    log = os.open("stderr.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, to in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, to)
    sys.argv = ["nextshot", "run"]
    seen: Counter[str] = Counter()
    for name, at in INSIDE.items():
        if name in life.holds or name in (life.dies_at, life.stops_at):
            _put(name, at, life, seen)


def _put(name: str, at: Inside, life: Life, seen: Counter[str]) -> None:
    """Lay ourselves around the function."""
    owner: Any = importlib.import_module(at.module)
    *classes, function = at.function.split(".")
    for each in classes:
        owner = getattr(owner, each)
    real: Callable[..., Awaitable[Any]] = getattr(owner, function)

    @wraps(real)
    async def watched(*given: Any, **named: Any) -> Any:
        if at.is_after:
            result = await real(*given, **named)
            await arrived(given)
            return result
        await arrived(given)
        return await real(*given, **named)

    async def arrived(given: tuple[Any, ...]) -> None:
        about = next((each for each in given if hasattr(each, "place")), None)
        if about is None or (at.only and at.only not in (getattr(about, "state", ""), getattr(about, "kind", ""))):
            return
        if life.holds.get(name) == about.place:
            tell(name)
            await asyncio.Event().wait()
        seen[name] += 1
        if seen[name] == life.after and name == life.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if seen[name] == life.after and name == life.stops_at:
            tell(name)
            os.kill(os.getpid(), signal.SIGSTOP)

    setattr(owner, function, watched)


def tell(name: str) -> None:
    """That something is there."""
    with open("reached.txt", "a", encoding="utf-8") as file:  # noqa: PTH123  # ours, in the directory in which we run
        file.write(f"{name}\n")


if __name__ == "__main__":
    main()
