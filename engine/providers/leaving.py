"""Whether a paid request may still leave, asked in the very step in which its first byte does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

LEAVES_S = 30.0
"""A paid request leaves so long after its sender began, or not at all. To connect takes ten seconds at most, to wait for it ten."""


class TooLate(Exception):
    """It did not leave."""


def in_time(most_s: float) -> Callable[[str, Any], Awaitable[None]]:
    """For the extension `trace` of a request: raises TooLate in place of its first byte where that is later than so long from now.

    A process that was frozen goes on where it was, before any timeout is heard of, and somebody else may have given its request up.
    Two clocks, for one of them stands still while a machine sleeps. https://www.encode.io/httpcore/extensions/#trace
    """
    monotonic_s, wall_s = time.monotonic(), time.time()

    async def trace(event: str, _: Any) -> None:
        if not event.endswith("send_request_headers.started"):
            return
        if max(time.monotonic() - monotonic_s, time.time() - wall_s) > most_s:
            raise TooLate

    return trace
