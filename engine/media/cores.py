"""Several pieces of work at once, as many as there are cores: what decodes and encodes lets the others run."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

CORES = os.cpu_count() or 1
_T = TypeVar("_T")


def side_by_side(works: Sequence[Callable[[], _T]]) -> list[_T]:
    """What each gives, in their order; as many at once as there are cores. The first failure ends all."""
    if len(works) < 2:
        return [work() for work in works]
    with ThreadPoolExecutor(CORES) as workers:
        running = [workers.submit(work) for work in works]
        try:
            return [one.result() for one in running]
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
