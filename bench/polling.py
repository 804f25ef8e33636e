"""When to look at renders, simulated: how late a finished one is seen and how many looks that takes: `python -m bench.polling`.

Ten thousand renders in flight at one service, lognormal durations, so many looks a second allowed, served in due order. The policy
is the product's own (`engine.usual`), with durations learned as it goes; beside it a fixed interval and growing waits.
"""

from __future__ import annotations

import heapq
import math
import random
import statistics
from collections.abc import Callable, Sequence

from engine.abilities import Pace
from engine.usual import Usual, next_look_s

FLYING = 10_000
MEDIAN_S, SIGMA = 90.0, 0.4
LEAST_S = 2.0
"""The service's own least interval."""
FOR_S, WARM_S = 900.0, 450.0
Wait = Callable[[float, int, Sequence[float], float], float]
"""Elapsed seconds, looks so far, what was learned, looks allowed a second → seconds until the next look."""


def learned(elapsed_s: float, _: int, durations: Sequence[float], rate: float) -> float:
    pace = Pace(first_s=LEAST_S, every_s=LEAST_S, give_up_s=3_600, in_flight=FLYING, checks_per_s=rate)
    return next_look_s(pace, elapsed_s=elapsed_s, durations=durations, live=FLYING, is_counted=False)


def fixed(_elapsed_s: float, _: int, _durations: Sequence[float], _rate: float) -> float:
    return 5.0


def growing(_elapsed_s: float, looks: int, _durations: Sequence[float], _rate: float) -> float:
    return min(30.0, 2.0 * 1.5**looks)


def simulated(wait: Wait, rate: float) -> tuple[float, float, float, float]:
    """How late the end is seen, p50, p95 and p99 in seconds, and looks for each render."""
    random.seed(7)
    due: list[tuple[float, int]] = []
    began, ends, looks = [0.0] * FLYING, [0.0] * FLYING, [0] * FLYING
    last = [0.0] * FLYING
    usual = Usual()

    def begin(number: int, now: float) -> None:
        began[number], looks[number], last[number] = now, 0, 0.0
        ends[number] = now + random.lognormvariate(math.log(MEDIAN_S), SIGMA)
        heapq.heappush(due, (now + 5.0, number))

    for number in range(FLYING):
        begin(number, random.uniform(-MEDIAN_S, 0.0))
    now, late, many = 0.0, list[float](), list[int]()
    while now < FOR_S:
        at, number = heapq.heappop(due)
        now = max(now + 1 / rate, at)  # one look after the other, as many as are allowed
        looks[number] += 1
        if now >= ends[number]:
            usual.learn("", "", 0.0, (last[number] + now - began[number]) / 2)
            if now > WARM_S:
                late.append(now - ends[number])
                many.append(looks[number])
            begin(number, now)
        else:
            last[number] = now - began[number]
            wait_s = wait(last[number], looks[number], usual.durations("", "", 0.0), rate)
            heapq.heappush(due, (now + wait_s * random.uniform(0.9, 1.1), number))
    cuts = statistics.quantiles(late, n=100)
    return cuts[49], cuts[94], cuts[98], statistics.mean(many)


def main() -> None:
    print(
        f"{FLYING} renders, median {MEDIAN_S:g} s, sigma {SIGMA:g}; how late the end is seen in s, and looks for each"
    )
    policies: Sequence[tuple[str, Wait]] = (("learned", learned), ("fixed 5 s", fixed), ("growing 2..30 s", growing))
    for rate in (300.0, 1_000.0, 3_000.0):
        for name, wait in policies:
            p50, p95, p99, each = simulated(wait, rate)
            line = f"{rate:6.0f}/s  {name:16} p50 {p50:5.1f}  p95 {p95:5.1f}  p99 {p99:5.1f}  looks {each:5.1f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
