"""Event-loop stalls while two clips render, and what an idle house costs: `python -m bench.house`.

Prints, in one run: how late a 5 ms timer fires in an empty loop, in an empty loop beside two busy processes (what this machine
can do when its cores are taken), in an idle house, and while two 8 s 720p clips render and are saved; and what the idle house
takes of memory and CPU, beside a bare interpreter.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bot.house import open_house
from bot.settings import Settings
from engine.model import Asked, Create, Person, ShotOptions

TIMER_S = 0.005
IDLE_S = 5.0


async def lateness(until: asyncio.Event) -> list[float]:
    """How late a short timer fired each time, in ms, until the event."""
    late_ms = []
    while not until.is_set():
        before = time.perf_counter()
        await asyncio.sleep(TIMER_S)
        late_ms.append((time.perf_counter() - before - TIMER_S) * 1000)
    return late_ms


async def for_a_while(seconds: float) -> list[float]:
    """`lateness` over some seconds."""
    until = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, until.set)
    return await lateness(until)


def line(what: str, late_ms: list[float]) -> str:
    """Median, 99th percentile and maximum."""
    ordered = sorted(late_ms)
    p99 = ordered[int(len(ordered) * 0.99)]
    over = sum(each > 50 for each in ordered)
    return f"{what:<34} {median(ordered):7.2f} {p99:7.2f} {ordered[-1]:7.2f}   {over} of {len(ordered)}"


def resident_mb(process_id: int) -> float:
    """A process's resident memory now."""
    pages = int(Path(f"/proc/{process_id}/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


@contextmanager
def processes(code: str, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Python processes that run this, as gently as a render does."""
    running = [subprocess.Popen(["nice", "-n", "10", sys.executable, "-c", code]) for _ in range(count)]
    try:
        yield running
    finally:
        for each in running:
            each.kill()
            each.wait()


async def measure(directory: Path) -> None:
    """Everything in one loop."""
    print(f"{'timer lateness, ms':<34} {'median':>7} {'p99':>7} {'max':>7}   over 50 ms")
    print(line("empty loop", await for_a_while(IDLE_S)))
    with processes("while True: pass", 2):
        print(line("empty loop, two busy processes", await for_a_while(IDLE_S)))
    async with open_house(Settings(data_dir=directory), at_work=True) as house:
        await asyncio.sleep(1)
        print(line("idle house", await for_a_while(IDLE_S)))
        cpu_s = time.process_time()
        await asyncio.sleep(IDLE_S)
        idle_cpu = (time.process_time() - cpu_s) / IDLE_S
        idle_mb = resident_mb(os.getpid())
        me, done = Person("cli:bench", "bench"), asyncio.Event()
        options = ShotOptions(seconds=8, resolution="720p")
        timer = asyncio.create_task(lateness(done), name="timer")
        began = time.perf_counter()
        jobs = [
            await house.studio.create(
                Create(asked=Asked(f"bench-{n}", "local:home", me), prompt=prompt, options=options)
            )
            for n, prompt in enumerate(("a lighthouse keeper lights the lamp", "a pirate ship in a storm"))
        ]
        ended = [await house.studio.finished(job.id) for job in jobs]
        took_s = time.perf_counter() - began
        done.set()
        print(line("two clips render and are saved", await timer))
        print(f"two clips: {', '.join(job.state for job in ended)} in {took_s:.1f} s")
    with processes("import time; time.sleep(60)", 1) as (bare,):
        await asyncio.sleep(0.5)
        bare_mb = resident_mb(bare.pid)
    print(f"idle house: {idle_mb:.0f} MB resident, {idle_mb / bare_mb:.1f} times a bare interpreter ({bare_mb:.0f} MB)")
    print(f"idle house: {idle_cpu * 100:.1f} % of a core")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))
