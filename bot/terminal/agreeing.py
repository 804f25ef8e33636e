"""A job that waits for somebody to agree to its price, at a terminal: asked there, agreed to in advance, or not at all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from bot.terminal.rows import harmless

_YES = frozenset({"y", "yes"})


def can_ask() -> bool:
    """Whether somebody sits at stdin."""
    try:
        return sys.stdin.isatty()
    except ValueError:  # it is closed
        return False


async def answer_to(question: str, *, look_every_s: float, is_open: Callable[[], Awaitable[bool]]) -> bool | None:
    """Whether it is answered by yes. None: it was answered elsewhere meanwhile, as `is_open` tells.

    A line is read only when there is one: nothing here holds up the loop, or a Ctrl-C.
    """
    sys.stderr.write(f"{harmless(question)} [y/N] ")
    sys.stderr.flush()
    there, loop = asyncio.Event(), asyncio.get_running_loop()
    stdin = sys.stdin.fileno()
    loop.add_reader(stdin, there.set)
    try:
        while True:
            try:
                async with asyncio.timeout(look_every_s):
                    await there.wait()
            except TimeoutError:
                if not await is_open():
                    sys.stderr.write("\n")
                    return None
            else:
                return sys.stdin.readline().strip().lower() in _YES
    finally:
        loop.remove_reader(stdin)
