"""Ten thousand renders in flight in one process on SQLite: `python -m bench.engine`.

The product's own store, steps, driver and delivery; only the service and the chat cost nothing. First a window in which nothing
but checks happens, one each 10 s for every render: processor time of one core, memory over the same process with no job, and how
late a check is. Then one APScheduler job for each render, in memory, that does the same check and writes the same row.
Then how long after its service was done a clip is in the chat, with real tiny files, where the pace of the looks is learned.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

from bench.engine_parts import Finished, Steady, finished, ours, peer

T = TypeVar("T")
CPU_MOST = 0.15
MB_MOST = 150.0
LATE_MOST_S = 0.5


def apart(work: Callable[..., T], *given: Any) -> T:
    """In a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def share(numbers: Sequence[float], percent: int) -> float:
    """The value that so many of 100 do not exceed."""
    return statistics.quantiles(numbers, n=100, method="inclusive")[percent - 1] if len(numbers) > 1 else numbers[0]


def line(what: str, most: float, found: float, beside: float, show: Callable[[float], str]) -> str:
    word = "ok" if found <= most else "over"
    ratio = f"{found / beside:6.2f} x" if beside > 0 else "     -"
    return f"{what:34}{show(most):>10}{show(found):>12}  {word:5}{show(beside):>12}{ratio:>10}"


def table(mine: Steady, other: Steady) -> list[str]:
    def seconds(value: float) -> str:
        return f"{value * 1000:.0f} ms"

    def mine_and_other(percent: int) -> tuple[float, float]:
        return share(mine.late_s, percent), share(other.late_s, percent)

    each = _each_ms(mine), _each_ms(other)
    return [
        f"{'':34}{'at most':>10}{'measured':>12}  {'':5}{'APScheduler':>12}{'ratio':>10}",
        line("processor, of one core", CPU_MOST, mine.cpu, other.cpu, lambda part: f"{part:.1%}"),
        line("memory over idle", MB_MOST, mine.mb, other.mb, lambda mb: f"{mb:.0f} MB"),
        line("due → checked, p99", LATE_MOST_S, *mine_and_other(99), seconds),
        f"{'due → checked, p50':34}{'':10}{seconds(share(mine.late_s, 50)):>12}  {'':5}{seconds(share(other.late_s, 50)):>12}",
        f"{'checks a second':34}{'':10}{mine.checks_per_s:>12.0f}  {'':5}{other.checks_per_s:>12.0f}",
        f"{'processor for each check':34}{'':10}{each[0]:>9.3f} ms  {'':5}{each[1]:>9.3f} ms{each[0] / each[1]:>8.2f} x",
    ]


def _each_ms(found: Steady) -> float:
    return found.cpu / max(found.checks_per_s, 1e-9) * 1000


def ended(jobs: int, found: Finished) -> str:
    if not found.ours_s:
        return f"{jobs:>6,} none was delivered"
    together_s = [sum(parts) for parts in zip(found.due_s, found.late_s, found.ours_s, strict=True)]
    shares = "".join(
        f"{share(times, 50):>9.2f} {share(times, 95):>6.2f}"
        for times in (found.due_s, found.late_s, found.ours_s, together_s)
    )
    missing = f"   {found.missing} never" if found.missing else ""
    return f"{jobs:>6,}{found.interval_s / 2:>11.2f}{shares}   of {len(found.ours_s)}{missing}"


def alone(rounds: int, seconds: float) -> Finished:
    """One render in flight, again and again."""
    found = [apart(finished, 1, 1, seconds, number) for number in range(rounds)]
    return Finished(
        [each for one in found for each in one.due_s],
        [each for one in found for each in one.late_s],
        [each for one in found for each in one.ours_s],
        sum(one.missing for one in found),
        found[0].interval_s,
    )


def load() -> str:
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each window is")
    parser.add_argument("--quick", action="store_true", help="500 jobs and windows of 5 s: only to see that it works")
    asked = parser.parse_args()
    jobs, seconds = (500, 5.0) if asked.quick else (asked.jobs, asked.seconds)
    print(f"{jobs:,} renders in flight, each checked every 10 s; windows of {seconds:g} s; {os.cpu_count()} cores")
    print(f"load of the machine before it began: {load()}")
    mine = apart(ours, jobs, seconds, "alone")
    other = apart(peer, jobs, seconds)
    print(*table(mine, other), sep="\n", flush=True)
    chat = apart(ours, jobs, seconds, "with chat")
    print(
        f"with status messages in 500 places: processor {chat.cpu:.1%}, {chat.edits_per_s:.0f} edits a second,"
        f" due → checked p99 {share(chat.late_s, 99) * 1000:.0f} ms",
        flush=True,
    )
    print("\nfrom the service's done to the chat, p50 and p95 in seconds; renders of 90 s, what is usual is known")
    print(f"{'jobs':>6}{'least p50':>11}{'look is due':>16}{'is late':>16}{'ours':>16}{'together':>16}")
    print(ended(1, alone(2 if asked.quick else 8, 5.0)), flush=True)
    for count, ending in ((100, 20), (jobs, 60)) if not asked.quick else ((100, 10),):
        print(ended(count, apart(finished, count, ending, seconds)), flush=True)
    print(f"load of the machine at the end: {load()}")


if __name__ == "__main__":
    main()
